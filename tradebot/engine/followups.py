"""Changes and cancellations that were asked for: whether the broker's book shows them, and when to ask again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tradebot.domain.broker_views import BrokerOrder, BrokerWord
from tradebot.domain.exits import ExitRule
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import Attempt, BrokerRequest, Coid, Order, OrderStatus, RequestState
from tradebot.domain.reconcile import PRICE_TOLERANCE
from tradebot.engine import identities, ledger
from tradebot.engine.desk import Desk
from tradebot.engine.messages import Job
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit


class FollowUps:
    """Answers requests by what the book shows, and repeats the ones that came to nothing, with a pause."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk

    def placed(self, unit: Unit, attempt: Attempt) -> None:
        """A placement whose answer never came is answered by the order itself."""
        request = unit.requests.get(f"{attempt.coid}-P")
        if request is not None:
            _conclude(unit, request, RequestState.ACKED, "seen at the broker")

    def confirm_last_change(self, unit: Unit, coid: Coid, row: BrokerOrder) -> None:
        """A change that was made before the order traded in full belongs to its story before its fills do: they were
        traded within the limit that it brought."""
        asked = self._asked(unit, coid)
        order = unit.orders[unit.attempts[coid].order_id]
        if row.word is BrokerWord.EXECUTED and order.coid == coid and asked is not None and _shows(row, asked):
            self._confirm(unit, coid, row, asked)

    def confirm_change(self, unit: Unit, coid: Coid, row: BrokerOrder) -> None:
        """A change is over when the book shows it, or when the order is finished."""
        asked = self._asked(unit, coid)
        if asked is None:
            return
        order_id = unit.attempts[coid].order_id
        if row.word is not BrokerWord.OPEN:
            unit.modifies[coid] = ""
            _conclude(unit, asked, RequestState.REFUSED, "the order was finished first")
            identities.settle(unit, order_id, IdType.MODIFY, IdStatus.CANCELLED)
        elif _shows(row, asked):
            self._confirm(unit, coid, row, asked)
        elif not unit.is_under_way(asked.id) and self._has_come_to_nothing(unit, asked):
            unit.modifies[coid] = ""
            _conclude(unit, asked, RequestState.UNSENT, "not seen at the broker")
            identities.settle(unit, order_id, IdType.MODIFY, IdStatus.CANCELLED)

    def _asked(self, unit: Unit, coid: Coid) -> BrokerRequest | None:
        request_id = unit.modifies.get(coid)
        return unit.requests[request_id] if request_id else None

    def _confirm(self, unit: Unit, coid: Coid, row: BrokerOrder, asked: BrokerRequest) -> None:
        attempt = unit.attempts[coid]
        order = unit.orders[attempt.order_id]
        unit.modifies[coid] = ""
        _conclude(unit, asked, RequestState.ACKED, "seen at the broker")
        identities.settle(unit, order.id, IdType.MODIFY, IdStatus.EXECUTED)
        if order.status is not OrderStatus.PENDING:
            return
        changed = replace(attempt, price=row.price, quantity=row.quantity, updated_at=unit.now)
        ledger.change_attempt(unit, attempt, changed)
        unit.orders[order.id] = replace(order, price=row.price, quantity=row.quantity)
        rule = order.metadata.get("rule")
        why = f", {rule}" if rule and rule != ExitRule.PROFIT_TARGET else ""
        reason = f"{_what_changed(order, row)}{why}"
        transition = Transition(change=OrderChange.MODIFIED, at=unit.now, reason=reason, source="desk")
        ledger.change(unit, unit.orders[order.id], transition)

    def _has_come_to_nothing(self, unit: Unit, request: BrokerRequest) -> bool:
        """A change that the broker took, or may have taken, is given time to show; any other was not made. One that
        died with its process needs none where a book that does not show it proves that it was not made."""
        if request.state in (RequestState.REFUSED, RequestState.UNSENT):
            return True
        if request.state is RequestState.PREPARED and self._setting.capabilities.absence_is_proof:
            return True
        since = request.answered_at or request.prepared_at
        return unit.now - since >= 2 * self._setting.policy.times.verify_after

    def ask_again(self, unit: Unit, coid: Coid, row: BrokerOrder) -> None:
        """A cancellation that is wanted and whose request has ended without effect is asked for again."""
        order = unit.orders[unit.attempts[coid].order_id]
        if row.word is not BrokerWord.OPEN and (request := unit.requests.get(f"{coid}-C")) is not None:
            is_cancelled = row.word is BrokerWord.CANCELLED
            state = RequestState.ACKED if is_cancelled else RequestState.REFUSED
            _conclude(unit, request, state, f"the order is {row.status}")
        if not (order.cancel_requested and order.status is OrderStatus.PENDING and row.word is BrokerWord.OPEN):
            return
        request = unit.requests.get(f"{coid}-C")
        if request is None or (request.state is not RequestState.ACKED and not unit.is_under_way(request.id)):
            asked_at = request.answered_at if request is not None else None
            pause = self._setting.policy.times.verify_after
            if asked_at is None or unit.now - asked_at >= pause:
                self._desk.cancel(unit, order, order.reason)
            else:
                unit.timers.append((Job.VERIFY, asked_at + pause))


def _shows(row: BrokerOrder, asked: BrokerRequest) -> bool:
    price, quantity = Decimal(asked.payload["price"]), int(asked.payload["quantity"])
    return abs(row.price - price) <= PRICE_TOLERANCE and row.quantity == quantity


def _what_changed(order: Order, row: BrokerOrder) -> str:
    parts = []
    if order.price is None or row.price != order.price:
        parts.append(f"Price changed: {order.price} -> {row.price}")
    if row.quantity != order.quantity:
        parts.append(f"Quantity changed: {order.quantity} -> {row.quantity}")
    return ", ".join(parts) or "Changed"


def _conclude(unit: Unit, request: BrokerRequest, state: RequestState, detail: str) -> None:
    """A request whose answer never came is answered by what the broker's book shows."""
    if request.state not in (RequestState.PREPARED, RequestState.UNKNOWN):
        return
    unit.requests[request.id] = replace(request, state=state, detail=detail, answered_at=unit.now)
    unit.landed.append(request.id)
