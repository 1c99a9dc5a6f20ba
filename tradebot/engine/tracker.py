"""The one recovery path at work: what the broker shows is compared with what we track, and the difference booked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, BrokerWord
from tradebot.domain.calendar import ist_date
from tradebot.domain.corporate_actions import factor_between
from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.lifecycle import AttemptChange, OrderChange, Transition, apply_attempt
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerOrderId,
    BrokerRequest,
    Coid,
    Fill,
    Order,
    OrderStatus,
    PositionId,
    RequestState,
    Side,
    Variety,
)
from tradebot.domain.policy import UnknownPolicy
from tradebot.domain.reconcile import (
    PRICE_TOLERANCE,
    Finding,
    Look,
    Notice,
    Tracked,
    executed_sum,
    part_reason,
    reconcile,
)
from tradebot.engine import ledger
from tradebot.engine.adoption import adopted
from tradebot.engine.calls import LookAtOrder
from tradebot.engine.desk import SENDS_MAX, Desk
from tradebot.engine.messages import BookSeen, Job, OrderSeen
from tradebot.engine.setting import Setting
from tradebot.engine.state import Unit


class Tracker:
    """Start-up, the minute's cycle, push updates and lost answers all end here."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk

    def book_seen(self, unit: Unit, message: BookSeen) -> dict[str, int]:
        """Compare the whole order book. One broken order never stops the others.

        Returns the cycle's counts: checked, updated, executed, partially_filled, rejected, cancelled, manual_cancelled,
        manual_modified, not_found, failed.
        """
        counts = dict.fromkeys(_COUNTS, 0)
        present: set[Coid] = set()
        for row in message.orders:
            coid = self._coid_of(unit, row)
            if coid is None:
                self._tell_foreign(unit, row)
                continue
            if coid in present:
                self._tell_twin(unit, coid, row)
                continue
            present.add(coid)
            counts["checked"] += 1
            before = unit.memory.seen.get(row.broker_order_id)
            if before is not None and before is not row and before.updated_at > row.updated_at:
                continue
            if (before is row or before == row) and not self._is_unsettled(unit, coid):
                continue
            self._compare_safely(unit, coid, row, message.trades, message.purpose, counts)
        self._settle_absent(unit, present, message, counts)
        self._settle_orphans(unit, present, message)
        return counts

    def order_seen(self, unit: Unit, message: OrderSeen) -> None:
        """Compare one order; unknown to the broker, it is settled by the not-found rule."""
        attempt = unit.attempts.get(message.coid)
        if attempt is None:
            return
        if message.order is not None:
            counts = dict.fromkeys(_COUNTS, 0)
            self._compare_safely(unit, message.coid, message.order, message.trades, "history", counts)
        elif attempt.status.is_open:
            self._not_found(unit, unit.orders[attempt.order_id], attempt)

    def _coid_of(self, unit: Unit, row: BrokerOrder) -> Coid | None:
        coid = unit.coids.get(row.broker_order_id)
        if coid is None and row.tag is not None and row.tag in unit.attempts:
            coid = row.tag
        if coid is None and row.tag is not None and row.tag in unit.memory.orphans:
            self._adopt(unit, row)
            coid = row.tag
        return coid

    def _adopt(self, unit: Unit, row: BrokerOrder) -> None:
        """The registry knows the id and the database does not: the broker's row tells the rest."""
        entry = unit.memory.orphans[Coid(row.tag or "")]
        if entry.coid in unit.attempts:
            return
        order, attempt = adopted(entry, row, self._setting.ids.next(unit.now), self._setting.policy, unit.now)
        ledger.record(unit, order, attempt)
        unit.cleared.append(attempt.coid)
        text = f"{ledger.describe(order)}: stands at the broker, known to the registry alone"
        ledger.tell(unit, EventName.COID_REUSED, text, order, level=Level.WARNING)

    def _is_unsettled(self, unit: Unit, coid: Coid) -> bool:
        attempt = unit.attempts.get(coid)
        if attempt is None:
            return False
        order = unit.orders[attempt.order_id]
        waits = order.cancel_requested and order.status is OrderStatus.PENDING
        return attempt.status is AttemptStatus.UNKNOWN or bool(unit.modifies.get(coid)) or waits

    def _compare_safely(
        self,
        unit: Unit,
        coid: Coid,
        row: BrokerOrder,
        trades: Sequence[BrokerTrade],
        source: str,
        counts: dict[str, int],
    ) -> None:
        part = Unit(unit.memory, unit.now, unit)
        try:
            self._compare(part, coid, row, trades, source, counts)
        except Exception as fault:  # one broken order must not stop the cycle for the others
            text = f"{row.symbol} {row.broker_order_id}: {type(fault).__name__}: {fault}"
            counts["failed"] += 1
            ledger.tell(unit, EventName.INTERNAL_FAULT, text, fields={"coid": coid}, level=Level.ERROR)
        else:
            part.merge()

    def _compare(
        self,
        unit: Unit,
        coid: Coid,
        row: BrokerOrder,
        trades: Sequence[BrokerTrade],
        source: str,
        counts: dict[str, int],
    ) -> None:
        attempt = unit.attempts[coid]
        order = unit.orders[attempt.order_id]
        ours = Tracked(
            order=order,
            attempt=attempt,
            booked=unit.trades.get(row.broker_order_id) or frozenset(),
            is_being_modified=bool(unit.modifies.get(coid)),
        )
        look = Look(at=unit.now, source=source, session_ends_at=self._session_end(attempt))
        finding = reconcile(ours, row, trades, look)
        if finding is not None:
            self._apply(unit, ours, row, finding, counts)
        self._confirm_change(unit, coid, row)
        self._ask_again(unit, coid, row)
        booked = unit.attempts[coid].filled_quantity
        if row.filled_quantity <= booked and (booked or row.word is not BrokerWord.EXECUTED):
            unit.seen[row.broker_order_id] = row

    def _apply(self, unit: Unit, ours: Tracked, row: BrokerOrder, finding: Finding, counts: dict[str, int]) -> None:
        counts["updated"] += 1
        unit.coids[row.broker_order_id] = finding.attempt.coid
        for fill in finding.fills:
            ledger.book(unit, fill, self._factor_since(unit, fill))
        for transition in finding.transitions:
            ledger.change(unit, unit.orders[ours.order.id], transition)
            _count(counts, transition.change)
        ledger.change_attempt(unit, ours.attempt, finding.attempt)
        if ours.order.broker_order_id is None:
            order = unit.orders[ours.order.id]
            unit.orders[order.id] = replace(order, broker_order_id=row.broker_order_id)
        ledger.close_if_sold(unit, unit.orders[ours.order.id])
        self._answer_request(unit, finding.attempt)
        for notice in finding.notices:
            self._tell(unit, notice, unit.orders[ours.order.id], row, finding, counts)

    def _answer_request(self, unit: Unit, attempt: Attempt) -> None:
        """A placement whose answer never came is answered by the order itself."""
        request = unit.requests.get(f"{attempt.coid}-P")
        if request is not None:
            _conclude(unit, request, RequestState.ACKED, "seen at the broker")

    def _tell(
        self,
        unit: Unit,
        notice: Notice,
        order: Order,
        row: BrokerOrder,
        finding: Finding,
        counts: dict[str, int],
    ) -> None:
        match notice:
            case Notice.MANUAL_CANCEL:
                counts["manual_cancelled"] += 1
                unit.orders[order.id] = replace(order, is_manual=True)
                text = f"{ledger.describe(order)}: cancelled by hand"
                ledger.tell(unit, EventName.MANUAL_CANCEL, text, order, level=Level.WARNING)
            case Notice.MANUAL_MODIFICATION:
                counts["manual_modified"] += 1
                self._modified_by_hand(unit, order, finding)
            case Notice.UNKNOWN_WORD:
                self._tell_once(unit, f"word:{row.status}", f"unknown status {row.status!r}", order)
            case Notice.LATE_FILL if any(t.change in _LATE for t in finding.transitions):
                pass  # the transition tells it
            case Notice.LATE_FILL:
                text = f"{ledger.describe(order)}: filled after it was {order.status}"
                ledger.tell(unit, EventName.ORDER_LATE_FILL, text, order, level=Level.CRITICAL)
            case Notice.REOPENED | Notice.TRADES_LAG:
                pass

    def _modified_by_hand(self, unit: Unit, order: Order, finding: Finding) -> None:
        assert finding.manual_price is not None
        assert finding.manual_quantity is not None
        text = f"price: {order.price} -> {finding.manual_price}"
        if finding.manual_quantity != order.quantity:
            text += f", quantity: {order.quantity} -> {finding.manual_quantity}"
        changed = replace(
            order,
            price=finding.manual_price,
            quantity=finding.manual_quantity,
            is_manual=True,
            updated_at=unit.now,
        )
        unit.orders[order.id] = changed
        ledger.tell(unit, EventName.MANUAL_MODIFICATION, text, changed, level=Level.WARNING)

    def _tell_once(self, unit: Unit, key: str, text: str, order: Order) -> None:
        if key in unit.memory.told:
            return
        unit.facts["told"] = unit.memory.told | {key}
        ledger.tell(unit, EventName.BROKER_WORD_UNKNOWN, text, order, level=Level.WARNING)

    def _tell_foreign(self, unit: Unit, row: BrokerOrder) -> None:
        """An order that is not ours is shown once and never touched."""
        if row.broker_order_id in unit.memory.seen:
            return
        unit.seen[row.broker_order_id] = row
        text = f"{row.symbol} {row.side} {row.quantity} @{row.price}: not ours ({row.status})"
        ledger.tell(
            unit,
            EventName.MANUAL_ORDER_SEEN,
            text,
            fields={
                "symbol": row.symbol,
                "side": row.side,
                "quantity": row.quantity,
                "price": row.price,
                "broker_order_id": row.broker_order_id,
            },
        )

    def _tell_twin(self, unit: Unit, coid: Coid, row: BrokerOrder) -> None:
        """Two orders with one id of ours at the broker: told at once, never corrected by trading."""
        key = f"twin:{row.broker_order_id}"
        if key in unit.memory.told:
            return
        unit.facts["told"] = unit.memory.told | {key}
        order = unit.orders[unit.attempts[coid].order_id]
        text = f"{ledger.describe(order)}: a second order with its id stands at the broker: {row.broker_order_id}"
        fields: dict[str, FieldValue] = {"twin": row.broker_order_id, "attempt": unit.attempts[coid].number}
        ledger.tell(unit, EventName.COID_DUPLICATE, text, order, fields, level=Level.CRITICAL)

    def _factor_since(self, unit: Unit, fill: Fill) -> Fraction:
        """New shares for each one of the fill, where a split has taken effect in our books since it was traded."""
        run = unit.job_runs.get(Job.ADJUST)
        if run is None:
            return Fraction(1)
        traded, adjusted = ist_date(fill.traded_at), ist_date(run.planned_for)
        if traded >= adjusted:
            return Fraction(1)
        return factor_between(self._setting.actions, fill.symbol, traded, adjusted)

    def _confirm_change(self, unit: Unit, coid: Coid, row: BrokerOrder) -> None:
        """A change of price is over when the book shows it, or when the order is finished."""
        request_id = unit.modifies.get(coid)
        if not request_id:
            return
        request, attempt = unit.requests[request_id], unit.attempts[coid]
        order = unit.orders[attempt.order_id]
        wanted = Decimal(request.payload["price"])
        if row.word is not BrokerWord.OPEN:
            unit.modifies[coid] = ""
            _conclude(unit, request, RequestState.REFUSED, "the order was finished first")
            return
        if abs(row.price - wanted) > PRICE_TOLERANCE:
            if not unit.is_under_way(request_id) and self._has_come_to_nothing(unit, request):
                unit.modifies[coid] = ""
                _conclude(unit, request, RequestState.UNSENT, "not seen at the broker")
            return
        unit.modifies[coid] = ""
        _conclude(unit, request, RequestState.ACKED, "seen at the broker")
        if order.status is not OrderStatus.PENDING:
            return
        ledger.change_attempt(unit, attempt, replace(attempt, price=row.price, updated_at=unit.now))
        unit.orders[order.id] = replace(order, price=row.price)
        reason = f"Price changed: {order.price} -> {row.price}"
        transition = Transition(change=OrderChange.MODIFIED, at=unit.now, reason=reason, source="desk")
        ledger.change(unit, unit.orders[order.id], transition)

    def _has_come_to_nothing(self, unit: Unit, request: BrokerRequest) -> bool:
        """A change that the broker took is given time to show; any other that has ended was not made."""
        if request.state is not RequestState.ACKED or request.answered_at is None:
            return True
        return unit.now - request.answered_at >= 2 * self._setting.policy.times.verify_after

    def _ask_again(self, unit: Unit, coid: Coid, row: BrokerOrder) -> None:
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

    def _settle_absent(self, unit: Unit, present: set[Coid], message: BookSeen, counts: dict[str, int]) -> None:
        for attempt in list(unit.attempts.values()):
            if not attempt.status.is_open or attempt.coid in present:
                continue
            if not _was_settled(unit, f"{attempt.coid}-P", message):
                continue
            counts["not_found"] += 1
            if attempt.broker_order_id is not None:
                unit.calls.append(LookAtOrder(coid=attempt.coid, broker_order_id=attempt.broker_order_id))
            else:
                self._not_found(unit, unit.orders[attempt.order_id], attempt)

    def _not_found(self, unit: Unit, order: Order, attempt: Attempt) -> None:
        """Never assumed executed or cancelled. Where absence is proof, or the request certainly never left, it is sent
        again with the same id while it is still wanted; elsewhere it stays unknown, until the operator's policy lets
        it expire."""
        capabilities = self._setting.capabilities
        request = unit.requests.get(f"{attempt.coid}-P")
        is_unsent = request is not None and request.state is RequestState.UNSENT
        if attempt.broker_order_id is None and (capabilities.absence_is_proof or is_unsent):
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
            text = f"{ledger.describe(order)}: not found at the broker"
            ledger.tell(unit, EventName.ORDER_UNCERTAIN, text, order, level=Level.CRITICAL)
        ledger.change_attempt(unit, attempt, looks)
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
        self._desk.send(unit, order, attempt)

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
        ledger.change(unit, order, transition)

    def _settle_orphans(self, unit: Unit, present: Iterable[Coid], message: BookSeen) -> None:
        """Ids that only the registry knows: absent where absence is proof, they may be used again."""
        if not unit.memory.orphans:
            return
        delay = self._setting.capabilities.visibility_delay
        for coid, entry in unit.memory.orphans.items():
            is_proof = self._setting.capabilities.absence_is_proof
            if coid not in present and is_proof and message.asked_at - entry.created >= delay:
                unit.cleared.append(coid)

    def _session_end(self, attempt: Attempt) -> datetime | None:
        day = self._setting.calendar.trading_day(attempt.trading_day)
        return day.ends_at if day is not None else None

    def _is_over(self, attempt: Attempt, now: datetime) -> bool:
        end = self._session_end(attempt)
        return end is not None and now >= end and ist_date(now) >= attempt.trading_day


def _conclude(unit: Unit, request: BrokerRequest, state: RequestState, detail: str) -> None:
    """A request whose answer never came is answered by what the broker's book shows."""
    if request.state not in (RequestState.PREPARED, RequestState.UNKNOWN):
        return
    unit.requests[request.id] = replace(request, state=state, detail=detail, answered_at=unit.now)
    unit.landed.append(request.id)


def _was_settled(unit: Unit, request_id: str, message: BookSeen) -> bool:
    """The placement had ended before the look was asked for: only then does the order's absence say anything."""
    return not unit.is_under_way(request_id) and unit.memory.landings.get(request_id, 0) < message.asked


def booked_quantities(unit: Unit) -> dict[BrokerOrderId, int]:
    """How much of each broker order is booked, for the question whether its trades are needed."""
    return {
        attempt.broker_order_id: attempt.filled_quantity
        for attempt in unit.attempts.values()
        if attempt.broker_order_id is not None
    }


def uncertain_symbols(unit: Unit) -> set[str]:
    """Symbols with an order that may or may not stand at the broker: no new entry until that is settled."""
    unknown = {a.symbol for a in unit.attempts.values() if a.status is AttemptStatus.UNKNOWN}
    return unknown | {entry.symbol for entry in unit.memory.orphans.values()}


def sells_of(unit: Unit, position_id: PositionId) -> list[Order]:
    """The sell orders of a position that are still in memory, oldest first."""
    ids = unit.sells.get(position_id) or ()
    return [order for order_id in ids if (order := unit.orders.get(order_id)) is not None]


_COUNTS = (
    "checked",
    "updated",
    "executed",
    "partially_filled",
    "rejected",
    "cancelled",
    "manual_cancelled",
    "manual_modified",
    "not_found",
    "failed",
)
_LATE = frozenset({OrderChange.LATE_BOUGHT, OrderChange.LATE_SOLD})
_COUNTED = {
    OrderChange.BOUGHT: "executed",
    OrderChange.SOLD: "executed",
    OrderChange.LATE_BOUGHT: "executed",
    OrderChange.LATE_SOLD: "executed",
    OrderChange.PARTIALLY_FILLED: "partially_filled",
    OrderChange.REFUSED: "rejected",
    OrderChange.CANCELLED: "cancelled",
}


def _count(counts: dict[str, int], change: OrderChange) -> None:
    word = _COUNTED.get(change)
    if word is not None:
        counts[word] += 1
