"""The machine's clock beside the broker's: what an answer proves, and what is held up while they disagree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.brokers.wire import a_server, says
from tradebot.adapters.brokers.http import Http, Request
from tradebot.adapters.brokers.server_dates import ServerDates, date_of, drift_s
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.events import Event, EventName, Level
from tradebot.engine.halt import Halt
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import Job, JobDue
from tradebot.runtime.clock_watch import ASK_EVERY_S, DISAGREES_S, NOT_IN_DOUBT, ClockWatch

NOW = datetime(2026, 9, 16, 5, 30, tzinfo=UTC)
HOUR_S = 3600.0
FAR = DISAGREES_S + 1


class HandClock:
    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s


class Watched:
    """A watch with its brake, and what it asks for and tells."""

    def __init__(self) -> None:
        self.clock, self.halt, self.inbox, self.told = HandClock(), Halt(), Inbox(), list[Event]()
        self.watch = ClockWatch(clock=self.clock, halt=self.halt, inbox=self.inbox, tell=self.told.append)

    def asked(self) -> list[Job]:
        return [message.name for message in self.inbox.drain(100) if isinstance(message, JobDue)]

    def names(self) -> list[EventName]:
        return [event.name for event in self.told]


@pytest.mark.parametrize(
    ("now_s", "took_s", "expected"),
    [
        (0.0, 0.1, 0.0),
        (0.9, 0.1, 0.0),
        (1.5, 0.1, 0.4),
        (30.0, 29.5, 0.0),
        (-0.5, 0.1, -0.5),
        (-HOUR_S, 5.0, -HOUR_S),
        (HOUR_S, 5.0, HOUR_S - 6.0),
    ],
)
def test_an_answer_proves_no_more_than_its_whole_seconds_and_its_duration_allow(
    now_s: float, took_s: float, expected: float
) -> None:
    assert drift_s(NOW + timedelta(seconds=now_s), took_s, NOW) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "yesterday", "Wed, 99 Sep 2026 03:45:00 GMT", "Wed, 16 Sep 2026 03:45:00"])
def test_what_is_no_date_with_a_zone_tells_no_time(text: str) -> None:
    assert date_of(text) is None


def test_each_answer_is_measured_and_one_out_of_a_cache_is_not() -> None:
    heard: list[float] = []
    http = Http()
    http.measure(ServerDates(RealClock(), heard.append))
    old = "Date: Wed, 16 Sep 2015 03:45:00 GMT"
    with a_server(says("200 OK", b"{}", "application/json", old)) as server:
        http.call(Request(method="GET", url=server.url))
    with a_server(says("200 OK", b"{}", "application/json", old, "Age: 60")) as server:
        http.call(Request(method="GET", url=server.url))
    with a_server(says("200 OK", b"{}", "application/json")) as server:
        http.call(Request(method="GET", url=server.url))

    assert len(heard) == 1
    assert heard[0] > 365 * 24 * HOUR_S


@pytest.mark.parametrize(("drift", "word"), [(FAR, "ahead of"), (-FAR, "behind")])
def test_a_clock_that_disagrees_takes_no_entries_and_is_told_once(drift: float, word: str) -> None:
    house = Watched()

    for _ in range(3):
        house.watch.measured(drift)

    assert word in house.halt.reason
    assert [(event.name, event.level) for event in house.told] == [(EventName.CLOCK_DISAGREES, Level.CRITICAL)]


def test_one_answer_that_disagrees_stops_entries_and_is_looked_into_before_it_is_an_alarm() -> None:
    house = Watched()

    house.watch.measured(FAR)
    assert house.halt.reason
    assert (house.told, house.asked()) == ([], [Job.VERIFY])
    house.watch.measured(0.0)

    assert (house.halt.reason, house.told, house.asked()) == ("", [], [Job.CATCH_UP])


def test_a_clock_that_agrees_is_not_spoken_of() -> None:
    house = Watched()

    for drift in (0.0, DISAGREES_S, -DISAGREES_S):
        house.watch.measured(drift)

    assert (house.halt.reason, house.told, house.asked()) == ("", [], [])


def test_an_answer_that_agrees_opens_entries_and_catches_up() -> None:
    house = Watched()
    for drift in (FAR, FAR, 0.4, 0.4):
        house.watch.measured(drift)

    assert house.halt.reason == ""
    assert house.names() == [EventName.CLOCK_DISAGREES, EventName.CLOCK_AGREES]
    assert house.asked() == [Job.VERIFY, Job.CATCH_UP]


def test_after_a_step_the_broker_is_asked_before_anything_is_entered_or_caught_up_with() -> None:
    house = Watched()
    house.watch.measured(0.0)

    house.watch.stepped(-HOUR_S)
    assert "compared with the broker's" in house.halt.reason
    assert house.asked() == [Job.VERIFY]
    house.watch.measured(0.0)

    assert (house.halt.reason, house.told) == ("", [])
    assert house.asked() == [Job.CATCH_UP]


def test_while_in_doubt_it_asks_again_and_again_and_never_otherwise() -> None:
    house = Watched()
    house.watch.measured(0.0)
    house.clock.passed_s += ASK_EVERY_S
    house.watch.beat()
    assert house.asked() == []

    house.watch.stepped(HOUR_S)
    house.watch.beat()
    assert house.asked() == [Job.VERIFY]
    for _ in range(3):
        house.clock.passed_s += ASK_EVERY_S
        house.watch.beat()
        house.watch.beat()

    assert house.asked() == [Job.VERIFY] * 3


@pytest.mark.parametrize("step_s", [0.0, HOUR_S])
def test_a_broker_that_tells_no_time_cannot_disagree(step_s: float) -> None:
    house = Watched()

    house.watch.stepped(step_s)

    assert house.halt.reason == ""
    assert house.asked() == [Job.CATCH_UP]


def test_a_silent_scheduler_is_no_doubt_about_the_time() -> None:
    house = Watched()
    house.watch.measured(0.0)

    house.watch.stepped(0.0)

    assert house.halt.reason == ""
    assert house.asked() == [Job.CATCH_UP]


@pytest.mark.parametrize("job", Job)
def test_in_doubt_what_enters_or_ends_a_day_is_held_up_and_the_rest_goes_on(job: Job) -> None:
    house = Watched()
    house.watch.measured(FAR)
    house.asked()
    house.watch.deliver(str(job), NOW)
    assert house.asked() == ([] if job in NOT_IN_DOUBT else [job])

    house.watch.measured(0.0)
    assert house.asked() == [Job.CATCH_UP]
    house.watch.deliver(str(job), NOW)
    assert house.asked() == [job]


def test_the_ways_out_are_not_held_up() -> None:
    assert not NOT_IN_DOUBT & {Job.CYCLE, Job.OPEN, Job.VERIFY, Job.RESEND, Job.PLAN}
