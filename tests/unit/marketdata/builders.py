"""Builders for market data tests: they name only what matters."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from config.market_rules import Market, load_market
from tradebot.adapters.marketdata.path import PathShape
from tradebot.adapters.marketdata.seeded import SeededTape
from tradebot.adapters.marketdata.seeded_parameters import load_parameters
from tradebot.adapters.marketdata.tape import RecordedTape, daily_tape
from tradebot.domain.calendar import IST, Calendar
from tradebot.domain.corporate_actions import ActionKind, CorporateAction
from tradebot.domain.instruments import Instrument
from tradebot.domain.quotes import Bar
from tradebot.domain.trading_day import Window

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
DAILY_FILE = DATA / "nse_daily_2024_2025.csv.gz"
MINUTE_FILE = DATA / "nse_minute_2021-06-08_to_10.csv.gz"
TICK_FILES = (DATA / "RELIANCE_2021-06-10_raw_ticks.csv.gz", DATA / "SBIN_2021-06-10_raw_ticks.csv.gz")

DAILY_HEADER = "date,symbol,series,prev_close,open,high,low,last,close,volume"
MONDAY = date(2025, 3, 3)
SHAPE = PathShape(volume_profile=(0.5, 0.2, 0.3), low_first_slope=1.0)


def shared(path: Path) -> Path:
    """The file, or a skipped test where the market data folder is not there."""
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


@cache
def market() -> Market:
    return load_market(ROOT / "config" / "market")


@cache
def calendar_of_2021() -> Calendar:
    """The weekdays of the year of the minute and tick files, with the session times of the first regime."""
    first, last = date(2021, 1, 1), date(2021, 12, 31)
    return Calendar(first=first, last=last, regimes=(replace(market().calendar.regimes[0], since=first),))


@cache
def fitted_instruments() -> Mapping[str, Instrument]:
    """The 35 symbols the seeded market was fitted on."""
    return {symbol: market().instruments[symbol] for symbol in load_parameters().symbols}


@cache
def seeded(seed: int) -> SeededTape:
    """Shared by tests: its answers do not depend on who asked before."""
    return SeededTape(
        seed=seed,
        parameters=load_parameters(),
        calendar=market().calendar,
        rules=market().rules,
        instruments=fitted_instruments(),
    )


def a_bar(
    symbol: str = "INFY",
    day: date = MONDAY,
    *,
    open: str = "100",
    high: str = "102",
    low: str = "99",
    close: str = "101",
    previous_close: str = "100",
    volume: int = 100_000,
) -> Bar:
    return Bar(
        symbol=symbol,
        day=day,
        open=Decimal(open),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
        previous_close=Decimal(previous_close),
        volume=volume,
    )


def flat_bars(prices: Mapping[date, str], symbol: str = "INFY", volume: int = 1000) -> Sequence[Bar]:
    """Bars that stay at one price all day; the previous close is the price of the day before."""
    bars = []
    before = next(iter(prices.values()))
    for day, price in prices.items():
        bars.append(
            a_bar(symbol, day, open=price, high=price, low=price, close=price, previous_close=before, volume=volume)
        )
        before = price
    return bars


def a_tape(bars: Sequence[Bar], actions: Sequence[CorporateAction] = ()) -> RecordedTape:
    return daily_tape(
        bars,
        seed=1,
        shape=SHAPE,
        calendar=market().calendar,
        rules=market().rules,
        actions=actions,
        instruments=market().instruments,
    )


def a_bonus(ex_date: date, symbol: str = "INFY", *, of: int = 1, for_each: int = 1) -> CorporateAction:
    return CorporateAction(
        ex_date=ex_date, symbol=symbol, kind=ActionKind.BONUS, numerator=of, denominator=for_each, source="test"
    )


def a_window(start: str = "09:15", minutes: int = 375, day: date = MONDAY) -> Window:
    opens = at(f"{day} {start}")
    return Window(start=opens, end=opens + timedelta(minutes=minutes))


def at(text: str) -> datetime:
    """An instant by the IST clock."""
    return datetime.fromisoformat(text).replace(tzinfo=IST).astimezone(UTC)


def weekdays(first: date, count: int) -> Sequence[date]:
    days = (first + timedelta(days=offset) for offset in range(count * 2))
    return [day for day in days if day.weekday() < 5][:count]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_gzipped(path: Path, *lines: str) -> Path:
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return path


def daily_line(
    day: str = "2025-03-03",
    symbol: str = "INFY",
    prices: str = "100,102,99,101,101",
    series: str = "EQ",
    volume: str = "1000",
) -> str:
    """`prices` are open, high, low, last and close."""
    return f"{day},{symbol},{series},100,{prices},{volume}"


def real_rows() -> Sequence[dict[str, str]]:
    with gzip.open(shared(DAILY_FILE), "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))
