"""The orders in memory, by id and by the position that they opened, added to or sell."""

from __future__ import annotations

from tradebot.domain.orders import Order, OrderId, PositionId
from tradebot.engine.sums import Sums, of_order
from tradebot.engine.table import SummedTable


class OrderTable(SummedTable[OrderId, Order]):
    """Each layer keeps the ids of its own orders by position, so that nobody walks the book for those of one."""

    __slots__ = ("_below", "_ids")

    def __init__(self, sums: Sums, below: OrderTable | None = None) -> None:
        super().__init__(sums, of_order, below)
        self._below = below
        self._ids: dict[PositionId, dict[OrderId, None]] = {}

    def layer(self, sums: Sums) -> OrderTable:
        return OrderTable(sums, self)

    def of_position(self, position_id: PositionId) -> list[Order]:
        """Buys and sells, finished ones that are still in memory too, the oldest first."""
        orders = [self.get(order_id) for order_id in self._ids_of(position_id)]
        found = [order for order in orders if order is not None and order.position_id == position_id]
        return sorted(found, key=lambda order: (order.created_at, order.id))

    def __setitem__(self, order_id: OrderId, order: Order) -> None:
        super().__setitem__(order_id, order)
        if order.position_id is not None:
            self._ids.setdefault(order.position_id, {})[order_id] = None

    def merge(self) -> None:
        if self._below is None:
            return
        for position_id, ids in self._ids.items():
            self._below._ids.setdefault(position_id, {}).update(ids)
        self._ids.clear()
        super().merge()

    def drop(self, order_id: OrderId) -> None:
        order = self.get(order_id)
        super().drop(order_id)
        if order is not None and order.position_id is not None:
            ids = self._ids[order.position_id]
            del ids[order_id]
            if not ids:
                del self._ids[order.position_id]

    def _ids_of(self, position_id: PositionId) -> dict[OrderId, None]:
        below = self._below._ids_of(position_id) if self._below is not None else {}
        return {**below, **self._ids.get(position_id, {})}
