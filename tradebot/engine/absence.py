"""What is not in the broker's book: never assumed executed or cancelled, and sent again only where that is safe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from tradebot.domain.calendar import ist_date
from tradebot.domain.events import EventName, Level
from tradebot.domain.lifecycle import AttemptChange, OrderChange, Transition, apply_attempt
from tradebot.domain.orders import (
    SAID_TO_BE_THERE,
    Attempt,
    AttemptStatus,
    Coid,
    Order,
    OrderStatus,
    RequestState,
    Side,
    Variety,
)
from tradebot.domain.policy import UnknownPolicy
from tradebot.domain.reconcile import executed_sum, part_reason
from tradebot.engine import entry_slippage, ledger
from tradebot.engine.backoff import SENDS_MAX
from tradebot.engine.calls import LookAtOrder
from tradebot.engine.desk import Desk
from tradebot.engine.messages import BookSeen, Job
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit

_UNANSWERED = "never answered: the process ended while it was on its way"


class Absence:
    """Settles attempts and reserved ids that a good look did not show."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk

    def settle_attempts(self, unit: Unit, present: set[Coid], message: BookSeen, counts: dict[str, int]) -> None:
        for attempt in list(unit.attempts.values()):
            if attempt.coid in present or not attempt.status.is_open:
                continue
            if not _was_settled(unit, f"{attempt.coid}-P", message):
                continue
            counts["not_found"] += 1
            if attempt.broker_order_id is not None:
                unit.calls.append(LookAtOrder(coid=attempt.coid, broker_order_id=attempt.broker_order_id))
            else:
                self.not_found(unit, unit.orders[attempt.order_id], attempt)

    def not_found(self, unit: Unit, order: Order, attempt: Attempt) -> None:
        """Never assumed executed or cancelled. Where absence is proof, or the request certainly never left, it is sent
        again with the same id while it is still wanted; elsewhere it stays unknown, until the operator's policy lets
        it expire."""
        capabilities = self._setting.capabilities
        request = unit.requests.get(f"{attempt.coid}-P")
        is_unsent = request is not None and request.state is RequestState.UNSENT
        # The book shows one day: of an order meant for an earlier one it proves nothing.
        is_proof = capabilities.absence_is_proof and attempt.trading_day >= ist_date(unit.now)
        is_proof = is_proof and attempt.broker_status != SAID_TO_BE_THERE
        if attempt.broker_order_id is None and (is_proof or is_unsent):
            since = request.answered_at or request.prepared_at if request is not None else attempt.created_at
            visible_at = since + capabilities.visibility_delay
            if is_unsent or unit.now >= visible_at:
                self._send_again(unit, order, attempt)
            else:
                unit.timers.append((Job.VERIFY, visible_at))
            return
        policy = self._setting.policy
        if attempt.looks > policy.looks_before_expiry and policy.unknown is UnknownPolicy.HOLD:
            return
        looks = replace(attempt, looks=attempt.looks + 1, updated_at=unit.now)
        if looks.status is not AttemptStatus.UNKNOWN:
            looks = apply_attempt(looks, AttemptChange.LOST, unit.now)
            if request is not None and request.state is RequestState.PREPARED:
                unit.requests[request.id] = replace(
                    request, state=RequestState.UNKNOWN, answered_at=unit.now, detail=_UNANSWERED
                )
            text = f"{ledger.describe(order)}: not found at the broker"
            ledger.tell(unit, EventName.ORDER_UNCERTAIN, text, order, level=Level.CRITICAL)
        ledger.change_attempt(unit, attempt, looks)
        if looks.looks <= policy.looks_before_expiry:
            # Out of hours no cycle comes by: a book that shows it late is asked again, each time after twice as long.
            unit.timers.append((Job.VERIFY, unit.now + policy.times.verify_after * (1 << attempt.looks)))
        is_over = unit.now - attempt.created_at > capabilities.visibility_delay and self._is_over(attempt, unit.now)
        if policy.unknown is UnknownPolicy.EXPIRE and looks.looks >= policy.looks_before_expiry and is_over:
            self._expire(unit, order, looks)

    def _send_again(self, unit: Unit, order: Order, attempt: Attempt) -> None:
        if order.status is not OrderStatus.PENDING or order.cancel_requested:
            self._desk.give_up(unit, order, attempt, "Cancelled before it was sent", OrderChange.CANCELLED)
            return
        variety = self._open_variety(attempt, unit.now)
        if variety is None:
            self._desk.give_up(unit, order, attempt, "Not sent: no session left for it")
            return
        if (unit.sends.get(attempt.coid) or 0) >= SENDS_MAX:
            self._desk.give_up(unit, order, attempt, f"Broker unavailable: {SENDS_MAX} attempts")
            return
        if variety is not attempt.variety:
            order = replace(order, variety=variety)
            unit.orders[order.id] = order
            changed = replace(attempt, variety=variety, updated_at=unit.now)
            ledger.change_attempt(unit, attempt, changed)
            attempt = changed
        self._desk.send_again(unit, order, attempt)

    def _open_variety(self, attempt: Attempt, now: datetime) -> Variety | None:
        """How an order of that trading day can be sent now; None when it is too late for it."""
        calendar = self._setting.calendar
        day = calendar.trading_day(attempt.trading_day)
        if day is None or now >= day.ends_at:
            return None
        if now >= day.opens_at:
            return Variety.REGULAR
        is_for_it = self._setting.amo.for_day(now, calendar).day == day.day
        return Variety.AMO if self._setting.amo.accepts(now, calendar) and is_for_it else Variety.REGULAR

    def _expire(self, unit: Unit, order: Order, attempt: Attempt) -> None:
        ledger.change_attempt(unit, attempt, apply_attempt(attempt, AttemptChange.EXPIRED, unit.now))
        if order.status is not OrderStatus.PENDING:
            return
        reason, change = "Not found at broker", OrderChange.CANCELLED
        if order.side is Side.BUY and order.execution_qty:
            value, quantity = executed_sum(order)
            reason, change = f"{part_reason(value, quantity, order.quantity)}: {reason}", OrderChange.BOUGHT
        transition = Transition(change=change, at=unit.now, reason=reason, source="policy")
        order = ledger.change(unit, order, transition)
        if change is OrderChange.BOUGHT:
            entry_slippage.record(unit, order, self._setting.policy.quotes)

    def settle_orphans(self, unit: Unit, present: Iterable[Coid], message: BookSeen) -> None:
        """Ids that only the registry knows: absent where absence is proof, they may be used again."""
        if not unit.memory.orphans:
            return
        delay = self._setting.capabilities.visibility_delay
        for coid, entry in unit.memory.orphans.items():
            is_proof = self._setting.capabilities.absence_is_proof
            if coid not in present and is_proof and message.asked_at - entry.created >= delay:
                unit.cleared.append(coid)

    def _is_over(self, attempt: Attempt, now: datetime) -> bool:
        day = self._setting.calendar.trading_day(attempt.trading_day)
        return day is not None and now >= day.ends_at and ist_date(now) >= attempt.trading_day


def _was_settled(unit: Unit, request_id: str, message: BookSeen) -> bool:
    """The placement had ended before the look was asked for: only then does the order's absence say anything."""
    return not unit.is_under_way(request_id) and unit.memory.landings.get(request_id, 0) < message.asked
