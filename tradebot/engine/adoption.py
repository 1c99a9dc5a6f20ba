"""An order that stands at the broker and in the registry, and nowhere else, gets its row back."""

from __future__ import annotations

from datetime import date, datetime

from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.calendar import ist_date
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    Order,
    OrderId,
    OrderStatus,
    PositionId,
    Source,
    Validity,
)
from tradebot.domain.policy import Policy
from tradebot.domain.registry_entries import RegistryEntry


def adopted(
    entry: RegistryEntry, row: BrokerOrder, order_id: OrderId, policy: Policy, now: datetime
) -> tuple[Order, Attempt]:
    """The order and its attempt as far as the registry's entry and the broker's row tell them.

    What neither knows (the signal's figures) stays empty; the position of a sell is in the entry.
    """
    position, day = entry.metadata.get("position_id"), entry.metadata.get("trading_day")
    order = Order(
        id=order_id,
        user_id=policy.user_id,
        account_id=entry.account_id,
        symbol=row.symbol,
        exchange=row.exchange,
        side=entry.side,
        order_type=row.order_type,
        product=row.product,
        validity=Validity.DAY,
        variety=row.variety,
        quantity=row.quantity,
        price=row.price,
        trigger_price=row.trigger_price,
        status=OrderStatus.PENDING,
        reason="Found at the broker by its client order id",
        coid=entry.coid,
        broker_order_id=row.broker_order_id,
        orig_source=Source.STRATEGY,
        entry_type=None,
        created_at=entry.created,
        updated_at=now,
        decision_id=entry.decision_id,
        leg=entry.leg,
        position_id=PositionId(position) if position else None,
        correlation_id=f"registry:{entry.coid}",
        trading_day=date.fromisoformat(day) if day is not None else ist_date(row.placed_at),
    )
    attempt = Attempt(
        coid=entry.coid,
        number=entry.attempt_count,
        order_id=order_id,
        account_id=entry.account_id,
        decision_id=entry.decision_id,
        leg=entry.leg,
        side=entry.side,
        symbol=row.symbol,
        variety=row.variety,
        quantity=row.quantity,
        price=row.price,
        status=AttemptStatus.PENDING,
        trading_day=order.trading_day,
        created_at=entry.created,
        updated_at=now,
    )
    return order, attempt
