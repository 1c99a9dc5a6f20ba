"""How the process keeps up with its clock, and what of that it writes down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tests.unit.exchange.builders import ME, MON, a_buy, a_tape, at, facts
from tradebot.domain.orders import Variety
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.rows import OrderUpdate
from tradebot.venue.settings import ClockKind
from tradebot.venue.time import venue_time
from tradebot.venue.venue import IDLE_S, Venue

START = at(MON, "09:16")


@dataclass
class Clock:
    """Set by hand."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def test_quiet_time_is_written_down_once_in_a_while(tmp_path: Path) -> None:
    clock = Clock()
    venue = _a_venue(tmp_path, clock)
    for clock.seconds in range(int(IDLE_S)):
        assert venue.catch_up_idly()
    assert venue.exchange.now == START
    assert len(_journal(tmp_path)) == 0
    clock.seconds = IDLE_S
    venue.catch_up_idly()
    assert venue.exchange.now == START + timedelta(seconds=IDLE_S)
    assert len(_journal(tmp_path)) == 1


def test_what_happens_in_quiet_time_is_told_at_once(tmp_path: Path) -> None:
    clock = Clock()
    venue, told = _a_venue(tmp_path, clock), list[OrderUpdate]()
    venue.listeners.append(told.append)
    venue.exchange.place(ME, a_buy(price="99", variety=Variety.REGULAR))
    while not told:
        clock.seconds += 1
        venue.catch_up_idly()
    assert told[0].at == venue.exchange.now
    assert told[0].trades


def _a_venue(folder: Path, clock: Clock) -> Venue:
    exchange = Exchange.open(
        folder / "books",
        tape=a_tape(),
        facts=facts(),
        seed=7,
        opening=START,
        accounts={ME: Decimal(10**6)},
        durable=False,
    )
    time = venue_time(ClockKind.REAL, 1.0, exchange.now, clock)
    return Venue(exchange, account_id=ME, seed=7, time=time)


def _journal(folder: Path) -> list[str]:
    return [line for file in (folder / "books").glob("journal-*") for line in file.read_text().splitlines()]
