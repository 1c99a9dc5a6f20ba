"""Clocks and schedulers: arithmetic against APScheduler's triggers, virtual order, real steps of the wall clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from queue import Queue

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.world import market
from tradebot.adapters.timekeeping import real, virtual
from tradebot.adapters.timekeeping.real import RealClock, RealScheduler, Watch
from tradebot.adapters.timekeeping.scaled import Pacer, ScaledClock, Waited
from tradebot.adapters.timekeeping.triggers import next_instant, trigger_of
from tradebot.adapters.timekeeping.virtual import VirtualClock, VirtualScheduler
from tradebot.domain.calendar import IST
from tradebot.domain.policy import Policy
from tradebot.engine.day_plan import plan_day
from tradebot.ports import PlannedJob

OPEN = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
"""Friday, 09:15 IST."""
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
DEADLINE_S = 10.0

instants = st.builds(
    lambda seconds, microseconds: OPEN + timedelta(seconds=seconds, microseconds=microseconds),
    st.integers(-6 * 3600, 6 * 3600),
    st.integers(0, 1),
)


class Deliveries:
    """Takes what a scheduler delivers, and waits for it; refuses as often as it is told to."""

    def __init__(self, refuse: int = 0) -> None:
        self.refuse = refuse
        self._queue: Queue[tuple[str, datetime]] = Queue()

    def __call__(self, name: str, at: datetime) -> None:
        if self.refuse:
            self.refuse -= 1
            raise RuntimeError("the inbox is full")
        self._queue.put((name, at))

    def next(self) -> tuple[str, datetime]:
        return self._queue.get(timeout=DEADLINE_S)

    def all(self) -> list[tuple[str, datetime]]:
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]


class HandClock:
    """Monotonic and wall time that go on only by hand."""

    def __init__(self, at: datetime = OPEN) -> None:
        self.at = at
        self.passed_s = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.passed_s

    def go_on(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.passed_s += seconds


def a_cycle(
    at: datetime = OPEN, until: datetime | None = None, every_minutes: int = 1, name: str = "cycle"
) -> PlannedJob:
    return PlannedJob(name=name, at=at, until=until or at + 6 * HOUR, every_minutes=every_minutes)


def a_job(name: str, at: datetime) -> PlannedJob:
    return PlannedJob(name=name, at=at)


def a_virtual(
    jobs: Sequence[PlannedJob] = (), at: datetime = OPEN
) -> tuple[VirtualClock, VirtualScheduler, Deliveries]:
    clock, deliveries = VirtualClock(at), Deliveries()
    scheduler = VirtualScheduler(clock, deliveries)
    scheduler.plan(jobs)
    return clock, scheduler, deliveries


@given(at=instants, until=instants, earliest=instants, every_minutes=st.integers(1, 60))
def test_the_arithmetic_gives_the_answers_of_the_cron_trigger(
    at: datetime, until: datetime, earliest: datetime, every_minutes: int
) -> None:
    job = PlannedJob(name="cycle", at=at, until=until, every_minutes=every_minutes)

    assert next_instant(job, earliest) == trigger_of(job).get_next_fire_time(None, earliest)


@given(at=instants, every_minutes=st.integers(1, 60), count=st.integers(1, 50))
def test_the_arithmetic_goes_on_like_the_cron_trigger(at: datetime, every_minutes: int, count: int) -> None:
    job = PlannedJob(name="cycle", at=at, until=at + 6 * HOUR, every_minutes=every_minutes)
    trigger = trigger_of(job)
    mine, its = [next_instant(job, at)], [trigger.get_next_fire_time(None, at)]

    while len(mine) < count and mine[-1] is not None:
        mine.append(next_instant(job, mine[-1] + INSTANT))
        its.append(trigger.get_next_fire_time(its[-1], its[-1]))

    assert mine == its


def test_a_cycle_is_due_at_both_of_its_ends() -> None:
    job = a_cycle(until=OPEN + 2 * MINUTE)

    assert next_instant(job, OPEN - HOUR) == OPEN
    assert next_instant(job, OPEN + 2 * MINUTE) == OPEN + 2 * MINUTE
    assert next_instant(job, OPEN + 2 * MINUTE + INSTANT) is None


def test_every_seven_minutes_means_the_minutes_of_an_hour_in_india() -> None:
    job = a_cycle(at=datetime(2026, 11, 20, 9, 50, tzinfo=IST), every_minutes=7)

    first = next_instant(job, OPEN)
    assert first is not None
    second = next_instant(job, first + INSTANT)
    assert second is not None

    assert first.astimezone(IST).strftime("%H:%M") == "09:56"
    assert second.astimezone(IST).strftime("%H:%M") == "10:00"


@pytest.mark.parametrize("every_minutes", [0, -1, 61])
def test_a_step_that_cron_cannot_say_is_refused(every_minutes: int) -> None:
    job = a_cycle(every_minutes=every_minutes)

    with pytest.raises(ValueError, match="allowed are 1 to 60"):
        trigger_of(job)
    with pytest.raises(ValueError, match="allowed are 1 to 60"):
        next_instant(job, OPEN)


def test_a_virtual_clock_stands_still_until_it_is_set() -> None:
    clock = VirtualClock(OPEN)
    clock.set(OPEN)
    clock.set(OPEN + MINUTE)

    assert clock.now() == OPEN + MINUTE
    assert clock.monotonic() == 60.0


def test_a_virtual_clock_refuses_to_go_back() -> None:
    clock = VirtualClock(OPEN)

    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(OPEN - INSTANT)
    assert clock.now() == OPEN


def test_jobs_come_by_instant_then_as_planned_then_one_shots() -> None:
    _, scheduler, deliveries = a_virtual([a_job("zulu", OPEN + MINUTE), a_cycle(until=OPEN + MINUTE)])
    scheduler.once("verify", OPEN + MINUTE)
    scheduler.once("alpha", OPEN + MINUTE)
    scheduler.once("early", OPEN - HOUR)

    scheduler.fire_due(OPEN + HOUR)

    assert deliveries.all() == [
        ("early", OPEN - HOUR),
        ("cycle", OPEN),
        ("zulu", OPEN + MINUTE),
        ("cycle", OPEN + MINUTE),
        ("verify", OPEN + MINUTE),
        ("alpha", OPEN + MINUTE),
    ]
    assert scheduler.next_due() is None


def test_only_what_is_due_is_delivered() -> None:
    _, scheduler, deliveries = a_virtual([a_cycle()])
    scheduler.once("verify", OPEN + MINUTE)

    scheduler.fire_due(OPEN + MINUTE - INSTANT)

    assert deliveries.all() == [("cycle", OPEN)]
    assert scheduler.next_due() == OPEN + MINUTE


def test_a_new_plan_replaces_planned_jobs_and_keeps_one_shots() -> None:
    _, scheduler, deliveries = a_virtual([a_job("open", OPEN + MINUTE)])
    scheduler.once("verify", OPEN + 2 * MINUTE)

    scheduler.plan([a_job("close", OPEN + 3 * MINUTE)])
    scheduler.fire_due(OPEN + HOUR)

    assert [name for name, _ in deliveries.all()] == ["verify", "close"]


def test_past_instants_are_left_out_of_a_plan() -> None:
    _, scheduler, deliveries = a_virtual(
        [a_job("open", OPEN - INSTANT), a_job("close", OPEN), a_cycle(at=OPEN - HOUR, until=OPEN + MINUTE)]
    )

    scheduler.fire_due(OPEN + MINUTE)

    assert deliveries.all() == [("close", OPEN), ("cycle", OPEN), ("cycle", OPEN + MINUTE)]


def test_an_instant_that_was_delivered_does_not_come_again_when_the_day_is_planned_anew() -> None:
    jobs = [a_job("plan", OPEN), a_cycle(until=OPEN + MINUTE)]
    _, scheduler, deliveries = a_virtual(jobs)
    scheduler.fire_due(OPEN)
    deliveries.all()

    scheduler.plan([*jobs, a_job("new", OPEN)])
    scheduler.fire_due(OPEN + MINUTE)

    assert deliveries.all() == [("new", OPEN), ("cycle", OPEN + MINUTE)]


def test_the_same_one_shot_asked_for_twice_is_one_until_it_was_delivered() -> None:
    _, scheduler, deliveries = a_virtual()
    scheduler.once("verify", OPEN)
    scheduler.once("verify", OPEN)
    scheduler.fire_due(OPEN)
    scheduler.once("verify", OPEN)
    scheduler.fire_due(OPEN)

    assert deliveries.all() == [("verify", OPEN), ("verify", OPEN)]


def test_a_one_shot_beyond_the_bound_comes_at_once() -> None:
    _, scheduler, deliveries = a_virtual()
    for number in range(virtual.ONE_SHOTS_MAX):
        scheduler.once("verify", OPEN + number * MINUTE)
    assert deliveries.all() == []

    scheduler.once("verify", OPEN - HOUR)

    assert deliveries.all() == [("verify", OPEN - HOUR)]


def test_a_pacer_at_rate_zero_never_waits() -> None:
    pacer = Pacer(0, HandClock(), OPEN)

    assert pacer.wait(OPEN + 1000 * HOUR) is Waited.REACHED
    assert pacer.virtual_now() == OPEN


def test_virtual_time_runs_at_its_rate_from_the_first_wait_on() -> None:
    clock = HandClock()
    pacer = Pacer(60, clock, OPEN)
    clock.go_on(100)
    assert pacer.wait(OPEN) is Waited.REACHED

    clock.go_on(2)

    assert pacer.virtual_now() == OPEN + 2 * MINUTE
    assert pacer.wait(OPEN + 2 * MINUTE) is Waited.REACHED


def test_a_pacer_really_waits() -> None:
    clock = RealClock()
    pacer = Pacer(100, clock, OPEN)
    began = clock.monotonic()

    assert pacer.wait_until(OPEN + timedelta(seconds=2))

    assert clock.monotonic() - began >= 0.02


def test_a_wake_up_ends_a_wait_and_is_used_up_by_it() -> None:
    pacer = Pacer(1, HandClock(), OPEN)
    threading.Timer(0.01, pacer.wake).start()
    assert pacer.wait(OPEN + HOUR) is Waited.WOKEN

    threading.Timer(0.01, pacer.wake).start()
    assert pacer.wait(OPEN + HOUR) is Waited.WOKEN


def test_a_wake_up_before_the_wait_counts() -> None:
    pacer = Pacer(1, HandClock(), OPEN)
    pacer.wake()

    assert pacer.wait(OPEN + HOUR) is Waited.WOKEN


def test_waiting_until_an_instant_outlasts_wake_ups_but_not_a_stop() -> None:
    pacer = Pacer(1, HandClock(), OPEN)
    pacer.wake()
    threading.Timer(0.01, pacer.stop).start()

    assert not pacer.wait_until(OPEN + HOUR)
    assert pacer.wait(OPEN - HOUR) is Waited.STOPPED


def test_a_negative_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="backwards"):
        Pacer(-1, HandClock(), OPEN)
    with pytest.raises(ValueError, match="goes on"):
        ScaledClock(HandClock(), offset=HOUR, rate=0)


def test_a_scaled_clock_starts_at_its_offset_and_runs_at_its_rate() -> None:
    hand = HandClock()
    clock = ScaledClock(hand, offset=HOUR, rate=10)
    hand.go_on(6)

    assert clock.now() == OPEN + HOUR + MINUTE
    assert clock.monotonic() == 60.0


def test_a_step_of_the_wall_clock_does_not_move_a_scaled_clock() -> None:
    hand = HandClock()
    clock = ScaledClock(hand, offset=HOUR, rate=10)
    hand.at -= HOUR

    assert clock.now() == OPEN + HOUR


@pytest.fixture
def deliveries() -> Deliveries:
    return Deliveries()


@pytest.fixture
def scheduler(deliveries: Deliveries) -> Iterator[RealScheduler]:
    with time_machine.travel(OPEN - timedelta(seconds=0.1), tick=True):
        scheduler = RealScheduler(RealClock(), deliveries)
        scheduler.start()
        yield scheduler
        scheduler.stop()


def test_a_planned_job_comes_with_its_planned_instant(scheduler: RealScheduler, deliveries: Deliveries) -> None:
    scheduler.plan([a_cycle(), a_job("past", OPEN - HOUR)])

    assert deliveries.next() == ("cycle", OPEN)
    assert deliveries.all() == []


def test_a_one_shot_comes_also_when_its_instant_has_passed(scheduler: RealScheduler, deliveries: Deliveries) -> None:
    scheduler.once("verify", OPEN - 5 * HOUR)

    assert deliveries.next() == ("verify", OPEN - 5 * HOUR)


def test_jobs_planned_before_the_start_come_after_it() -> None:
    deliveries = Deliveries()
    with time_machine.travel(OPEN - timedelta(seconds=0.1), tick=True):
        scheduler = RealScheduler(RealClock(), deliveries)
        scheduler.plan([a_cycle()])
        scheduler.once("verify", OPEN - HOUR)
        scheduler.start()

        assert {deliveries.next(), deliveries.next()} == {("cycle", OPEN), ("verify", OPEN - HOUR)}
        scheduler.stop()


def test_a_new_plan_takes_the_place_of_the_old_one_and_one_shots_stay(
    scheduler: RealScheduler, deliveries: Deliveries
) -> None:
    scheduler.plan([a_job("old", OPEN)])
    scheduler.once("verify", OPEN)
    scheduler.plan([a_job("new", OPEN)])

    assert {deliveries.next(), deliveries.next()} == {("new", OPEN), ("verify", OPEN)}
    assert deliveries.all() == []


@time_machine.travel(OPEN, tick=False)
def test_what_is_due_when_the_day_is_planned_anew_is_not_lost() -> None:
    clock, deliveries = HandClock(OPEN - MINUTE), Deliveries()
    scheduler = RealScheduler(clock, deliveries)
    scheduler.start()
    scheduler.plan([a_job("open", OPEN + HOUR), a_cycle(at=OPEN + HOUR)])
    clock.go_on(61 * 60 + 0.1)

    scheduler.plan([])

    assert deliveries.all() == [("open", OPEN + HOUR), ("cycle", OPEN + HOUR)]
    scheduler.stop()


def test_two_jobs_of_one_name_and_instant_are_refused(scheduler: RealScheduler) -> None:
    with pytest.raises(ValueError, match="two planned jobs"):
        scheduler.plan([a_cycle(), a_cycle()])


def test_a_job_that_comes_twice_a_day_comes_at_both_instants(scheduler: RealScheduler, deliveries: Deliveries) -> None:
    scheduler.plan([a_job("silence", OPEN), a_job("silence", OPEN + INSTANT)])

    assert [deliveries.next(), deliveries.next()] == [("silence", OPEN), ("silence", OPEN + INSTANT)]
    assert deliveries.all() == []


@time_machine.travel(OPEN, tick=False)
def test_the_plan_of_every_day_is_taken_by_the_scheduler_of_real_time() -> None:
    calendar, day = market().calendar, OPEN.date()
    scheduler = RealScheduler(HandClock(), Deliveries())
    for offset in range(-300, 40):
        scheduler.plan(plan_day(day + timedelta(days=offset), calendar, Policy().times))


def test_after_an_hour_back_the_minute_job_goes_on() -> None:
    deliveries = Deliveries()
    scheduler = RealScheduler(RealClock(), deliveries)
    with time_machine.travel(OPEN - timedelta(seconds=0.1), tick=True):
        scheduler = RealScheduler(RealClock(), deliveries)
        scheduler.start()
        scheduler.plan([a_cycle(at=OPEN - 3 * HOUR, until=OPEN + HOUR)])
        assert deliveries.next() == ("cycle", OPEN)
        assert scheduler.beat() is None
    with time_machine.travel(OPEN - HOUR - timedelta(seconds=0.1), tick=True):
        step_s = scheduler.beat()

        assert deliveries.next() == ("cycle", OPEN - HOUR)
        scheduler.stop()
    assert step_s == pytest.approx(-3600, abs=DEADLINE_S)


def test_a_one_shot_moves_with_a_step_of_the_clock() -> None:
    deliveries = Deliveries()
    with time_machine.travel(OPEN, tick=True):
        scheduler = RealScheduler(RealClock(), deliveries)
        scheduler.start()
        scheduler.once("verify", OPEN + timedelta(seconds=DEADLINE_S / 100))
        with time_machine.travel(OPEN - HOUR, tick=True):
            assert scheduler.beat() is not None

            name, at = deliveries.next()
            scheduler.stop()
    assert name == "verify"
    assert abs(at - (OPEN - HOUR)) < timedelta(seconds=DEADLINE_S)


@pytest.fixture
def by_hand(deliveries: Deliveries) -> Iterator[tuple[HandClock, RealScheduler]]:
    """Below it APScheduler sees another day than the clock by hand, and so keeps silent, as one that has died does."""
    with time_machine.travel(OPEN - 1000 * HOUR, tick=False):
        clock = HandClock(OPEN)
        scheduler = RealScheduler(clock, deliveries, Watch(step_s=2, silence_s=5, grace_s=60))
        scheduler.start()
        yield clock, scheduler
        scheduler.stop()


def test_a_silent_scheduler_is_noticed_and_what_is_due_is_delivered(
    by_hand: tuple[HandClock, RealScheduler], deliveries: Deliveries
) -> None:
    clock, scheduler = by_hand
    scheduler.plan([a_cycle(at=OPEN + MINUTE), a_job("open", OPEN + MINUTE)])
    scheduler.once("verify", OPEN + MINUTE)

    clock.go_on(64)
    assert scheduler.beat() is None
    clock.go_on(2)
    assert scheduler.beat() == 0.0

    assert deliveries.all() == [("cycle", OPEN + MINUTE), ("open", OPEN + MINUTE), ("verify", OPEN + MINUTE)]
    assert scheduler.beat() is None


def test_of_several_missed_minutes_only_the_last_comes(
    by_hand: tuple[HandClock, RealScheduler], deliveries: Deliveries
) -> None:
    clock, scheduler = by_hand
    scheduler.plan([a_cycle()])

    clock.go_on(190)
    scheduler.beat()

    assert deliveries.all() == [("cycle", OPEN + 3 * MINUTE)]


def test_a_planned_job_beyond_its_grace_is_left_to_the_catch_up_and_a_one_shot_is_not(
    by_hand: tuple[HandClock, RealScheduler], deliveries: Deliveries
) -> None:
    clock, scheduler = by_hand
    scheduler.plan([a_job("open", OPEN)])
    scheduler.once("verify", OPEN)

    clock.go_on(61)
    assert scheduler.beat() == 0.0

    assert deliveries.all() == [("verify", OPEN)]
    assert scheduler.beat() is None


def test_a_step_forward_is_told_and_the_jobs_within_grace_come(
    by_hand: tuple[HandClock, RealScheduler], deliveries: Deliveries
) -> None:
    clock, scheduler = by_hand
    scheduler.plan([a_cycle(), a_job("open", OPEN + MINUTE)])
    scheduler.once("verify", OPEN + MINUTE)
    clock.go_on(1)
    clock.at += HOUR

    assert scheduler.beat() == 3600.0

    assert deliveries.all() == [("cycle", OPEN + HOUR)]
    clock.go_on(66)
    scheduler.beat()
    assert ("verify", OPEN + HOUR + MINUTE) in deliveries.all()


@pytest.mark.parametrize("years", [10, -10])
def test_a_step_of_ten_years_ends_at_once(
    by_hand: tuple[HandClock, RealScheduler], deliveries: Deliveries, years: int
) -> None:
    clock, scheduler = by_hand
    scheduler.plan([a_cycle()])
    clock.at += years * timedelta(days=365)

    assert scheduler.beat() == years * 365 * 86400.0
    assert deliveries.all() == []


def test_slow_drift_is_no_step(by_hand: tuple[HandClock, RealScheduler]) -> None:
    clock, scheduler = by_hand
    for _ in range(20):
        clock.go_on(1)
        clock.at += timedelta(seconds=1.9)
        assert scheduler.beat() is None


def test_a_job_that_was_not_taken_stays_due(by_hand: tuple[HandClock, RealScheduler], deliveries: Deliveries) -> None:
    clock, scheduler = by_hand
    scheduler.plan([a_job("open", OPEN + MINUTE)])
    scheduler.once("verify", OPEN + MINUTE)
    deliveries.refuse = 2

    clock.go_on(66)
    assert scheduler.beat() == 0.0
    assert deliveries.all() == []
    assert scheduler.beat() == 0.0

    assert deliveries.all() == [("open", OPEN + MINUTE), ("verify", OPEN + MINUTE)]


def test_the_same_real_one_shot_asked_for_twice_is_one(
    by_hand: tuple[HandClock, RealScheduler], deliveries: Deliveries
) -> None:
    clock, scheduler = by_hand
    scheduler.once("verify", OPEN + MINUTE)
    scheduler.once("verify", OPEN + MINUTE)

    clock.go_on(66)
    scheduler.beat()

    assert deliveries.all() == [("verify", OPEN + MINUTE)]


def test_a_real_one_shot_beyond_the_bound_comes_at_once() -> None:
    deliveries = Deliveries()
    scheduler = RealScheduler(HandClock(), deliveries)
    for number in range(real.ONE_SHOTS_MAX):
        scheduler.once("verify", OPEN + number * MINUTE)

    scheduler.once("late", OPEN + HOUR)

    assert deliveries.all() == [("late", OPEN + HOUR)]


def test_a_stopped_scheduler_neither_beats_nor_delivers(
    by_hand: tuple[HandClock, RealScheduler], deliveries: Deliveries
) -> None:
    clock, scheduler = by_hand
    scheduler.plan([a_cycle()])
    scheduler.stop()

    clock.go_on(100)

    assert scheduler.beat() is None
    assert deliveries.all() == []


def test_stopping_leaves_no_thread_of_the_scheduler(deliveries: Deliveries) -> None:
    before = set(threading.enumerate())
    scheduler = RealScheduler(RealClock(), deliveries)
    scheduler.start()
    assert any(thread.name == "APScheduler" for thread in set(threading.enumerate()) - before)

    scheduler.stop()

    assert not any(thread.name == "APScheduler" for thread in set(threading.enumerate()) - before)
