"""A file of ticks: some symbols, one full day, a tick a second each, after a day with a few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path

from config.market_rules import load_market
from tradebot.domain.calendar import IST

DAY_BEFORE, DAY = date(2026, 9, 1), date(2026, 9, 2)
SYMBOLS = 50

_CONFIG = Path(__file__).parents[1] / "config" / "market"
_SECOND = timedelta(seconds=1)
_PAISE, _TICK = 100, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TickFile:
    path: Path
    symbols: Sequence[str]
    ticks: int


def write_ticks(path: Path, seconds_max: int | None) -> TickFile:
    """`seconds_max` ends the full day early; without it, the continuous session is whole."""
    market = load_market(_CONFIG)
    symbols = sorted(symbol for symbol, it in market.instruments.items() if it.has_derivatives)[:SYMBOLS]
    plan = market.calendar.trading_day(DAY)
    assert plan is not None
    window = plan.plan(has_derivatives=True).continuous[0]
    seconds = int((window.end - window.start).total_seconds())
    full = list(islice((window.start + n * _SECOND for n in range(seconds)), seconds_max))
    first = [full[0] - (DAY - DAY_BEFORE), full[-1] - (DAY - DAY_BEFORE)]
    count = 0
    with path.open("w", encoding="ascii") as file:
        file.write("timestamp,symbol,ltp,volume\n")
        for number, symbol in enumerate(symbols):
            for line in _lines(symbol, number, first, full):
                file.write(line)
                count += 1
    return TickFile(path=path, symbols=symbols, ticks=count)


def _lines(symbol: str, number: int, *days: Sequence[datetime]) -> Iterator[str]:
    """A walk in steps of one tick, by a fixed rule: no real prices."""
    price, draw = (200 + 37 * number) * _PAISE, 12_345 + number
    for instants in days:
        volume = 0
        for at in instants:
            draw = (1_103_515_245 * draw + 12_345) % 2**31
            price += _TICK * ((draw >> 16) % 3 - 1)
            volume += 1 + (draw >> 8) % 500
            yield f"{at.astimezone(IST).isoformat()},{symbol},{price // _PAISE}.{price % _PAISE:02},{volume}\n"
