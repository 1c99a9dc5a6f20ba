"""accounts, attempts, fills and positions

Revision ID: 5d1e0c7a94b2
Revises: 3473a345c7fb

Everything that tradebot keeps. Changed in place until the first release, then never again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import moving
from migrations import schema_5d1e0c7a94b2 as schema
from migrations.legacy_rows import Columns, joined, old_order, our_attempt, our_id, our_order, our_position, their_id
from migrations.simplification import REASON_LENGTH_MAX, STATUSES, Unmovable, words_of

revision = "5d1e0c7a94b2"
down_revision = "3473a345c7fb"
branch_labels = None
depends_on = None

_ORDERS, _EVENTS, _IDS = "orders_before", "order_events_before", "order_ids_before"
# `our_id` and its opposite, as the databases say it.
_OUR_FORM = {
    "sqlite": "printf('%012d', e.order_id)",
    "postgresql": "lpad(e.order_id, GREATEST(12, length(e.order_id)), '0')",
}
_THEIR_FORM = {
    "sqlite": "CAST(CAST(e.order_id AS INTEGER) AS TEXT)",
    "postgresql": "CAST(CAST(e.order_id AS BIGINT) AS TEXT)",
}


def upgrade() -> None:
    if "coid" in moving.column_names("orders"):
        moving.say("the tables are there already and stay as they are")
        return
    orders, events = moving.count("orders"), moving.count("order_events")
    _set_aside()
    _create_ours()
    others = _move_orders()
    _move_events(others, _OUR_FORM)
    moving.must_be_equal("orders", orders, moving.count("orders"))
    moving.must_be_equal("order_events", events, moving.count("order_events"))
    _drop_what_was_set_aside()


def downgrade() -> None:
    orders, events = moving.count("orders"), moving.count("order_events")
    for table in ("broker_requests", "fills", "attempts", "decisions", "positions", "job_runs"):
        moving.say(f"{table} is dropped with {moving.count(table)} rows; the backup has them")
        op.drop_table(table)
    _set_aside()
    others = _move_back(_create_old_orders())
    moving.order_events.create(op.get_bind())
    _move_events(others, _THEIR_FORM)
    moving.must_be_equal("orders", orders, moving.count("orders"))
    moving.must_be_equal("order_events", events, moving.count("order_events"))
    _drop_what_was_set_aside()


def _set_aside() -> None:
    """The two tables that both sides have, under other names and without what has a name of its own."""
    bind = op.get_bind()
    op.rename_table("orders", _ORDERS)
    op.rename_table("order_events", _EVENTS)
    if bind.dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(f"DROP TRIGGER IF EXISTS order_events_no_{act}")
    else:
        op.execute("DROP FUNCTION IF EXISTS order_events_append_only CASCADE")
    inspector = sa.inspect(bind)
    for table in (_ORDERS, _EVENTS):
        for index in inspector.get_indexes(table):
            if index["name"] is not None and not index.get("duplicates_constraint"):
                op.drop_index(index["name"], table_name=table)
        if bind.dialect.name == "postgresql" and (key := inspector.get_pk_constraint(table)["name"]):
            op.execute(f'ALTER TABLE {table} RENAME CONSTRAINT "{key}" TO pk_{table}')


def _drop_what_was_set_aside() -> None:
    op.drop_table(_EVENTS)
    op.drop_table(_ORDERS)


def _create_ours() -> None:
    taken = [name for name in schema.metadata.tables if moving.has_table(name)]
    if taken:
        raise Unmovable(f"the database has tables of its own named {', '.join(taken)}; rename them first")
    schema.metadata.create_all(op.get_bind())


def _move_orders() -> dict[str, str]:
    """All orders with what follows from them; the answer gives the ids of those that were ours before."""
    bind = op.get_bind()
    now = moving.database_now(bind)
    columns = Columns({column.name: column.type for column in schema.orders.columns})
    positions: dict[str, Mapping[str, Any]] = {}
    others: dict[str, str] = {}
    for rows in moving.chunks(_ORDERS):
        orders = [our_order(row, columns, now) for row in rows]
        others |= {
            str(row["id"]): order["id"]
            for row, order in zip(rows, orders, strict=True)
            if order["id"] != our_id(row["id"])
        }
        for order in orders:
            if (position := our_position(order)) is not None:
                order["position_id"] = key = position["id"]
                positions[key] = joined(positions[key], position) if key in positions else position
        moving.insert(schema.orders, orders)
        moving.insert(schema.attempts, [made for order in orders if (made := our_attempt(order)) is not None])
    moving.insert(schema.positions, list(positions.values()))
    moving.say(f"{moving.count('orders')} orders belong to account {moving.ACCOUNT}; {len(positions)} are held")
    return others


def _move_events(others: Mapping[str, object], form: Mapping[str, str]) -> None:
    """From table to table inside the database, with the order's other id: its own in `others`, else in this form."""
    columns = [column.name for column in moving.order_events.columns]
    ids = op.create_table(_IDS, sa.Column("old", sa.String(64), primary_key=True), sa.Column("new", sa.String(64)))
    moving.insert(ids, [{"old": old, "new": str(new)} for old, new in others.items()])
    new_id = f"COALESCE(i.new, {form[op.get_bind().dialect.name]})"
    values = ", ".join(new_id if name == "order_id" else f"e.{name}" for name in columns)
    op.execute(
        f"INSERT INTO order_events ({', '.join(columns)}) SELECT {values} "
        f"FROM {_EVENTS} e LEFT JOIN {_IDS} i ON i.old = e.order_id"
    )
    op.drop_table(_IDS)


def _create_old_orders() -> sa.Table:
    return op.create_table(
        "orders",
        *moving.old_columns(sa.String(32)),
        sa.Column("reason", sa.String(REASON_LENGTH_MAX)),
        sa.CheckConstraint(f"status IN ({words_of(STATUSES)})", name=op.f("ck_orders_status")),
    )


def _move_back(target: sa.Table) -> dict[str, int]:
    """An order from the old software has its own id again; the answer gives those of the others."""
    bind = op.get_bind()
    source = schema.orders.to_metadata(sa.MetaData(), name=_ORDERS)
    others: dict[str, int] = {}
    last, highest = "", 0
    while True:
        query = sa.select(source).where(source.c.id > last).order_by(source.c.id).limit(moving.CHUNK)
        rows = [dict(row) for row in bind.execute(query).mappings()]
        if not rows:
            break
        last = rows[-1]["id"]
        moved = []
        for row in rows:
            old_id = their_id(row["id"])
            if old_id is None:
                others[row["id"]] = old_id = highest + 1
            highest = max(highest, old_id)
            moved.append(old_order(row, old_id))
        moving.insert(target, moved)
    if bind.dialect.name == "postgresql" and highest:
        op.execute(f"SELECT setval(pg_get_serial_sequence('orders', 'id'), {highest})")
    return others
