"""How fast a replay goes: at its rate inside trading sessions, without waiting outside of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import Protocol

from tradebot.domain.calendar import Calendar, ist_date
from tradebot.ports import Clock


class Pace(Protocol):
    """Holds the caller until real time has reached a virtual instant; False when it was stopped."""

    def wait_until(self, at: datetime) -> bool: ...

    def stop(self) -> None: ...


class SessionPace:
    """One pace per session, begun at its first instant, so that nights and holidays cost no time."""

    def __init__(self, calendar: Calendar, pace_from: Callable[[datetime], Pace]) -> None:
        """`pace_from` makes a pace that begins at the virtual instant it is given."""
        self._calendar = calendar
        self._pace_from = pace_from
        self._pace: Pace | None = None
        self._session: datetime | None = None
        self._stopped = Event()
        self.reached: datetime | None = None
        """The last instant inside a session that was waited for; None before the first."""

    def wait_until(self, at: datetime) -> bool:
        session = self._calendar.trading_day(ist_date(at))
        if session is None or not session.release_at <= at <= session.ends_at:
            return not self._stopped.is_set()
        if self._pace is None or self._session != session.release_at:
            self._session = session.release_at
            self._pace = self._pace_from(at)
        if self._stopped.is_set() or not self._pace.wait_until(at):
            return False
        self.reached = at
        return True

    def stop(self) -> None:
        """From any thread, or from a signal handler: the wait that is on ends, and no other begins."""
        self._stopped.set()
        if self._pace is not None:
            self._pace.stop()


class PacedClock:
    """`ports.Clock` for people: where the engine's clock stands while the replay waits for the next instant, this one
    goes on."""

    def __init__(self, clock: Clock, pace: SessionPace) -> None:
        """`clock` is the engine's."""
        self._clock = clock
        self._pace = pace

    def now(self) -> datetime:
        now, reached = self._clock.now(), self._pace.reached
        return now if reached is None else max(now, reached)

    def monotonic(self) -> float:
        return self._clock.monotonic()
