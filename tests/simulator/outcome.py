"""What is left at the end of a run: compared between a broken and an unbroken one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import text

from tests.simulator.world import ACCOUNT, World

_ORDERS = "select coid, side, status, reason, execution_qty, execution_price from orders order by coid"
_POSITIONS = (
    "select opened_by, symbol, quantity, cost, realised_pnl, exit_rule, closed_at is null"
    " from positions order by opened_by"
)
_BATCHES = (
    "select b.id, b.status, l.number, l.coid, l.status, l.filled_qty, l.error"
    " from batches b join batch_legs l on l.batch_id = b.id order by b.id, l.number"
)
_FILLS = "select coid, quantity, price from fills order by coid, quantity, price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Orders at the exchange by client order id, money and shares there, and our own books."""

    exchange_orders: Mapping[str, tuple[object, ...]]
    duplicates: tuple[str, ...]
    cash: Decimal
    holdings: Mapping[str, int]
    orders: tuple[tuple[object, ...], ...]
    positions: tuple[tuple[object, ...], ...]
    fills: tuple[tuple[object, ...], ...]
    batches: tuple[tuple[object, ...], ...] = ()

    def differences(self, other: Outcome) -> list[str]:
        """What is not the same, in words; empty when nothing differs."""
        found = [f"duplicate at the exchange: {tag}" for tag in self.duplicates]
        for name in ("exchange_orders", "cash", "holdings", "orders", "positions", "fills", "batches"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                found.append(f"{name}: {_difference(ours, theirs)}")
        return found


def outcome(world: World) -> Outcome:
    exchange = world.exchange
    state = exchange.snapshot().state
    archived = [kept.order for of_date in state.archive.values() for kept in of_date.values()]
    rows = [*archived, *state.orders.values()]
    tags = Counter(row.tag for row in rows if row.tag is not None)
    with world.database.engine.connect() as connection:
        orders, positions, fills, batches = (
            tuple(tuple(row) for row in connection.execute(text(query)))
            for query in (_ORDERS, _POSITIONS, _FILLS, _BATCHES)
        )
    return Outcome(
        exchange_orders={
            row.tag: (row.symbol, row.side, row.quantity, row.filled_quantity, row.average_price, row.status)
            for row in rows
            if row.tag is not None
        },
        duplicates=tuple(tag for tag, count in tags.items() if count > 1),
        cash=exchange.margins(ACCOUNT).cash,
        holdings={row.symbol: row.quantity for row in exchange.holdings(ACCOUNT) if row.quantity},
        orders=orders,
        positions=positions,
        fills=fills,
        batches=batches,
    )


def _difference(ours: object, theirs: object) -> str:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
        return "; ".join(f"{key}: {ours.get(key)} instead of {theirs.get(key)}" for key in keys[:5])
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        only_ours = [row for row in ours if row not in theirs]
        only_theirs = [row for row in theirs if row not in ours]
        return f"{only_ours[:5]} instead of {only_theirs[:5]}"
    return f"{ours} instead of {theirs}"
