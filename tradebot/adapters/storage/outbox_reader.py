"""The outbox as those see it who deliver from it: for reading only, from any thread."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, func, select

from tradebot.adapters.storage import book_tables
from tradebot.adapters.storage.database import for_reading
from tradebot.adapters.storage.rows import read_all
from tradebot.domain.outbox import OutboxEntry, OutboxKind, OutboxState

# SQLite takes 32,766 parameters in one statement, older builds 999.
_IDS_PER_QUERY = 500


class OutboxReader:
    """`ports.Outbox` on a database that stands at the schema of `tables.py`."""

    def __init__(self, engine: Engine) -> None:
        self._reading = for_reading(engine)

    def waiting(self, kind: OutboxKind, limit: int) -> Sequence[OutboxEntry]:
        table = book_tables.outbox
        query = (
            select(table)
            .where(table.c.kind == kind, table.c.state == OutboxState.WAITING)
            .order_by(table.c.is_critical.desc(), table.c.created_at, table.c.id)
            .limit(limit)
        )
        with self._reading.begin() as connection:
            return read_all(connection, OutboxEntry, query)

    def known(self, ids: Sequence[str]) -> frozenset[str]:
        column = book_tables.outbox.c.id
        found: set[str] = set()
        with self._reading.begin() as connection:
            for start in range(0, len(ids), _IDS_PER_QUERY):
                query = select(column).where(column.in_(ids[start : start + _IDS_PER_QUERY]))
                found.update(connection.execute(query).scalars())
        return frozenset(found)

    def counts(self) -> dict[tuple[OutboxKind, str, OutboxState], int]:
        """How many there are of each kind, target and state."""
        table = book_tables.outbox
        columns = (table.c.kind, table.c.target, table.c.state)
        query = select(*columns, func.count()).group_by(*columns)
        with self._reading.begin() as connection:
            return {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}
