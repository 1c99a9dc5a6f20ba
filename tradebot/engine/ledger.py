"""Entries in the books of a unit of work: transitions, fills and positions, each with its line in the story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from tradebot.domain import lifecycle, positions
from tradebot.domain.coids import stands_in_no_registry
from tradebot.domain.events import Event, EventName, FieldValue, Level
from tradebot.domain.exits import ExitRule
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.lifecycle_ids import IdStatus, IdType, LifecycleId, with_status
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    Fill,
    Order,
    OrderEvent,
    OrderStatus,
    PositionId,
    Side,
)
from tradebot.domain.positions import Position
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.retry import is_by_symbol
from tradebot.engine.state import Unit, batch_order_key
from tradebot.engine.sums import Sum

_TOLD: Mapping[OrderChange, tuple[EventName, Level]] = {
    OrderChange.ACCEPTED: (EventName.ORDER_ACCEPTED, Level.INFO),
    OrderChange.PARTIALLY_FILLED: (EventName.ORDER_PARTIAL, Level.INFO),
    OrderChange.MODIFIED: (EventName.ORDER_MODIFIED, Level.INFO),
    OrderChange.BOUGHT: (EventName.ORDER_FILLED, Level.INFO),
    OrderChange.SOLD: (EventName.ORDER_FILLED, Level.INFO),
    OrderChange.REFUSED: (EventName.ORDER_REJECTED, Level.WARNING),
    OrderChange.CANCELLED: (EventName.ORDER_CANCELLED, Level.INFO),
    OrderChange.EXPIRED: (EventName.ORDER_EXPIRED, Level.INFO),
    OrderChange.LATE_BOUGHT: (EventName.ORDER_LATE_FILL, Level.CRITICAL),
    OrderChange.LATE_SOLD: (EventName.ORDER_LATE_FILL, Level.CRITICAL),
    OrderChange.REOPENED: (EventName.ORDER_REOPENED, Level.CRITICAL),
}

_QUEUED: Mapping[OrderChange, str] = {
    OrderChange.REFUSED: "added",
    OrderChange.RETRY_FAILED: "updated",
    OrderChange.RETRY_REQUESTED: "updated",
    OrderChange.EXPIRED: "removed",
    OrderChange.ALREADY_HELD: "removed",
    OrderChange.DROPPED: "removed",
    OrderChange.REPLACED: "removed",
    OrderChange.RETRIED: "retried",
    OrderChange.LINKED: "linked",
}


_ENDED_BY_US = frozenset({OrderChange.EXPIRED, OrderChange.DROPPED, OrderChange.ALREADY_HELD})


def record(unit: Unit, order: Order, attempt: Attempt | None) -> None:
    """A new order: its row, its attempt, and the first line of its story."""
    unit.orders[order.id] = order
    if attempt is not None:
        unit.attempts[attempt.coid] = attempt
        if attempt.broker_order_id is not None:
            unit.booked[attempt.broker_order_id] = attempt.filled_quantity
    else:
        unit.unsent[order.coid] = order.id
    unit.lifecycle_ids[order.id] = LifecycleId(
        order_id=order.id,
        id_type=IdType.ORDER,
        lifecycle_id=order.id,
        created_at=unit.now,
        updated_at=unit.now,
    )
    unit.newest_ids[f"{order.id}/{IdType.ORDER}"] = order.id
    if order.batch_id is not None:
        unit.batch_orders[batch_order_key(order.batch_id, order.leg, order.side)] = order.id
    if order.side is Side.SELL and order.position_id is not None:
        unit.sells[order.position_id] = (*(unit.sells.get(order.position_id) or ()), order.id)
    _write_event(unit, order, "recorded", None, order.orig_source, {})


def change(unit: Unit, order: Order, transition: Transition) -> Order:
    """Apply one transition: the row, the story, and what is told. Raises InvalidTransition and changes nothing."""
    after = lifecycle.apply(order, transition)
    unit.orders[after.id] = after
    _write_event(unit, after, transition.change, order.status, transition.source, transition.figures)
    if transition.change is OrderChange.REFUSED:
        after = _alone_in_queue(unit, after)
    queued = _QUEUED.get(transition.change)
    if queued is not None:
        tell_queue(unit, after, "updated" if queued == "added" and after.retry_count > 1 else queued)
    if transition.change in _ENDED_BY_US:
        _end_own_id(unit, after)
    told = _TOLD.get(transition.change)
    if told is not None:
        name, level = told
        if transition.change is OrderChange.BOUGHT and after.execution_qty < after.quantity:
            name = EventName.ORDER_CANCELLED
        tell(unit, name, f"{describe(after)}: {after.reason}", after, level=level)
    if transition.change is OrderChange.SOLD:
        _tell_resting(unit, after)
    return after


_EXITS_BY_THEMSELVES = {
    ExitRule.PROFIT_TARGET: (EventName.EXIT_PROFIT_TARGET, "sold at the target"),
    ExitRule.STOP_LOSS: (EventName.EXIT_STOP_LOSS_HIT, "sold by the stop-loss at the broker"),
}


def _tell_resting(unit: Unit, order: Order) -> None:
    """The fill of a sell that stood at the broker is the exit itself: no rule has told it before."""
    position = unit.positions.get(order.position_id) if order.position_id is not None else None
    told = next((told for rule, told in _EXITS_BY_THEMSELVES.items() if order.metadata.get("rule") == rule), None)
    if position is None or position.exit_rule is not None or told is None:
        return
    name, how = told
    unit.events.append(
        Event(
            name=name,
            at=unit.now,
            message=f"{order.symbol}: {order.execution_qty} {how}",
            correlation_id=order.correlation_id,
            fields={
                "position_id": position.id,
                "symbol": order.symbol,
                "found": order.average_price,
                "threshold": order.trigger_price or order.price,
                "quantity": order.execution_qty,
            },
        )
    )


def failed_rows(unit: Unit, account_id: str, exchange: str, symbol: str, side: Side) -> list[Order]:
    """The failed orders of signals and strategies for one thing, the oldest first."""
    return [
        order
        for order in unit.orders.values()
        if order.status is OrderStatus.FAILED
        and (order.account_id, order.exchange, order.symbol, order.side) == (account_id, exchange, symbol, side)
        and is_by_symbol(order)
    ]


def _alone_in_queue(unit: Unit, order: Order) -> Order:
    """One failed row for one thing: an older one gives way to this failure, which takes over its age and its count."""
    if not is_by_symbol(order):
        return order
    for older in failed_rows(unit, order.account_id, order.exchange, order.symbol, order.side):
        if older.id == order.id:
            continue
        first = min(older.first_failed_at or older.created_at, order.first_failed_at or order.created_at)
        order = replace(order, first_failed_at=first, retry_count=order.retry_count + older.retry_count)
        unit.orders[order.id] = order
        reason = f"Failed again as order {order.id}"
        change(unit, older, Transition(change=OrderChange.REPLACED, at=unit.now, reason=reason, source="queue"))
    return order


def tell_queue(unit: Unit, order: Order, what: str, cause: str = "") -> None:
    """What became of an order in the retry queue."""
    text = f"{describe(order)} {what}: {cause or order.reason}"
    tell(unit, EventName.QUEUE_CHANGED, text, order, {"change": what, **({"cause": cause} if cause else {})})


def _end_own_id(unit: Unit, order: Order) -> None:
    """No broker will confirm it: the order's own id ends with what we did."""
    entry = unit.lifecycle_ids.get(order.id)
    if entry is not None:
        unit.lifecycle_ids[order.id], _ = with_status(entry, IdStatus.CANCELLED, unit.now)


def change_attempt(unit: Unit, before: Attempt, after: Attempt) -> None:
    """The attempt's new state, for the database and for the registry."""
    if after == before:
        return
    unit.attempts[after.coid] = after
    if after.broker_order_id is not None:
        unit.coids[after.broker_order_id] = after.coid
        unit.booked[after.broker_order_id] = after.filled_quantity
    if not stands_in_no_registry(after.coid):
        unit.notes[after.coid] = registry_entry(after, unit.orders.get(after.order_id))


def registry_entry(attempt: Attempt, order: Order | None) -> RegistryEntry:
    """The attempt as a line of the registry."""
    price = order.execution_price if order is not None and order.coid == attempt.coid else None
    return RegistryEntry(
        coid=attempt.coid,
        account_id=attempt.account_id,
        decision_id=attempt.decision_id,
        leg=attempt.leg,
        side=attempt.side,
        symbol=attempt.symbol,
        status=attempt.status,
        attempt_count=attempt.number,
        broker_order_id=attempt.broker_order_id,
        filled_qty=attempt.filled_quantity,
        avg_price=price,
        created=attempt.created_at,
        updated=attempt.updated_at,
        metadata=_witness(attempt, order),
    )


def _witness(attempt: Attempt, order: Order | None) -> dict[str, str]:
    """What is needed to give the order its row back when the registry alone knows it."""
    facts = {"order_id": str(attempt.order_id), "trading_day": attempt.trading_day.isoformat()}
    if order is not None and order.side is Side.SELL and order.position_id is not None:
        facts["position_id"] = order.position_id
    return facts


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


def note(unit: Unit, order: Order, event: str, source: str, figures: Mapping[str, str]) -> None:
    """A line of the order's story that is no change of its status."""
    _write_event(unit, order, event, order.status, source, figures)


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
    tell(unit, name, text, fields=fields, level=Level.WARNING)
    figures = {"quantity": str(quantity), "price": f"{price:.4f}", "left": str(after.quantity)}
    buys = [order for order in unit.orders.values() if order.position_id == position.id and order.side is Side.BUY]
    for order in buys:
        note(unit, order, name.lower(), "holdings", figures)
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


def tell(
    unit: Unit,
    name: EventName,
    message: str,
    order: Order | None = None,
    fields: Mapping[str, FieldValue] | None = None,
    *,
    level: Level = Level.INFO,
    correlation_id: str = "",
) -> None:
    """An event to be published once the unit is saved; of an order it carries who, what and how far."""
    figures: dict[str, FieldValue] = {}
    if order is not None:
        figures = _order_fields(order)
        correlation_id = correlation_id or unit.correlation_id or order.correlation_id
    unit.events.append(
        Event(
            name=name,
            at=unit.now,
            message=message,
            level=level,
            correlation_id=correlation_id or unit.correlation_id,
            fields={**figures, **(fields or {})},
        )
    )


def describe(order: Order) -> str:
    """The order in a few words, for people."""
    price = "market" if order.price is None else f"@{order.price}"
    return f"{order.symbol} {order.side} {order.quantity} {price}"


def _order_fields(order: Order) -> dict[str, FieldValue]:
    return {
        "order_id": order.id,
        "coid": order.coid,
        "decision_id": order.decision_id,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "price": order.price,
        "status": order.status,
        "filled_qty": order.execution_qty,
        "avg_price": order.execution_price,
        "reason": order.reason,
        "broker_order_id": order.broker_order_id,
    }


def _write_event(
    unit: Unit,
    order: Order,
    event: str,
    before: OrderStatus | None,
    source: str,
    figures: Mapping[str, str],
) -> None:
    sequence = (unit.sequences.get(order.account_id) or 0) + 1
    unit.sequences[order.account_id] = sequence
    unit.order_events.append(
        OrderEvent(
            account_id=order.account_id,
            sequence=sequence,
            order_id=order.id,
            event=event,
            from_status=before,
            to_status=order.status,
            reason=order.reason,
            source=source,
            at=unit.now,
            correlation_id=unit.correlation_id or order.correlation_id,
            figures={**_executed(order), **figures},
        )
    )


def _executed(order: Order) -> dict[str, str]:
    """How far an order was executed when the line was written: the row only says how far it is now."""
    if not order.execution_qty:
        return {}
    return {"filled_quantity": str(order.execution_qty), "average_price": str(order.execution_price)}


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
        tell(
            unit,
            EventName.HOLDINGS_DIFFER,
            f"{describe(order)}: sold, but nothing is held",
            order,
            level=Level.CRITICAL,
        )
        return
    quantity = min(fill.quantity, position.quantity)
    if fill.quantity > quantity:
        text = f"{describe(order)}: {fill.quantity} sold, {quantity} held"
        tell(unit, EventName.HOLDINGS_DIFFER, text, order, level=Level.CRITICAL)
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
    for order in list(unit.orders.values()):
        if order.position_id == position.id and order.status is OrderStatus.ONGOING:
            reason = f"Position sold, P&L Rs {position.realised_pnl:.2f}"
            change(
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


def is_known_at_broker(attempt: Attempt) -> bool:
    return attempt.broker_order_id is not None or attempt.status is AttemptStatus.FILLED
