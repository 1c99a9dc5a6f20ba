"""The order desk: from an intent to a durable request, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.broker_views import Ticket
from tradebot.domain.coids import ATTEMPTS_MAX, IntentKey, derive
from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.exits import ExitRule
from tradebot.domain.lifecycle import AttemptChange, OrderChange, Transition, apply_attempt
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerRequest,
    Coid,
    Order,
    OrderId,
    OrderIntent,
    OrderStatus,
    OrderType,
    RequestKind,
    RequestState,
    Side,
    Variety,
)
from tradebot.domain.reconcile import cancel_variety, rejected_reason
from tradebot.engine import ledger
from tradebot.engine.calls import Cancel, Modify, Place
from tradebot.engine.messages import CallOutcome, Job, RequestAnswered
from tradebot.engine.setting import Setting
from tradebot.engine.state import Unit

REDUCES = "reduces"
"""The key of an order's metadata that says what it takes back, so that no switch that stops entries stops it."""

SENDS_MAX = 3
"""How often one placement is tried with the same client order id before the order has failed."""

_BACKOFF_FIRST = timedelta(milliseconds=250)
_BACKOFF_MAX = timedelta(seconds=2)
_EPOCH_DIGITS = 1_000_000


class Submission(StrEnum):
    SENT = "sent"
    DUPLICATE = "duplicate"
    UNCERTAIN = "uncertain"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class Slot:
    """The client order id that an intent gets: which one, or why none. `filled`: of earlier attempts."""

    verdict: Submission
    coid: Coid
    number: int
    filled: int = 0
    is_reused: bool = False


class Desk:
    """Places, changes and cancels: each as a durable request first, a call only after the commit."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def place(self, unit: Unit, intent: OrderIntent) -> Submission:
        """Reserve the client order id and write order, attempt and request; the call follows the commit.

        Guards come before this. The same intent again is stopped here, whatever happened in between; a later attempt
        is for what the earlier ones did not fill.
        """
        slot = self.slot(unit, intent)
        if slot.verdict is not Submission.SENT:
            self.stop(unit, intent, slot)
            return slot.verdict
        order, attempt = self._new_order(unit, intent, slot)
        if slot.is_reused:
            unit.notes[attempt.coid] = ledger.registry_entry(attempt, order)
            text = f"{ledger.describe(order)}: reserved before, not sent"
            ledger.tell(unit, EventName.COID_REUSED, text, order)
        else:
            unit.reservations[attempt.coid] = ledger.registry_entry(attempt, order)
        ledger.tell(unit, EventName.ORDER_INTENT, ledger.describe(order), order)
        self.send(unit, order, attempt)
        return Submission.SENT

    def stop(self, unit: Unit, intent: OrderIntent, slot: Slot) -> None:
        """Tell that an intent was not carried out, and what stands in its way."""
        attempt = unit.attempts.get(slot.coid)
        entry = self._setting.registry.get(slot.coid)
        fields: dict[str, FieldValue] = {
            "coid": slot.coid,
            "symbol": intent.symbol,
            "side": intent.side,
            "decision_id": intent.decision_id,
            "attempt": slot.number,
            "order_id": attempt.order_id if attempt is not None else entry.metadata.get("order_id") if entry else None,
        }
        text = f"{intent.symbol} {intent.side} {intent.quantity}: {slot.verdict}, stands under {slot.coid}"
        ledger.tell(
            unit,
            EventName.COID_DUPLICATE,
            text,
            fields=fields,
            level=Level.WARNING,
            correlation_id=intent.correlation_id,
        )

    def send(self, unit: Unit, order: Order, attempt: Attempt) -> None:
        """Prepare the placement of an attempt, the first time or again; never more than `SENDS_MAX` times."""
        ticket = _ticket(order, attempt)
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
        ledger.tell(unit, EventName.ORDER_SENT, ledger.describe(order), order, {"attempt": attempt.number})

    def cancel(self, unit: Unit, order: Order, reason: str) -> None:
        """Ask for a cancellation of what stands at the broker; without its number there, once there is one."""
        if not order.cancel_requested:
            order = ledger.change(
                unit,
                order,
                Transition(change=OrderChange.CANCEL_ASKED, at=unit.now, reason=reason, source="desk"),
            )
        attempt = unit.attempts[order.coid]
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
                variety=cancel_variety(attempt, self._is_released(attempt, unit.now)),
            )
        )

    def modify(self, unit: Unit, order: Order, price: Decimal) -> None:
        """Ask for another limit price of a standing order; one change at a time."""
        attempt = unit.attempts[order.coid]
        if attempt.broker_order_id is None or unit.modifies.get(attempt.coid):
            return
        request = BrokerRequest(
            id=f"{attempt.coid}-M{int(unit.now.timestamp() * _EPOCH_DIGITS)}",
            order_id=order.id,
            coid=attempt.coid,
            kind=RequestKind.MODIFY,
            payload={"quantity": str(attempt.quantity), "price": str(price)},
            state=RequestState.PREPARED,
            prepared_at=unit.now,
        )
        unit.requests[request.id] = request
        unit.modifies[attempt.coid] = request.id
        unit.calls.append(
            Modify(
                request_id=request.id,
                broker_order_id=attempt.broker_order_id,
                variety=cancel_variety(attempt, self._is_released(attempt, unit.now)),
                quantity=attempt.quantity,
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
                self._modified(unit, order, attempt, message)
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
        sends: int = max(unit.sends.get(attempt.coid) or 1, 1)
        return unit.now + min(_BACKOFF_FIRST * (1 << (sends - 1)), _BACKOFF_MAX)

    def slot(self, unit: Unit, intent: OrderIntent) -> Slot:
        """Which client order id the intent gets, from what memory, this batch and the registry know of it."""
        key = IntentKey(intent.account_id, intent.decision_id, intent.leg, intent.side)
        entries = self._setting.registry.attempts_of(key)
        number, filled = entries[0].attempt_count if entries else 1, 0
        while number <= ATTEMPTS_MAX:
            coid = derive(key, number)
            attempt = unit.attempts.get(coid)
            entry = unit.reserved(coid) or self._setting.registry.get(coid)
            status = attempt.status if attempt is not None else entry.status if entry is not None else None
            if coid in unit.memory.orphans:
                return Slot(Submission.UNCERTAIN, coid, number)
            is_unsent = attempt is None and entry is not None and entry.broker_order_id is None
            is_reused = status is not None and status.is_open and is_unsent
            if status is not None and not is_reused and (status.is_open or status is AttemptStatus.FILLED):
                return Slot(Submission.DUPLICATE, coid, number)
            if status is None or is_reused:
                verdict = Submission.SENT if filled < intent.quantity else Submission.DUPLICATE
                return Slot(verdict, coid, number, filled, is_reused)
            filled += attempt.filled_quantity if attempt is not None else entry.filled_qty if entry else 0
            number += 1
        return Slot(Submission.EXHAUSTED, derive(key, ATTEMPTS_MAX), ATTEMPTS_MAX)

    def _new_order(self, unit: Unit, intent: OrderIntent, slot: Slot) -> tuple[Order, Attempt]:
        """The row and its attempt; a failed row that waits under this id is used again."""
        now = unit.now
        intent = replace(intent, quantity=intent.quantity - slot.filled)
        row_id = unit.unsent.get(slot.coid)
        order_id = row_id or self._setting.ids.next(now)
        attempt = _new_attempt(intent, order_id, slot, now)
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
        transition = Transition(change=OrderChange.RETRIED, at=now, reason=placed_reason(intent), source=intent.source)
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
            case CallOutcome.STOPPED:
                if attempt.status.is_open:
                    self.give_up(unit, order, attempt, f"Not sent: {message.text}")
            case CallOutcome.UNSENT:
                ledger.tell(unit, EventName.ORDER_RETRY, f"{ledger.describe(order)}: {message.text}", order)
                unit.timers.append((Job.VERIFY, self.retry_at(unit, attempt)))
            case CallOutcome.UNKNOWN:
                if attempt.status.is_open and attempt.broker_order_id is None:
                    lost = apply_attempt(attempt, AttemptChange.LOST, unit.now)
                    ledger.change_attempt(unit, attempt, lost)
                text = f"{ledger.describe(order)}: {message.text}"
                ledger.tell(unit, EventName.ORDER_UNCERTAIN, text, order, level=Level.WARNING)
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

    def _modified(self, unit: Unit, order: Order, attempt: Attempt, message: RequestAnswered) -> None:
        unit.looks.append("modified")
        if message.outcome in (CallOutcome.REFUSED, CallOutcome.UNSENT):
            unit.modifies[attempt.coid] = ""
        if message.outcome is CallOutcome.REFUSED and order.status is OrderStatus.PENDING:
            self.cancel(unit, order, "Replaced: the broker refused another price")

    def _is_released(self, attempt: Attempt, now: datetime) -> bool:
        day = self._setting.calendar.trading_day(attempt.trading_day)
        return day is not None and now >= day.release_at


_STATES: Mapping[CallOutcome, RequestState] = {
    CallOutcome.ACCEPTED: RequestState.ACKED,
    CallOutcome.REFUSED: RequestState.REFUSED,
    CallOutcome.UNSENT: RequestState.UNSENT,
    CallOutcome.STOPPED: RequestState.UNSENT,
    CallOutcome.UNKNOWN: RequestState.UNKNOWN,
}


def new_order(intent: OrderIntent, order_id: OrderId, coid: Coid, now: datetime, reason: str) -> Order:
    """The row of an intent, pending, before anything is sent."""
    return Order(
        id=order_id,
        user_id=intent.user_id,
        account_id=intent.account_id,
        symbol=intent.symbol,
        exchange=intent.exchange,
        side=intent.side,
        order_type=intent.order_type,
        product=intent.product,
        validity=intent.validity,
        variety=intent.variety,
        quantity=intent.quantity,
        price=intent.price,
        trigger_price=intent.trigger_price,
        status=OrderStatus.PENDING,
        reason=reason,
        coid=coid,
        orig_source=intent.source,
        entry_type=intent.entry_type,
        created_at=now,
        updated_at=now,
        decision_id=intent.decision_id,
        leg=intent.leg,
        position_id=intent.position_id,
        correlation_id=intent.correlation_id,
        trading_day=intent.trading_day,
        metadata=intent.metadata,
        batch_id=intent.batch_id,
        idempotency_key=intent.idempotency_key,
        disclosed_quantity=intent.disclosed_quantity,
    )


def placed_reason(intent: OrderIntent) -> str:
    """The reason that a new order carries until something happens to it."""
    if intent.side is Side.SELL:
        rule = intent.metadata.get("rule", ExitRule.PROFIT_TARGET)
        return "Sell order placed at target" if rule == ExitRule.PROFIT_TARGET else f"Sell order placed: {rule}"
    waits = "market open" if intent.variety is Variety.AMO else "execution"
    return f"Order placed - waiting for {waits}"


def _ticket(order: Order, attempt: Attempt) -> Ticket:
    if attempt.price is None:
        raise ValueError(f"order {order.id}: a market order is sent with a protecting limit, and this one has none")
    return Ticket(
        tag=attempt.coid,
        symbol=order.symbol,
        exchange=order.exchange,
        side=order.side,
        quantity=attempt.quantity,
        order_type=OrderType.SL if order.trigger_price is not None else OrderType.LIMIT,
        price=attempt.price,
        trigger_price=order.trigger_price,
        product=order.product,
        validity=order.validity,
        variety=attempt.variety,
        disclosed_quantity=order.disclosed_quantity,
        is_entry=is_entry(order),
    )


def is_entry(order: Order) -> bool:
    """It takes on risk. What sells a position, or takes back what another order did, does not."""
    sells_position = order.side is Side.SELL and order.position_id is not None
    return not (sells_position or REDUCES in order.metadata)


def _new_attempt(intent: OrderIntent, order_id: OrderId, slot: Slot, now: datetime) -> Attempt:
    return Attempt(
        coid=slot.coid,
        number=slot.number,
        order_id=order_id,
        account_id=intent.account_id,
        decision_id=intent.decision_id,
        leg=intent.leg,
        side=intent.side,
        symbol=intent.symbol,
        variety=intent.variety,
        quantity=intent.quantity,
        price=intent.price,
        status=AttemptStatus.PENDING,
        trading_day=intent.trading_day,
        created_at=now,
        updated_at=now,
    )
