"""Questions that several rooms ask of a unit of work."""

from __future__ import annotations

from tradebot.domain.orders import AttemptStatus, BrokerOrderId, Order, PositionId
from tradebot.engine.state import Unit


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
