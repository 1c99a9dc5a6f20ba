"""Entries in the books of a unit of work: each change of an order with its line in the story and what is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tradebot.domain import lifecycle
from tradebot.domain.coids import stands_in_no_registry
from tradebot.domain.events import Event, EventName, FieldValue, Level
from tradebot.domain.exits import ExitRule
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.lifecycle_ids import IdStatus, IdType, LifecycleId, with_status
from tradebot.domain.orders import Attempt, Order, OrderEvent, OrderStatus, Side
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.retry import is_by_symbol
from tradebot.engine.memory import batch_order_key
from tradebot.engine.unit import Unit

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

_EXITS_BY_THEMSELVES = {
    ExitRule.PROFIT_TARGET: (EventName.EXIT_PROFIT_TARGET, "sold at the target"),
    ExitRule.STOP_LOSS: (EventName.EXIT_STOP_LOSS_HIT, "sold by the stop-loss at the broker"),
}


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
    was_never_sent = transition.change is OrderChange.CANCELLED and after.coid not in unit.attempts
    if transition.change in _ENDED_BY_US or was_never_sent:
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


def note(unit: Unit, order: Order, event: str, source: str, figures: Mapping[str, str]) -> None:
    """A line of the order's story that is no change of its status."""
    _write_event(unit, order, event, order.status, source, figures)


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
