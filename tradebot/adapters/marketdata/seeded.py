"""The seeded market: a tape without files, made of numbers that were fitted on real sessions."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from tradebot.adapters.marketdata.bar_series import BarSeries
from tradebot.adapters.marketdata.chance import STANDARD_NORMAL
from tradebot.adapters.marketdata.path import day_path
from tradebot.adapters.marketdata.seeded_parameters import SeededParameters
from tradebot.adapters.marketdata.seeded_scores import Scores, ScoreSeries, combined
from tradebot.adapters.marketdata.tape import PATHS_MAX, continuous_windows, month_tick
from tradebot.domain.calendar import Calendar
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.instruments import Instrument
from tradebot.domain.market_rules import MarketRules, price_band, round_to_tick, tick_size
from tradebot.domain.quotes import Bar, Print

# 390 calendar days hold at least 278 weekdays: more than a year of bars stands before the calendar's first day.
_DAYS_BEFORE_CALENDAR = 390
_SATURDAY = 5
_MARKET = "*market*"
_PER_CENT = 0.01
_BASIS_POINT = 0.0001


class SeededTape:
    """Implements `exchange.tape.Tape`; every price is a function of (seed, day, symbol), the calendar and the rules.

    Every symbol starts about a year before the calendar's first day, so that there is a history on that day; before
    the calendar every weekday counts as a session. Bars are made from there on, once and only as far as asked for:
    at most one for each symbol and session of the calendar. There are no corporate actions and no jumps beyond the
    price band, so nothing is ever halted. Several threads may ask at once.
    """

    def __init__(
        self,
        *,
        seed: int,
        parameters: SeededParameters,
        calendar: Calendar,
        rules: MarketRules,
        instruments: Mapping[str, Instrument],
    ) -> None:
        self._seed = seed
        self._parameters = parameters
        self._calendar = calendar
        self._rules = rules
        self._instruments = instruments
        self._sessions = _sessions(calendar)
        self._series = {symbol: BarSeries() for symbol in instruments}
        self._own = {symbol: self._scores(symbol) for symbol in instruments}
        self._market = self._scores(None)
        self._lock = threading.Lock()
        self._prints = lru_cache(maxsize=PATHS_MAX)(self._make_prints)

    @property
    def first_day(self) -> date:
        return self._sessions[bisect_left(self._sessions, self._calendar.first)]

    @property
    def last_day(self) -> date:
        return self._sessions[-1]

    @property
    def actions(self) -> Sequence[CorporateAction]:
        """None: a real split of a symbol must not be applied to invented prices."""
        return ()

    def all_symbols(self) -> Sequence[str]:
        return sorted(self._instruments)

    def symbols(self, day: date) -> frozenset[str]:
        return frozenset() if self._session_index(day) is None else frozenset(self._instruments)

    def bar(self, symbol: str, day: date) -> Bar | None:
        index = self._session_index(day)
        if symbol not in self._instruments or index is None:
            return None
        return self._grown(symbol, index).on(day)

    def last_bar(self, symbol: str, before: date) -> Bar | None:
        index = bisect_left(self._sessions, before) - 1
        if symbol not in self._instruments or index < 0:
            return None
        return self._grown(symbol, index).on(self._sessions[index])

    def prints(self, symbol: str, day: date) -> Sequence[Print]:
        """None on a day before the calendar: it has a bar, but no session times."""
        return self._prints(symbol, day)

    def problems(self, symbol: str, day: date) -> str | None:  # noqa: ARG002 (no seeded symbol ever has one)
        return None

    def _scores(self, symbol: str | None) -> ScoreSeries:
        dependence = self._parameters.dependence
        return ScoreSeries(
            seed=self._seed,
            name=symbol or _MARKET,
            sessions=self._sessions,
            range_memory=dependence.range_memory_own if symbol else dependence.range_memory_market,
            volume_memory=dependence.volume_memory_own if symbol else dependence.volume_memory_market,
        )

    def _session_index(self, day: date) -> int | None:
        index = bisect_left(self._sessions, day)
        return index if index < len(self._sessions) and self._sessions[index] == day else None

    def _make_prints(self, symbol: str, day: date) -> Sequence[Print]:
        bar = self.bar(symbol, day)
        if bar is None or day < self._calendar.first:
            return ()
        instrument = self._instruments[symbol]
        tick = month_tick(self._rules, instrument, day, self._series[symbol])
        windows = continuous_windows(self._calendar, instrument, day)
        return day_path(bar, windows, tick, seed=self._seed, shape=self._parameters.path)

    def _grown(self, symbol: str, index: int) -> BarSeries:
        """The symbol's bars, at least up to the session with that index."""
        series = self._series[symbol]
        if len(series) <= index:
            with self._lock:
                while len(series) <= index:
                    series.append(self._next_bar(symbol, series))
        return series

    def _next_bar(self, symbol: str, series: BarSeries) -> Bar:
        index = len(series)
        day = self._sessions[index]
        instrument = self._instruments[symbol]
        previous_close, tick = self._before(instrument, day, series)
        band = price_band(previous_close, self._rules.band_pct(instrument, day), tick)
        scores = combined(self._market.at(index), self._own[symbol].at(index), self._parameters.dependence)
        is_short = day >= self._calendar.first and not self._is_full(day)
        move = _move(self._parameters, symbol, scores, is_short=is_short)

        def on_grid(ratio: float) -> Decimal:
            price = round_to_tick(previous_close * Decimal(ratio), tick, "nearest")
            return min(band.upper, max(band.lower, price))

        return Bar(
            symbol=symbol,
            day=day,
            open=on_grid(move.open),
            high=on_grid(move.high),
            low=on_grid(move.low),
            close=on_grid(move.close),
            previous_close=previous_close,
            volume=_volume(self._parameters, symbol, day, scores, is_short=is_short),
        )

    def _before(self, instrument: Instrument, day: date, series: BarSeries) -> tuple[Decimal, Decimal]:
        """The previous close, and the tick of the day."""
        last = series.last_before(day)
        if last is None:
            price = self._parameters.of(instrument.symbol).price
            return price, tick_size(self._rules, day, price, instrument.is_etf)
        return last.close, month_tick(self._rules, instrument, day, series)

    def _is_full(self, day: date) -> bool:
        found = self._calendar.trading_day(day)
        return found is not None and found.is_full


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """The day's prices in units of the previous close."""

    open: float
    high: float
    low: float
    close: float


def _move(parameters: SeededParameters, symbol: str, scores: Scores, *, is_short: bool) -> _Move:
    """Gap, then a range of the day around the open that leaves room for the body on the side it goes to."""
    own = parameters.of(symbol)
    gap = own.gap_pct * _PER_CENT * parameters.gap.of_signed_score(scores.gap) + own.drift_bps * _BASIS_POINT
    range_ = own.range_pct * _PER_CENT * parameters.range.of_score(scores.range)
    if is_short:
        range_ *= parameters.short_session_range
    body = parameters.body.of_signed_score(scores.body)
    # Where the open lies in the part of the range that the body leaves.
    below_open = max(0.0, -body) + (1 - abs(body)) * STANDARD_NORMAL.cdf(scores.wick)
    low = 1 + gap - below_open * range_
    return _Move(open=1 + gap, high=low + range_, low=low, close=1 + gap + body * range_)


def _volume(parameters: SeededParameters, symbol: str, day: date, scores: Scores, *, is_short: bool) -> int:
    own = parameters.of(symbol)
    volume = own.volume * parameters.volume.of_score(scores.volume)
    volume *= parameters.short_session_volume if is_short else parameters.weekday_volume[day.weekday()]
    return max(1, round(volume))


def _sessions(calendar: Calendar) -> Sequence[date]:
    start = calendar.first - timedelta(days=_DAYS_BEFORE_CALENDAR)
    before = (start + timedelta(days=offset) for offset in range(_DAYS_BEFORE_CALENDAR))
    weekdays = [day for day in before if day.weekday() < _SATURDAY]
    return [*weekdays, *(found.day for found in calendar.trading_days_between(calendar.first, calendar.last))]
