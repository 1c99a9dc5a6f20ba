"""What a unit's events put into the outbox, saved in the same transaction as what they tell of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.outbox import OutboxEntry

Announcer = Callable[[Event], Sequence[OutboxEntry]]
"""What is to be sent outside because of an event: a pure function of the event."""


class Announcements:
    """Asks every announcer; a fault of one is told, and hurts neither an order nor another announcer."""

    def __init__(self, announcers: Sequence[Announcer]) -> None:
        self._announcers = list(announcers)

    def add(self, announcer: Announcer) -> None:
        self._announcers.append(announcer)

    def of(self, events: Sequence[Event], now: datetime) -> tuple[list[OutboxEntry], list[Event]]:
        """The entries, and what is to be told of faults."""
        entries: list[OutboxEntry] = []
        faults: list[Event] = []
        for announce in self._announcers:
            for event in events:
                try:
                    entries += announce(event)
                except Exception as fault:  # what may happen must not hurt what must
                    faults.append(_told(event, fault, now))
        return entries, faults


def _told(event: Event, fault: Exception, now: datetime) -> Event:
    text = f"not put into the outbox: {event.name}: {type(fault).__name__}: {fault}"
    return Event(name=EventName.INTERNAL_FAULT, at=now, level=Level.ERROR, message=text, component="outbox")
