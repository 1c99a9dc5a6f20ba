"""Deferred entries: held as pending rows while the market is closed, and sent after the open once the guards pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tradebot.domain.calendar import ist_date
from tradebot.domain.events import EventName, Level
from tradebot.domain.guards import Refusal
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.orders import Order, OrderIntent, OrderStatus, Variety
from tradebot.domain.policy import OffHours
from tradebot.engine import ledger, verdicts
from tradebot.engine.calls import LookAtMarket
from tradebot.engine.desk import Desk
from tradebot.engine.entry_slippage import with_reference
from tradebot.engine.judging import Judging, Picture, further_looks, money_of
from tradebot.engine.messages import MarketSeen
from tradebot.engine.order_rows import intent_of, new_order, sells_position
from tradebot.engine.setting import Setting
from tradebot.engine.slots import Slot, Submission
from tradebot.engine.unit import Unit

DEFERRED = "deferred"
"""The outcome of the decision, the mark of its row, and what the keys of things told begin with; these are forgotten at
the day's end."""
_NAME = "deferred/"


class Deferring:
    """A row without an attempt is all there is of a held order: nothing is reserved, and a restart finds it."""

    def __init__(self, setting: Setting, desk: Desk, judging: Judging) -> None:
        self._setting = setting
        self._desk = desk
        self._judging = judging

    def wants(self, intent: OrderIntent) -> bool:
        """An entry that would go out as an after-market order, while those are to wait for the open."""
        is_late = intent.variety is Variety.AMO and self._setting.policy.off_hours is OffHours.DEFER
        return is_late and not sells_position(intent)

    def hold(self, unit: Unit, intent: OrderIntent, slot: Slot) -> Order:
        """The guards of the night have passed; those of the book come after the open."""
        metadata = {**intent.metadata, DEFERRED: "true"}
        quantity = intent.quantity - slot.filled
        intent = replace(intent, variety=Variety.REGULAR, quantity=quantity, metadata=metadata)
        reason = f"Deferred - waiting for market open ({intent.trading_day})"
        row_id = unit.unsent.get(slot.coid)
        if row_id:
            row = replace(unit.orders[row_id], quantity=intent.quantity, price=intent.price, variety=intent.variety)
            row = replace(row, trading_day=intent.trading_day, metadata=intent.metadata)
            retried = Transition(change=OrderChange.RETRIED, at=unit.now, reason=reason, source=intent.source)
            order = ledger.change(unit, row, retried)
        else:
            order = new_order(intent, self._setting.ids.next(unit.now), slot.coid, unit.now, reason)
            ledger.record(unit, order, None)
        ledger.tell(unit, EventName.ORDER_DEFERRED, f"{ledger.describe(order)}: {reason}", order)
        verdicts.decide(unit, verdicts.wish_of(intent), DEFERRED, reason, order_id=order.id)
        return order

    def look(self, unit: Unit) -> None:
        """Ask for a picture of the market, while there is one and something is held."""
        held = [order for order in _held(unit) if self._is_open(unit, order)]
        if held:
            unit.calls.append(
                LookAtMarket(
                    symbols=tuple(sorted({order.symbol for order in held})),
                    names=tuple(f"{_NAME}{order.id}" for order in held),
                    further_looks=further_looks(self._setting.policy),
                )
            )

    def market_seen(self, unit: Unit, seen: MarketSeen) -> None:
        """Judge what is held like any entry; one broken order never stops the others."""
        wanted = {name.removeprefix(_NAME) for name in seen.names if name.startswith(_NAME)}
        picture = Picture(
            terms=seen.terms,
            quotes=seen.quotes,
            halted=unit.memory.halted,
            money=money_of(unit, seen.funds),
            further=seen.further,
        )
        for order in _held(unit):
            if order.id not in wanted or not self._is_open(unit, order):
                continue
            part = Unit(unit.memory, unit.now, unit)
            try:
                self._release(part, order, picture)
            except Exception as fault:  # a defect in one order must not stop the others
                text = f"{ledger.describe(order)}: {type(fault).__name__}: {fault}"
                ledger.tell(unit, EventName.INTERNAL_FAULT, text, fields={"coid": order.coid}, level=Level.ERROR)
            else:
                part.merge()

    def expire(self, unit: Unit) -> int:
        """Cancel what was held until the end of its day; returns how many."""
        over = [order for order in _held(unit) if self._is_over(unit, order)]
        for order in over:
            reason = "Deferred, and the guards did not let it pass before the close"
            transition = Transition(change=OrderChange.CANCELLED, at=unit.now, reason=reason, source="sweep")
            ledger.change(unit, order, transition)
        return len(over)

    def _release(self, unit: Unit, order: Order, picture: Picture) -> None:
        intent = intent_of(order)
        slot = Slot(Submission.SENT, order.coid, self._desk.number_of(unit, order))
        if order.symbol not in picture.terms:
            return
        refusals = self._judging.entry(unit, intent, picture, order)
        if refusals:
            self._stay(unit, order, intent, refusals)
            return
        verdict = self._desk.place(unit, with_reference(intent, picture.quotes), slot)
        if verdict is Submission.SENT:
            verdicts.decide(unit, verdicts.wish_of(intent), verdict, order_id=order.id)

    def _stay(self, unit: Unit, order: Order, intent: OrderIntent, refusals: Sequence[Refusal]) -> None:
        """It waits for the next cycle; what stands in its way is told when it is something else than before."""
        reasons = ", ".join(refusal.reason for refusal in refusals)
        for refusal in refusals:
            if unit.is_news(f"{DEFERRED}:{order.id}:{refusal.reason}"):
                verdicts.tell_block(unit, order.symbol, order.correlation_id, refusal)
        before = unit.decisions.get(intent.decision_id)
        if before is None or before.reason != reasons:
            figures = verdicts.figures_of(refusals)
            verdicts.decide(unit, verdicts.wish_of(intent), DEFERRED, reasons, figures, order.id)

    def _is_open(self, unit: Unit, order: Order) -> bool:
        day = self._setting.calendar.trading_day(order.trading_day)
        return day is not None and day.day == ist_date(unit.now) and day.opens_at <= unit.now < day.ends_at

    def _is_over(self, unit: Unit, order: Order) -> bool:
        day = self._setting.calendar.trading_day(order.trading_day)
        return day is None or unit.now >= day.ends_at


def _held(unit: Unit) -> list[Order]:
    rows = [unit.orders.get(row_id) for row_id in unit.unsent.values() if row_id]
    return [row for row in rows if row is not None and row.status is OrderStatus.PENDING and DEFERRED in row.metadata]
