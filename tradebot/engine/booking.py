"""Fills in the books: an order's sums, and the position that they open, grow or shrink."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from tradebot.domain import lifecycle, positions
from tradebot.domain.events import Event, EventName, FieldValue, Level
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.orders import Fill, Order, OrderStatus, PositionId, Side
from tradebot.domain.positions import Position
from tradebot.engine import ledger
from tradebot.engine.questions import buys_of
from tradebot.engine.sums import Sum
from tradebot.engine.unit import Unit


def book(unit: Unit, fill: Fill, factor: Fraction = Fraction(1)) -> None:
    """One execution: the fill, the order's sums, and the position that it opens, grows or shrinks.

    `factor`: how many shares of today one share of the fill is, after a split or a bonus issue since.
    """
    unit.fills.append(fill)
    known = unit.trades.get(fill.broker_order_id) or frozenset()
    unit.trades[fill.broker_order_id] = known | {fill.trade_id}
    order = lifecycle.book_fill(unit.orders[fill.order_id], fill)
    unit.orders[order.id] = order
    if factor != 1:
        price = fill.price * factor.denominator / factor.numerator
        fill = replace(fill, quantity=int(fill.quantity * factor), price=price)
    if order.side is Side.BUY:
        _bought(unit, order, fill)
    else:
        _sold(unit, order, fill)


def reduce_by_hand(unit: Unit, position: Position, quantity: int, price: Decimal, how: str) -> Position:
    """Shares of a position that somebody else has sold, at that price; at zero it is closed, with its buys."""
    after = positions.sold(position, quantity, price, unit.now)
    unit.positions[after.id] = after
    name = EventName.MANUAL_PARTIAL_EXIT if after.is_open else EventName.MANUAL_EXIT
    gain = after.realised_pnl - position.realised_pnl
    text = f"{position.symbol}: {quantity} of {position.quantity} {how} at Rs {price:.2f}, P&L Rs {gain:.2f}"
    fields: dict[str, FieldValue] = {
        "position_id": position.id,
        "symbol": position.symbol,
        "quantity": quantity,
        "left": after.quantity,
        "exit_price": price,
        "realised_pnl": gain,
    }
    ledger.tell(unit, name, text, fields=fields, level=Level.WARNING)
    figures = {"quantity": str(quantity), "price": f"{price:.4f}", "left": str(after.quantity)}
    buys = buys_of(unit, position.id)
    for order in buys:
        ledger.note(unit, order, name.lower(), "holdings", figures)
    if not after.is_open:
        _close_buys(unit, after)
        for order in buys[:1]:
            _tell_position(unit, EventName.POSITION_CLOSED, after, order)
    return after


def close_if_sold(unit: Unit, order: Order) -> None:
    """A buy whose position was sold before its end was known is done as well."""
    position = unit.positions.get(order.position_id) if order.position_id is not None else None
    if order.status is OrderStatus.ONGOING and position is not None and not position.is_open:
        _close_buys(unit, position)


def _bought(unit: Unit, order: Order, fill: Fill) -> None:
    position = _position_of(unit, order)
    if position is None:
        position = _opened(order, fill)
        unit.positions[position.id] = position
        _tell_position(unit, EventName.POSITION_OPENED, position, order)
    else:
        position = positions.bought(position, fill)
        unit.positions[position.id] = position
        _tell_position(unit, EventName.POSITION_UPDATED, position, order)
    if order.position_id != position.id:
        unit.orders[order.id] = replace(order, position_id=position.id)


def _position_of(unit: Unit, order: Order) -> Position | None:
    """The position that a buy adds to: its own, else the open one of the symbol."""
    if order.position_id is not None:
        return unit.positions.get(order.position_id)
    if not unit.sums.count(Sum.POSITIONS, order.symbol):
        return None
    return next(
        (
            position
            for position in unit.positions.values()
            if position.is_open
            and (position.account_id, position.symbol, position.product)
            == (order.account_id, order.symbol, order.product)
        ),
        None,
    )


def _opened(order: Order, fill: Fill) -> Position:
    return Position(
        id=PositionId(f"P{order.coid}"),
        account_id=order.account_id,
        user_id=order.user_id,
        symbol=order.symbol,
        exchange=order.exchange,
        product=order.product,
        opened_by=order.coid,
        quantity=fill.quantity,
        cost=fill.price * fill.quantity,
        bought_quantity=fill.quantity,
        peak_price=fill.price,
        first_fill_at=fill.traded_at,
        updated_at=fill.booked_at,
        metadata=order.metadata,
    )


def _sold(unit: Unit, order: Order, fill: Fill) -> None:
    position = unit.positions.get(order.position_id) if order.position_id is not None else None
    if position is None or not position.quantity:
        ledger.tell(
            unit,
            EventName.HOLDINGS_DIFFER,
            f"{ledger.describe(order)}: sold, but nothing is held",
            order,
            level=Level.CRITICAL,
        )
        return
    quantity = min(fill.quantity, position.quantity)
    if fill.quantity > quantity:
        text = f"{ledger.describe(order)}: {fill.quantity} sold, {quantity} held"
        ledger.tell(unit, EventName.HOLDINGS_DIFFER, text, order, level=Level.CRITICAL)
    after = positions.sold(position, quantity, fill.price, fill.traded_at)
    unit.positions[after.id] = after
    gain = after.realised_pnl - position.realised_pnl
    total = Decimal(order.metadata.get("realised_pnl", "0")) + gain
    unit.orders[order.id] = replace(order, metadata={**order.metadata, "realised_pnl": str(total)})
    if after.is_open:
        _tell_position(unit, EventName.POSITION_UPDATED, after, order)
        return
    _tell_position(unit, EventName.POSITION_CLOSED, after, order)
    _close_buys(unit, after)


def _close_buys(unit: Unit, position: Position) -> None:
    """The sell's fill closes the orders that bought the position."""
    for order in buys_of(unit, position.id):
        if order.status is OrderStatus.ONGOING:
            reason = f"Position sold, P&L Rs {position.realised_pnl:.2f}"
            ledger.change(
                unit,
                order,
                Transition(change=OrderChange.POSITION_SOLD, at=unit.now, reason=reason, source="position"),
            )


def _tell_position(unit: Unit, name: EventName, position: Position, order: Order) -> None:
    unit.events.append(
        Event(
            name=name,
            at=unit.now,
            message=f"{position.symbol} {position.quantity} held, P&L Rs {position.realised_pnl:.2f}",
            correlation_id=order.correlation_id,
            fields={
                "position_id": position.id,
                "symbol": position.symbol,
                "quantity": position.quantity,
                "avg_price": position.average_price,
                "realised_pnl": position.realised_pnl,
                "exit_rule": position.exit_rule,
            },
        )
    )
