"""The event bus: what has happened is told to every listener; none of them can hurt an order or another listener."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tradebot.domain.events import Event
from tradebot.domain.stored import Changes

Listener = Callable[[Event], None]
Follower = Callable[[Changes], None]
"""Is given what a transaction has saved, right after it."""
CycleFollower = Callable[[float], None]
"""Is given how many seconds after its time a monitoring cycle was done."""


class Bus:
    """Calls each listener in turn. A listener must be quick and bounded (a put into its own queue); one that raises
    is counted, and named once in `failures`."""

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._listeners = list(listeners)
        self._followers: list[Follower] = []
        self._cycle_followers: list[CycleFollower] = []
        self.failures: dict[str, int] = {}

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def follow(self, follower: Follower) -> None:
        """Like a listener, of rows instead of words: the order stream is made of them."""
        self._followers.append(follower)

    def follow_cycles(self, follower: CycleFollower) -> None:
        self._cycle_followers.append(follower)

    def publish(self, events: Sequence[Event]) -> None:
        for event in events:
            for listener in self._listeners:
                try:
                    listener(event)
                except Exception as fault:  # what may happen must not hurt what must
                    self._failed(listener, fault)

    def saved(self, changes: Changes) -> None:
        for follower in self._followers:
            try:
                follower(changes)
            except Exception as fault:  # what may happen must not hurt what must
                self._failed(follower, fault)

    def cycled(self, took_s: float) -> None:
        for follower in self._cycle_followers:
            try:
                follower(took_s)
            except Exception as fault:  # what may happen must not hurt what must
                self._failed(follower, fault)

    def _failed(self, who: object, fault: Exception) -> None:
        name = f"{getattr(who, '__qualname__', who)}: {type(fault).__name__}: {fault}"
        self.failures[name] = self.failures.get(name, 0) + 1
