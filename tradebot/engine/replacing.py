"""One order in the place of another: the old one is cancelled first, and nothing new is sent before that is certain.

Which order waits for which stands in the waiting order's row (`waits_for` in its metadata), so that a restart goes on
where it was. The old order's state alone says what is to be done.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.orders import Order, OrderId, OrderStatus, RequestState
from tradebot.engine import ledger
from tradebot.engine.desk import Desk
from tradebot.engine.retry_desk import WAITS_FOR, RetryDesk, RetryTerms
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit

PARAMETER_UPDATE = "Parameter update"
NOBODY = OrderId("")
ASKED = OrderId("asked")
"""In the place of the other order: its way is free, and what it is judged by is being asked for."""


class Way(StrEnum):
    """What the old order's state means for the one that waits."""

    WAIT = "wait"
    FREE = "free"
    FILLED = "the old order was filled first"
    REFUSED = "the old order could not be cancelled"
    TOO_LATE = "the old order was not cancelled in time"


class Replacing:
    """`begin` asks for the cancellation; `settle`, after whatever was heard of orders, goes on."""

    def __init__(self, setting: Setting, desk: Desk, retry_desk: RetryDesk) -> None:
        self._setting = setting
        self._desk = desk
        self._retry_desk = retry_desk

    def begin(self, unit: Unit, new: Order, old: Order) -> None:
        """`new` is recorded and not sent. An old one that had failed is done with at once."""
        new = unit.orders[new.id]
        unit.orders[new.id] = replace(new, metadata={**new.metadata, WAITS_FOR: old.id})
        unit.held_back[new.id] = old.id
        if old.status is OrderStatus.PENDING:
            self._desk.cancel(unit, old, PARAMETER_UPDATE)
        self.settle(unit)

    def settle(self, unit: Unit) -> list[Order]:
        """Go on with what waits. Returns the failed orders that are to be judged anew."""
        found = []
        for new_id in unit.held_back.names():
            old_id = unit.held_back.get(new_id)
            new = unit.orders.get(new_id) if old_id else None
            if new is None or not old_id or old_id == ASKED:
                continue
            way = self._way(unit, new, old_id)
            if way is Way.WAIT:
                continue
            unit.held_back[new_id] = NOBODY
            new = _unmarked(unit, new)
            if new.status is OrderStatus.FAILED and way in (Way.FREE, Way.FILLED):
                unit.held_back[new_id] = ASKED
                found.append(new)
            elif way is Way.FREE:
                self._go(unit, new)
            else:
                self._give_up(unit, new, way)
        return found

    def _way(self, unit: Unit, new: Order, old_id: OrderId) -> Way:
        old = unit.orders.get(old_id)
        if old is not None and old.status is OrderStatus.FAILED:
            change, reason = OrderChange.REPLACED, PARAMETER_UPDATE
            old = ledger.change(unit, old, Transition(change=change, at=unit.now, reason=reason, source="replacement"))
        if old is None or old.status is OrderStatus.CANCELLED:
            return Way.FREE
        if old.status is not OrderStatus.PENDING:
            return Way.FILLED
        if self._is_cancel_refused(unit, old):
            return Way.REFUSED
        day = self._setting.calendar.trading_day(new.trading_day)
        return Way.WAIT if day is not None and unit.now < day.ends_at else Way.TOO_LATE

    def _go(self, unit: Unit, new: Order) -> None:
        if new.status is not OrderStatus.PENDING or new.price is None:
            return
        terms = RetryTerms(quantity=new.quantity, price=new.price, variety=new.variety, trading_day=new.trading_day)
        self._retry_desk.send(unit, new, terms)

    def _give_up(self, unit: Unit, new: Order, way: Way) -> None:
        """Nothing new is placed; an order that had failed stays so."""
        text = f"{PARAMETER_UPDATE}: {way}"
        if new.status is OrderStatus.PENDING:
            transition = Transition(change=OrderChange.CANCELLED, at=unit.now, reason=text, source="replacement")
            ledger.change(unit, new, transition)
        else:
            ledger.tell_queue(unit, new, "skipped", text)

    def _is_cancel_refused(self, unit: Unit, old: Order) -> bool:
        request = unit.requests.get(f"{old.coid}-C")
        return request is not None and request.state is RequestState.REFUSED and not unit.is_under_way(request.id)


def _unmarked(unit: Unit, order: Order) -> Order:
    metadata = {name: value for name, value in order.metadata.items() if name != WAITS_FOR}
    unit.orders[order.id] = found = replace(order, metadata=metadata)
    return found
