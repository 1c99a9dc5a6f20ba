"""The event bus: what has happened is told to every listener; none of them can hurt an order or another listener."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tradebot.domain.events import Event

Listener = Callable[[Event], None]


class Bus:
    """Calls each listener in turn. A listener must be quick and bounded (a put into its own queue); one that raises
    is counted, and named once in `failures`."""

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._listeners = list(listeners)
        self.failures: dict[str, int] = {}

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def publish(self, events: Sequence[Event]) -> None:
        for event in events:
            for listener in self._listeners:
                try:
                    listener(event)
                except Exception as fault:  # what may happen must not hurt what must
                    name = f"{getattr(listener, '__qualname__', listener)}: {type(fault).__name__}: {fault}"
                    self.failures[name] = self.failures.get(name, 0) + 1
