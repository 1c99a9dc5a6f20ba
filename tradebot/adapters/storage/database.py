"""Engines: how a connection to the database is opened, and how its transactions begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Pool,
    PoolProxiedConnection,
    QueuePool,
    StaticPool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor, DBAPIModule, ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from tradebot.adapters.storage.column_types import to_json
from tradebot.adapters.storage.faults import failed_save
from tradebot.domain.errors import StateCorrupt

Durability = Literal["power", "process"]

BUSY_TIMEOUT_MS = 5_000
CONNECTIONS_MAX = 8
CONNECTION_WAIT_S = 10
_READ_ONLY = "tradebot_reads_only"
_TIMER = "tradebot_timer"
_BEGIN_TO_WRITE = "BEGIN IMMEDIATE"


class StatementMeter(Protocol):
    """Counts statements of those who read."""

    def query(self, took_s: float) -> None: ...

    def query_failed(self) -> None: ...


def open_engine(url: str | URL, durability: Durability = "power", *, migrating: bool = False) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (in memory, one connection) or `postgresql+psycopg://...`.

    With `durability="power"` a commit is on the disk when it returns; with "process" it survives the death of
    the process, but not of the machine. Every transaction on SQLite takes the write lock when it begins: a
    reader that turns into a writer is refused at once, without any wait. `for_reading` gives the other kind.

    `migrating`: SQLite's foreign keys are not enforced (tables are rebuilt; they are checked at the end), and
    its journal mode stays what it is.
    """
    parsed = make_url(url)
    options: dict[str, Any] = {"json_serializer": to_json}
    if _is_memory(parsed):
        options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    else:
        options |= {"pool_size": CONNECTIONS_MAX, "max_overflow": 0, "pool_timeout": CONNECTION_WAIT_S}
    engine = create_engine(parsed, **options)
    if parsed.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, durability, migrating=migrating)
    elif durability == "process":
        _prepare_relaxed_postgresql(engine)
    return engine


def open_reading_engine(url: str | URL) -> Engine:
    """An engine of its own for those who only look: the database itself refuses every write on it."""
    engine = open_engine(url)
    forbid = "PRAGMA query_only = ON" if engine.dialect.name == "sqlite" else "SET default_transaction_read_only = on"

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(forbid)
        cursor.close()
        connection.commit()

    return for_reading(engine)


def time_statements(engine: Engine, clock: Callable[[], float], meter: StatementMeter) -> None:
    """Tell the meter how long each statement of this engine took, and which failed."""
    timer = _Timer(clock=clock, meter=meter)

    @event.listens_for(engine.pool, "checkout")
    def lend(_connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        record.info[_TIMER] = timer

    @event.listens_for(engine, "before_cursor_execute")
    def before(connection: Connection, *_arguments: object) -> None:
        connection.info["began_at_s"] = clock()

    @event.listens_for(engine, "after_cursor_execute")
    def after(connection: Connection, *_arguments: object) -> None:
        meter.query(clock() - connection.info.pop("began_at_s", clock()))

    @event.listens_for(engine, "handle_error")
    def failed(_context: ExceptionContext) -> None:
        meter.query_failed()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timer:
    clock: Callable[[], float]
    meter: StatementMeter


def fetch_all(connection: Connection, sql: str, parameters: Any) -> Sequence[Sequence[Any]]:
    """Rows as the driver gives them, without SQLAlchemy's statement machinery; timed like every other statement.
    Raises DBAPIError."""
    timer: _Timer | None = connection.info.get(_TIMER)
    began_s = timer.clock() if timer is not None else 0.0
    drivers = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql, parameters)
        rows: Sequence[Sequence[Any]] = cursor.fetchall()
    except drivers.Error as error:
        if timer is not None:
            timer.meter.query_failed()
        raise DBAPIError.instance(sql, parameters, error, drivers.Error, dialect=connection.dialect) from error
    finally:
        cursor.close()
    if timer is not None:
        timer.meter.query(timer.clock() - began_s)
    return rows


class WriteMeter(Protocol):
    """Is told of transactions of the order path, which SQLAlchemy's own events do not see."""

    def wrote(self, took_s: float) -> None: ...


_WRITE_METERS: WeakKeyDictionary[Pool, list[tuple[Callable[[], float], WriteMeter]]] = WeakKeyDictionary()


def time_writes(engine: Engine, clock: Callable[[], float], meter: WriteMeter) -> None:
    """Tell the meter how long each transaction of `write_transaction` took, its commit included. Whatever shares the
    connections of this engine counts as this engine."""
    _WRITE_METERS.setdefault(engine.pool, []).append((clock, meter))


@contextmanager
def _timed(engine: Engine) -> Iterator[None]:
    began = [(clock(), clock, meter) for clock, meter in _WRITE_METERS.get(engine.pool, ())]
    yield
    for began_s, clock, meter in began:
        meter.wrote(clock() - began_s)


def connections_in_use(engine: Engine) -> int:
    pool = engine.pool
    return pool.checkedout() if isinstance(pool, QueuePool) else 0


def for_reading(engine: Engine) -> Engine:
    """The same database and connections; its transactions see one state and never wait for a writer."""
    return engine.execution_options(**{_READ_ONLY: True})


@contextmanager
def write_transaction(engine: Engine) -> Iterator[DBAPICursor]:
    """The driver's own cursor in one transaction: committed at the end, rolled back by whatever is raised.

    The order path spends its time here, so it does without SQLAlchemy's statement machinery (0.15 ms for four
    statements). Raises SaveFailed for each error of the database or its driver, that of a commit included; DiskFailed
    where nobody knows what of the change is on the disk, DiskFull where there is no room for it.
    """
    with _timed(engine), _written(engine) as cursor:
        yield cursor


@contextmanager
def _written(engine: Engine) -> Iterator[DBAPICursor]:
    try:
        connection = engine.raw_connection()
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
        raise failed_save(_place(engine), _cause(error)) from error
    try:
        cursor = connection.cursor()
        if engine.dialect.name == "sqlite":
            cursor.execute(_BEGIN_TO_WRITE)
        yield cursor
        connection.commit()
    except engine.dialect.loaded_dbapi.Error as error:
        _abandon(engine, connection, error)
        raise failed_save(_place(engine), _cause(error)) from error
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.close()


def _abandon(engine: Engine, connection: PoolProxiedConnection, error: DBAPIModule.Error) -> None:
    """Roll back; a connection that is broken leaves the pool, and the next transaction opens a new one."""
    if engine.dialect.is_disconnect(error, connection.dbapi_connection, None):
        connection.invalidate(error)
    else:
        connection.rollback()


def _place(engine: Engine) -> str:
    return str(engine.url.database) if engine.dialect.name == "sqlite" else engine.url.render_as_string()


def _cause(error: BaseException) -> str:
    found = getattr(error, "orig", None) or error
    return f"{type(found).__name__}: {found}".strip()


def _is_memory(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def _prepare_sqlite(engine: Engine, durability: Durability, *, migrating: bool) -> None:
    pragmas = (
        f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
        f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}",
        f"PRAGMA foreign_keys = {'OFF' if migrating else 'ON'}",
    )
    keeps_log = not migrating and not _is_memory(engine.url)

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        # The driver begins no transaction of its own: each one is begun below, with the lock that it needs.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        if keeps_log:
            _keep_write_ahead_log(cursor, str(engine.url.database))
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if reads_only else _BEGIN_TO_WRITE)


def _keep_write_ahead_log(cursor: DBAPICursor, place: str) -> None:
    cursor.execute("PRAGMA journal_mode = WAL")
    mode = cursor.fetchone()
    if mode != ("wal",):
        problem = f"SQLite cannot keep a write-ahead log here (its journal mode is {mode})"
        raise StateCorrupt(place, problem, mend="put the database on a local disk")


def _prepare_relaxed_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SET SESSION synchronous_commit TO off")
        cursor.close()
        connection.commit()
