"""The order desk for orders that are there already: sent again under the next id, or linked to one placed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.coids import is_drawn
from tradebot.domain.events import EventName
from tradebot.domain.lifecycle import CANCEL_REASON, OrderChange, Transition
from tradebot.domain.orders import Attempt, Order, OrderId, OrderIntent, OrderStatus, OrderType, Variety
from tradebot.engine import ledger
from tradebot.engine.desk import Desk
from tradebot.engine.observing import observe
from tradebot.engine.order_rows import intent_of, new_attempt, placed_reason
from tradebot.engine.setting import Setting
from tradebot.engine.slots import Slot, Submission
from tradebot.engine.unit import Unit

WAITS_FOR = "waits_for"
"""Where an order keeps which other one must be cancelled before it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTerms:
    """How an order that failed is sent again; `metadata` is added to the order's own. `order_type` None: it stays what
    it was, with its trigger."""

    quantity: int
    price: Decimal
    variety: Variety
    trading_day: date
    metadata: Mapping[str, str] = field(default_factory=dict)
    order_type: OrderType | None = None
    trigger_price: Decimal | None = None


class RetryDesk:
    """One more attempt of the same row: each a client order id of its own, reserved before anything is sent."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk

    def send(self, unit: Unit, order: Order, terms: RetryTerms) -> Submission:
        """Send an order whose last attempt came to nothing again: the same row, the next client order id."""
        if self._setting.policy.flags.observe_only:
            observe(unit, again(order, terms))
            return Submission.OBSERVED
        slot = self._desk.slot(unit, again(order, terms), order.id)
        if slot.verdict is Submission.SENT:
            row, attempt = self._in_row(unit, order, slot, terms)
            if order.status is OrderStatus.FAILED:
                reason = placed_reason(again(order, terms))
                transition = Transition(change=OrderChange.RETRIED, at=unit.now, reason=reason, source="retry")
                row = ledger.change(unit, row, transition)
            ledger.tell(unit, EventName.ORDER_INTENT, ledger.describe(row), row)
            self._desk.send(unit, row, attempt)
        else:
            self._desk.stop(unit, again(order, terms), slot)
        return slot.verdict

    def link(self, unit: Unit, order: Order, row: BrokerOrder, trading_day: date) -> Submission:
        """Follow an order that somebody placed by hand as ours, in the place of one that failed. Nothing is sent."""
        terms = RetryTerms(quantity=row.quantity, price=row.price, variety=row.variety, trading_day=trading_day)
        slot = self._desk.slot(unit, again(order, terms), order.id)
        if slot.verdict is not Submission.SENT:
            self._desk.stop(unit, again(order, terms), slot)
            return slot.verdict
        linked, attempt = self._in_row(unit, order, slot, terms)
        reason = f"Linked to the order that was placed by hand ({row.broker_order_id})"
        transition = Transition(
            change=OrderChange.LINKED,
            at=unit.now,
            reason=reason,
            source="retry",
            broker_order_id=row.broker_order_id,
            broker_status=row.status,
        )
        linked = ledger.change(unit, linked, transition)
        attempt = replace(attempt, broker_order_id=row.broker_order_id, broker_status=row.status)
        unit.attempts[attempt.coid] = attempt
        unit.coids[row.broker_order_id] = attempt.coid
        unit.booked[row.broker_order_id] = attempt.filled_quantity
        if not is_drawn(attempt.coid):
            unit.reservations[attempt.coid] = ledger.registry_entry(attempt, linked)
        unit.looks.append("linked")
        return Submission.SENT

    def _in_row(self, unit: Unit, order: Order, slot: Slot, terms: RetryTerms) -> tuple[Order, Attempt]:
        """A further attempt of an order that is there: reserved, and the row as it will stand with it."""
        intent = again(order, terms)
        attempt = new_attempt(intent, order.id, slot, unit.now)
        metadata = {name: value for name, value in order.metadata.items() if name not in (CANCEL_REASON, WAITS_FOR)}
        row = replace(
            order,
            quantity=terms.quantity,
            order_type=intent.order_type,
            price=terms.price,
            trigger_price=intent.trigger_price,
            variety=terms.variety,
            trading_day=terms.trading_day,
            coid=slot.coid,
            metadata=metadata | dict(terms.metadata),
        )
        unit.attempts[attempt.coid] = attempt
        unit.entered.append((attempt.coid, attempt.quantity))
        unit.orders[row.id] = row
        unit.unsent[slot.coid] = OrderId("")
        if not is_drawn(attempt.coid):
            entry = ledger.registry_entry(attempt, row)
            (unit.notes if slot.is_reused else unit.reservations)[attempt.coid] = entry
        return row, attempt


def again(order: Order, terms: RetryTerms) -> OrderIntent:
    """The intent behind an order, as it would be sent now."""
    return replace(
        intent_of(order),
        quantity=terms.quantity,
        order_type=terms.order_type or order.order_type,
        price=terms.price,
        trigger_price=order.trigger_price if terms.order_type is None else terms.trigger_price,
        variety=terms.variety,
        trading_day=terms.trading_day,
        metadata={**order.metadata, **terms.metadata},
    )
