"""How transactions begin and end, and what is left when they fail."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, String, bindparam, event, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError

from tests.unit.storage.builders import MONDAY, an_attempt, an_event, an_order
from tradebot.adapters.disk import DiskFailed
from tradebot.adapters.storage import order_tables
from tradebot.adapters.storage.database import fetch_all, for_reading, open_engine, time_statements, write_transaction
from tradebot.adapters.storage.faults import failed_save
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.rows import RowReader, RowWriter
from tradebot.adapters.storage.schema_version import create_database
from tradebot.domain.errors import NoRoom, RestartNeeded, SaveFailed
from tradebot.domain.orders import Order
from tradebot.domain.stored import Changes


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "tradebot.db"


@pytest.fixture
def engine(place: Path) -> Iterator[Engine]:
    database = create_database(f"sqlite:///{place}")
    yield database
    database.dispose()


@pytest.mark.parametrize(("durability", "synchronous"), [("power", 2), ("process", 1)])
def test_the_durability_chooses_how_sqlite_syncs(place: Path, durability: str, synchronous: int) -> None:
    engine = open_engine(f"sqlite:///{place}", durability)
    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("synchronous", "journal_mode", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()

    assert found == [synchronous, "wal", 1, 5_000]


def test_a_save_waits_for_nobody_for_ever_and_says_why_it_failed(engine: Engine, place: Path) -> None:
    @event.listens_for(engine, "connect")
    def do_not_wait(connection: DBAPIConnection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 1")

    engine.dispose()
    store = SqlOrderStore(engine)
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SaveFailed, match="OperationalError: database is locked"):
            store.save(Changes(orders=[an_order()]))

    store.save(Changes(orders=[an_order()]))
    assert store.load(MONDAY).orders == [an_order()]


def test_after_a_change_that_could_not_be_synced_nothing_more_is_saved(engine: Engine) -> None:
    """A second sync would say yes to what the first one has lost."""
    store, failures = SqlOrderStore(engine), [sqlite3.OperationalError("disk I/O error")]

    @event.listens_for(engine, "checkout")
    def fail(*_about: object) -> None:
        if failures:
            raise failures.pop()

    with pytest.raises(DiskFailed, match="restart"):
        store.save(Changes(orders=[an_order()]))
    with pytest.raises(DiskFailed, match="restart"):
        store.save(Changes(orders=[an_order()]))

    assert store.load(MONDAY).orders == []
    SqlOrderStore(engine).save(Changes(orders=[an_order()]))


def test_a_full_disk_is_told_from_other_refusals() -> None:
    assert isinstance(failed_save("db", "OperationalError: database or disk is full"), NoRoom)
    assert isinstance(failed_save("db", "OperationalError: disk I/O error"), RestartNeeded)
    locked = failed_save("db", "OperationalError: database is locked")
    assert not isinstance(locked, NoRoom | RestartNeeded)
    assert "end that one" in str(locked)


def test_a_reader_sees_one_state_and_stops_no_writer(engine: Engine) -> None:
    store = SqlOrderStore(engine)
    count = text("SELECT count(*) FROM orders")
    with for_reading(engine).begin() as reader:
        assert reader.execute(count).scalar_one() == 0
        store.save(Changes(orders=[an_order()]))
        assert reader.execute(count).scalar_one() == 0

    assert store.load(MONDAY).orders == [an_order()]


def test_two_writers_that_read_first_lose_no_update(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (value INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")

    def add() -> None:
        for _ in range(50):
            with engine.begin() as connection:
                value = connection.exec_driver_sql("SELECT value FROM counter").scalar_one()
                connection.exec_driver_sql(f"UPDATE counter SET value = {value + 1}")

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT value FROM counter").scalar_one() == 100


class _Killed(BaseException):
    pass


def test_whatever_is_raised_in_a_transaction_undoes_it(engine: Engine) -> None:
    with pytest.raises(_Killed), write_transaction(engine) as cursor:
        cursor.execute("INSERT INTO job_runs VALUES ('sweep', 'then', 'now', 'done')")
        raise _Killed

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM job_runs").scalar_one() == 0


def test_a_commit_that_fails_is_a_failed_save_and_leaves_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(
            "CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)"
        )

    with pytest.raises(SaveFailed, match="FOREIGN KEY"), write_transaction(engine) as cursor:
        cursor.execute("INSERT INTO children VALUES (1)")

    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM children").scalar_one() == 0


def test_a_database_that_cannot_be_opened_is_a_failed_save(tmp_path: Path) -> None:
    store = SqlOrderStore(open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'tradebot.db'}"))

    with pytest.raises(SaveFailed, match="unable to open database file"):
        store.save(Changes(orders=[an_order()]))


class _Cursor:
    """Counts what it is asked to run."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def execute(self, sql: str, _parameters: object) -> None:
        self.asked.append((sql, 1))

    def executemany(self, sql: str, parameters: list[object]) -> None:
        self.asked.append((sql, len(parameters)))


@pytest.mark.parametrize("number", [1, 25])
def test_a_kind_of_row_costs_one_statement_however_many_there_are(engine: Engine, number: int) -> None:
    orders = [an_order(n) for n in range(number)]
    writer = RowWriter(order_tables.orders, engine.dialect, "replace")
    cursor = _Cursor()

    writer.write(cursor, writer.parameters(orders))  # type: ignore[arg-type]

    assert [count for _, count in cursor.asked] == [number]


def test_the_rows_are_readable_in_a_database_shell(engine: Engine, place: Path) -> None:
    order = an_order()
    SqlOrderStore(engine).save(Changes(orders=[order], attempts=[an_attempt(order)], events=[an_event(order)]))

    with closing(sqlite3.connect(place)) as shell:
        row = shell.execute("SELECT price, side, created_at, trading_day, metadata FROM orders").fetchone()

    assert row == (
        "1234.50",
        "buy",
        "2026-11-23T06:30:01.000000Z",
        "2026-11-23",
        '{"strategy":"breakout","note":"₹ target…"}',
    )


class NotingMeter:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.took_s: list[float] = []
        self.failures = 0

    def query(self, took_s: float) -> None:
        self.took_s.append(took_s)

    def query_failed(self) -> None:
        self.failures += 1


def test_a_statement_by_the_drivers_own_cursor_is_timed_like_any_other(engine: Engine) -> None:
    SqlOrderStore(engine).save(Changes(orders=[an_order()]))
    seconds, meter = count(), NotingMeter()
    time_statements(engine, lambda: float(next(seconds)), meter)
    reader = RowReader(
        Order, select(order_tables.orders).where(order_tables.orders.c.symbol == bindparam("symbol", type_=String))
    )

    with for_reading(engine).begin() as connection:
        meter.took_s.clear()  # of the transaction's beginning
        found = reader.read(connection, symbol=an_order().symbol)
        took_s = list(meter.took_s)

    assert found == [an_order()]
    assert took_s == [1.0]
    assert not meter.failures


def test_a_statement_that_the_driver_refuses_is_counted_and_raises_what_sqlalchemy_raises(engine: Engine) -> None:
    meter = NotingMeter()
    time_statements(engine, lambda: 0.0, meter)

    with for_reading(engine).begin() as connection:
        meter.took_s.clear()  # of the transaction's beginning
        with pytest.raises(OperationalError, match="no such table"):
            fetch_all(connection, "SELECT * FROM nowhere", ())
        took_s = list(meter.took_s)

    assert meter.failures == 1
    assert took_s == []
