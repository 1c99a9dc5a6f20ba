"""Lifecycle ids in the database, for whoever is not the engine: adding, resolving, asking, moving in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TypeVar

from sqlalchemy import Engine, PoolProxiedConnection, bindparam, select, text
from sqlalchemy.engine.interfaces import DBAPICursor

from tradebot.adapters.lookups import MemoryLookup
from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.database import for_reading, write_transaction
from tradebot.adapters.storage.raw_select import RawSelect
from tradebot.adapters.storage.rows import RowWriter, read_all
from tradebot.domain.lifecycle_ids import (
    DeadLetter,
    DeadLetterReason,
    IdConflict,
    IdStatus,
    IdType,
    LifecycleId,
    Resolved,
    StatusNote,
    added,
    resolved,
    with_status,
)
from tradebot.domain.orders import OrderId
from tradebot.ports import IdLookup

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewId:
    order_id: OrderId
    id_type: IdType
    lifecycle_id: str
    notes: str = ""


class LifecycleStore:
    """Each operation is one transaction; the lookup is told after it. Raises SaveFailed where the database refuses."""

    def __init__(self, engine: Engine, lookup: IdLookup | None = None) -> None:
        self._engine = engine
        self._reading = for_reading(engine)
        self._reading_alone = Lock()
        self._connection: PoolProxiedConnection | None = None
        self._cursor: DBAPICursor | None = None
        self._lookup = lookup if lookup is not None else MemoryLookup()
        self._writer = RowWriter(order_tables.order_lifecycle_ids, engine.dialect, "replace")
        self._graveyard = RowWriter(book_tables.dead_letters, engine.dialect, "keep")
        ids, orders, attempts = order_tables.order_lifecycle_ids, order_tables.orders, order_tables.attempts
        rows = select(*(ids.c[name] for name in _FIELDS))
        self._by_id = RawSelect(rows.where(ids.c.lifecycle_id == bindparam("name")), engine.dialect)
        active = rows.where(
            ids.c.order_id == bindparam("order_id"),
            ids.c.id_type == bindparam("id_type"),
            ids.c.status == IdStatus.ACTIVE.value,
        )
        self._active = RawSelect(active.order_by(ids.c.id.desc()), engine.dialect)
        is_sqlite = engine.dialect.name == "sqlite"
        among = "IN (SELECT value FROM json_each(:names))" if is_sqlite else "= ANY(:names)"
        is_active = ids.c.status == IdStatus.ACTIVE.value
        self._several = {
            "lifecycle_id": RawSelect(rows.where(text(f"lifecycle_id {among}")), engine.dialect),
            "order_id": RawSelect(rows.where(text(f"order_id {among}"), is_active), engine.dialect),
        }
        found = select(ids.c.order_id, ids.c.id_type, ids.c.status).where(ids.c.lifecycle_id == bindparam("name"))
        self._resolve = RawSelect(found, engine.dialect)
        # Adds of one order come one after the other: on SQLite all writers do.
        self._waits_for_others = engine.dialect.name != "sqlite"
        turn = select(orders.c.id).where(orders.c.id == bindparam("name")).with_for_update()
        self._turn = RawSelect(turn, engine.dialect)
        self._order = RawSelect(select(orders.c.id).where(orders.c.id == bindparam("name")), engine.dialect)
        self._others = tuple(
            RawSelect(select(column).where(where == bindparam("name")), engine.dialect)
            for column, where in (
                (orders.c.id, orders.c.coid),
                (attempts.c.order_id, attempts.c.coid),
                (orders.c.id, orders.c.broker_order_id),
                (attempts.c.order_id, attempts.c.broker_order_id),
            )
        )

    def add(self, new: NewId, at: datetime) -> LifecycleId:
        """The id, active; the active one of its type is replaced. Raises IdConflict for an id of another order."""
        with write_transaction(self._engine) as cursor:
            rows = self._add(cursor, new, at)
        self._lookup.put((row.lifecycle_id, resolved(row)) for row in rows)
        return rows[-1]

    def add_many(self, entries: Sequence[NewId], at: datetime) -> list[LifecycleId | IdConflict]:
        """Each on its own: one that conflicts stops no other. One transaction, and a few statements, for all."""
        ended: list[LifecycleId | IdConflict] = []
        changed: dict[str, LifecycleId] = {}
        with write_transaction(self._engine) as cursor:
            page = self._page(cursor, entries)
            for new in entries:
                try:
                    rows = page.add(new, at)
                except IdConflict as conflict:
                    ended.append(conflict)
                else:
                    changed |= {row.lifecycle_id: row for row in rows}
                    ended.append(rows[-1] if rows else page.known[new.lifecycle_id])
            # The database checks row by row that one is active: what was replaced goes first.
            ordered = sorted(changed.values(), key=lambda row: row.status is IdStatus.ACTIVE)
            if ordered:
                self._writer.write(cursor, self._writer.parameters(ordered))
        self._lookup.put((row.lifecycle_id, resolved(row)) for row in changed.values())
        return ended

    def resolve(self, name: str, at: datetime) -> Resolved | None:
        """The order that an id leads to: from the lookup, else from the table, and by the ids that the broker and we
        have for an order. Unknown: a dead letter, and None."""
        found = self._lookup.get(name)
        if found is not None:
            return found
        found = self._ask(self._look, name)
        if found is not None:
            self._lookup.put([(name, found)])
        else:
            self.bury(name, DeadLetterReason.MISSING_LIFECYCLE_ID, "resolve", at)
        return found

    def set_status(self, name: str, status: IdStatus, at: datetime) -> StatusNote:
        """How the status was taken. Raises InvalidIdStatus, and KeyError for an id that is not there."""
        with write_transaction(self._engine) as cursor:
            row = self._by_id.one(cursor, name=name)
            if row is None:
                raise KeyError(name)
            after, note = with_status(_entry(row), status, at)
            self._writer.write(cursor, self._writer.parameters([after]))
        self._lookup.put([(name, resolved(after))])
        return note

    def history(self, order_id: OrderId) -> Mapping[IdType, Sequence[LifecycleId]]:
        """Every id of an order by time and then id, grouped by type."""
        ids = order_tables.order_lifecycle_ids
        query = select(ids).where(ids.c.order_id == order_id).order_by(ids.c.created_at, ids.c.id)
        with self._reading.begin() as connection:
            rows = read_all(connection, LifecycleId, query)
        return {kind: [row for row in rows if row.id_type is kind] for kind in IdType}

    def active(self, order_id: OrderId, id_type: IdType) -> LifecycleId | None:
        def look(cursor: DBAPICursor, name: str) -> tuple[object, ...] | None:
            return self._active.one(cursor, order_id=name, id_type=id_type.value)

        row = self._ask(look, order_id)
        return None if row is None else _entry(row)

    def bury(self, name: str, reason: DeadLetterReason, said: str, at: datetime) -> None:
        letter = DeadLetter(named_id=name[:64], reason=reason, said=said, state="", detail="", at=at)
        with write_transaction(self._engine) as cursor:
            self._graveyard.write(cursor, self._graveyard.parameters([letter]))

    def dead(self, limit: int = 100) -> Sequence[DeadLetter]:
        """The newest first."""
        letters = book_tables.dead_letters
        query = select(letters).order_by(letters.c.at.desc(), letters.c.named_id).limit(limit)
        with self._reading.begin() as connection:
            return read_all(connection, DeadLetter, query)

    def close(self) -> None:
        """Give back the connection that answers are read from."""
        with self._reading_alone:
            self._drop()

    def _ask(self, question: Callable[[DBAPICursor, str], Answer], name: str) -> Answer:
        """One connection and cursor for all answers: taking one from the pool costs more than the answer."""
        with self._reading_alone:
            if self._cursor is None:
                self._connection = self._engine.raw_connection()
                self._cursor = self._connection.cursor()
            try:
                found = question(self._cursor, name)
                if self._waits_for_others and self._connection is not None:
                    self._connection.rollback()
            except BaseException:
                self._drop()
                raise
            return found

    def _drop(self) -> None:
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            connection.rollback()
            connection.close()

    def _page(self, cursor: DBAPICursor, entries: Sequence[NewId]) -> _Page:
        """What the table has of these ids, and what is active of their orders."""
        if self._waits_for_others:
            for order_id in sorted({new.order_id for new in entries}):
                self._turn.one(cursor, name=order_id)
        known = self._rows_where(cursor, "lifecycle_id", [new.lifecycle_id for new in entries])
        of_orders = self._rows_where(cursor, "order_id", [new.order_id for new in entries])
        active = {(row.order_id, row.id_type): row for row in of_orders if row.status is IdStatus.ACTIVE}
        return _Page(known={row.lifecycle_id: row for row in known}, active=active)

    def _rows_where(self, cursor: DBAPICursor, column: str, values: Iterable[str]) -> list[LifecycleId]:
        wanted = list(dict.fromkeys(values))
        names = json.dumps(wanted) if self._engine.dialect.name == "sqlite" else wanted
        return [_entry(row) for row in self._several[column].all(cursor, names=names)]

    def _add(self, cursor: DBAPICursor, new: NewId, at: datetime) -> Sequence[LifecycleId]:
        """The rows that were written, the new one last; the one that is there already, alone."""
        entry = _new_entry(new, at)
        if self._waits_for_others:
            self._turn.one(cursor, name=new.order_id)
        row = self._by_id.one(cursor, name=new.lifecycle_id)
        known = None if row is None else _entry(row)
        before = self._active.one(cursor, order_id=new.order_id, id_type=new.id_type.value)
        rows = added(known, None if before is None else _entry(before), entry)
        for changed in rows:
            self._writer.write(cursor, self._writer.parameters([changed]))
        return rows if rows or known is None else (known,)

    def _look(self, cursor: DBAPICursor, name: str) -> Resolved | None:
        row = self._resolve.one(cursor, name=name)
        if row is not None:
            return Resolved(order_id=row[0], id_type=row[1], status=row[2])
        for question in (self._order, *self._others):
            found = question.one(cursor, name=name)
            if found is not None:
                of_order = self._resolve.one(cursor, name=found[0])
                status = of_order[2] if of_order is not None else IdStatus.ACTIVE
                return Resolved(order_id=OrderId(found[0]), id_type=IdType.ORDER, status=status)
        return None


@dataclass(slots=True)
class _Page:
    """The ids that many adds concern, as they are and as the adds make them."""

    known: dict[str, LifecycleId]
    active: dict[tuple[OrderId, IdType], LifecycleId]

    def add(self, new: NewId, at: datetime) -> Sequence[LifecycleId]:
        entry = _new_entry(new, at)
        rows = added(self.known.get(new.lifecycle_id), self.active.get((new.order_id, new.id_type)), entry)
        for row in rows:
            self.known[row.lifecycle_id] = row
            self.active[row.order_id, row.id_type] = row
        return rows


_FIELDS = (
    "order_id",
    "id_type",
    "lifecycle_id",
    "status",
    "replaced_by",
    "notes",
    "created_at",
    "updated_at",
)


def _new_entry(new: NewId, at: datetime) -> LifecycleId:
    return LifecycleId(
        order_id=new.order_id,
        id_type=new.id_type,
        lifecycle_id=new.lifecycle_id,
        notes=new.notes,
        created_at=at,
        updated_at=at,
    )


def _entry(row: Iterable[object]) -> LifecycleId:
    return LifecycleId(**dict(zip(_FIELDS, row, strict=True)))  # type: ignore[arg-type]
