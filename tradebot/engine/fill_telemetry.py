"""Fill telemetry of a run: hears of every change that was saved, and keeps the newest records."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from tradebot.domain.fill_telemetry import FillRecord, FillStatistics, has_ended, record_of, statistics
from tradebot.domain.orders import Attempt, OrderId
from tradebot.domain.stored import Changes
from tradebot.ports import Clock

OPEN_MAX = 10_000
"""Orders that were sent and have not ended; of more, the oldest is forgotten."""


class FillTelemetry:
    """At most `history_max` records, one of each order; a late fill replaces its order's record.

    For the engine's thread; whoever else looks gets copies. `switch(False)` forgets everything and takes nothing more.
    """

    def __init__(self, clock: Clock, history_max: int, released_at: Callable[[date], datetime | None]) -> None:
        """`released_at` says when the session of a day lets orders in."""
        self._clock = clock
        self._history_max = history_max
        self._released_at = released_at
        self._sent: OrderedDict[OrderId, tuple[int, datetime]] = OrderedDict()
        self._records: OrderedDict[OrderId, FillRecord] = OrderedDict()
        self._is_on = True

    def switch(self, is_on: bool) -> None:
        self._is_on = is_on
        if not is_on:
            self._records.clear()
            self._sent.clear()

    def saved(self, changes: Changes) -> None:
        if not self._is_on:
            return
        for attempt in changes.attempts:
            self._send(attempt)
        now = self._clock.now()
        for order in changes.orders:
            sent = self._sent.get(order.id)
            if sent is None or not has_ended(order):
                continue
            record = record_of(order, sent[0], sent[1], self._released_at(order.trading_day), now)
            self._records[order.id] = record
            self._records.move_to_end(order.id)
            while len(self._records) > self._history_max:
                forgotten, _ = self._records.popitem(last=False)
                self._sent.pop(forgotten, None)

    def records(self) -> Sequence[FillRecord]:
        """The oldest first."""
        return tuple(self._records.values())

    def statistics(self, symbol: str | None = None, window: timedelta | None = None) -> FillStatistics:
        """Of one symbol or all, over the whole history or of those that ended within the window."""
        since = None if window is None else self._clock.now() - window
        return statistics(
            record
            for record in self.records()
            if symbol in (None, record.symbol) and (since is None or record.ended_at > since)
        )

    def _send(self, attempt: Attempt) -> None:
        """The first time that an attempt is saved is when it is handed over for sending."""
        number, _ = self._sent.get(attempt.order_id, (0, attempt.created_at))
        if attempt.number > number:
            self._sent[attempt.order_id] = (attempt.number, attempt.created_at)
        while len(self._sent) > OPEN_MAX + self._history_max:
            self._sent.popitem(last=False)
