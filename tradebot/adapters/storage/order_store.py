"""The engine's door to the database: what is loaded at start, and one transaction for each set of changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Dialect,
    Engine,
    Select,
    Table,
    bindparam,
    func,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.exc import DBAPIError

from tradebot.adapters.disk import DiskFailed
from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.database import for_reading, write_transaction
from tradebot.adapters.storage.faults import as_refusal
from tradebot.adapters.storage.rows import OnConflict, RowWriter, read_all
from tradebot.domain.batches import Batch, Leg
from tradebot.domain.command_runs import CommandRun
from tradebot.domain.lifecycle_ids import IdStatus, LifecycleId, number_of
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerRequest,
    Coid,
    Decision,
    Fill,
    JobRun,
    Order,
    OrderId,
    OrderStatus,
)
from tradebot.domain.positions import Position
from tradebot.domain.stored import COMMAND_RUNS_LOADED, Changes, Stored

Value = TypeVar("Value")

_MAY_CHANGE = (OrderStatus.PENDING, OrderStatus.ONGOING, OrderStatus.FAILED)
_OPEN = tuple(status for status in AttemptStatus if status.is_open)
_SINCE = bindparam("since", type_=Date())
_COIDS_PER_QUERY = 500
# In the order in which rows may refer to each other.
_LATEST_IDS = 1_000
_SAVED: tuple[tuple[str, Table, OnConflict], ...] = (
    ("orders", order_tables.orders, "replace"),
    ("attempts", order_tables.attempts, "replace"),
    ("requests", order_tables.broker_requests, "replace"),
    ("positions", book_tables.positions, "replace"),
    ("fills", order_tables.fills, "keep"),
    ("events", order_tables.order_events, "fail"),
    ("decisions", book_tables.decisions, "replace"),
    ("job_runs", book_tables.job_runs, "keep"),
    ("command_runs", book_tables.command_runs, "keep"),
    ("batches", book_tables.batches, "replace"),
    ("batch_legs", book_tables.batch_legs, "replace"),
    ("lifecycle_ids", order_tables.order_lifecycle_ids, "replace"),
    ("dead_letters", book_tables.dead_letters, "keep"),
    ("outbox", book_tables.outbox, "keep"),
    ("outbox_marks", book_tables.outbox, "replace"),
)


@lru_cache(maxsize=4)
def _writers(dialect: Dialect) -> Sequence[tuple[str, RowWriter]]:
    """Compiled once for a database: a start looks at it through three stores."""
    return [(field, RowWriter(table, dialect, on_conflict)) for field, table, on_conflict in _SAVED]


class SqlOrderStore:
    """`ports.OrderStore` on a database that stands at the schema of `tables.py`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = for_reading(engine)
        self._failed: DiskFailed | None = None
        self._writers = _writers(engine.dialect)

    def load(self, since: date) -> Stored:
        """Raises StateCorrupt or DiskRefused for a database that cannot be read."""
        try:
            with self._reading.begin() as connection:
                return _load(connection, since)
        except DBAPIError as error:
            raise as_refusal(self._engine.url.render_as_string(), error) from error

    def save(self, changes: Changes) -> None:
        """One transaction, one statement for each kind of row; durable on return, as the engine was opened.

        Raises SaveFailed for whatever the database refuses, and TypeError or ValueError, before anything is
        sent to it, for a value that it cannot keep (a naive instant, money that is no Decimal). After a DiskFailed
        every save raises it: a second sync would say yes to what the first one has lost.
        """
        if self._failed is not None:
            raise self._failed
        work = [
            (writer, writer.parameters(_ORDERED.get(field, list)(values)))
            for field, writer in self._writers
            if (values := getattr(changes, field))
        ]
        if not work:
            return
        try:
            with write_transaction(self._engine) as cursor:
                for writer, parameters in work:
                    writer.write(cursor, parameters)
        except DiskFailed as failure:
            self._failed = failure
            raise

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        table = order_tables.attempts
        found: list[Attempt] = []
        with self._reading.begin() as connection:
            for start in range(0, len(coids), _COIDS_PER_QUERY):
                some = coids[start : start + _COIDS_PER_QUERY]
                query = select(table).where(table.c.coid.in_(some)).order_by(table.c.coid)
                found += read_all(connection, Attempt, query)
        return found

    def batch_fingerprint(self, batch_id: str) -> str | None:
        batches = book_tables.batches
        with self._reading.begin() as connection:
            return connection.execute(select(batches.c.fingerprint).where(batches.c.id == batch_id)).scalar()

    def order_of(self, coid: Coid) -> OrderId | None:
        orders, attempts = order_tables.orders, order_tables.attempts
        query = union_all(
            select(attempts.c.order_id).where(attempts.c.coid == coid), select(orders.c.id).where(orders.c.coid == coid)
        )
        with self._reading.begin() as connection:
            return connection.execute(query).scalar()

    def close(self) -> None:
        self._engine.dispose()


def _settled(orders: Sequence[Order]) -> Sequence[Order]:
    """The last word about each order, those first that are not pending any more.

    The database checks row by row that one sell of a position is live: the old one goes before the new one.
    """
    if len(orders) == 1:
        return orders
    last = {order.id: order for order in orders}
    return sorted(last.values(), key=lambda order: order.status is OrderStatus.PENDING)


def _load(connection: Connection, since: date) -> Stored:
    queries = _queries()

    def read(kind: type[Value]) -> list[Value]:
        return read_all(connection, kind, queries[kind], {"since": since})

    return Stored(
        orders=read(Order),
        attempts=read(Attempt),
        requests=read(BrokerRequest),
        fills=read(Fill),
        positions=read(Position),
        decisions=read(Decision),
        job_runs=read(JobRun),
        command_runs=read(CommandRun)[::-1],
        batches=read(Batch),
        batch_legs=read(Leg),
        lifecycle_ids=read(LifecycleId),
        sequences=_sequences(connection),
        highest_order_id=_highest_order_id(connection),
    )


def _replaced_first(entries: Sequence[LifecycleId]) -> Sequence[LifecycleId]:
    """The database checks row by row that one id of an order and type is active: the old one goes first."""
    return sorted(entries, key=lambda entry: entry.status is IdStatus.ACTIVE)


_ORDERED: Mapping[str, Callable[[Any], Sequence[Any]]] = {"orders": _settled, "lifecycle_ids": _replaced_first}


@cache
def _queries() -> Mapping[type, Select[Any]]:
    """What is loaded, by kind, with `_SINCE` left open; made once, since making them costs more than running them."""
    orders, positions, decisions = order_tables.orders, book_tables.positions, book_tables.decisions
    wanted = _wanted()

    def of_wanted(table: Table, *by: str) -> Select[Any]:
        query = select(table).where(table.c.order_id.in_(select(orders.c.id).where(wanted)))
        return query.order_by(*(table.c[name] for name in by))

    named = select(orders.c.position_id).where(wanted, orders.c.position_id.is_not(None))
    held = or_(positions.c.closed_at.is_(None), positions.c.id.in_(named))
    recent = decisions.c.trading_day >= _SINCE
    of_batches = union(_open_batches(), select(orders.c.batch_id).where(wanted, orders.c.batch_id.is_not(None)))
    return {
        Order: select(orders).where(wanted).order_by(orders.c.created_at, orders.c.id),
        Attempt: of_wanted(order_tables.attempts, "created_at", "order_id", "number"),
        BrokerRequest: of_wanted(order_tables.broker_requests, "prepared_at", "id"),
        Fill: of_wanted(order_tables.fills, "traded_at", "broker_order_id", "trade_id"),
        Position: select(positions).where(held).order_by(positions.c.id),
        Decision: select(decisions).where(recent).order_by(decisions.c.at, decisions.c.id),
        JobRun: _last_job_runs(),
        CommandRun: _last_command_runs(),
        LifecycleId: of_wanted(order_tables.order_lifecycle_ids, "created_at", "id"),
        Batch: select(book_tables.batches)
        .where(book_tables.batches.c.id.in_(of_batches))
        .order_by(book_tables.batches.c.created_at),
        Leg: select(book_tables.batch_legs)
        .where(book_tables.batch_legs.c.batch_id.in_(of_batches))
        .order_by(book_tables.batch_legs.c.batch_id, book_tables.batch_legs.c.number),
    }


def _wanted() -> ColumnElement[bool]:
    orders, attempts = order_tables.orders, order_tables.attempts
    return or_(
        orders.c.status.in_(_MAY_CHANGE),
        orders.c.trading_day >= _SINCE,
        orders.c.id.in_(select(attempts.c.order_id).where(attempts.c.status.in_(_OPEN))),
        orders.c.batch_id.in_(_open_batches()),
    )


def _open_batches() -> Select[Any]:
    return select(book_tables.batches.c.id).where(book_tables.batches.c.completed_at.is_(None))


def _last_job_runs() -> Select[Any]:
    runs = book_tables.job_runs
    last = select(runs.c.name, func.max(runs.c.planned_for).label("planned_for")).group_by(runs.c.name).subquery()
    return (
        select(runs)
        .join(last, (runs.c.name == last.c.name) & (runs.c.planned_for == last.c.planned_for))
        .order_by(runs.c.name)
    )


def _last_command_runs() -> Select[Any]:
    """The newest first."""
    runs = book_tables.command_runs
    return select(runs).order_by(runs.c.at.desc(), runs.c.correlation_id.desc()).limit(COMMAND_RUNS_LOADED)


def _sequences(connection: Connection) -> dict[str, int]:
    events = order_tables.order_events
    query = select(events.c.account_id, func.max(events.c.sequence)).group_by(events.c.account_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def _highest_order_id(connection: Connection) -> OrderId | None:
    """The highest number that was ever given, as an order's id or in a lifecycle id: the next one is above it.

    Ids are as long as they need to be, those from the old software have zeros before. Lifecycle ids are written in the
    order in which they are made, so the last rows have the highest.
    """
    digits = func.ltrim(order_tables.orders.c.id, "0")
    query = select(order_tables.orders.c.id).order_by(func.length(digits).desc(), digits.desc()).limit(1)
    ids = order_tables.order_lifecycle_ids
    latest = select(ids.c.lifecycle_id).order_by(ids.c.id.desc()).limit(_LATEST_IDS)
    highest = connection.execute(query).scalar()
    made = [number_of(name) for name in connection.execute(latest).scalars()]
    highest_made = max((number for number in made if number is not None), default=0)
    if highest is None or (highest.isdigit() and int(highest) < highest_made):
        return OrderId(str(highest_made)) if highest_made else None
    return OrderId(highest)
