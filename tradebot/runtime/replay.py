"""A replay's heart: exchange, clock, jobs and engine take turns on virtual time, in one thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tradebot.domain.orders import BrokerOrderId
from tradebot.engine.engine import Engine
from tradebot.engine.messages import OrderPushed


class Venue(Protocol):
    """The exchange as the loop sees it."""

    @property
    def now(self) -> datetime: ...

    def advance_to(self, limit: datetime) -> Sequence[BrokerOrderId]:
        """Go on to `limit`, or to the first instant before it at which orders change; says which ones."""
        ...


class Timetable(Protocol):
    """The virtual scheduler."""

    def next_due(self) -> datetime | None: ...

    def fire_due(self, now: datetime) -> None: ...


class SettableClock(Protocol):
    def set(self, at: datetime) -> None: ...


class ReplayLoop:
    """Ties are broken by kind: at one instant the exchange goes first, then the jobs, then what they caused."""

    def __init__(
        self,
        *,
        engine: Engine,
        venue: Venue,
        timetable: Timetable,
        clock: SettableClock,
        wait_until: Callable[[datetime], bool],
        on_beat: Callable[[], object] = lambda: None,
        beat_span: timedelta | None = None,
    ) -> None:
        """`wait_until` holds the loop until real time has reached a virtual instant; False when it must end.

        `on_beat` is called at every step, and while the loop waits after every `beat_span` of virtual time: what that
        is to a second of real time. None where there is no waiting.
        """
        self._engine = engine
        self._venue = venue
        self._timetable = timetable
        self._clock = clock
        self._wait_until = wait_until
        self._on_beat = on_beat
        self._beat_span = beat_span

    def run(self, until: datetime) -> bool:
        """Go on to the instant `until`; False when it was stopped before."""
        self._engine.run_pending()
        while self._step(until):
            if self._venue.now >= until and not self._is_due(until):
                return True
        return False

    def _step(self, until: datetime) -> bool:
        due = self._timetable.next_due()
        limit = self._wait(until if due is None else max(min(due, until), self._venue.now))
        if limit is None:
            return False
        changed = self._venue.advance_to(limit)
        self._clock.set(self._venue.now)
        for broker_order_id in changed:
            self._engine.inbox.put(OrderPushed(broker_order_id=broker_order_id))
        if not changed and self._venue.now >= limit:
            self._timetable.fire_due(limit)
        self._engine.run_pending()
        return True

    def _wait(self, limit: datetime) -> datetime | None:
        """Until `limit`, or only until somebody wants something: who presses a key does not wait for the next job. What
        the beats themselves put in, alerts that change, waits for it: at full speed there are no beats in between, and
        the day must be the same. None when it must end."""
        self._on_beat()
        at = self._venue.now
        while self._beat_span is not None and limit - at > self._beat_span:
            if self._engine.inbox.has_command:
                return at
            at += self._beat_span
            if not self._wait_until(at):
                return None
            self._on_beat()
        return limit if self._wait_until(limit) else None

    def _is_due(self, until: datetime) -> bool:
        due = self._timetable.next_due()
        return due is not None and due <= until
