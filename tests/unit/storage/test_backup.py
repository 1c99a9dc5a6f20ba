"""A backup is whole or there is none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from tests.unit.storage.builders import an_order
from tests.unit.storage.databases import a_postgresql_database
from tradebot.adapters.storage.backup import back_up
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import create_database
from tradebot.adapters.storage.sqlite_memory import SqliteMemory
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.stored import Changes


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    database = create_database(f"sqlite:///{tmp_path / 'tradebot.db'}")
    yield database
    database.dispose()


def test_a_backup_holds_what_still_stands_in_the_write_ahead_log(engine: Engine, tmp_path: Path) -> None:
    SqlOrderStore(engine).save(Changes(orders=[an_order(n) for n in range(1, 4)]))

    made = _back_up(engine, tmp_path)

    assert made is not None
    with closing(sqlite3.connect(made)) as copy:
        assert copy.execute("SELECT count(*) FROM orders").fetchone() == (3,)


def test_two_backups_of_one_second_stand_beside_each_other(engine: Engine, tmp_path: Path) -> None:
    SqlOrderStore(engine).save(Changes(orders=[an_order()]))

    made = {_back_up(engine, tmp_path) for _ in range(4)}

    assert len(made) == len(list(tmp_path.glob("tradebot.db.backup_*"))) == 4


def test_a_database_without_rows_or_in_memory_needs_no_backup(engine: Engine, tmp_path: Path) -> None:
    memory = SqliteMemory()
    memory.store.save(Changes(orders=[an_order()]))

    assert _back_up(engine, tmp_path) is None
    assert _back_up(memory.engine, tmp_path) is None
    memory.close()


def test_a_copy_with_other_rows_than_the_database_is_thrown_away(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO job_runs VALUES ('sweep', 'then', 'now', 'done')")
        with pytest.raises(StateCorrupt, match=r"rows .* instead of"):
            back_up(connection, tmp_path)

    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


@pytest.mark.parametrize("in_query", [False, True])
def test_postgresql_is_dumped_with_the_password_that_the_url_has(in_query: bool, tmp_path: Path) -> None:
    with a_postgresql_database() as url:
        parsed = make_url(url)
        if in_query:
            parsed = parsed.update_query_dict({"user": str(parsed.username), "password": str(parsed.password)})
            parsed = parsed._replace(username=None, password=None)
        database = create_database(parsed.render_as_string(hide_password=False))
        SqlOrderStore(database).save(Changes(orders=[an_order()]))

        made = _back_up(database, tmp_path)

        database.dispose()
    assert made is not None
    assert made.read_bytes().startswith(b"PGDMP")


def _back_up(engine: Engine, folder: Path) -> Path | None:
    with engine.begin() as connection:
        return back_up(connection, folder)
