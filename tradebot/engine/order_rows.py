"""New rows: an order and its attempt from an intent, and the ticket that goes to the broker."""

from __future__ import annotations

from datetime import datetime

from tradebot.domain.broker_views import Ticket
from tradebot.domain.exits import ExitRule
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    Coid,
    Order,
    OrderId,
    OrderIntent,
    OrderStatus,
    OrderType,
    Side,
    Variety,
)
from tradebot.engine.slots import Slot

REDUCES = "reduces"
"""The key of an order's metadata that says what it takes back, so that no switch that stops entries stops it."""


def new_order(intent: OrderIntent, order_id: OrderId, coid: Coid, now: datetime, reason: str) -> Order:
    """The row of an intent, pending, before anything is sent."""
    return Order(
        id=order_id,
        user_id=intent.user_id,
        account_id=intent.account_id,
        symbol=intent.symbol,
        exchange=intent.exchange,
        side=intent.side,
        order_type=intent.order_type,
        product=intent.product,
        validity=intent.validity,
        variety=intent.variety,
        quantity=intent.quantity,
        price=intent.price,
        trigger_price=intent.trigger_price,
        status=OrderStatus.PENDING,
        reason=reason,
        coid=coid,
        orig_source=intent.source,
        entry_type=intent.entry_type,
        created_at=now,
        updated_at=now,
        decision_id=intent.decision_id,
        leg=intent.leg,
        position_id=intent.position_id,
        correlation_id=intent.correlation_id,
        trading_day=intent.trading_day,
        metadata=intent.metadata,
        batch_id=intent.batch_id,
        idempotency_key=intent.idempotency_key,
        disclosed_quantity=intent.disclosed_quantity,
    )


def placed_reason(intent: OrderIntent) -> str:
    """The reason that a new order carries until something happens to it."""
    if intent.side is Side.SELL:
        rule = intent.metadata.get("rule", ExitRule.PROFIT_TARGET)
        return "Sell order placed at target" if rule == ExitRule.PROFIT_TARGET else f"Sell order placed: {rule}"
    waits = "market open" if intent.variety is Variety.AMO else "execution"
    return f"Order placed - waiting for {waits}"


def ticket_of(order: Order, attempt: Attempt) -> Ticket:
    if attempt.price is None:
        raise ValueError(f"order {order.id}: a market order is sent with a protecting limit, and this one has none")
    return Ticket(
        tag=attempt.coid,
        symbol=order.symbol,
        exchange=order.exchange,
        side=order.side,
        quantity=attempt.quantity,
        order_type=OrderType.SL if order.trigger_price is not None else OrderType.LIMIT,
        price=attempt.price,
        trigger_price=order.trigger_price,
        product=order.product,
        validity=order.validity,
        variety=attempt.variety,
        disclosed_quantity=order.disclosed_quantity,
        is_entry=is_entry(order),
    )


def is_entry(order: Order) -> bool:
    """It takes on risk. What sells a position, or takes back what another order did, does not."""
    return not sells_position(order)


def sells_position(order: Order | OrderIntent) -> bool:
    """It ends a position, or takes back what another order did."""
    return (order.side is Side.SELL and order.position_id is not None) or REDUCES in order.metadata


def intent_of(order: Order) -> OrderIntent:
    """The intent that a row without an attempt stands for."""
    return OrderIntent(
        account_id=order.account_id,
        user_id=order.user_id,
        decision_id=order.decision_id,
        leg=order.leg,
        symbol=order.symbol,
        exchange=order.exchange,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        price=order.price,
        trigger_price=order.trigger_price,
        product=order.product,
        validity=order.validity,
        variety=order.variety,
        source=order.orig_source,
        entry_type=order.entry_type,
        position_id=order.position_id,
        trading_day=order.trading_day,
        correlation_id=order.correlation_id,
        metadata=order.metadata,
        batch_id=order.batch_id,
        idempotency_key=order.idempotency_key,
        disclosed_quantity=order.disclosed_quantity,
    )


def new_attempt(intent: OrderIntent, order_id: OrderId, slot: Slot, now: datetime) -> Attempt:
    return Attempt(
        coid=slot.coid,
        number=slot.number,
        order_id=order_id,
        account_id=intent.account_id,
        decision_id=intent.decision_id,
        leg=intent.leg,
        side=intent.side,
        symbol=intent.symbol,
        variety=intent.variety,
        quantity=intent.quantity,
        price=intent.price,
        status=AttemptStatus.PENDING,
        trading_day=intent.trading_day,
        created_at=now,
        updated_at=now,
    )
