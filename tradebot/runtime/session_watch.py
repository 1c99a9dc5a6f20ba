"""The life of a broker's session: asked for before the day, and an alarm while there is none and the market is near."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Protocol

from tradebot.domain.calendar import Calendar, CalendarHorizonError, ist, ist_date
from tradebot.domain.errors import BrokerError
from tradebot.domain.events import Event, EventName, Level
from tradebot.ports import Clock, Lanes

LOGIN_FROM = time(8, 0)
"""Sessions die around 06:00; from here on one of today is wanted."""
ALARM_FROM = time(8, 30)
EVERY = timedelta(minutes=1)
LANE = "session"


class BrokerLogin(Protocol):
    """A session that can be asked whether it is good; it may log in on the way."""

    def is_alive(self) -> bool: ...


class SessionWatch:
    """`beat` is called by the engine's thread and never waits: the question is asked in a lane of its own."""

    def __init__(
        self, login: BrokerLogin, calendar: Calendar, clock: Clock, lanes: Lanes, tell: Callable[[Event], None]
    ) -> None:
        """`tell` may be called from any thread."""
        self._login = login
        self._calendar = calendar
        self._clock = clock
        self._lanes = lanes
        self._tell = tell
        self._next_s = clock.monotonic()
        self._is_asking = False
        self._alarmed: date | None = None
        self._was_alive: bool | None = None

    def beat(self) -> None:
        now_s = self._clock.monotonic()
        if self._is_asking or now_s < self._next_s or not self._is_wanted(self._clock.now()):
            return
        self._is_asking, self._next_s = True, now_s + EVERY.total_seconds()
        try:
            self._lanes.hand_over(LANE, self._ask)
        except BrokerError:
            self._is_asking = False

    def _is_wanted(self, now: datetime) -> bool:
        """From before the session to its end, and again in the evening while orders for the next day go out."""
        try:
            day = self._calendar.trading_day(ist_date(now))
        except CalendarHorizonError:
            return False
        return day is not None and now >= ist(day.day, LOGIN_FROM)

    def _ask(self) -> None:
        try:
            is_alive, why = self._login.is_alive(), "the broker takes no call of ours"
        except BrokerError as cause:
            is_alive, why = False, f"{type(cause).__name__}: {cause}"
        self._say(is_alive, why)
        self._is_asking = False

    def _say(self, is_alive: bool, why: str) -> None:
        now = self._clock.now()
        today = ist_date(now)
        if is_alive:
            if self._was_alive is not True:
                self._tell(Event(name=EventName.BROKER_SESSION, at=now, message="the broker's session is good"))
            self._was_alive, self._alarmed = True, None
            return
        self._was_alive = False
        if now >= ist(today, ALARM_FROM) and self._alarmed != today:
            self._alarmed = today
            text = f"no session with the broker: {why}. Log in: `main.py login`"
            self._tell(Event(name=EventName.BROKER_LOGIN_MISSING, at=now, level=Level.CRITICAL, message=text))
