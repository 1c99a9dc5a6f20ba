"""What the end of a mutating call means for its order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from tradebot.domain.events import EventName, Level
from tradebot.domain.lifecycle import AttemptChange, OrderChange, Transition, apply_attempt
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import (
    SAID_TO_BE_THERE,
    Attempt,
    BrokerRequest,
    Order,
    OrderStatus,
    RequestKind,
    RequestState,
)
from tradebot.domain.reconcile import rejected_reason
from tradebot.engine import identities, ledger
from tradebot.engine.backoff import backoff
from tradebot.engine.desk import WISH, Desk
from tradebot.engine.duplicates import Duplicate, tell_duplicate
from tradebot.engine.messages import CallOutcome, Job, RequestAnswered
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit

_STATES: Mapping[CallOutcome, RequestState] = {
    CallOutcome.ACCEPTED: RequestState.ACKED,
    CallOutcome.REFUSED: RequestState.REFUSED,
    CallOutcome.UNSENT: RequestState.UNSENT,
    CallOutcome.STOPPED: RequestState.UNSENT,
    CallOutcome.BEYOND: RequestState.UNSENT,
    CallOutcome.UNKNOWN: RequestState.UNKNOWN,
    CallOutcome.DUPLICATE: RequestState.UNKNOWN,
}

_NOT_CHANGED = frozenset((CallOutcome.REFUSED, CallOutcome.UNSENT, CallOutcome.STOPPED, CallOutcome.BEYOND))


class Acknowledgements:
    """Any doubt leads to a look, never to another send."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk
        self._retry_job = Job.VERIFY if setting.policy.flags.coids else Job.RESEND

    def take(self, unit: Unit, message: RequestAnswered) -> None:
        """The end of a call whose request is still open; a second answer to one changes nothing."""
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
                    self._desk.give_up(unit, order, attempt, f"Not sent: {message.text}")
            case CallOutcome.UNSENT:
                ledger.tell(unit, EventName.ORDER_RETRY, f"{ledger.describe(order)}: {message.text}", order)
                unit.timers.append((self._retry_job, self._retry_at(unit, attempt)))
            case CallOutcome.UNKNOWN | CallOutcome.DUPLICATE:
                self._in_doubt(unit, order, attempt, message)

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
            unit.timers.append((Job.RESEND, self._retry_at(unit, attempt)))
            return
        unit.looks.append("uncertain")
        unit.timers.append((Job.VERIFY, unit.now + self._setting.policy.times.verify_after))

    def _modified(self, unit: Unit, order: Order, request: BrokerRequest, message: RequestAnswered) -> None:
        unit.looks.append("modified")
        if message.outcome not in _NOT_CHANGED:
            return
        unit.modifies[request.coid] = ""
        identities.settle(unit, order.id, IdType.MODIFY, IdStatus.CANCELLED)
        if WISH in request.payload:
            text = f"{ledger.describe(order)}: not changed: {message.text}"
            ledger.tell(unit, EventName.CHANGE_REFUSED, text, order, {"cause": message.text}, level=Level.WARNING)
            ledger.note(unit, order, "change_refused", "broker", {"cause": message.text})
        elif message.outcome is CallOutcome.REFUSED and order.status is OrderStatus.PENDING:
            self._desk.cancel(unit, order, "Replaced: the broker refused another price")

    def _retry_at(self, unit: Unit, attempt: Attempt) -> datetime:
        """When the next look, and with it the next send, of an attempt is due."""
        return unit.now + backoff(unit.sends.get(attempt.coid) or 1, attempt.coid, self._setting.chance)


def _duplicate(order: Order, attempt: Attempt) -> Duplicate:
    return Duplicate(
        coid=attempt.coid,
        symbol=order.symbol,
        side=order.side,
        decision_id=order.decision_id,
        order_id=order.id,
        attempt=attempt.number,
    )
