"""What is finished and old, out of the database into a file of its own, with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, func, insert, or_, select

from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.backup import publish
from tradebot.adapters.storage.copying import content_of, rows_of
from tradebot.adapters.storage.schema_version import check_version, create_database
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.orders import OrderStatus
from tradebot.domain.outbox import OutboxState

_FINISHED = (OrderStatus.CLOSED, OrderStatus.CANCELLED)
# What belongs to an order and goes with it; orders of a batch stay, since a batch is told as a whole.
_CHILDREN = (
    order_tables.order_events,
    order_tables.fills,
    order_tables.broker_requests,
    order_tables.attempts,
    book_tables.decisions,
    order_tables.order_lifecycle_ids,
)
_TRIGGERS = {
    "sqlite": ("DROP TRIGGER order_events_no_delete",),
    "postgresql": ("ALTER TABLE order_events DISABLE TRIGGER order_events_append_only",),
}
_TRIGGERS_AGAIN = {
    "sqlite": tuple(text for text in order_tables.APPEND_ONLY["sqlite"] if "no_delete" in text),
    "postgresql": ("ALTER TABLE order_events ENABLE TRIGGER order_events_append_only",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """How many rows of each table lie in the file; `path` is None when there was nothing to move."""

    path: Path | None
    rows: dict[str, int]


def archive(engine: Engine, target: Path, before: datetime) -> Archived:
    """Orders that ended before the instant, with their events, fills, attempts, requests and decisions; positions that
    were closed before it, and messages that were settled before it.

    The file is whole and read back before anything leaves the database, in one transaction; a death in between leaves
    the rows in both. Raises StateCorrupt, and then nothing has left.
    """
    check_version(engine)
    with engine.begin() as connection:
        parts = _parts(connection, before)
        rows = {table.name: _count(connection, table, which) for table, which in parts}
        if not any(rows.values()):
            return Archived(path=None, rows=rows)
        _write(connection, parts, target)
        for statement in _TRIGGERS[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        for table, which in parts:
            removed = connection.execute(delete(table).where(which)).rowcount
            if removed != rows[table.name]:
                raise _stopped(target, f"{removed} rows of {table.name} instead of {rows[table.name]}")
        for statement in _TRIGGERS_AGAIN[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        _refuse_broken_references(connection, target)
    return Archived(path=target, rows=rows)


def _parts(connection: Connection, before: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
    """Each table with its rows that go, those first that refer to others. The keys are fixed now: what refers to an
    order is looked for also when the order itself has gone."""
    orders, positions, outbox = order_tables.orders, book_tables.positions, book_tables.outbox
    going = list(connection.execute(select(orders.c.id).where(_old_orders(before))).scalars())
    staying = select(orders.c.position_id).where(orders.c.position_id.is_not(None), orders.c.id.not_in(going))
    old_positions = (positions.c.closed_at < before) & positions.c.id.not_in(staying)
    gone_positions = list(connection.execute(select(positions.c.id).where(old_positions)).scalars())
    old_messages = (outbox.c.state != OutboxState.WAITING) & (outbox.c.settled_at < before)
    children: list[tuple[Table, ColumnElement[bool]]] = [(table, table.c.order_id.in_(going)) for table in _CHILDREN]
    return [
        *children,
        (orders, orders.c.id.in_(going)),
        (positions, positions.c.id.in_(gone_positions)),
        (outbox, old_messages),
    ]


def _old_orders(before: datetime) -> ColumnElement[bool]:
    """Finished, with nothing open at the broker, in no batch, and not the one with an account's last event: the
    next event's number follows from that."""
    orders, attempts, events = order_tables.orders, order_tables.attempts, order_tables.order_events
    legs = book_tables.batch_legs
    ends = select(events.c.account_id, func.max(events.c.sequence).label("sequence")).group_by(events.c.account_id)
    end = ends.subquery()
    last = select(events.c.order_id).join(
        end, (events.c.account_id == end.c.account_id) & (events.c.sequence == end.c.sequence)
    )
    is_open = attempts.c.status.in_(("pending", "partially_filled", "unknown"))
    open_orders = select(attempts.c.order_id).where(is_open)
    in_batch = select(legs.c.number).where(or_(legs.c.order_id == orders.c.id, legs.c.unwind_order_id == orders.c.id))
    return (
        orders.c.status.in_(_FINISHED)
        & (orders.c.updated_at < before)
        & orders.c.id.not_in(open_orders)
        & ~in_batch.exists()
        & orders.c.id.not_in(last)
    )


def _count(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(which)).scalar_one())


def _write(connection: Connection, parts: Sequence[tuple[Table, ColumnElement[bool]]], target: Path) -> None:
    """The file, complete and compared, under its name only then."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    file = create_database(f"sqlite:///{part}")
    try:
        with file.begin() as writing:
            writing.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for table, which in reversed(parts):
                for rows in rows_of(table, connection, which):
                    writing.execute(insert(table), rows)
                if content_of(table, connection, which) != content_of(table, writing):
                    raise _stopped(target, f"{table.name} does not read back")
        with file.connect() as settled:
            settled.exec_driver_sql("COMMIT")
            settled.exec_driver_sql("PRAGMA journal_mode = DELETE")
    finally:
        file.dispose()
    publish(part, target)


def _refuse_broken_references(connection: Connection, target: Path) -> None:
    if connection.dialect.name != "sqlite":
        return
    if (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()) is not None:
        raise _stopped(target, f"rows refer to others that are gone: {tuple(broken)}")


def _stopped(target: Path, problem: str) -> StateCorrupt:
    return StateCorrupt(str(target), problem, mend="see that the disk is well, and run it again; nothing has left")
