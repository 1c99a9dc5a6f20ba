"""What stands in a migration's way: statements that fail, backups, stamps, and tables that are somebody else's."""

from __future__ import annotations

import itertools
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.util import CommandError

from migrations.simplification import OLD_STATUSES, Unmovable
from tests.integration.migrated import ROOT, Database, everything
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.schema_version import HEAD, OLDER_REVISION, REVISIONS

BASELINE, FIVE, ONE_REASON = REVISIONS[:3]
STATEMENTS_APART = int(os.environ.get("TRADEBOT_TEST_STATEMENTS_APART", "11"))
"""PostgreSQL takes a dump before each migration, so only each eleventh of its statements breaks; with 1, each does."""


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_migration_that_breaks_at_any_statement_leaves_everything_as_it_was(
    database: Database, direction: str
) -> None:
    database.upgrade(BASELINE)
    for status in OLD_STATUSES:
        database.add(status=status, failure_reason="a", rejection_reason="b" * 600)
    if direction == "down":
        database.upgrade()
    before = everything(database)

    def migrate(engine: sa.Engine) -> None:
        if direction == "up":
            database.upgrade("head", engine)
        else:
            database.downgrade("base", engine)

    statement = 1
    while _breaks_at(statement, database.url, migrate):
        assert everything(database) == before, f"broken at statement {statement}"
        for backup in database.backups():
            backup.unlink()
        statement += STATEMENTS_APART if database.url.startswith("postgresql") else 1

    assert statement > 100
    assert everything(database) != before


def test_a_backup_is_taken_before_a_database_with_rows_is_changed(database: Database) -> None:
    database.upgrade(BASELINE)
    assert database.backups() == []
    database.add(symbol="INFY")

    database.upgrade()
    database.upgrade()
    database.downgrade(BASELINE)

    first, second = database.backups()
    assert f"the database was copied to {first}" in database.said.getvalue()
    assert first.stat().st_size > 0
    if database.url.startswith("sqlite"):
        assert re.fullmatch(r"tradebot\.db\.backup_\d{8}_\d{6}(_2)?", second.name)
        with closing(sqlite3.connect(first)) as copy:
            assert copy.execute("SELECT symbol, status FROM orders").fetchall() == [("INFY", "amo")]
    else:
        assert re.fullmatch(r"backup_pre_status_simplification_\d{8}_\d{6}\.dump(_2)?", second.name)


def test_alembic_itself_migrates_the_database_that_the_environment_names(sqlite: Database) -> None:
    sqlite.upgrade(BASELINE)
    sqlite.add()

    done = _alembic("upgrade", "head", TRADEBOT_DATABASE_URL=sqlite.url)

    assert (done.returncode, "the database was copied to" in done.stdout) == (0, True)
    assert len(sqlite.backups()) == 1
    assert sqlite.rows("SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_an_older_stamp_gets_a_clear_message_that_works(sqlite: Database) -> None:
    sqlite.upgrade(BASELINE)
    sqlite.add(status="rejected")
    sqlite.execute(f"UPDATE alembic_version SET version_num = '{OLDER_REVISION}'")
    before = everything(sqlite)

    with pytest.raises(CommandError, match=f"{OLDER_REVISION}.*alembic stamp --purge {BASELINE}"):
        sqlite.upgrade()
    assert everything(sqlite) == before

    for arguments in (("stamp", "--purge", BASELINE), ("upgrade", "head")):
        assert _alembic(*arguments, TRADEBOT_DATABASE_URL=sqlite.url).returncode == 0
    assert sqlite.rows("SELECT status FROM orders") == [("failed",)]


def test_tables_of_the_same_name_are_never_taken_for_ours(sqlite: Database) -> None:
    sqlite.upgrade(BASELINE)
    sqlite.execute("CREATE TABLE positions (id INTEGER)")

    with pytest.raises(Unmovable, match="tables of its own named positions"):
        sqlite.upgrade()


def test_indexes_and_checks_of_an_old_installation_are_no_obstacle(sqlite: Database) -> None:
    sqlite.execute(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, symbol TEXT, side TEXT, order_type TEXT, "
        "quantity INTEGER, price FLOAT, status VARCHAR(17) CHECK (status IN ('amo', 'sell')), order_id TEXT, "
        "broker_order_id TEXT, avg_price FLOAT, placed_at DATETIME, filled_at DATETIME, closed_at DATETIME, "
        "orig_source TEXT, failure_reason TEXT, rejection_reason TEXT, cancelled_reason TEXT, "
        "first_failed_at DATETIME, last_retry_attempt DATETIME, retry_count INTEGER, last_status_check DATETIME, "
        "execution_price FLOAT, execution_qty INTEGER, execution_time DATETIME, order_metadata JSON, "
        "CONSTRAINT orderstatus CHECK (status IN ('amo', 'sell')))"
    )
    sqlite.execute("CREATE INDEX ix_orders_broker_order_id ON orders (broker_order_id)")
    sqlite.add(status="amo")
    sqlite.stamp(BASELINE)

    sqlite.upgrade()

    assert sqlite.rows("SELECT status FROM orders") == [("pending",)]


def _breaks_at(statement: int, url: str, migrate: Callable[[sa.Engine], None]) -> bool:
    """Whether the migration had as many statements; then it was broken at that one."""
    engine = open_engine(url, migrating=True)
    counter = itertools.count(1)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def count(*_: object) -> None:
        if next(counter) == statement:
            raise _Broken

    try:
        migrate(engine)
    except _Broken:
        return True
    finally:
        engine.dispose()
    return False


class _Broken(Exception):
    pass


def _alembic(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
