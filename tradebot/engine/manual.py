"""What people do at the broker, as we take it: each kind told once and settled by the symbol's policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tradebot.domain.broker_views import BrokerOrder, Holding
from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.manual import ManualPolicy, sold_by_hand
from tradebot.domain.orders import Order, OrderStatus, Side
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Quote
from tradebot.domain.reconcile import PRICE_TOLERANCE, Finding
from tradebot.engine import booking, ledger, protecting
from tradebot.engine.desk import Desk
from tradebot.engine.halts import halt
from tradebot.engine.memory import Shortage
from tradebot.engine.messages import BookSeen
from tradebot.engine.questions import sells_of
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit

CONFIRMED_AFTER = timedelta(seconds=50)
"""So much later the same shortage is no fill that is under way and no lag of the broker's."""


class Manual:
    """Modifications and cancellations come from the comparison of our orders; placements and sales from the book's
    other rows and from the holdings."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk

    def placed(self, unit: Unit, row: BrokerOrder) -> None:
        """An order that is not ours: shown once, never touched."""
        policy = self._policy(row.symbol)
        if policy is ManualPolicy.IGNORE or not unit.is_news(f"foreign:{row.broker_order_id}"):
            return
        text = f"{row.symbol} {row.side} {row.quantity} @{row.price}: not ours ({row.status})"
        fields: dict[str, FieldValue] = {
            "symbol": row.symbol,
            "side": row.side,
            "quantity": row.quantity,
            "price": row.price,
            "broker_order_id": row.broker_order_id,
        }
        ledger.tell(unit, EventName.MANUAL_ORDER_SEEN, text, fields=fields)
        self._halt_if_wanted(unit, row.symbol, "an order was placed by hand")

    def cancelled(self, unit: Unit, order: Order) -> None:
        """Never tried again; what was cancelled stays cancelled under every policy."""
        unit.orders[order.id] = order = replace(order, is_manual=True)
        if self._policy(order.symbol) is ManualPolicy.IGNORE:
            return
        text = f"{ledger.describe(order)}: cancelled by hand"
        ledger.tell(unit, EventName.MANUAL_CANCEL, text, order, level=Level.WARNING)
        self._halt_if_wanted(unit, order.symbol, "an order of ours was cancelled by hand")

    def modified(self, unit: Unit, order: Order, finding: Finding) -> None:
        """We go on with the price and the quantity that somebody else gave; under `ignore` only in what we compare
        with, so that it is not seen again."""
        assert finding.manual_price is not None
        assert finding.manual_quantity is not None
        if self._policy(order.symbol) is ManualPolicy.IGNORE:
            return
        text = _what_changed(order, finding.manual_price, finding.manual_quantity)
        changed = replace(
            order,
            price=finding.manual_price,
            quantity=finding.manual_quantity,
            is_manual=True,
            updated_at=unit.now,
        )
        unit.orders[order.id] = changed
        ledger.note(unit, changed, "modified_by_hand", "broker", {"change": text})
        ledger.tell(unit, EventName.MANUAL_MODIFICATION, text, changed, level=Level.WARNING)
        self._halt_if_wanted(unit, order.symbol, "an order of ours was modified by hand")

    def holdings(self, unit: Unit, message: BookSeen, foreign: Sequence[BrokerOrder]) -> int:
        """Compare what is held with the broker's holdings; returns how many positions were sold into by hand.

        No holdings at all, while we hold something, is no answer: nothing is concluded from it. Shares that nobody's
        sale explains are missing only when the same number is missing again after `CONFIRMED_AFTER`.
        """
        if not message.holdings:
            return 0
        held = _quantities(message.holdings)
        found = 0
        for position in [p for p in unit.positions.values() if p.is_open]:
            if self._policy(position.symbol) is not ManualPolicy.IGNORE:
                sales = [row for row in foreign if row.symbol == position.symbol and row.side is Side.SELL]
                found += self._compare(unit, position, held.get(position.symbol, 0), sales, message.quotes)
        return found

    def _compare(
        self,
        unit: Unit,
        position: Position,
        at_broker: int,
        sales: Sequence[BrokerOrder],
        quotes: Mapping[str, Quote],
    ) -> bool:
        sold = sold_by_hand(position, at_broker, sales)
        if sold is not None:
            marked = replace(position, metadata={**position.metadata, **sold.counted})
            self._reduce(unit, marked, sold.quantity, sold.price, "sold by hand")
            self._halt_if_wanted(unit, position.symbol, "shares were sold by hand")
            return True
        short = position.quantity - at_broker
        if short > 0:
            self._missing(unit, position, at_broker, quotes.get(position.symbol))
        elif position.id in unit.memory.shortages:
            unit.shortages[position.id] = None
        return False

    def _missing(self, unit: Unit, position: Position, at_broker: int, quote: Quote | None) -> None:
        seen = unit.memory.shortages.get(position.id)
        if seen is None or (seen.ours, seen.broker) != (position.quantity, at_broker):
            unit.shortages[position.id] = Shortage(ours=position.quantity, broker=at_broker, since=unit.now)
            text = f"{position.symbol}: {position.quantity} in our books, {at_broker} at the broker"
            fields: dict[str, FieldValue] = {"symbol": position.symbol, "ours": position.quantity, "broker": at_broker}
            ledger.tell(unit, EventName.HOLDINGS_DIFFER, text, fields=fields, level=Level.WARNING)
            return
        if unit.now - seen.since < CONFIRMED_AFTER:
            return
        unit.shortages[position.id] = None
        price = quote.last_price if quote is not None else position.average_price or Decimal(0)
        self._reduce(unit, position, position.quantity - at_broker, price, "gone from the broker's holdings")
        self._halt_if_wanted(unit, position.symbol, "shares have left the account")

    def _reduce(self, unit: Unit, position: Position, quantity: int, price: Decimal, how: str) -> None:
        """The position without them, and our sell cancelled where it stands for more than is left."""
        after = booking.reduce_by_hand(unit, position, quantity, price, how)
        if not after.is_open:
            protecting.position_gone(unit, self._setting, after)
        for sell in sells_of(unit, position.id):
            if sell.status is OrderStatus.PENDING and sell.quantity - sell.execution_qty > after.quantity:
                self._desk.cancel(unit, sell, f"Manual: {quantity} {how}")

    def _policy(self, symbol: str) -> ManualPolicy:
        return self._setting.policy.manual.of(symbol)

    def _halt_if_wanted(self, unit: Unit, symbol: str, cause: str) -> None:
        if self._policy(symbol) is ManualPolicy.HALT:
            halt(unit, symbol, cause)


def _what_changed(order: Order, price: Decimal, quantity: int) -> str:
    parts = []
    if order.price is None or abs(order.price - price) > PRICE_TOLERANCE:
        parts.append(f"price: {order.price} -> {price}")
    if order.quantity != quantity:
        parts.append(f"quantity: {order.quantity} -> {quantity}")
    return ", ".join(parts)


def _quantities(holdings: Sequence[Holding]) -> dict[str, int]:
    found: dict[str, int] = {}
    for holding in holdings:
        found[holding.symbol] = found.get(holding.symbol, 0) + holding.quantity
    return found
