"""How fast a replay goes: at its rate inside trading sessions, without waiting outside of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import Protocol

from tradebot.domain.calendar import Calendar, ist_date


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

    def wait_until(self, at: datetime) -> bool:
        session = self._calendar.trading_day(ist_date(at))
        if session is None or not session.release_at <= at <= session.ends_at:
            return not self._stopped.is_set()
        if self._pace is None or self._session != session.release_at:
            self._session = session.release_at
            self._pace = self._pace_from(at)
        return not self._stopped.is_set() and self._pace.wait_until(at)

    def stop(self) -> None:
        """From any thread, or from a signal handler: the wait that is on ends, and no other begins."""
        self._stopped.set()
        if self._pace is not None:
            self._pace.stop()
