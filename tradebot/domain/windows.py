"""What was noted within a rolling window, and the figures made of it."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from decimal import Decimal

from tradebot.domain.alerts import Measure

_DAY_S = 86_400
_CENT = Decimal("0.01")


class RollingWindow:
    """Notes of (instant, value, weight), the oldest dropped when it leaves the window; at most `notes_max` of them.

    For a share, a note of value 1 is a bad one and 0 a good one; a weight says how many events one note stands for.
    """

    def __init__(self, window: timedelta, notes_max: int = 10_000) -> None:
        self._window = window
        self._notes: deque[tuple[datetime, Decimal, int]] = deque(maxlen=notes_max)

    def note(self, at: datetime, value: Decimal, weight: int = 1) -> None:
        self._notes.append((at, value, weight))

    def forget(self) -> None:
        self._notes.clear()

    def events(self, now: datetime) -> int:
        self._drop_old(now)
        return sum(weight for _, _, weight in self._notes)

    def figure(self, measure: Measure, now: datetime) -> Decimal:
        """0 where nothing was noted."""
        self._drop_old(now)
        if not self._notes:
            return Decimal(0)
        events = sum(weight for _, _, weight in self._notes)
        total = sum((value * weight for _, value, weight in self._notes), Decimal(0))
        match measure:
            case Measure.COUNT:
                return Decimal(events)
            case Measure.MEAN:
                return total / events
            case Measure.SHARE:
                return total * 100 / events
            case Measure.GOOD_SHARE:
                return 100 - total * 100 / events
            case Measure.HIGHEST:
                return max(value for _, value, _ in self._notes)
            case Measure.LEVEL:
                return self._notes[-1][1]
            case Measure.GROWTH:
                return self._growth()

    def _growth(self) -> Decimal:
        """By least squares, in units a day; 0 while the notes cover less than a quarter of the window, since a start
        grows for a while and then stops."""
        first, last = self._notes[0][0], self._notes[-1][0]
        if (last - first) * 4 < self._window:
            return Decimal(0)
        times = [(at - first).total_seconds() for at, _, _ in self._notes]
        values = [float(value) for _, value, _ in self._notes]
        mean_time, mean_value = sum(times) / len(times), sum(values) / len(values)
        spread = sum((time - mean_time) ** 2 for time in times)
        slope = sum((time - mean_time) * (value - mean_value) for time, value in zip(times, values, strict=True))
        return Decimal(slope / spread * _DAY_S).quantize(_CENT)

    def _drop_old(self, now: datetime) -> None:
        while self._notes and self._notes[0][0] <= now - self._window:
            self._notes.popleft()
