"""Events of other threads on their way to the bus, which is the engine thread's own."""

from __future__ import annotations

from collections import deque

from tradebot.domain.events import Event
from tradebot.engine.bus import Bus

WAITING_MAX = 10_000
"""Events that wait for the engine's next turn; of more, the newest are counted as lost."""


class Relay:
    """Any thread puts; the engine's thread hands on, in the order of arrival."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: deque[Event] = deque()
        self.lost = 0

    def put(self, event: Event) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self.lost += 1
            return
        self._waiting.append(event)

    def hand_on(self) -> None:
        """Tell everything that has arrived; to be called at every turn of the loop."""
        events = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if events:
            self._bus.publish(events)
