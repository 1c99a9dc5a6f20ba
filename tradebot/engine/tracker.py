"""The one recovery path at work: what the broker shows is compared with what we track, and the difference booked."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, BrokerWord
from tradebot.domain.calendar import ist_date
from tradebot.domain.coids import is_derived
from tradebot.domain.corporate_actions import factor_between
from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.lifecycle import OrderChange
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerOrderId,
    Coid,
    Fill,
    Order,
    OrderStatus,
    Side,
)
from tradebot.domain.reconcile import (
    Finding,
    Look,
    Notice,
    Tracked,
    reconcile,
)
from tradebot.engine import booking, entry_slippage, identities, ledger, protecting
from tradebot.engine.absence import Absence
from tradebot.engine.adoption import adopted
from tradebot.engine.desk import Desk
from tradebot.engine.followups import FollowUps
from tradebot.engine.halts import halt
from tradebot.engine.manual import Manual
from tradebot.engine.messages import BookSeen, Job, OrderSeen
from tradebot.engine.setting import Setting
from tradebot.engine.sums import Sum
from tradebot.engine.unit import Unit


class Tracker:
    """Start-up, the minute's cycle, push updates and lost answers all end here."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._absence = Absence(setting, desk)
        self._followups = FollowUps(setting, desk)
        self._manual = Manual(setting, desk)
        self._desk = desk

    def book_seen(self, unit: Unit, message: BookSeen) -> dict[str, int]:
        """Compare the whole order book. One broken order never stops the others.

        Returns the cycle's counts: checked, updated, executed, partially_filled, rejected, cancelled, manual_cancelled,
        manual_modified, manual_sells, not_found, failed.
        """
        counts = dict.fromkeys(_COUNTS, 0)
        foreign: list[BrokerOrder] = []
        changed: list[tuple[Coid, BrokerOrder]] = []
        seen, unsettled = unit.memory.seen, _unsettled(unit)
        present, others = _same_as_before(unit, message.orders, unsettled)
        for row in others:
            coid = self._coid_of(unit, row)
            if coid is None:
                self._see_foreign(unit, row)
                foreign.append(row)
                continue
            if coid in present:
                self._tell_twin(unit, coid, row)
                continue
            present.add(coid)
            before = seen.get(row.broker_order_id)
            if before is not None and before is not row and before.updated_at > row.updated_at:
                continue
            if before != row or coid in unsettled:
                changed.append((coid, row))
        counts["checked"] = len(present)
        trades = _by_order(message.trades, {row.broker_order_id for _, row in changed})
        for coid, row in changed:
            self._compare_safely(unit, coid, row, trades.get(row.broker_order_id, ()), message.purpose, counts)
        self._absence.settle_attempts(unit, present, message, counts)
        self._absence.settle_orphans(unit, present, message)
        counts["manual_sells"] = self._manual.holdings(unit, message, foreign)
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
            self._absence.not_found(unit, unit.orders[attempt.order_id], attempt)

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
        self._followups.confirm_last_change(unit, coid, row)
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
        if order.coid != coid and order.status is OrderStatus.PENDING:
            self._earlier(unit, ours, row, finding)
        else:
            if finding is not None:
                self._apply(unit, ours, row, finding, counts)
            self._followups.confirm_change(unit, coid, row)
            self._followups.ask_again(unit, coid, row)
        booked = unit.attempts[coid].filled_quantity
        if row.filled_quantity <= booked and (booked or row.word is not BrokerWord.EXECUTED):
            unit.seen[row.broker_order_id] = row

    def _earlier(self, unit: Unit, ours: Tracked, row: BrokerOrder, finding: Finding | None) -> None:
        """An attempt that came to nothing before the one that stands now: its row says nothing about the order. A fill
        of it is a fact all the same; what stands now would buy or sell it twice, and is cancelled."""
        order = unit.orders[ours.order.id]
        if row.word is BrokerWord.OPEN and unit.is_news(f"earlier:{ours.attempt.coid}"):
            text = (
                f"{ledger.describe(order)}: an earlier attempt is open at the broker after all: {row.broker_order_id}"
            )
            ledger.tell(unit, EventName.ORDER_REOPENED, text, order, level=Level.CRITICAL)
        if finding is None or not finding.fills:
            return
        for fill in finding.fills:
            booking.book(unit, fill, self._factor_since(unit, fill))
        ledger.change_attempt(unit, ours.attempt, finding.attempt)
        text = f"{ledger.describe(order)}: an earlier attempt was filled after all"
        ledger.tell(unit, EventName.ORDER_LATE_FILL, text, unit.orders[order.id], level=Level.CRITICAL)
        self._desk.cancel(unit, unit.orders[order.id], "Late fill of an earlier attempt")

    def _apply(self, unit: Unit, ours: Tracked, row: BrokerOrder, finding: Finding, counts: dict[str, int]) -> None:
        counts["updated"] += 1
        unit.coids[row.broker_order_id] = finding.attempt.coid
        for fill in finding.fills:
            booking.book(unit, fill, self._factor_since(unit, fill))
        for transition in finding.transitions:
            ledger.change(unit, unit.orders[ours.order.id], transition)
            _count(counts, transition.change)
            if transition.change in _ENTERED:
                entry_slippage.record(unit, unit.orders[ours.order.id], self._setting.policy.quotes)
        ledger.change_attempt(unit, ours.attempt, finding.attempt)
        if ours.order.broker_order_id is None:
            order = unit.orders[ours.order.id]
            unit.orders[order.id] = replace(order, broker_order_id=row.broker_order_id)
        booking.close_if_sold(unit, unit.orders[ours.order.id])
        if ours.order.side is Side.SELL:
            self._settle_protection(unit, unit.orders[ours.order.id])
        identities.confirmed(
            unit,
            ours.order,
            finding.attempt,
            row,
            is_being_modified=ours.is_being_modified,
            is_timetable=self._is_timetable(ours.order, ours.attempt, row),
        )
        self._followups.placed(unit, finding.attempt)
        for notice in finding.notices:
            self._tell(unit, notice, unit.orders[ours.order.id], row, finding, counts)

    def _settle_protection(self, unit: Unit, order: Order) -> None:
        """What its protective ids become; whatever goes wrong there, the sell itself is booked."""
        part = Unit(unit.memory, unit.now, unit)
        try:
            protecting.sell_ended(part, self._setting, order)
        except Exception as fault:  # ids are a record: they never keep a position from being closed
            text = f"{ledger.describe(order)}: {type(fault).__name__}: {fault}"
            ledger.tell(unit, EventName.INTERNAL_FAULT, text, order, level=Level.ERROR)
        else:
            part.merge()

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
                self._manual.cancelled(unit, order)
            case Notice.MANUAL_MODIFICATION:
                counts["manual_modified"] += 1
                self._manual.modified(unit, order, finding)
            case Notice.UNKNOWN_WORD:
                self._tell_once(unit, f"word:{row.status}", f"unknown status {row.status!r}", order)
            case Notice.LATE_FILL if any(t.change in _LATE for t in finding.transitions):
                pass  # the transition tells it
            case Notice.LATE_FILL:
                text = f"{ledger.describe(order)}: filled after it was {order.status}"
                ledger.tell(unit, EventName.ORDER_LATE_FILL, text, order, level=Level.CRITICAL)
            case Notice.REOPENED | Notice.TRADES_LAG:
                pass

    def _tell_once(self, unit: Unit, key: str, text: str, order: Order) -> None:
        if not unit.is_news(key):
            return
        ledger.tell(unit, EventName.BROKER_WORD_UNKNOWN, text, order, level=Level.WARNING)

    def _see_foreign(self, unit: Unit, row: BrokerOrder) -> None:
        """An order that is not ours is shown once and never touched."""
        if row.broker_order_id in unit.memory.seen:
            return
        unit.seen[row.broker_order_id] = row
        if row.tag is not None and is_derived(row.tag) and self._setting.registry.get(Coid(row.tag)) is None:
            self._see_stranger(unit, row, row.tag)
            return
        self._manual.placed(unit, row)

    def _see_stranger(self, unit: Unit, row: BrokerOrder, tag: str) -> None:
        """It has an id of ours, and no book of ours knows it: the books are older than the order, or another tradebot
        trades here. Its intent is not placed again, and a human looks at its symbol."""
        unit.strangers[tag] = row.broker_order_id
        cause = f"the order {row.broker_order_id} at the broker has an id of ours ({tag}) that no book knows"
        halt(unit, row.symbol, f"{cause}: look at it there, and see whether state/ was put back from an older copy")

    def _tell_twin(self, unit: Unit, coid: Coid, row: BrokerOrder) -> None:
        """Two orders with one id of ours at the broker: told at once, never corrected by trading."""
        key = f"twin:{row.broker_order_id}"
        if not unit.is_news(key):
            return
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

    def _is_timetable(self, order: Order, attempt: Attempt, row: BrokerOrder) -> bool:
        """The exchange itself ends what stands at the end of the day, and stop orders before a closing auction."""
        day = self._setting.calendar.trading_day(attempt.trading_day)
        if day is None:
            return False
        return row.updated_at >= (day.stops_end_at if order.trigger_price is not None else day.ends_at)

    def _session_end(self, attempt: Attempt) -> datetime | None:
        day = self._setting.calendar.trading_day(attempt.trading_day)
        return day.ends_at if day is not None else None


def _same_as_before(
    unit: Unit, rows: Sequence[BrokerOrder], unsettled: Set[Coid]
) -> tuple[set[Coid], list[BrokerOrder]]:
    """Our ids whose rows are the very objects of the look before, and all other rows: most of a long book says nothing
    new, and each step here is made for all of it."""
    numbers = [row.broker_order_id for row in rows]
    same: set[Coid] = set()
    others: list[BrokerOrder] = []
    for row, coid, before in zip(
        rows, map(unit.coids.flat().get, numbers), map(unit.memory.seen.get, numbers), strict=True
    ):
        if before is row and coid is not None and coid not in unsettled:
            same.add(coid)
        else:
            others.append(row)
    return same, others


def _unsettled(unit: Unit) -> set[Coid]:
    """Attempts that are looked at even where their row is the same: in doubt, being changed, or to be cancelled. One
    walk for the whole book where there are any, not a question for each row of it."""
    found = {coid for coid, request in unit.modifies.flat().items() if request}
    if unit.sums.count(Sum.CANCELLING):
        orders = unit.orders.values()
        found |= {order.coid for order in orders if order.cancel_requested and order.status is OrderStatus.PENDING}
    if unit.sums.count(Sum.UNCERTAIN):
        found |= {attempt.coid for attempt in unit.attempts.values() if attempt.status is AttemptStatus.UNKNOWN}
    return found


def _by_order(trades: Sequence[BrokerTrade], wanted: Set[BrokerOrderId]) -> dict[BrokerOrderId, list[BrokerTrade]]:
    """The day's trades once through, not once for each order that changed; all others are left out."""
    found: dict[BrokerOrderId, list[BrokerTrade]] = {}
    for trade in [trade for trade in trades if trade.broker_order_id in wanted]:
        found.setdefault(trade.broker_order_id, []).append(trade)
    return found


_COUNTS = (
    "checked",
    "updated",
    "executed",
    "partially_filled",
    "rejected",
    "cancelled",
    "manual_cancelled",
    "manual_modified",
    "manual_sells",
    "not_found",
    "failed",
)
_ENTERED = frozenset({OrderChange.BOUGHT, OrderChange.LATE_BOUGHT})
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
