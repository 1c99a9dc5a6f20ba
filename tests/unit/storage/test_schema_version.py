"""Which databases the code works with, and what it says about the others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.unit.storage.builders import MONDAY, an_order
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import (
    HEAD,
    OLDER_REVISION,
    REVISIONS,
    WrongSchema,
    check_version,
    create_database,
)
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.stored import Changes


def test_a_database_is_made_where_there_is_none_and_kept_where_there_is_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state' / 'tradebot.db'}"
    first = create_database(url)
    SqlOrderStore(first).save(Changes(orders=[an_order()]))
    first.dispose()

    second = create_database(url)

    check_version(second)
    assert SqlOrderStore(second).load(MONDAY).orders == [an_order()]
    second.dispose()


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_a_database_behind_the_code_is_refused_with_the_command_that_mends_it(tmp_path: Path, revision: str) -> None:
    with pytest.raises(WrongSchema, match=f"behind the code: at {revision}") as refusal:
        _open_stamped(tmp_path, revision)

    assert refusal.value.mend == "python main.py migrate up"


def test_a_database_ahead_of_the_code_is_refused_with_the_way_back(tmp_path: Path) -> None:
    with pytest.raises(WrongSchema, match="ahead of the code: at 0123456789ab") as refusal:
        _open_stamped(tmp_path, "0123456789ab")

    assert f"python main.py migrate down {HEAD}" in refusal.value.mend


def test_the_revision_before_the_history_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WrongSchema, match=OLDER_REVISION) as refusal:
        _open_stamped(tmp_path, OLDER_REVISION)

    assert f"alembic stamp --purge {REVISIONS[0]}" in refusal.value.mend


def test_tables_without_a_stamp_are_refused_and_stay_as_they_are(tmp_path: Path) -> None:
    place = tmp_path / "tradebot.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")

    with pytest.raises(WrongSchema, match="never stamped"):
        create_database(f"sqlite:///{place}")

    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "tradebot.db"
    place.write_text("not a database, but long enough to be looked at " * 100)

    with pytest.raises(StateCorrupt, match="file is not a database"):
        create_database(f"sqlite:///{place}")


def _open_stamped(folder: Path, revision: str) -> Engine:
    url = f"sqlite:///{folder / 'tradebot.db'}"
    engine = create_database(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    engine.dispose()
    return create_database(url)
