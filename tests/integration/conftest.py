"""The databases that the migrations are tried on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.migrated import Database
from tests.unit.storage.databases import a_postgresql_database


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    return Database(url=f"sqlite:///{tmp_path / 'tradebot.db'}", folder=tmp_path, said=io.StringIO())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, sqlite: Database) -> Iterator[Database]:
    if request.param == "sqlite":
        yield sqlite
        return
    with a_postgresql_database() as url:
        yield Database(url=url, folder=tmp_path, said=io.StringIO())
