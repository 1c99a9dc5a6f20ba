"""Daily bars kept by symbol, found by day in constant time and by "the last one before" by bisection."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from tradebot.domain.quotes import Bar


class BarSeries:
    """The bars of one symbol, ascending by day; bounded by the days that there are."""

    def __init__(self, bars: Iterable[Bar] = ()) -> None:
        self._days: list[date] = []
        self._bars: list[Bar] = []
        self._by_day: dict[date, Bar] = {}
        for bar in bars:
            self.append(bar)

    def append(self, bar: Bar) -> None:
        """Add a bar; raises ValueError when it is not newer than all others."""
        if self._days and bar.day <= self._days[-1]:
            raise ValueError(f"{bar.symbol} {bar.day} is not after {self._days[-1]}")
        self._days.append(bar.day)
        self._bars.append(bar)
        self._by_day[bar.day] = bar

    def on(self, day: date) -> Bar | None:
        return self._by_day.get(day)

    def last_before(self, day: date) -> Bar | None:
        index = bisect_left(self._days, day)
        return self._bars[index - 1] if index else None

    def first_since(self, day: date) -> Bar | None:
        index = bisect_left(self._days, day)
        return self._bars[index] if index < len(self._bars) else None

    def before(self, day: date, count: int) -> Sequence[Bar]:
        """The last `count` bars before the day, oldest first."""
        end = bisect_left(self._days, day)
        return self._bars[max(0, end - count) : end]

    def __len__(self) -> int:
        return len(self._bars)

    def __iter__(self) -> Iterator[Bar]:
        return iter(self._bars)


def series_by_symbol(bars: Iterable[Bar]) -> Mapping[str, BarSeries]:
    """One series for each symbol; the bars of a symbol must come in order of day."""
    found: defaultdict[str, BarSeries] = defaultdict(BarSeries)
    for bar in bars:
        found[bar.symbol].append(bar)
    return dict(found)
