"""Buys a dip in a rising share: the close stands above its 200-day average and the RSI says oversold.

A signal is a pure function of the bars before the trading day and of the positions held. Nothing else is
remembered, so that a restart on any evening gives the same signals with the same ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from tradebot.domain.calendar import IST
from tradebot.domain.orders import EntryType, Side
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Bar
from tradebot.domain.signals import Signal
from tradebot.ports import History
from tradebot.strategies.amounts import fine, rupees
from tradebot.strategies.indicators import EMA_LONG, IndicatorCache, Readings, rsi_values
from tradebot.strategies.universe import windows

ENTRY_RSI = 30
REENTRY_RSI = (20, 10)
# The long average starts at one single close; only after so many more has its weight fallen to 13.5 %.
WARM_UP_BARS = EMA_LONG
# About four years: the start of the window then weighs less than 1/20,000 in the long average, and the cost
# of one evening stays bounded however long the history grows.
WINDOW_BARS = 1_000


class Dip:
    """Initial entries at RSI 10 below 30, re-entries below 20 and below 10, out at the 9-day average."""

    name = "dip"

    def __init__(self) -> None:
        self._indicators = IndicatorCache()

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:
        """At most one signal a symbol: an initial one where nothing is held, else a re-entry."""
        first_fills = _first_fill_days(held)
        found = []
        for symbol, bars in windows(history, trading_day, WINDOW_BARS).items():
            readings = self._indicators.readings(symbol, bars)
            if symbol in first_fills:
                entry = _reentry(readings, bars, first_fills[symbol])
            else:
                entry = _initial(readings, bars[-1])
            if entry is not None:
                found.append(_signal(entry, trading_day, bars[-1], readings))
        return found

    def target(self, position: Position, as_of: date, history: History) -> Decimal | None:
        """The 9-day average of the closes before `as_of`; None for a halted symbol and below nine bars."""
        if position.symbol in history.halted(as_of):
            return None
        bars = history.bars(position.symbol, as_of, WINDOW_BARS)
        average = self._indicators.readings(position.symbol, bars).ema_short
        return rupees(average) if average is not None else None

    def has_indicators(self, symbol: str, as_of: date, history: History) -> bool:
        """Whether there are bars enough for RSI and both averages, and no unexplained jump."""
        if symbol in history.halted(as_of):
            return False
        readings = self._indicators.readings(symbol, history.bars(symbol, as_of, WINDOW_BARS))
        known = (readings.ema_long, readings.ema_short, readings.rsi)
        return readings.bars > WARM_UP_BARS and None not in known


def _first_fill_days(held: Sequence[Position]) -> Mapping[str, date]:
    """The trading day of the first fill by symbol; of several positions in a symbol the oldest counts."""
    days: dict[str, date] = {}
    for position in held:
        if position.is_open:
            day = position.first_fill_at.astimezone(IST).date()
            days[position.symbol] = min(day, days.get(position.symbol, day))
    return days


def _initial(readings: Readings, newest: Bar) -> str | None:
    if readings.bars <= WARM_UP_BARS or readings.ema_long is None or readings.rsi is None:
        return None
    return "initial" if float(newest.close) > readings.ema_long and readings.rsi < ENTRY_RSI else None


def _reentry(readings: Readings, bars: Sequence[Bar], first_fill: date) -> str | None:
    """The deepest level that the newest close is the first one since the first fill to stand below.

    A fall through both levels in one day is one re-entry, at the deeper one.
    """
    if readings.rsi is None or readings.rsi >= max(REENTRY_RSI) or bars[-1].day < first_fill:
        return None
    earlier = [
        value
        for bar, value in zip(bars[:-1], rsi_values([bar.close for bar in bars[:-1]]), strict=True)
        if value is not None and bar.day >= first_fill
    ]
    lowest = min(earlier, default=100.0)
    reached = [level for level in REENTRY_RSI if readings.rsi < level <= lowest]
    return f"reentry{min(reached)}" if reached else None


def _signal(entry: str, trading_day: date, newest: Bar, readings: Readings) -> Signal:
    return Signal(
        id=f"{Dip.name}:{newest.symbol}:{trading_day}:{entry}",
        strategy=Dip.name,
        symbol=newest.symbol,
        side=Side.BUY,
        trading_day=trading_day,
        entry_type=EntryType.INITIAL if entry == "initial" else EntryType.REENTRY,
        reference_close=rupees(newest.close),
        metadata=_metadata(newest, readings),
    )


def _metadata(newest: Bar, readings: Readings) -> Mapping[str, str]:
    """What the order and the position keep, in the prices of the trading day; what is not known is left
    out."""
    figures = {
        "target": rupees(readings.ema_short) if readings.ema_short is not None else None,
        "atr": fine(readings.atr) if readings.atr is not None else None,
        "rsi": fine(readings.rsi) if readings.rsi is not None else None,
        "ema200": fine(readings.ema_long) if readings.ema_long is not None else None,
        "mean_volume": fine(readings.mean_volume) if readings.mean_volume is not None else None,
    }
    known = {name: str(value) for name, value in figures.items() if value is not None}
    return {"reference_day": newest.day.isoformat()} | known
