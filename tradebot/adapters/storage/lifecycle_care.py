"""Care of the lifecycle ids: moving existing orders in, what must not be, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, case, func, select

from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.database import for_reading, write_transaction
from tradebot.adapters.storage.rows import RowWriter
from tradebot.domain.errors import SaveFailed
from tradebot.domain.lifecycle_ids import AccountKind, IdStatus, IdType, LifecycleId
from tradebot.domain.orders import OrderId, OrderStatus

_AT_ONCE = 1_000
_STATUS = {
    OrderStatus.PENDING: IdStatus.ACTIVE,
    OrderStatus.FAILED: IdStatus.ACTIVE,
    OrderStatus.ONGOING: IdStatus.EXECUTED,
    OrderStatus.CLOSED: IdStatus.EXECUTED,
    OrderStatus.CANCELLED: IdStatus.CANCELLED,
}
FINDINGS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of the orders that were there before the ids were kept."""

    total: int
    migrated: int
    skipped: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Ids of one type or of one day (UTC)."""

    name: str
    ids: int
    active: int


def move_in(engine: Engine, at: datetime) -> Moved:
    """Give every order that has none its own id, as the order stands. Done again, it changes nothing.

    One that the database refuses is counted and stops no other.
    """
    orders, ids = order_tables.orders, order_tables.order_lifecycle_ids
    writer = RowWriter(ids, engine.dialect, "keep")
    has_own = select(ids.c.order_id).where(ids.c.id_type == IdType.ORDER.value)
    with for_reading(engine).begin() as connection:
        total = connection.execute(select(func.count()).select_from(orders)).scalar_one()
        missing = connection.execute(
            select(orders.c.id, orders.c.status, orders.c.created_at)
            .where(orders.c.id.not_in(has_own))
            .order_by(orders.c.created_at, orders.c.id)
        ).all()
    entries = [_own(OrderId(row[0]), row[1], row[2], at) for row in missing]
    errors = 0
    for start in range(0, len(entries), _AT_ONCE):
        errors += _write(engine, writer, entries[start : start + _AT_ONCE])
    return Moved(total=total, migrated=len(entries) - errors, skipped=total - len(entries), errors=errors)


def note_account(engine: Engine, account_id: str, kind: AccountKind) -> None:
    """Write down whether an account's orders reach a broker, for those who look at the database."""
    writer = RowWriter(book_tables.accounts, engine.dialect, "replace")
    with write_transaction(engine) as cursor:
        writer.write(cursor, writer.parameters([_Account(id=account_id, kind=kind)]))


def findings(engine: Engine) -> list[str]:
    """What must not be, in words; empty when all is well. At most `FINDINGS_MAX` of each kind."""
    orders, ids = order_tables.orders, order_tables.order_lifecycle_ids
    twice = (
        select(ids.c.order_id, ids.c.id_type)
        .where(ids.c.status == IdStatus.ACTIVE.value)
        .group_by(ids.c.order_id, ids.c.id_type)
        .having(func.count() > 1)
    )
    alone = (
        select(ids.c.lifecycle_id, ids.c.order_id)
        .outerjoin(orders, orders.c.id == ids.c.order_id)
        .where(orders.c.id.is_(None))
    )
    own = (ids.c.order_id == orders.c.id) & (ids.c.id_type == IdType.ORDER.value)
    without = select(orders.c.id).outerjoin(ids, own).where(ids.c.lifecycle_id.is_(None))
    with for_reading(engine).begin() as connection:
        return [
            *(f"order {order} has two active ids of type {kind}" for order, kind in _some(connection, twice)),
            *(f"id {name} belongs to order {order}, which is not there" for name, order in _some(connection, alone)),
            *(f"order {r[0]} has no id of its own: `main.py ids migrate` adds it" for r in _some(connection, without)),
        ]


def stats(engine: Engine) -> tuple[Sequence[Count], Sequence[Count]]:
    """Counts by type, and by day of creation."""
    ids = order_tables.order_lifecycle_ids
    active = func.sum(case((ids.c.status == IdStatus.ACTIVE.value, 1), else_=0))
    by_type = select(ids.c.id_type, func.count(), active).group_by(ids.c.id_type).order_by(ids.c.id_type)
    rows = select(ids.c.created_at, ids.c.status)
    days: dict[str, list[int]] = {}
    with for_reading(engine).begin() as connection:
        types = [Count(name=str(r[0]), ids=r[1], active=int(r[2])) for r in connection.execute(by_type)]
        for created_at, status in connection.execute(rows):
            counts = days.setdefault(created_at.date().isoformat(), [0, 0])
            counts[0] += 1
            counts[1] += status is IdStatus.ACTIVE
    return types, [Count(name=day, ids=found[0], active=found[1]) for day, found in sorted(days.items())]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    id: str
    kind: AccountKind


def _own(order_id: OrderId, status: OrderStatus, created_at: datetime, at: datetime) -> LifecycleId:
    return LifecycleId(
        order_id=order_id,
        id_type=IdType.ORDER,
        lifecycle_id=order_id,
        status=_STATUS[status],
        notes="moved in",
        created_at=created_at,
        updated_at=at,
    )


def _write(engine: Engine, writer: RowWriter, entries: Sequence[LifecycleId]) -> int:
    """All in one transaction; where that is refused, one by one. Returns how many were refused."""
    try:
        with write_transaction(engine) as cursor:
            writer.write(cursor, writer.parameters(entries))
    except SaveFailed:
        if len(entries) == 1:
            return 1
        return sum(_write(engine, writer, [entry]) for entry in entries)
    return 0


def _some(connection: Connection, query: Select[Any]) -> Sequence[Any]:
    return connection.execute(query.limit(FINDINGS_MAX)).all()
