"""The parts of a durable placement by themselves: a file that is appended and synced, a database that commits rows."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from tradebot.adapters.registry import JOURNAL
from tradebot.adapters.registry_format import encode_journal_line
from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.rows import OnConflict, RowWriter
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.stored import Changes

Rows = Sequence[tuple[RowWriter, list[Any]]]

_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
_KINDS: tuple[tuple[str, Any, OnConflict], ...] = (
    ("orders", order_tables.orders, "replace"),
    ("attempts", order_tables.attempts, "replace"),
    ("requests", order_tables.broker_requests, "replace"),
    ("positions", book_tables.positions, "replace"),
    ("fills", order_tables.fills, "keep"),
    ("events", order_tables.order_events, "fail"),
    ("decisions", book_tables.decisions, "keep"),
    ("job_runs", book_tables.job_runs, "keep"),
    ("lifecycle_ids", order_tables.order_lifecycle_ids, "replace"),
)


class RawFiles:
    """A copy of a folder's database and registry journal, written without anything in between."""

    def __init__(self, connection: sqlite3.Connection, journal: int, plain: int) -> None:
        self._connection = connection
        # RowWriter takes the cursor as SQLAlchemy types it; it is the same one.
        self._cursor: Any = connection.cursor()
        self._journal = journal
        self._plain = plain
        self._writers = [(field, RowWriter(table, sqlite_dialect(), how)) for field, table, how in _KINDS]

    def rows(self, changes: Changes) -> Rows:
        """The changes as the driver takes them: the same statements and parameters as the engine's own."""
        return [
            (writer, writer.parameters(values))
            for field, writer in self._writers
            if (values := getattr(changes, field))
        ]

    def commit(self, rows: Rows) -> None:
        """One transaction, durable on return."""
        self._cursor.execute("BEGIN IMMEDIATE")
        for writer, parameters in rows:
            writer.write(self._cursor, parameters)
        self._connection.commit()

    def append(self, line: bytes) -> None:
        """One line of the registry's journal, durable on return."""
        os.write(self._journal, line)
        _sync_data(self._journal)

    def append_twice(self, line: bytes) -> None:
        """The floor below everything durable: two lines, each synced."""
        for _ in range(2):
            os.write(self._plain, line)
            _sync_data(self._plain)


def journal_line(entry: RegistryEntry) -> bytes:
    return encode_journal_line(1, 1, entry)


@contextmanager
def raw_copy(state: Path, folder: Path) -> Iterator[RawFiles]:
    """Copies the state folder of a stage that is not open."""
    shutil.copytree(state, folder)
    journal = _opened(folder / JOURNAL)
    plain = _opened(folder / "plain.journal")
    try:
        with closing(sqlite3.connect(folder / "tradebot.db", isolation_level=None)) as connection:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                connection.execute(f"PRAGMA {pragma}")
            yield RawFiles(connection, journal, plain)
    finally:
        os.close(journal)
        os.close(plain)


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
