"""The database as the auditor sees it: the columns that it compares, read with plain SQL from SQLite."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from tests.auditor.findings import Unreadable

Row = TypeVar("Row")

_MONEY = frozenset({"price", "cost", "execution_value", "realised_pnl"})
_INSTANTS = frozenset({"at", "booked_at", "closed_at", "updated_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: str
    account_id: str
    symbol: str
    exchange: str
    side: str
    quantity: int
    status: str
    reason: str
    coid: str
    position_id: str | None
    execution_qty: int
    execution_value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    coid: str
    number: int
    order_id: str
    account_id: str
    decision_id: str
    leg: int
    side: str
    symbol: str
    status: str
    broker_order_id: str | None
    filled_quantity: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    order_id: str
    broker_order_id: str
    coid: str
    symbol: str
    side: str
    quantity: int
    price: Decimal
    booked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    id: str
    account_id: str
    symbol: str
    quantity: int
    cost: Decimal
    bought_quantity: int
    sold_quantity: int
    realised_pnl: Decimal
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    account_id: str
    sequence: int
    order_id: str
    event: str
    from_status: str | None
    to_status: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerRequest:
    id: str
    coid: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    id: str
    status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLeg:
    batch_id: str
    number: int
    order_id: str | None
    unwind_order_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseView:
    """`fills` stand in the order in which they were booked, `events` in that of their accounts' sequences."""

    orders: Sequence[Order]
    attempts: Sequence[Attempt]
    fills: Sequence[Fill]
    positions: Sequence[Position]
    events: Sequence[OrderEvent]
    requests: Sequence[BrokerRequest]
    batches: Sequence[Batch] = ()
    batch_legs: Sequence[BatchLeg] = ()

    @classmethod
    def from_connection(cls, connection: sqlite3.Connection) -> DatabaseView:
        """Raises Unreadable."""
        try:
            return cls(
                orders=_read(connection, Order, "orders", "id"),
                attempts=_read(connection, Attempt, "attempts", "coid"),
                # SQLite counts rowid up with each row that is added.
                fills=_read(connection, Fill, "fills", "rowid"),
                positions=_read(connection, Position, "positions", "id"),
                events=_read(connection, OrderEvent, "order_events", "account_id, sequence"),
                requests=_read(connection, BrokerRequest, "broker_requests", "id"),
                batches=_read(connection, Batch, "batches", "id"),
                batch_legs=_read(connection, BatchLeg, "batch_legs", "batch_id, number"),
            )
        except (sqlite3.Error, ValueError, TypeError, InvalidOperation) as e:
            raise Unreadable(f"database: {type(e).__name__}: {e}") from e

    @classmethod
    def from_image(cls, image: bytes) -> DatabaseView:
        """From what `sqlite3.Connection.serialize` gave. Raises Unreadable."""
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(image)
            return cls.from_connection(connection)


def read_database(path: Path) -> DatabaseView:
    """A copy is read, with the write-ahead log that a killed process left: opening the files could change them."""
    if not path.exists():
        raise Unreadable(f"{path} is missing")
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        log = path.with_name(f"{path.name}-wal")
        if log.exists():
            shutil.copyfile(log, copy.with_name(log.name))
        with closing(sqlite3.connect(copy)) as connection:
            return DatabaseView.from_connection(connection)


def _read(connection: sqlite3.Connection, kind: type[Row], table: str, order: str) -> list[Row]:
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # all of them are dataclasses
    readers = [(place, reader) for place, name in enumerate(names) if (reader := _reader(name)) is not None]
    found = []
    for row in connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}"):
        values = list(row)
        for place, reader in readers:
            if values[place] is not None:
                values[place] = reader(values[place])
        found.append(kind(**dict(zip(names, values, strict=True))))
    return found


def _reader(name: str) -> Callable[[str], object] | None:
    if name in _MONEY:
        return _money
    return datetime.fromisoformat if name in _INSTANTS else None


def _money(kept: object) -> Decimal:
    if not isinstance(kept, str):
        raise TypeError(f"{kept!r} is not exact: money is kept as text")
    return Decimal(kept)
