"""Databases to test against: SQLite, and PostgreSQL on a real server (tests/postgresql)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

from tests.postgresql import programs, server
from tradebot.adapters.storage.schema_version import create_database

KINDS = ("sqlite file", "sqlite memory", "postgresql")
# Their own for each process, so that tests can run side by side.
_NAME = f"tradebot_test_{os.getpid()}"
_numbers = count(1)


@contextmanager
def a_database(kind: str, folder: Path) -> Iterator[Engine]:
    """A new database with the schema of today."""
    if kind == "postgresql":
        with a_postgresql_database() as url:
            yield from _closing(create_database(url))
    else:
        url = "sqlite://" if kind == "sqlite memory" else f"sqlite:///{folder / 'tradebot.db'}"
        yield from _closing(create_database(url))


@contextmanager
def a_postgresql_database() -> Iterator[str]:
    """The URL of an empty database. Where there is no server the test is skipped, or fails where one is required."""
    try:
        found = server.url()
    except programs.NoServer as problem:
        if programs.is_required():
            raise
        pytest.skip(str(problem))
    name = f"{_NAME}_{next(_numbers)}"
    engine = create_engine(found, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        # SQLAlchemy writes a space in a password as it is, which no URL has.
        yield make_url(found).set(database=name).render_as_string(hide_password=False).replace(" ", "%20")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        engine.dispose()


def _closing(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()
