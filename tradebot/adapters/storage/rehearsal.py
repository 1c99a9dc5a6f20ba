"""A copy of the database to try a migration on; the database itself is only read."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine

from tradebot.adapters.storage.backup import dump_postgresql, restore_postgresql
from tradebot.adapters.storage.database import open_engine

_SUFFIX = "rehearsal"


@contextmanager
def rehearsed(engine: Engine, folder: Path) -> Iterator[Engine]:
    """An engine on a copy below `folder`; at the end both are gone. Raises StateCorrupt."""
    copy = _on_sqlite if engine.dialect.name == "sqlite" else _on_postgresql
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with copy(engine.url, folder) as url:
            opened = open_engine(url, migrating=True)
            try:
                yield opened
            finally:
                opened.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _on_sqlite(url: URL, folder: Path) -> Iterator[URL]:
    source = Path(str(url.database))
    target = folder / f"{source.name}.{_SUFFIX}"
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
    yield url.set(database=str(target))


@contextmanager
def _on_postgresql(url: URL, folder: Path) -> Iterator[URL]:
    name = f"{url.database}_{_SUFFIX}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    quoted = server.dialect.identifier_preparer.quote(name)
    dump = folder / f"{name}.dump"
    try:
        dump_postgresql(url, dump)
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {quoted}")
            connection.exec_driver_sql(f"CREATE DATABASE {quoted} TEMPLATE template0")
        restore_postgresql(url.set(database=name), dump)
        yield url.set(database=name)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
        server.dispose()
