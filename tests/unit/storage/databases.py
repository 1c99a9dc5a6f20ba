"""Databases to test against: SQLite always, PostgreSQL where TRADEBOT_TEST_POSTGRES_URL names a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

from tradebot.adapters.storage.schema_version import create_database

POSTGRESQL_VARIABLE = "TRADEBOT_TEST_POSTGRES_URL"
KINDS = ("sqlite file", "sqlite memory", "postgresql")
# One for each process, so that tests can run side by side.
_NAME = f"tradebot_test_{os.getpid()}"


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
    """The URL of an empty database on the server. Skips the test where there is none."""
    server = os.environ.get(POSTGRESQL_VARIABLE)
    if not server:
        pytest.skip(f"{POSTGRESQL_VARIABLE} names no PostgreSQL server")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {_NAME}")
            connection.exec_driver_sql(f"CREATE DATABASE {_NAME}")
        yield make_url(server).set(database=_NAME).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {_NAME}")
    finally:
        engine.dispose()


def _closing(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()
