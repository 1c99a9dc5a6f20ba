"""The hub: what the engine has saved goes to every subscriber, in the order of its sequence numbers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from tradebot.domain.events import Event, Level
from tradebot.domain.order_queries import OrderUpdate
from tradebot.domain.stored import Changes
from tradebot.interfaces.api.metering import Meter
from tradebot.interfaces.api.stream import messages
from tradebot.interfaces.api.stream.subscriber import Channel, Subscriber
from tradebot.ports import Clock

SAVED_MAX = 10_000
CONNECTIONS_MAX = 100
SLICE = 100
"""So many updates are handed out before the clients get their turn to take them: one transaction may hold more than
may wait for a client, and would close even those that read at once."""
_ALERTING = frozenset({Level.ERROR, Level.CRITICAL})


class TooManyConnections(Exception):
    """The account has CONNECTIONS_MAX already."""


class Hub:
    """`saved` and `heard` are called on the engine's thread, and only put something down; everything else belongs to
    the server's event loop, and so no client can hold the engine up.

    Of more than SAVED_MAX transactions that wait, the newest are lost here: then every client is closed like a slow
    one, and reads what it has missed from the event log by `?since=`. That is what `gaps` counts.
    """

    def __init__(self, clock: Clock, meter: Meter, upstream: Callable[[], Mapping[str, object]]) -> None:
        self.gaps = 0
        self._clock = clock
        self._meter = meter
        self._upstream = upstream
        self._loop: asyncio.AbstractEventLoop | None = None
        self._saved: deque[tuple[float, Changes | Event]] = deque()
        self._due: deque[_Due] = deque()
        self._is_woken = False
        self._is_gap = False
        self._subscribers: dict[str, list[Subscriber]] = {}

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def close(self) -> None:
        """Every client is told to come back later."""
        self._loop = None
        for subscriber in self._all():
            subscriber.end()

    def saved(self, changes: Changes) -> None:
        """For `Bus.follow`."""
        if changes.events:
            self._put_down(changes)

    def heard(self, event: Event) -> None:
        """For `Bus.subscribe`: positions and alerts."""
        if _channel_of(event) is not None:
            self._put_down(event)

    def join(self, subscriber: Subscriber) -> None:
        """From now on it is told everything. Raises TooManyConnections."""
        for account_id in subscriber.account_ids:
            if len(self._subscribers.get(account_id, ())) >= CONNECTIONS_MAX:
                raise TooManyConnections(f"account {account_id} has {CONNECTIONS_MAX} connections already")
        for account_id in subscriber.account_ids:
            self._subscribers.setdefault(account_id, []).append(subscriber)
        self._meter.clients(self.count())

    def leave(self, subscriber: Subscriber) -> None:
        for account_id in subscriber.account_ids:
            left = [other for other in self._subscribers.get(account_id, ()) if other is not subscriber]
            self._subscribers[account_id] = left
            if not left:
                del self._subscribers[account_id]
        self._meter.clients(self.count())

    def ended(self, took_s: float) -> None:
        """A connection is over."""
        self._meter.connection(took_s)

    def count(self) -> int:
        return len(self._all())

    def status(self) -> dict[str, object]:
        return {
            "status": "up" if self._loop is not None else "down",
            "total_clients": self.count(),
            "channels": [str(channel) for channel in Channel],
            "upstream": dict(self._upstream()),
        }

    def _all(self) -> set[Subscriber]:
        return {subscriber for found in self._subscribers.values() for subscriber in found}

    def _put_down(self, what: Changes | Event) -> None:
        loop = self._loop
        if loop is None or not self._subscribers:
            return
        if len(self._saved) >= SAVED_MAX:
            self._is_gap = True
            return
        self._saved.append((self._clock.monotonic(), what))
        if not self._is_woken:
            self._is_woken = True
            try:
                loop.call_soon_threadsafe(self._hand_out)
            except RuntimeError:  # the loop has ended in between
                self._loop = None

    def _hand_out(self) -> None:
        """A slice of what waits, and the next one after the clients' turn."""
        self._is_woken = False
        for _ in range(SLICE):
            if not self._has_due():
                self._close_gap()
                return
            self._tell(self._due.popleft())
        if self._loop is not None:
            self._loop.call_soon(self._hand_out)

    def _has_due(self) -> bool:
        while self._saved and not self._due:
            at, what = self._saved.popleft()
            if isinstance(what, Changes):
                self._due += _updates_of(what)
                self._due.append(at)
            else:
                self._due.append(what)
        return bool(self._due)

    def _close_gap(self) -> None:
        if self._is_gap:
            self._is_gap = False
            self.gaps += 1
            for subscriber in self._all():
                subscriber.cut()

    def _tell(self, due: _Due) -> None:
        match due:
            case OrderUpdate():
                self._hand_out_update(due)
            case Event():
                self._hand_out_word(due)
            case float():
                self._meter.update(self._clock.monotonic() - due)

    def _hand_out_update(self, update: OrderUpdate) -> None:
        event = update.event
        subscribers = self._subscribers.get(event.account_id)
        if not subscribers:
            return
        text = messages.order_update(update)
        for subscriber in subscribers:
            if Channel.ORDERS in subscriber.channels:
                subscriber.put(event.account_id, event.sequence, text)

    def _hand_out_word(self, event: Event) -> None:
        channel = _channel_of(event)
        kind = "alert" if channel is Channel.ALERTS else "position_update"
        for account_id, subscribers in self._subscribers.items():
            text = messages.told(kind, account_id, event)
            for subscriber in subscribers:
                if channel in subscriber.channels:
                    subscriber.put(account_id, 0, text)


_Due = OrderUpdate | Event | float
"""An update, a word, or the end of a transaction: when it was put down."""


def _updates_of(changes: Changes) -> Iterator[OrderUpdate]:
    orders = {order.id: order for order in changes.orders}
    for event in changes.events:
        order = orders.get(event.order_id)
        if order is not None:
            yield OrderUpdate(event=event, order=order)


def _channel_of(event: Event) -> Channel | None:
    if event.name.startswith("POSITION_"):
        return Channel.POSITIONS
    return Channel.ALERTS if event.level in _ALERTING else None
