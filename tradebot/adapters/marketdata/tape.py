"""Tapes over files of daily bars, minutes and ticks: the prices the exchange trades at, as they were recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Protocol, TypeVar

from tradebot.adapters.marketdata.bar_series import BarSeries, series_by_symbol
from tradebot.adapters.marketdata.minute_files import MinuteBar, bar_of_minutes, prints_of_minutes
from tradebot.adapters.marketdata.path import PathShape, day_path
from tradebot.adapters.marketdata.tick_files import TickDay, bar_of_ticks
from tradebot.domain.calendar import Calendar
from tradebot.domain.corporate_actions import CorporateAction, UndeclaredJump, undeclared_jump
from tradebot.domain.instruments import Instrument
from tradebot.domain.market_rules import MarketRules, tick_size
from tradebot.domain.quotes import Bar, Print
from tradebot.domain.trading_day import Window
from tradebot.exchange.tape import Tape

# Two days of the data set's 35 symbols, and some more; a path that fell out is made again, the same.
PATHS_MAX = 128

_NO_BARS = BarSeries()
_Day = TypeVar("_Day")


class ListedTape(Tape, Protocol):
    """A tape that also says what is on it: what a history and a replay need to know beforehand."""

    @property
    def first_day(self) -> date:
        """The first day that can be replayed."""
        ...

    @property
    def last_day(self) -> date: ...

    @property
    def actions(self) -> Sequence[CorporateAction]:
        """The splits and bonus issues that its prices show; history and exchange adjust for these and no others."""
        ...

    def all_symbols(self) -> Sequence[str]:
        """Every symbol with a bar on any day, sorted."""
        ...


class RecordedTape:
    """Bars from files; the prints of a day are made from `make_prints` when asked for, and the last PATHS_MAX kept.

    A symbol whose open is more than 20 % away from its last close, declared splits and bonus issues taken into
    account, is out from that day on, to the end of the tape: either its bars before the jump are on another scale
    (an action is missing in the table, and declaring it brings the symbol back at the next start), or the price is
    wrong; in both cases nothing computed from its history can be trusted.
    """

    def __init__(
        self,
        bars: Iterable[Bar],
        make_prints: Callable[[Bar], Sequence[Print]],
        actions: Sequence[CorporateAction],
    ) -> None:
        """`bars` come in order of day for each symbol, at least one of them."""
        self._series = series_by_symbol(bars)
        self._actions = tuple(actions)
        self._symbols = _symbols_by_day(self._series.values())
        self._jumps = _first_jumps(self._series, actions)
        self._prints = lru_cache(maxsize=PATHS_MAX)(
            lambda symbol, day: () if (bar := self.bar(symbol, day)) is None else make_prints(bar)
        )

    @property
    def first_day(self) -> date:
        return min(self._symbols)

    @property
    def last_day(self) -> date:
        return max(self._symbols)

    @property
    def actions(self) -> Sequence[CorporateAction]:
        return self._actions

    def all_symbols(self) -> Sequence[str]:
        return sorted(self._series)

    def symbols(self, day: date) -> frozenset[str]:
        return self._symbols.get(day, frozenset())

    def bar(self, symbol: str, day: date) -> Bar | None:
        return self._series.get(symbol, _NO_BARS).on(day)

    def last_bar(self, symbol: str, before: date) -> Bar | None:
        return self._series.get(symbol, _NO_BARS).last_before(before)

    def prints(self, symbol: str, day: date) -> Sequence[Print]:
        return self._prints(symbol, day)

    def problems(self, symbol: str, day: date) -> str | None:
        jump = self._jumps.get(symbol)
        return None if jump is None or day < jump.day else str(jump)


def daily_tape(
    bars: Sequence[Bar],
    *,
    seed: int,
    shape: PathShape,
    calendar: Calendar,
    rules: MarketRules,
    actions: Sequence[CorporateAction],
    instruments: Mapping[str, Instrument],
) -> RecordedTape:
    """A tape over daily bars, with seeded paths through them; every bar's day is one of the calendar's."""
    series = series_by_symbol(bars)

    def make_prints(bar: Bar) -> Sequence[Print]:
        instrument = instruments[bar.symbol]
        windows = continuous_windows(calendar, instrument, bar.day)
        return day_path(
            bar, windows, month_tick(rules, instrument, bar.day, series[bar.symbol]), seed=seed, shape=shape
        )

    return RecordedTape(bars, make_prints, actions)


def minute_tape(
    days: Mapping[tuple[str, date], Sequence[MinuteBar]], *, seed: int, actions: Sequence[CorporateAction]
) -> RecordedTape:
    """A tape over one-minute bars: four prints a minute, so every price of the file is printed."""
    return RecordedTape(
        _chained(days.values(), bar_of_minutes),
        lambda bar: prints_of_minutes(days[bar.symbol, bar.day], seed),
        actions,
    )


def tick_tape(days: Mapping[tuple[str, date], TickDay], *, actions: Sequence[CorporateAction]) -> RecordedTape:
    """A tape over recorded ticks, printed as they came."""
    return RecordedTape(_chained(days.values(), bar_of_ticks), lambda bar: days[bar.symbol, bar.day].prints, actions)


def continuous_windows(calendar: Calendar, instrument: Instrument, day: date) -> Sequence[Window]:
    """When the instrument trades continuously on a day that has a session."""
    found = calendar.trading_day(day)
    return () if found is None else found.plan(instrument.has_derivatives).continuous


def month_tick(rules: MarketRules, instrument: Instrument, day: date, series: BarSeries) -> Decimal:
    """The tick of the day, in rupees, by the symbol's last close of an earlier month.

    Before there is one, the previous close of the first bar stands for it (the two are the same price). The reference
    is not adjusted for a split within the month: after its split of 2025-06-16 BAJFINANCE kept its tick of Rs 0.50.
    """
    start = day.replace(day=1)
    last, first = series.last_before(start), series.first_since(start)
    if last is not None:
        return tick_size(rules, day, last.close, instrument.is_etf)
    if first is None:
        raise LookupError(f"no price of {instrument.symbol} decides its tick on {day}")
    return tick_size(rules, day, first.previous_close, instrument.is_etf)


def _chained(days: Iterable[_Day], make_bar: Callable[[_Day, Decimal | None], Bar]) -> Iterable[Bar]:
    """The bars of days that come by symbol and day, each with the close of the day before it."""
    last: Bar | None = None
    for day in days:
        bar = make_bar(day, None)
        if last is not None and last.symbol == bar.symbol:
            bar = make_bar(day, last.close)
        last = bar
        yield bar


def _symbols_by_day(all_series: Iterable[BarSeries]) -> Mapping[date, frozenset[str]]:
    found: dict[date, set[str]] = {}
    for series in all_series:
        for bar in series:
            found.setdefault(bar.day, set()).add(bar.symbol)
    return {day: frozenset(symbols) for day, symbols in found.items()}


def _first_jumps(
    all_series: Mapping[str, BarSeries], actions: Sequence[CorporateAction]
) -> Mapping[str, UndeclaredJump]:
    jumps = {}
    for symbol, series in all_series.items():
        jump = _first_jump(series, [action for action in actions if action.symbol == symbol])
        if jump is not None:
            jumps[symbol] = jump
    return jumps


def _first_jump(series: BarSeries, actions: Sequence[CorporateAction]) -> UndeclaredJump | None:
    last: Bar | None = None
    for bar in series:
        jump = undeclared_jump(
            bar.previous_close if last is None else last.close,
            bar.open,
            actions,
            symbol=bar.symbol,
            day=bar.day,
            last_seen=None if last is None else last.day,
        )
        if jump is not None:
            return jump
        last = bar
    return None
