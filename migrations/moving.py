"""How the migrations walk over the rows of a table, count them, and note what a row loses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from migrations.simplification import KeptEvent, Unmovable
from tradebot.adapters.storage.column_types import Instant, Words

CHUNK = 1_000
ACCOUNT = "primary"
SOURCE = "migration"

# The shape that the history's first five-status revision gives it; later revisions add what is missing.
order_events = sa.Table(
    "order_events",
    sa.MetaData(),
    sa.Column("account_id", sa.String(64), primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("event", sa.String(64), nullable=False),
    sa.Column("from_status", sa.String(24)),
    sa.Column("to_status", sa.String(24), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("correlation_id", sa.String(64), nullable=False),
    sa.Column("figures", Words, nullable=False),
    sa.Index("ix_order_events_order_id", "order_id"),
)


def old_columns(status: TypeEngine[str]) -> list[sa.Column[Any]]:
    """The columns of the old `orders`, those of the reasons apart."""
    return [
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("order_type", sa.String(20), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("price", sa.Float(53)),
        sa.Column("status", status, nullable=False),
        sa.Column("order_id", sa.String(64)),
        sa.Column("broker_order_id", sa.String(64)),
        sa.Column("avg_price", sa.Float(53)),
        sa.Column("placed_at", sa.DateTime),
        sa.Column("filled_at", sa.DateTime),
        sa.Column("closed_at", sa.DateTime),
        sa.Column("orig_source", sa.String(16)),
        sa.Column("first_failed_at", sa.DateTime),
        sa.Column("last_retry_attempt", sa.DateTime),
        sa.Column("retry_count", sa.Integer, server_default="0"),
        sa.Column("last_status_check", sa.DateTime),
        sa.Column("execution_price", sa.Float(53)),
        sa.Column("execution_qty", sa.Integer),
        sa.Column("execution_time", sa.DateTime),
        sa.Column("order_metadata", sa.JSON),
    ]


def has_table(name: str) -> bool:
    return sa.inspect(op.get_bind()).has_table(name)


def column_names(table: str) -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}


def count(table: str) -> int:
    return int(op.get_bind().execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one())


def chunks(table: str) -> Iterator[Sequence[Mapping[str, Any]]]:
    """All rows of a table in the order of its `id`, some at a time, with the driver's own values.

    Instants and JSON of SQLite are therefore text; a row may be changed while the next ones are still to come.
    """
    bind = op.get_bind()
    query, last = f"SELECT * FROM {table}", None
    while True:
        after = "" if last is None else " WHERE id > :last"
        found = bind.execute(
            sa.text(f"{query}{after} ORDER BY id LIMIT {CHUNK}"), {} if last is None else {"last": last}
        )
        names = tuple(found.keys())
        rows = [dict(zip(names, row, strict=True)) for row in found]
        if not rows:
            return
        yield rows
        last = rows[-1]["id"]


def kept_events(orders: Sequence[str]) -> dict[str, list[KeptEvent]]:
    """What the migrations noted about some orders, oldest first."""
    if not orders:
        return {}
    events = order_events.c
    query = (
        sa.select(events.order_id, events.event, events.reason, events.figures)
        .where(events.order_id.in_(orders), events.source == SOURCE)
        .order_by(events.order_id, events.sequence)
    )
    rows = op.get_bind().execute(query).all()
    return {
        order: [KeptEvent(event=event, reason=reason, figures=figures) for _, event, reason, figures in group]
        for order, group in groupby(rows, key=lambda row: row[0])
    }


class EventLog:
    """Adds events of the migration to `order_events`, numbered on from the highest there is."""

    def __init__(self) -> None:
        bind = op.get_bind()
        highest = sa.select(sa.func.max(order_events.c.sequence)).where(order_events.c.account_id == ACCOUNT)
        self._sequence = int(bind.execute(highest).scalar_one() or 0)
        self._at = database_now(bind)

    def add(self, noted: Sequence[tuple[str, str, KeptEvent]]) -> None:
        """Each as (order id, the order's status now, event), in one statement."""
        rows = []
        for order, status, event in noted:
            self._sequence += 1
            rows.append(
                {
                    "account_id": ACCOUNT,
                    "sequence": self._sequence,
                    "order_id": order,
                    "event": event.event,
                    "from_status": None,
                    "to_status": status,
                    "reason": event.reason,
                    "source": SOURCE,
                    "at": self._at,
                    "correlation_id": SOURCE,
                    "figures": event.figures,
                }
            )
        insert(order_events, rows)


def insert(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows that name every column, in one statement: a hundred thousand take seconds instead of minutes."""
    if not rows:
        return
    bind = op.get_bind()
    names = [column.name for column in table.columns]
    columns = ", ".join(names)
    if bind.dialect.name == "postgresql":
        # One text for all rows, which the server takes apart itself.
        given = f"json_populate_recordset(NULL::{table.name}, %s)"
        sql = f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {given}"
        bind.exec_driver_sql(sql, (_as_json(rows),))
        return
    sql = f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(names))})"
    converters = [(index, convert) for index, name in enumerate(names) if (convert := _converter(table, name, bind))]
    values_of = itemgetter(*names)
    bind.exec_driver_sql(sql, [_converted(values_of(row), converters) for row in rows])


def update(table: str, kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Sets the columns `kinds`, which gives PostgreSQL's types, of the orders that the rows name as `key`."""
    if not rows:
        return
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        told = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        values = ", ".join(f"{name} = n.{name}" for name in kinds)
        sql = (
            f"UPDATE {table} AS o SET {values} FROM json_to_recordset(%s) AS n(key integer, {told}) WHERE o.id = n.key"
        )
        bind.exec_driver_sql(sql, (_as_json(rows),))
        return
    values = ", ".join(f"{name} = ?" for name in kinds)
    values_of = itemgetter(*kinds, "key")
    bind.exec_driver_sql(
        f"UPDATE {table} SET {values} WHERE id = ?",
        [tuple(map(_for_sqlite, values_of(row))) for row in rows],
    )


def _as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps([dict(row) for row in rows], ensure_ascii=False, default=_in_json)


def _in_json(value: object) -> str:
    """Decimals with all their digits, instants with their zone."""
    return value.isoformat() if isinstance(value, date) else str(value)


def _for_sqlite(value: Any) -> Any:
    match value:
        case dict():
            return json.dumps(value)
        case datetime():
            return value.isoformat(" ", "microseconds")
        case _:
            return value


def _converter(table: sa.Table, name: str, bind: sa.Connection) -> Callable[[Any], Any] | None:
    return table.columns[name].type.dialect_impl(bind.dialect).bind_processor(bind.dialect)


def _converted(values: tuple[Any, ...], converters: Sequence[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    row = list(values)
    for index, convert in converters:
        if row[index] is not None:
            row[index] = convert(row[index])
    return tuple(row)


def database_now(bind: sa.Connection) -> datetime:
    """The database's clock, aware."""
    if bind.dialect.name == "sqlite":
        text = bind.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')").scalar_one()
        return datetime.fromisoformat(text)
    now = bind.exec_driver_sql("SELECT now()").scalar_one()
    assert isinstance(now, datetime)
    return now


def must_be_equal(what: str, before: int, after: int) -> None:
    """Raises Unmovable, and so undoes the whole migration, when rows were lost or made."""
    if before != after:
        raise Unmovable(f"{what}: {before} before, {after} after; nothing was changed")


def say(text: str) -> None:
    """To whoever runs the migration."""
    config = op.get_context().config
    if config is not None:
        config.print_stdout("%s", text)
