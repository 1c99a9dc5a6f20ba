"""The order desk: from an intent, a change or a cancel to a durable request."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tradebot.domain.coids import is_drawn
from tradebot.domain.events import EventName
from tradebot.domain.lifecycle import AttemptChange, OrderChange, Transition, apply_attempt
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerRequest,
    Coid,
    Order,
    OrderId,
    OrderIntent,
    OrderStatus,
    RequestKind,
    RequestState,
)
from tradebot.domain.reconcile import cancel_variety
from tradebot.engine import identities, ledger
from tradebot.engine.calls import Cancel, Modify, Place
from tradebot.engine.duplicates import Duplicate, tell_duplicate
from tradebot.engine.messages import Job
from tradebot.engine.observing import observe, observe_change
from tradebot.engine.order_rows import is_entry, new_attempt, new_order, placed_reason, ticket_of
from tradebot.engine.setting import Setting
from tradebot.engine.slots import DerivedSlots, DrawnSlots, Slot, Slots, Submission
from tradebot.engine.unit import Unit

_EPOCH_DIGITS = 1_000_000
WISH = "wish"
"""In the payload of a change that a person wants."""


class Desk:
    """Places, changes and cancels: each as a durable request first, a call only after the commit."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._slots: Slots = DerivedSlots(setting) if setting.policy.flags.coids else DrawnSlots(setting)

    def place(self, unit: Unit, intent: OrderIntent, slot: Slot | None = None) -> Submission:
        """Reserve the client order id and write order, attempt and request; the call follows the commit.

        Guards come before this. The same intent again is stopped here, whatever happened in between; a later attempt
        is for what the earlier ones did not fill. `slot`: the id, where somebody has asked for it already.
        """
        slot = slot or self.slot(unit, intent)
        if slot.verdict is not Submission.SENT:
            self.stop(unit, intent, slot)
            return slot.verdict
        if self._setting.policy.flags.observe_only:
            observe(unit, intent)
            return Submission.OBSERVED
        order, attempt = self._new_order(unit, intent, slot)
        if slot.is_reused:
            unit.notes[attempt.coid] = ledger.registry_entry(attempt, order)
            text = f"{ledger.describe(order)}: reserved before, not sent"
            ledger.tell(unit, EventName.COID_REUSED, text, order)
        elif not is_drawn(attempt.coid):
            unit.reservations[attempt.coid] = ledger.registry_entry(attempt, order)
        ledger.tell(unit, EventName.ORDER_INTENT, ledger.describe(order), order)
        self.send(unit, order, attempt)
        return Submission.SENT

    def stop(self, unit: Unit, intent: OrderIntent, slot: Slot) -> None:
        """Tell that an intent was not carried out, and what stands in its way."""
        attempt = unit.attempts.get(slot.coid)
        entry = self._setting.registry.get(slot.coid)
        known = entry.metadata.get("order_id") if entry is not None else unit.unsent.get(slot.coid)
        order_id = attempt.order_id if attempt is not None else known
        duplicate = Duplicate(
            coid=slot.coid,
            symbol=intent.symbol,
            side=intent.side,
            decision_id=intent.decision_id,
            order_id=order_id,
            attempt=slot.number,
        )
        text = f"{intent.symbol} {intent.side} {intent.quantity}: {slot.verdict}, stands under {slot.coid}"
        tell_duplicate(unit, duplicate, text, intent.correlation_id)

    def send(self, unit: Unit, order: Order, attempt: Attempt) -> None:
        """Prepare the placement of an attempt, the first time or again; never more than `SENDS_MAX` times."""
        if self._setting.policy.flags.observe_only:
            observe_change(unit, order, RequestKind.PLACE)
            return
        ticket = ticket_of(order, attempt)
        request = BrokerRequest(
            id=f"{attempt.coid}-P",
            order_id=order.id,
            coid=attempt.coid,
            kind=RequestKind.PLACE,
            payload={"quantity": str(ticket.quantity), "price": str(ticket.price), "variety": ticket.variety},
            state=RequestState.PREPARED,
            prepared_at=unit.now,
        )
        unit.requests[request.id] = request
        unit.sends[attempt.coid] = (unit.sends.get(attempt.coid) or 0) + 1
        unit.calls.append(Place(request_id=request.id, ticket=ticket))
        unit.timers.append((Job.SILENCE, unit.now + self._setting.policy.times.patience.acknowledged))
        ledger.tell(unit, EventName.ORDER_SENT, ledger.describe(order), order, {"attempt": attempt.number})

    def send_again(self, unit: Unit, order: Order, attempt: Attempt) -> None:
        """Under the same id; where ids are drawn, as another attempt under a new one."""
        coid, number = self._slots.again(unit, attempt)
        if coid == attempt.coid or self._setting.policy.flags.observe_only:
            self.send(unit, order, attempt)
            return
        ledger.change_attempt(unit, attempt, apply_attempt(attempt, AttemptChange.EXPIRED, unit.now))
        another = replace(
            attempt,
            coid=coid,
            number=number,
            status=AttemptStatus.PENDING,
            broker_order_id=None,
            created_at=unit.now,
            updated_at=unit.now,
        )
        order = replace(order, coid=coid)
        unit.orders[order.id] = order
        unit.attempts[coid] = another
        unit.entered.append((coid, another.quantity))
        unit.sends[coid] = unit.sends.get(attempt.coid) or 0
        self.send(unit, order, another)

    def cancel(self, unit: Unit, order: Order, reason: str) -> None:
        """Ask for a cancellation of what stands at the broker; without its number there, once there is one. What was
        never sent is cancelled at once: nobody else has to be asked."""
        attempt = unit.attempts.get(order.coid)
        if attempt is None:
            cancelled = Transition(change=OrderChange.CANCELLED, at=unit.now, reason=reason, source="desk")
            ledger.change(unit, order, cancelled)
            return
        if self._setting.policy.flags.observe_only:
            observe_change(unit, order, RequestKind.CANCEL)
            return
        if not order.cancel_requested:
            asked = Transition(change=OrderChange.CANCEL_ASKED, at=unit.now, reason=reason, source="desk")
            order = ledger.change(unit, order, asked)
            identities.make(unit, self._setting.ids, order.id, IdType.CANCEL, reason)
        request_id = f"{attempt.coid}-C"
        if attempt.broker_order_id is None or unit.is_under_way(request_id):
            return
        unit.requests[request_id] = BrokerRequest(
            id=request_id,
            order_id=order.id,
            coid=attempt.coid,
            kind=RequestKind.CANCEL,
            payload={},
            state=RequestState.PREPARED,
            prepared_at=unit.now,
        )
        variety = cancel_variety(attempt, self.is_released(attempt, unit.now))
        unit.calls.append(Cancel(request_id=request_id, broker_order_id=attempt.broker_order_id, variety=variety))

    def modify(
        self, unit: Unit, order: Order, price: Decimal, quantity: int | None = None, *, is_wish: bool = False
    ) -> None:
        """Ask for another limit price or quantity of a standing order; one change at a time. Where the broker refuses
        a wish, the order stays as it is; any other order that cannot be changed is cancelled, and placed anew."""
        if self._setting.policy.flags.observe_only:
            observe_change(unit, order, RequestKind.MODIFY, price)
            return
        attempt = unit.attempts[order.coid]
        quantity = attempt.quantity if quantity is None else quantity
        if attempt.broker_order_id is None or unit.modifies.get(attempt.coid):
            return
        request = BrokerRequest(
            id=f"{attempt.coid}-M{int(unit.now.timestamp() * _EPOCH_DIGITS)}",
            order_id=order.id,
            coid=attempt.coid,
            kind=RequestKind.MODIFY,
            payload={"quantity": str(quantity), "price": str(price), **({WISH: "yes"} if is_wish else {})},
            state=RequestState.PREPARED,
            prepared_at=unit.now,
        )
        unit.requests[request.id] = request
        unit.modifies[attempt.coid] = request.id
        identities.make(unit, self._setting.ids, order.id, IdType.MODIFY, f"{quantity} at Rs {price}")
        unit.calls.append(
            Modify(
                request_id=request.id,
                broker_order_id=attempt.broker_order_id,
                variety=cancel_variety(attempt, self.is_released(attempt, unit.now)),
                quantity=quantity,
                price=price,
                adds=_taken_on(order, attempt, price, quantity),
            )
        )

    def give_up(
        self, unit: Unit, order: Order, attempt: Attempt, text: str, change: OrderChange = OrderChange.REFUSED
    ) -> None:
        """The order certainly does not stand at the broker and is not sent again: failed, or cancelled if wanted."""
        ledger.change_attempt(unit, attempt, apply_attempt(attempt, AttemptChange.EXPIRED, unit.now))
        request = unit.requests.get(f"{attempt.coid}-P")
        if request is not None and request.state is not RequestState.UNSENT:
            unit.requests[request.id] = replace(
                request, state=RequestState.UNSENT, detail="not seen at the broker", answered_at=unit.now
            )
        if order.status is not OrderStatus.PENDING:
            return
        given_up = Transition(change=change, at=unit.now, reason=text, source="desk")
        ledger.change(unit, unit.orders[order.id], given_up)
        if change is OrderChange.CANCELLED:  # the broker has nothing to confirm
            identities.settle_active(unit, order.id, IdType.ORDER, IdStatus.CANCELLED)
            identities.settle_active(unit, order.id, IdType.CANCEL, IdStatus.EXECUTED)

    def number_of(self, unit: Unit, order: Order) -> int:
        """The attempt's number that the id of a row without an attempt stands for."""
        return self._slots.number_of(unit, order)

    def slot(self, unit: Unit, intent: OrderIntent, row: OrderId | None = None) -> Slot:
        """Which client order id the intent gets, or why none; `row` is the order that it is for, where that is there
        already."""
        slot = self._slots.of(unit, intent)
        if slot.verdict is Submission.SENT and _is_waiting(unit, slot.coid, row):
            return replace(slot, verdict=Submission.DUPLICATE)
        return slot

    def _new_order(self, unit: Unit, intent: OrderIntent, slot: Slot) -> tuple[Order, Attempt]:
        """The row and its attempt; a failed row that waits under this id is used again."""
        now = unit.now
        intent = replace(intent, quantity=intent.quantity - slot.filled)
        row_id = unit.unsent.get(slot.coid)
        order_id = row_id or self._setting.ids.next(now)
        attempt = new_attempt(intent, order_id, slot, now)
        unit.entered.append((attempt.coid, attempt.quantity))
        if row_id is None:
            order = new_order(intent, order_id, slot.coid, now, placed_reason(intent))
            ledger.record(unit, order, attempt)
            return order, attempt
        row = replace(
            unit.orders[row_id],
            quantity=intent.quantity,
            price=intent.price,
            variety=intent.variety,
            trading_day=intent.trading_day,
            metadata=intent.metadata,
        )
        change = OrderChange.RELEASED if row.status is OrderStatus.PENDING else OrderChange.RETRIED
        transition = Transition(change=change, at=now, reason=placed_reason(intent), source=intent.source)
        unit.attempts[attempt.coid] = attempt
        unit.unsent[slot.coid] = OrderId("")
        return ledger.change(unit, row, transition), attempt

    def is_released(self, attempt: Attempt, now: datetime) -> bool:
        """Whether an after-market order of its day is a regular one by now."""
        day = self._setting.calendar.trading_day(attempt.trading_day)
        return day is not None and now >= day.release_at


def _is_waiting(unit: Unit, coid: Coid, row: OrderId | None) -> bool:
    """Another order is recorded under the id and will be sent."""
    order = unit.orders.get(unit.unsent.get(coid) or OrderId(""))
    return order is not None and order.id != row and order.status is OrderStatus.PENDING


def _taken_on(order: Order, attempt: Attempt, price: Decimal, quantity: int) -> Decimal | None:
    """Rupees that a changed entry would take on more; None where it takes on neither shares nor money."""
    before = (attempt.price or Decimal(0)) * attempt.quantity
    more = price * quantity - before
    takes_more = quantity > attempt.quantity or more > 0
    return max(more, Decimal(0)) if takes_more and is_entry(order) else None
