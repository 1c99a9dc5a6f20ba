"""Questions that several rooms ask of a unit of work."""

from __future__ import annotations

from tradebot.domain.orders import BrokerOrderId, Order, PositionId, Side
from tradebot.engine.sums import Sum
from tradebot.engine.unit import Unit


def booked_quantities(unit: Unit) -> dict[BrokerOrderId, int]:
    """How much of each broker order is booked, for the question whether its trades are needed."""
    return unit.booked.copy()


def is_uncertain(unit: Unit, symbol: str) -> bool:
    """An order of the symbol may or may not stand at the broker: no new entry until that is settled."""
    is_lost = unit.sums.count(Sum.UNCERTAIN, symbol) > 0
    return is_lost or any(entry.symbol == symbol for entry in unit.memory.orphans.values())


def buys_of(unit: Unit, position_id: PositionId) -> list[Order]:
    """The orders that opened a position or added to it and are still in memory, oldest first."""
    return [order for order in unit.orders.of_position(position_id) if order.side is Side.BUY]


def sells_of(unit: Unit, position_id: PositionId) -> list[Order]:
    """The sell orders of a position that are still in memory, oldest first."""
    return [order for order in unit.orders.of_position(position_id) if order.side is Side.SELL]
