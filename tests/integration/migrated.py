"""A database that the migrations are tried on, and everything that stands in it."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from tradebot.adapters.storage.database import open_engine

ROOT = Path(__file__).parents[2]
PLACED = "2026-11-20 16:05:00"
_OLD_ORDER: dict[str, object] = {
    "user_id": "1",
    "symbol": "SBIN",
    "side": "buy",
    "order_type": "LIMIT",
    "quantity": 5,
    "price": 812.35,
    "status": "amo",
    "placed_at": PLACED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database that the migrations are tried on; what they print goes to `said`."""

    url: str
    folder: Path
    said: io.StringIO

    def upgrade(self, revision: str = "head", engine: sa.Engine | None = None) -> None:
        command.upgrade(self._config(engine), revision)

    def downgrade(self, revision: str, engine: sa.Engine | None = None) -> None:
        command.downgrade(self._config(engine), revision)

    def stamp(self, revision: str) -> None:
        command.stamp(self._config(None), revision)

    def rows(self, query: str) -> list[Any]:
        with closing(_Connection(self.url)) as connection:
            return [tuple(row) for row in connection.execute(query)]

    def execute(self, statement: str, **values: object) -> None:
        with closing(_Connection(self.url)) as connection:
            connection.change(statement, values)

    def add(self, **columns: object) -> None:
        """An order of the old software."""
        self.add_all([columns])

    def add_all(self, orders: Sequence[Mapping[str, object]]) -> None:
        rows = [_OLD_ORDER | order for order in orders]
        names = sorted({name for row in rows for name in row})
        statement = f"INSERT INTO orders ({', '.join(names)}) VALUES (:{', :'.join(names)})"
        with closing(_Connection(self.url)) as connection:
            connection.change(statement, [dict.fromkeys(names) | row for row in rows])

    def backups(self) -> list[Path]:
        return sorted(self.folder.glob("*backup_*"))

    def _config(self, engine: sa.Engine | None) -> Config:
        options = Namespace(x=[f"url={self.url}", f"backup_dir={self.folder}"])
        config = Config(ROOT / "alembic.ini", stdout=self.said, cmd_opts=options)
        config.attributes["engine"] = engine
        return config


class _Connection:
    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, migrating=True)

    def execute(self, query: str) -> list[Any]:
        with self._engine.begin() as connection:
            return list(connection.execute(sa.text(query)))

    def change(self, statement: str, values: Mapping[str, object] | list[dict[str, object]]) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def close(self) -> None:
        self._engine.dispose()


def everything(database: Database) -> list[str]:
    """Schema and rows, as the database's own tool writes them down."""
    if database.url.startswith("sqlite"):
        return _dump(database)
    url = sa.make_url(database.url)
    place = url._replace(drivername="postgresql", password=None).render_as_string()
    done = subprocess.run(
        ["pg_dump", "--inserts", "-d", place],
        env=os.environ | {"PGPASSWORD": str(url.password)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    # Newer versions open and close the dump with a word by chance.
    return [line for line in done.stdout.splitlines() if "restrict " not in line]


def _dump(database: Database) -> list[str]:
    with closing(sqlite3.connect(str(sa.make_url(database.url).database))) as connection:
        return list(connection.iterdump())
