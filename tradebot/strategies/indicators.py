"""Indicators over daily bars, each day's in constant time: EMA, RSI, the mean true range and the mean volume.

They are binary floats: an indicator is a judgement about prices and never money. What leaves a strategy as a
price goes through `amounts.rupees` and is Decimal from there on.

The value of a day depends on the bars it was made from and on nothing else. A state that has been carried
along from day to day and one that was made anew after a restart come to the same floats, because both begin
at the same bar and take the same steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from tradebot.domain.quotes import Bar

EMA_LONG = 200
EMA_SHORT = 9
RSI_LENGTH = 10
ATR_LENGTH = 14
VOLUME_LENGTH = 20
SYMBOLS_MAX = 1_000
_UNMOVED = 50.0


class Ema:
    """Exponential moving average with the factor 2 / (length + 1).

    It starts at the first value and is given out from the value number `length` on.
    """

    __slots__ = ("_average", "_factor", "_length", "_seen")

    def __init__(self, length: int) -> None:
        self._length = length
        self._factor = 2.0 / (length + 1)
        self._average = 0.0
        self._seen = 0

    @property
    def value(self) -> float | None:
        return self._average if self._seen >= self._length else None

    def push(self, value: float) -> None:
        self._average = self._average + self._factor * (value - self._average) if self._seen else value
        self._seen += 1


class Rsi:
    """Relative strength index after Wilder (New Concepts in Technical Trading Systems, 1978), 0 to 100.

    Its averages start as the plain means of the first `length` changes, so that it is given out from the
    value number `length` + 1 on. Prices that have never moved stand at 50.
    """

    __slots__ = ("_changes", "_gain", "_last", "_length", "_loss")

    def __init__(self, length: int) -> None:
        self._length = length
        self._last: float | None = None
        self._changes = 0
        self._gain = 0.0
        self._loss = 0.0

    @property
    def value(self) -> float | None:
        if self._changes < self._length:
            return None
        moved = self._gain + self._loss
        return 100.0 * self._gain / moved if moved else _UNMOVED

    def push(self, value: float) -> None:
        if self._last is not None:
            self._changes += 1
            change = value - self._last
            # Up to `length` changes this is their plain mean, and after that Wilder's smoothing.
            weight = 1.0 / min(self._changes, self._length)
            self._gain += weight * (max(change, 0.0) - self._gain)
            self._loss += weight * (max(-change, 0.0) - self._loss)
        self._last = value


class MeanOfLast:
    """The plain mean of the last `length` values, given out once there are so many."""

    __slots__ = ("_length", "_values")

    def __init__(self, length: int) -> None:
        self._length = length
        self._values: deque[float] = deque(maxlen=length)

    @property
    def value(self) -> float | None:
        return sum(self._values) / self._length if len(self._values) == self._length else None

    def push(self, value: float) -> None:
        self._values.append(value)


class MeanTrueRange:
    """The plain mean of the last `length` true ranges (not Wilder's smoothing), in rupees.

    A true range needs the close before it, so that the first one is that of the second bar.
    """

    __slots__ = ("_close", "_ranges")

    def __init__(self, length: int) -> None:
        self._ranges = MeanOfLast(length)
        self._close: float | None = None

    @property
    def value(self) -> float | None:
        return self._ranges.value

    def push(self, high: float, low: float, close: float) -> None:
        if self._close is not None:
            self._ranges.push(max(high, self._close) - min(low, self._close))
        self._close = close


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The indicators after the newest of `bars` bars, always finite; None where there were too few for
    one, or where a price that is no number came in."""

    bars: int
    ema_long: float | None
    ema_short: float | None
    rsi: float | None
    atr: float | None
    mean_volume: float | None


class BarIndicators:
    """Every indicator of one symbol, one bar after the other."""

    __slots__ = ("_atr", "_ema_long", "_ema_short", "_first", "_last", "_rsi", "_seen", "_volume")

    def __init__(self) -> None:
        self._ema_long = Ema(EMA_LONG)
        self._ema_short = Ema(EMA_SHORT)
        self._rsi = Rsi(RSI_LENGTH)
        self._atr = MeanTrueRange(ATR_LENGTH)
        self._volume = MeanOfLast(VOLUME_LENGTH)
        self._seen = 0
        self._first: Bar | None = None
        self._last: Bar | None = None

    def push(self, bar: Bar) -> None:
        close = float(bar.close)
        self._ema_long.push(close)
        self._ema_short.push(close)
        self._rsi.push(close)
        self._atr.push(float(bar.high), float(bar.low), close)
        self._volume.push(bar.volume)
        self._seen += 1
        self._first = self._first or bar
        self._last = bar

    def continues_in(self, bars: Sequence[Bar]) -> bool:
        """Whether what was pushed is the beginning of `bars`.

        A split or a bonus issue changes every earlier price, the first one with them; a window that moves on
        begins at another bar; a bar that came in late moves all behind it. In each case the two ends tell.
        """
        if not self._seen:
            return True
        return self._seen <= len(bars) and bars[0] == self._first and bars[self._seen - 1] == self._last

    def catch_up(self, bars: Sequence[Bar]) -> None:
        for bar in bars[self._seen :]:
            self.push(bar)

    def readings(self) -> Readings:
        return Readings(
            bars=self._seen,
            ema_long=_finite(self._ema_long.value),
            ema_short=_finite(self._ema_short.value),
            rsi=_finite(self._rsi.value),
            atr=_finite(self._atr.value),
            mean_volume=_finite(self._volume.value),
        )


class IndicatorCache:
    """The indicators of the symbols asked for last, carried along from day to day.

    At most `symbols_max` symbols are kept; beyond that the one asked for longest ago is dropped, and made
    anew from its bars when it is asked for again. For one thread at a time.
    """

    def __init__(self, symbols_max: int = SYMBOLS_MAX) -> None:
        self._symbols_max = symbols_max
        self._states: dict[str, BarIndicators] = {}

    def __len__(self) -> int:
        return len(self._states)

    def readings(self, symbol: str, bars: Sequence[Bar]) -> Readings:
        """The indicators after the last of `bars`, oldest first: only bars that are new since the last
        call cost."""
        state = self._states.pop(symbol, None)
        if state is None or not state.continues_in(bars):
            state = BarIndicators()
        state.catch_up(bars)
        self._keep(symbol, state)
        return state.readings()

    def _keep(self, symbol: str, state: BarIndicators) -> None:
        self._states[symbol] = state
        if len(self._states) > self._symbols_max:
            del self._states[next(iter(self._states))]


def rsi_values(closes: Sequence[Decimal]) -> Sequence[float | None]:
    """The RSI after each close, oldest first; None while it warms up."""
    rsi = Rsi(RSI_LENGTH)
    values: list[float | None] = []
    for close in closes:
        rsi.push(float(close))
        values.append(rsi.value)
    return values


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
