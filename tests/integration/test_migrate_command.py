"""`main.py migrate`: what an operator types, on a database of either kind, and what it prints and leaves."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.unit.storage.builders import (
    MONDAY,
    a_decision,
    a_fill,
    a_full_order,
    a_job_run,
    a_position,
    a_sell,
    an_attempt,
    an_event,
    an_order,
)
from tests.unit.storage.databases import a_postgresql_database
from tradebot.adapters.storage.copying import copy_database
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import HEAD, OLDER_REVISION, REVISIONS, create_database
from tradebot.adapters.storage.validation import sql_file
from tradebot.cli import main
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.stored import Changes, Stored

BASELINE = REVISIONS[0]
_LEGACY = (
    "INSERT INTO orders (user_id, symbol, side, order_type, quantity, price, status, placed_at, first_failed_at, "
    "failure_reason) "
    "VALUES ('1', 'SBIN', 'buy', 'LIMIT', 5, 812.35, 'retry_pending', '2026-11-20 16:05:00', '2026-11-20 16:06:00', "
    "'no money')"
)


class Operator:
    """Types commands in a home; `said` is what the last one printed, on either stream."""

    def __init__(self, home: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.url = url
        self._capsys = capsys
        self.said = ""

    def types(self, *words: str) -> int:
        code = main([*words, "--home", str(self.home)])
        streams = self._capsys.readouterr()
        self.said = streams.out + streams.err
        return code

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with self._connection() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.home / "state").iterdir() if path.name != "lock")

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        engine = open_engine(self.url, migrating=True)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def operator(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Operator]:
    """At a home with one order of the nine-status software."""
    (tmp_path / "state").mkdir()
    with _a_database(request.param, tmp_path) as url:
        monkeypatch.setenv("TRADEBOT_DATABASE_URL", url)
        found = Operator(tmp_path, url, capsys)
        if request.param == "sqlite":
            sqlite3.connect(tmp_path / "state" / "tradebot.db").close()
        assert found.types("migrate", "up", BASELINE) == 0
        found.sql(_LEGACY)
        yield found


@contextmanager
def _a_database(kind: str, home: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{home / 'state' / 'tradebot.db'}"
    else:
        with a_postgresql_database() as url:
            yield url


def test_status_says_where_it_stands_and_what_is_to_come(operator: Operator) -> None:
    code = operator.types("migrate", "status")

    assert code == 70
    assert f"stands at: {BASELINE}" in operator.said
    assert f"to come: {HEAD}" in operator.said
    assert "To mend it: python main.py migrate up" in operator.said
    assert "a-pass" not in operator.said


def test_up_takes_a_copy_moves_and_validates(operator: Operator) -> None:
    assert operator.types("migrate", "up") == 0

    assert f"from {BASELINE} to {HEAD}" in operator.said
    assert "order_events: not there -> 1" in operator.said
    assert "No order has an old status\nold_status  verdict\n0           ok" in operator.said
    assert operator.sql("SELECT id, status, reason FROM orders") == [("000000000001", "failed", "no money")]
    assert any("backup_" in name for name in operator.files())
    assert operator.types("migrate", "status") == 0


def test_a_rehearsal_says_the_same_and_changes_nothing(operator: Operator) -> None:
    before = operator.files()

    assert operator.types("migrate", "up", "--rehearse") == 0

    assert f"from {BASELINE} to {HEAD}" in operator.said
    assert "the database itself was not changed" in operator.said
    assert operator.sql("SELECT version_num FROM alembic_version") == [(BASELINE,)]
    assert operator.files() == before


def test_a_rehearsal_of_what_cannot_be_moved_names_the_order(operator: Operator) -> None:
    operator.sql(_LEGACY.replace(" 5,", " 0,"))
    before = operator.files()

    assert operator.types("migrate", "up", "--rehearse") == 70

    assert "order 2: quantity is 0" in operator.said
    assert operator.files() == before


def test_down_says_what_it_drops(operator: Operator) -> None:
    operator.types("migrate", "up")

    assert operator.types("migrate", "down", BASELINE) == 0

    assert "order_events is dropped with 1 events; the backup has them" in operator.said
    assert operator.sql("SELECT id, CAST(status AS TEXT), failure_reason FROM orders") == [
        (1, "retry_pending", "no money")
    ]


def test_what_does_not_fit_is_told_with_the_exit_code_of_books(operator: Operator) -> None:
    assert operator.types("migrate", "up", "nonsense") == 70
    assert "Can't locate revision" in operator.said
    operator.sql(f"UPDATE alembic_version SET version_num = '{OLDER_REVISION}'")
    assert operator.types("migrate", "up") == 70
    assert f"alembic stamp --purge {BASELINE}" in operator.said
    assert operator.types("migrate", "validate") == 70


def _wrong_status(operator: Operator) -> None:
    if operator.url.startswith("sqlite"):
        operator.sql("PRAGMA ignore_check_constraints = ON")
        with closing(sqlite3.connect(operator.home / "state" / "tradebot.db")) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("UPDATE orders SET status = 'AMO'")
            connection.commit()
    else:
        operator.sql("ALTER TABLE orders DROP CONSTRAINT ck_orders_status")
        operator.sql("UPDATE orders SET status = 'AMO'")


def _blank_reason(operator: Operator) -> None:
    operator.sql("UPDATE orders SET reason = '  '")


def _lost_order(operator: Operator) -> None:
    if operator.url.startswith("postgresql"):
        operator.sql("ALTER TABLE order_events DROP CONSTRAINT fk_order_events_order_id")
    operator.sql("DELETE FROM orders")


@pytest.mark.parametrize(
    ("damage", "title"),
    [
        (_wrong_status, "No order has an old status"),
        (_blank_reason, "Every order has a reason"),
        (_lost_order, "Every event belongs to an order"),
    ],
)
def test_validation_finds_what_is_wrong(operator: Operator, damage: Callable[[Operator], None], title: str) -> None:
    operator.types("migrate", "up")
    damage(operator)

    assert operator.types("migrate", "validate") == 70

    assert f"{title}: WRONG" in operator.said
    assert f"the database is not whole: {title}" in operator.said


def test_the_sql_file_runs_in_the_databases_own_shell(operator: Operator) -> None:
    operator.types("migrate", "up")
    if operator.url.startswith("sqlite"):
        command = ["sqlite3", "-readonly", str(operator.home / "state" / "tradebot.db")]
    else:
        command = ["psql", "-v", "ON_ERROR_STOP=1", "-At", "-f", "-", operator.url.replace("+psycopg", "")]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not there")
    dialect = "sqlite" if command[0] == "sqlite3" else "postgresql"

    done = subprocess.run(
        command, input=sql_file(dialect).read_text("utf-8"), capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("ok") == 7
    assert "failed|1" in done.stdout


def test_a_database_moves_to_postgresql_whole_and_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").mkdir()
    operator = Operator(tmp_path, f"sqlite:///{tmp_path / 'state' / 'tradebot.db'}", capsys)
    orders = [a_full_order(1), a_sell(2, position_id="position-1"), an_order(3, reason="₹ 5…")]
    source = create_database(operator.url)
    SqlOrderStore(source).save(
        Changes(
            orders=orders,
            attempts=[an_attempt(orders[0], 1)],
            fills=[a_fill(orders[0])],
            events=[an_event(order, number) for number, order in enumerate(orders, 1)],
            positions=[a_position("position-1")],
            decisions=[a_decision("one")],
            job_runs=[a_job_run("sweep")],
        )
    )
    source.dispose()
    with a_postgresql_database() as url:
        parsed = sa.make_url(url)
        monkeypatch.setenv("PGPASSWORD", str(parsed.password))
        bare = parsed._replace(password=None).render_as_string()

        assert operator.types("migrate", "to", bare) == 0
        assert "orders: 3 rows, the same on both sides" in operator.said
        assert operator.types("migrate", "to", bare) == 70
        assert "holds rows already" in operator.said

        target = open_engine(url)
        assert SqlOrderStore(target).load(MONDAY) == _loaded(operator.url)
        target.dispose()
        assert operator.types("migrate", "to", url) == 2
        assert "PGPASSWORD" in operator.said
        assert str(parsed.password) not in operator.said


def test_a_copy_that_does_not_read_back_is_not_kept(tmp_path: Path) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    target = create_database(f"sqlite:///{tmp_path / 'target.db'}")
    SqlOrderStore(source).save(Changes(orders=[an_order(1)]))
    with target.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER spoils AFTER INSERT ON orders BEGIN UPDATE orders SET price = '1'; END"
        )

    with pytest.raises(StateCorrupt, match="table orders: reads back 1 rows that are not the 1 of the source"):
        copy_database(source, target)

    assert SqlOrderStore(target).load(MONDAY).orders == []
    source.dispose()
    target.dispose()


def _loaded(url: str) -> Stored:
    engine = open_engine(url)
    try:
        return SqlOrderStore(engine).load(MONDAY)
    finally:
        engine.dispose()
