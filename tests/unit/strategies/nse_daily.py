"""Reads the two years of daily prices beside the repository, where they are there, into a history."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tradebot.domain.quotes import Bar

DAILY = Path(__file__).parents[4] / "shared/data/nse_daily_2024_2025.csv.gz"
ACTIONS: Sequence[tuple[str, date, int]] = (
    ("NESTLEIND", date(2024, 1, 5), 10),
    ("RELIANCE", date(2024, 10, 28), 2),
    ("WIPRO", date(2024, 12, 3), 2),
    ("BAJFINANCE", date(2025, 6, 16), 10),
    ("NESTLEIND", date(2025, 8, 8), 2),
    ("HDFCBANK", date(2025, 8, 26), 2),
)


class NseHistory:
    """A ports.History of the file: as it stands there, or adjusted for the splits and bonus issues up to
    `as_of`."""

    def __init__(self, bars: Mapping[str, Sequence[Bar]], *, adjusted: bool) -> None:
        self._bars = dict(bars)
        self._days = {symbol: [bar.day for bar in series] for symbol, series in bars.items()}
        self._due = sorted(ACTIONS, key=lambda action: action[1]) if adjusted else []

    def symbols(self) -> Sequence[str]:
        return sorted(self._bars)

    def bars(self, symbol: str, as_of: date, count: int) -> Sequence[Bar]:
        """Asked with days that only move on."""
        while self._due and self._due[0][1] <= as_of:
            self._adjust(*self._due.pop(0))
        end = bisect_left(self._days[symbol], as_of)
        return self._bars[symbol][max(0, end - count) : end]

    def halted(self, as_of: date) -> Mapping[str, str]:
        return {}

    def days(self) -> Sequence[date]:
        return sorted({day for days in self._days.values() for day in days})

    def _adjust(self, symbol: str, ex_date: date, factor: int) -> None:
        self._bars[symbol] = [_divided(bar, factor) if bar.day < ex_date else bar for bar in self._bars[symbol]]


def nse_history(*, adjusted: bool) -> NseHistory:
    """Skips the test where the file is not there."""
    if not DAILY.exists():
        pytest.skip("needs ../shared/data/nse_daily_2024_2025.csv.gz beside the repository")
    bars: dict[str, list[Bar]] = {}
    with gzip.open(DAILY, "rt", newline="") as file:
        for row in csv.DictReader(file):
            bars.setdefault(row["symbol"], []).append(_bar(row))
    return NseHistory(bars, adjusted=adjusted)


def _bar(row: Mapping[str, str]) -> Bar:
    return Bar(
        symbol=row["symbol"],
        day=date.fromisoformat(row["date"]),
        open=Decimal(row["open"]),
        high=Decimal(row["high"]),
        low=Decimal(row["low"]),
        close=Decimal(row["close"]),
        previous_close=Decimal(row["prev_close"]),
        volume=int(row["volume"]),
    )


def _divided(bar: Bar, factor: int) -> Bar:
    return Bar(
        symbol=bar.symbol,
        day=bar.day,
        open=bar.open / factor,
        high=bar.high / factor,
        low=bar.low / factor,
        close=bar.close / factor,
        previous_close=bar.previous_close / factor,
        volume=bar.volume * factor,
    )
