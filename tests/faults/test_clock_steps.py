"""Steps of the wall clock below the whole live daemon, at an exchange that keeps the right time: nothing is entered
while they disagree, nothing goes out twice, the ways out work, and setting it right is all that has to be done."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.desks import credentials
from tests.faults.running import (
    NOON,
    Daemon,
    daemon,
    findings,
    free_port,
    in_session,
    is_ready,
    price_below,
    said,
    settings_of,
)
from tests.faults.wall_clock import WallClock, wall_clock
from tests.simulator.killing import environment, run_main
from tests.venue import ROOT, Venue, small_market
from tradebot.adapters.brokers.server_dates import date_of

HOUR, TEN_YEARS = timedelta(hours=1), timedelta(days=3652)
TO_THE_EVENING, CLOSED = timedelta(hours=5), datetime(2026, 9, 16, 10, 30, tzinfo=UTC)
STEPS_ON_PAPER = 4
IN_THE_BAND = "1400"
"""Of the market that paper makes up for INFY on that day."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The exchange and the daemon, each with a clock of its own; both show noon in the beginning."""

    venue: Venue
    venue_clock: WallClock
    it: Daemon
    clock: WallClock

    def places(self, symbol: str) -> str:
        """The id of the one order of the symbol's key: now and then the book of the moment is too thin for it."""
        ids: list[str] = []

        def is_taken() -> bool:
            answer = self.it.place(symbol, price_below(self.venue, symbol), key=f"key-{symbol}")
            ids.extend([str(answer.json()["id"])] if answer.status_code == 201 else [])
            return bool(ids)

        self.it.until(is_taken)
        return ids[0]

    def stands(self, symbol: str) -> bool:
        """Whether the exchange has an order in the symbol."""
        return any(symbol in str(order) for order in self.venue.books())

    def refuses(self, symbol: str) -> str:
        answer = self.it.place(symbol, price_below(self.venue, symbol))
        assert answer.status_code == 422, answer.text
        return answer.text

    def tells_the_evening(self) -> bool:
        """Whether the exchange's answers have the new time: a server looks at the clock a few times a second."""
        date = date_of(httpx.get(f"{self.venue.url}/admin").headers["Date"])
        return date is not None and date >= CLOSED

    def step(self, by: timedelta) -> None:
        """Until it has noticed."""
        told = len(self.it.events("CLOCK_STEPPED"))
        self.clock.step(by)
        self.it.until(lambda: len(self.it.events("CLOCK_STEPPED")) > told)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("steps")
    right, mine = wall_clock(folder, "exchange.clock", NOON), wall_clock(folder, "daemon.clock", NOON)
    with (
        in_session(folder, prefix=right.words, clock="real") as venue,
        daemon(folder, venue, *mine.words) as it,
    ):
        it.until(lambda: it.events("BROKER_SESSION"))
        yield Stage(venue, right, it, mine)


@pytest.mark.parametrize(
    ("step", "symbols"),
    [(-HOUR, ("INFY", "TCS", "ITC")), (HOUR, ("SBIN", "LT", "BEL")), (TEN_YEARS, ("GAIL", "NTPC", "TITAN"))],
    ids=["an hour back", "an hour on", "ten years on"],
)
def test_a_step_stops_entries_until_the_clock_is_set_right(
    stage: Stage, step: timedelta, symbols: tuple[str, str, str]
) -> None:
    it, (before, within, after) = stage.it, symbols
    alarms, ends = len(it.events("CLOCK_DISAGREES")), len(it.events("CLOCK_AGREES"))
    first = stage.places(before)
    it.until(lambda: stage.stands(before))
    stood = len(stage.venue.books())

    stage.step(step)
    it.until(lambda: len(it.events("CLOCK_DISAGREES")) > alarms)
    stage.refuses(within)
    assert stage.places(before) == first, "the same key is another order"
    assert it.api.delete(f"/orders/{first}").status_code in (200, 202)
    it.until(lambda: it.api.get(f"/orders/{first}").json()["order"]["status"] == "cancelled")
    assert len(stage.venue.books()) == stood

    stage.step(-step)
    it.until(lambda: len(it.events("CLOCK_AGREES")) > ends)
    stage.places(after)
    it.until(lambda: len(stage.venue.books()) == stood + 1)
    assert [event["level"] for event in it.events("CLOCK_DISAGREES")][alarms:] == ["CRITICAL"]
    assert len(it.events("CALENDAR_ENDED")) == (1 if step == TEN_YEARS else 0)


def test_a_machine_that_slept_past_the_close_catches_up_and_enters_nothing_twice(stage: Stage) -> None:
    """The last one: the exchange's clock is on in the evening, too, since it was the machine that slept."""
    it = stage.it
    first, alarms = stage.places("CIPLA"), len(it.events("CLOCK_DISAGREES"))
    it.until(lambda: stage.stands("CIPLA"))
    stood = len(stage.venue.books())

    it.process.send_signal(signal.SIGSTOP)
    stage.venue_clock.step(TO_THE_EVENING)
    stage.clock.step(TO_THE_EVENING)
    it.until(lambda: stage.venue.now >= CLOSED and stage.tells_the_evening())
    it.process.send_signal(signal.SIGCONT)

    it.until(lambda: it.events("MARKET_CLOSED"))
    assert {event["job"] for event in it.events("JOB_MISSED")} >= {"market_close"}
    assert len(it.events("CLOCK_DISAGREES")) == alarms
    assert stage.places("CIPLA") == first
    assert len(stage.venue.books()) == stood
    assert it.stop() == 0
    assert findings(it) == []


def test_on_paper_the_exchange_is_the_witness_of_a_step_back_and_does_not_follow_into_an_unknown_year(
    tmp_path: Path,
) -> None:
    """It goes on with the machine's clock, and never back."""
    mine = wall_clock(tmp_path, "paper.clock", NOON)
    with paper(tmp_path, mine) as it:
        enters(it)

        mine.step(-HOUR)
        it.until(lambda: it.events("CLOCK_DISAGREES"))
        assert it.place("INFY", IN_THE_BAND).status_code == 422

        mine.step(HOUR)
        it.until(lambda: it.events("CLOCK_AGREES"))
        enters(it)

        mine.step(TEN_YEARS)
        it.until(lambda: it.events("CALENDAR_ENDED"))
        assert it.place("INFY", IN_THE_BAND).status_code in (409, 422)
        mine.step(-TEN_YEARS)
        it.until(lambda: len(it.events("CLOCK_STEPPED")) >= STEPS_ON_PAPER)
        enters(it)
        assert it.stop() == 0
    assert "Traceback" not in said(tmp_path)


def enters(it: Daemon) -> None:
    """On a machine with much to do making the market keeps the engine longer than the watchdog allows."""

    def is_taken() -> bool:
        answer = it.place("INFY", IN_THE_BAND)
        if "PAUSED" in answer.text:
            run_main("resume", "--home", it.home)
        return answer.status_code == 201

    it.until(is_taken)


@contextmanager
def paper(folder: Path, clock: WallClock) -> Iterator[Daemon]:
    """Paper trading on its own clock, as the configuration has it but for the guards of the order book."""
    venue, port = Venue(url="", state=folder), free_port()
    live = {**settings_of(folder, venue, port), "MODE": "paper"}
    settings = {name: value for name, value in live.items() if name == "MODE" or name not in credentials("kite", "")}
    small_market(folder)
    with (folder / "out.txt").open("a") as out:
        words = [*clock.words, sys.executable, "main.py", "--home", str(folder / "home")]
        process = subprocess.Popen(
            words, cwd=ROOT, env=environment(settings), stdin=subprocess.DEVNULL, stdout=out, stderr=out, text=True
        )
    it = Daemon(home=folder / "home", venue=venue, settings=settings, port=port, process=process)
    try:
        it.until(lambda: is_ready(it))
        yield it
    finally:
        it.api.close()
        it.kill()
