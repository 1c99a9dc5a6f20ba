"""The order desk: from an intent to a durable request, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tradebot.domain.coids import is_drawn
from tradebot.domain.events import EventName, Level
from tradebot.domain.lifecycle import AttemptChange, OrderChange, Transition, apply_attempt
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import (
    SAID_TO_BE_THERE,
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
from tradebot.domain.reconcile import cancel_variety, rejected_reason
from tradebot.engine import identities, ledger
from tradebot.engine.backoff import backoff
from tradebot.engine.calls import Cancel, Modify, Place
from tradebot.engine.duplicates import Duplicate, tell_duplicate
from tradebot.engine.messages import CallOutcome, Job, RequestAnswered
from tradebot.engine.observing import observe, observe_change
from tradebot.engine.order_rows import new_attempt, new_order, placed_reason, ticket_of
from tradebot.engine.setting import Setting
from tradebot.engine.slots import DerivedSlots, DrawnSlots, Slot, Slots, Submission
from tradebot.engine.unit import Unit

_EPOCH_DIGITS = 1_000_000
_WISH = "wish"
"""In the payload of a change that a person wants."""


class Desk:
    """Places, changes and cancels: each as a durable request first, a call only after the commit."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._slots: Slots = DerivedSlots(setting) if setting.policy.flags.coids else DrawnSlots(setting)
        self._retry_job = Job.VERIFY if setting.policy.flags.coids else Job.RESEND

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
        """Ask for a cancellation of what stands at the broker; without its number there, once there is one."""
        if order.coid not in unit.attempts:
            transition = Transition(change=OrderChange.CANCELLED, at=unit.now, reason=reason, source="desk")
            ledger.change(unit, order, transition)
            return
        if self._setting.policy.flags.observe_only:
            observe_change(unit, order, RequestKind.CANCEL)
            return
        if not order.cancel_requested:
            order = ledger.change(
                unit,
                order,
                Transition(change=OrderChange.CANCEL_ASKED, at=unit.now, reason=reason, source="desk"),
            )
            identities.make(unit, self._setting.ids, order.id, IdType.CANCEL, reason)
        attempt = unit.attempts.get(order.coid)
        if attempt is None:  # recorded, and not sent yet: nobody else has to be asked
            transition = Transition(change=OrderChange.CANCELLED, at=unit.now, reason=reason, source="desk")
            ledger.change(unit, order, transition)
            identities.settle(unit, order.id, IdType.ORDER, IdStatus.CANCELLED)
            identities.settle(unit, order.id, IdType.CANCEL, IdStatus.EXECUTED)
            return
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
        unit.calls.append(
            Cancel(
                request_id=request_id,
                broker_order_id=attempt.broker_order_id,
                variety=cancel_variety(attempt, self.is_released(attempt, unit.now)),
            )
        )

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
            payload={"quantity": str(quantity), "price": str(price), **({_WISH: "yes"} if is_wish else {})},
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
            )
        )

    def answered(self, unit: Unit, message: RequestAnswered) -> None:
        """What the end of a mutating call means for its order. Any doubt leads to a look, never to another send."""
        request = unit.requests.get(message.request_id)
        if request is None or request.state is not RequestState.PREPARED:
            return
        unit.landed.append(request.id)
        unit.requests[request.id] = replace(
            request, state=_STATES[message.outcome], detail=message.text, answered_at=unit.now
        )
        order, attempt = unit.orders[request.order_id], unit.attempts[request.coid]
        match request.kind:
            case RequestKind.PLACE:
                self._placed(unit, order, attempt, message)
            case RequestKind.MODIFY:
                self._modified(unit, order, request, message)
            case RequestKind.CANCEL:
                unit.looks.append("cancel")
                if message.outcome is not CallOutcome.ACCEPTED:
                    unit.timers.append((Job.VERIFY, unit.now + self._setting.policy.times.verify_after))

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
        if order.status is OrderStatus.PENDING:
            ledger.change(
                unit,
                unit.orders[order.id],
                Transition(change=change, at=unit.now, reason=text, source="desk"),
            )

    def retry_at(self, unit: Unit, attempt: Attempt) -> datetime:
        """When the next look, and with it the next send, of an attempt is due."""
        return unit.now + backoff(unit.sends.get(attempt.coid) or 1, attempt.coid, self._setting.chance)

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

    def _placed(self, unit: Unit, order: Order, attempt: Attempt, message: RequestAnswered) -> None:
        match message.outcome:
            case CallOutcome.ACCEPTED:
                self._accepted(unit, order, attempt, message)
            case CallOutcome.REFUSED:
                if not attempt.status.is_open or order.status is not OrderStatus.PENDING:
                    return
                ledger.change_attempt(unit, attempt, apply_attempt(attempt, AttemptChange.REJECTED, unit.now))
                reason = rejected_reason(message.text)
                ledger.change(
                    unit,
                    order,
                    Transition(change=OrderChange.REFUSED, at=unit.now, reason=reason, source="broker"),
                )
            case CallOutcome.STOPPED | CallOutcome.BEYOND:
                if attempt.status.is_open:
                    self.give_up(unit, order, attempt, f"Not sent: {message.text}")
            case CallOutcome.UNSENT:
                ledger.tell(unit, EventName.ORDER_RETRY, f"{ledger.describe(order)}: {message.text}", order)
                unit.timers.append((self._retry_job, self.retry_at(unit, attempt)))
            case CallOutcome.UNKNOWN | CallOutcome.DUPLICATE:
                self._in_doubt(unit, order, attempt, message)

    def _in_doubt(self, unit: Unit, order: Order, attempt: Attempt, message: RequestAnswered) -> None:
        """It may stand at the broker; one that is said to be there already most probably does. Look, then decide."""
        if message.outcome is CallOutcome.DUPLICATE:
            tell_duplicate(
                unit, _duplicate(order, attempt), f"{ledger.describe(order)}: {message.text}", order.correlation_id
            )
        if attempt.status.is_open and attempt.broker_order_id is None:
            lost = apply_attempt(attempt, AttemptChange.LOST, unit.now)
            if message.outcome is CallOutcome.DUPLICATE:
                lost = replace(lost, broker_status=SAID_TO_BE_THERE)
            ledger.change_attempt(unit, attempt, lost)
        text = f"{ledger.describe(order)}: {message.text}"
        ledger.tell(unit, EventName.ORDER_UNCERTAIN, text, order, level=Level.WARNING)
        if self._retry_job is Job.RESEND:
            unit.timers.append((Job.RESEND, self.retry_at(unit, attempt)))
            return
        unit.looks.append("uncertain")
        unit.timers.append((Job.VERIFY, unit.now + self._setting.policy.times.verify_after))

    def _accepted(self, unit: Unit, order: Order, attempt: Attempt, message: RequestAnswered) -> None:
        if attempt.broker_order_id is None:
            acked = replace(
                apply_attempt(attempt, AttemptChange.ACKNOWLEDGED, unit.now) if attempt.status.is_open else attempt,
                broker_order_id=message.broker_order_id,
            )
            ledger.change_attempt(unit, attempt, acked)
        if order.status is OrderStatus.PENDING and order.placed_at is None:
            ledger.change(
                unit,
                order,
                Transition(
                    change=OrderChange.ACCEPTED,
                    at=unit.now,
                    reason=order.reason,
                    source="broker",
                    broker_order_id=message.broker_order_id,
                ),
            )
        unit.looks.append("placed")
        unit.timers.append((Job.VERIFY, unit.now + self._setting.policy.times.verify_after))

    def _modified(self, unit: Unit, order: Order, request: BrokerRequest, message: RequestAnswered) -> None:
        unit.looks.append("modified")
        if message.outcome not in (CallOutcome.REFUSED, CallOutcome.UNSENT):
            return
        unit.modifies[request.coid] = ""
        identities.settle(unit, order.id, IdType.MODIFY, IdStatus.CANCELLED)
        if _WISH in request.payload:
            text = f"{ledger.describe(order)}: not changed: {message.text}"
            ledger.tell(unit, EventName.CHANGE_REFUSED, text, order, {"cause": message.text}, level=Level.WARNING)
            ledger.note(unit, order, "change_refused", "broker", {"cause": message.text})
        elif message.outcome is CallOutcome.REFUSED and order.status is OrderStatus.PENDING:
            self.cancel(unit, order, "Replaced: the broker refused another price")

    def is_released(self, attempt: Attempt, now: datetime) -> bool:
        """Whether an after-market order of its day is a regular one by now."""
        day = self._setting.calendar.trading_day(attempt.trading_day)
        return day is not None and now >= day.release_at


_STATES: Mapping[CallOutcome, RequestState] = {
    CallOutcome.ACCEPTED: RequestState.ACKED,
    CallOutcome.REFUSED: RequestState.REFUSED,
    CallOutcome.UNSENT: RequestState.UNSENT,
    CallOutcome.STOPPED: RequestState.UNSENT,
    CallOutcome.BEYOND: RequestState.UNSENT,
    CallOutcome.UNKNOWN: RequestState.UNKNOWN,
    CallOutcome.DUPLICATE: RequestState.UNKNOWN,
}


def _is_waiting(unit: Unit, coid: Coid, row: OrderId | None) -> bool:
    """Another order is recorded under the id and will be sent."""
    order = unit.orders.get(unit.unsent.get(coid) or OrderId(""))
    return order is not None and order.id != row and order.status is OrderStatus.PENDING


def _duplicate(order: Order, attempt: Attempt) -> Duplicate:
    return Duplicate(
        coid=attempt.coid,
        symbol=order.symbol,
        side=order.side,
        decision_id=order.decision_id,
        order_id=order.id,
        attempt=attempt.number,
    )
