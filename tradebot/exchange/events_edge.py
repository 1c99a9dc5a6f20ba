"""The way from the exchange to whoever listens, where order events get lost, doubled and mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tradebot.exchange.chance import draw_below
from tradebot.exchange.edge import Call, Edge
from tradebot.exchange.rows import OrderUpdate


class EventDial(Protocol):
    """One kind of fault of the stream; it keeps no state of its own but what `way.held` has for it."""

    @property
    def name(self) -> str: ...

    def pass_on(self, update: OrderUpdate, number: int, way: EventsEdge) -> Sequence[OrderUpdate]: ...


class EventsEdge:
    """Every event through every dial, the first one nearest to the exchange. `held` is what a dial keeps back."""

    def __init__(self, edge: Edge, seed: int, dials: Sequence[EventDial] = ()) -> None:
        self.dials = tuple(dials)
        self.held: dict[str, tuple[OrderUpdate, ...]] = {}
        self.events = 0
        self._edge = edge
        self._seed = seed

    def through(self, updates: Sequence[OrderUpdate]) -> list[OrderUpdate]:
        passing = list(updates)
        for dial in self.dials:
            passing = [passed for update in passing for passed in self._pass(dial, update)]
        return passing

    def happens(self, dial: EventDial, number: int, per_mille: int) -> bool:
        return draw_below(1000, self._seed, "events", dial.name, number) < per_mille

    def note(self, dial: EventDial, update: OrderUpdate, number: int) -> None:
        order = update.order
        call = Call(name="event", account_id=order.account_id, key=order.order_id, number=number, at=update.at)
        self._edge.tell_of(dial.name, call, order.status.value)

    def _pass(self, dial: EventDial, update: OrderUpdate) -> Sequence[OrderUpdate]:
        self.events += 1
        return dial.pass_on(update, self.events, self)
