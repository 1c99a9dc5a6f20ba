"""Which instant it is at the exchange."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from tradebot.adapters.timekeeping.scaled import ScaledClock
from tradebot.ports import Clock
from tradebot.venue.settings import ClockKind


class VenueTime(Protocol):
    """`goal` is how far the exchange may go on now."""

    @property
    def kind(self) -> ClockKind: ...

    @property
    def rate(self) -> float: ...

    def goal(self) -> datetime: ...

    def drive(self, to: datetime) -> None:
        """Raises ValueError for a clock that goes by itself, and for a step back."""
        ...


class RunningTime:
    """The machine's time, or time at another rate from the instant at which the books stand."""

    def __init__(self, clock: Clock, kind: ClockKind, rate: float) -> None:
        self.kind = kind
        self.rate = rate
        self._clock = clock

    def goal(self) -> datetime:
        return self._clock.now()

    def drive(self, to: datetime) -> None:
        raise ValueError(f"the clock is {self.kind}: it goes by itself, and not to {to.isoformat()}")


class DrivenTime:
    """Stands still until it is told to go on."""

    kind = ClockKind.DRIVEN
    rate = 0.0

    def __init__(self, start: datetime) -> None:
        self._now = start

    def goal(self) -> datetime:
        return self._now

    def drive(self, to: datetime) -> None:
        if to < self._now:
            raise ValueError(f"the clock stands at {self._now.isoformat()} and cannot go back to {to.isoformat()}")
        self._now = to


def venue_time(kind: ClockKind, rate: float, start: datetime, real: Clock) -> VenueTime:
    """`start` is where the books stand; a real clock does not care."""
    match kind:
        case ClockKind.REAL:
            return RunningTime(real, kind, 1.0)
        case ClockKind.SCALED:
            return RunningTime(ScaledClock(real, offset=_since(real, start), rate=rate), kind, rate)
        case ClockKind.DRIVEN:
            return DrivenTime(start)


def _since(real: Clock, start: datetime) -> timedelta:
    return start - real.now()
