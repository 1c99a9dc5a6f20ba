"""Ready fault dials for the stream of order events; `per_mille` of the events are struck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tradebot.exchange.events_edge import EventsEdge
from tradebot.exchange.rows import OrderUpdate, as_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsMissing:
    """An event is never sent (kite forum 4217: nothing is repeated after a reconnect)."""

    per_mille: int
    name: str = "events_missing"

    def pass_on(self, update: OrderUpdate, number: int, way: EventsEdge) -> Sequence[OrderUpdate]:
        if not way.happens(self, number, self.per_mille):
            return (update,)
        way.note(self, update, number)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsDoubled:
    """An event is sent twice (kite forum, comment 45098)."""

    per_mille: int
    name: str = "events_doubled"

    def pass_on(self, update: OrderUpdate, number: int, way: EventsEdge) -> Sequence[OrderUpdate]:
        if not way.happens(self, number, self.per_mille):
            return (update,)
        way.note(self, update, number)
        return (update, update)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsReordered:
    """An event is kept back until after the next one."""

    per_mille: int
    name: str = "events_reordered"

    def pass_on(self, update: OrderUpdate, number: int, way: EventsEdge) -> Sequence[OrderUpdate]:
        before = way.held.pop(self.name, ())
        if before or not way.happens(self, number, self.per_mille):
            return (update, *before)
        way.note(self, update, number)
        way.held[self.name] = (update,)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsLateAfterFinal:
    """After the event that ends an order its state of before comes once more (kite forum, comment 33971)."""

    per_mille: int
    name: str = "events_late_after_final"

    def pass_on(self, update: OrderUpdate, number: int, way: EventsEdge) -> Sequence[OrderUpdate]:
        earlier = _before_the_end(update)
        if earlier is None or not way.happens(self, number, self.per_mille):
            return (update,)
        way.note(self, update, number)
        return (update, earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSilent:
    """No event at all, while the connection stands and its pings flow; always."""

    name: str = "stream_silent"

    def pass_on(self, update: OrderUpdate, number: int, way: EventsEdge) -> Sequence[OrderUpdate]:
        way.note(self, update, number)
        return ()


def _before_the_end(update: OrderUpdate) -> OrderUpdate | None:
    row = update.order
    if not row.status.is_final or len(row.steps) < 2:
        return None
    last = row.steps[-2]
    earlier = as_of(replace(row, steps=row.steps[:-1]), last.at)
    return replace(update, order=earlier, trades=()) if earlier else None
