"""The database for those who only look: opened so that nothing can be written, and read in whole books."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    Table,
    create_engine,
    event,
    func,
    make_url,
    or_,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.database import BUSY_TIMEOUT_MS, for_reading, open_engine
from tradebot.adapters.storage.rows import read_all
from tradebot.adapters.storage.schema_version import check_version
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.lifecycle import OrderChange
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerRequest,
    Coid,
    Decision,
    Fill,
    JobRun,
    Order,
    OrderEvent,
    OrderId,
    OrderStatus,
    RequestState,
)
from tradebot.domain.positions import Position

Value = TypeVar("Value")

ROWS_MAX = 100_000
"""Of each kind; where there are more, the newest are read."""

_MAY_CHANGE = (OrderStatus.PENDING, OrderStatus.FAILED)
_OPEN = tuple(status for status in AttemptStatus if status.is_open)
_UNANSWERED = (RequestState.PREPARED, RequestState.UNKNOWN)
_KEYS_PER_QUERY = 500
_MEND = "stop tradebot, keep a copy of the whole state folder, then put back the whole of it from a backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBooks:
    """What is compared with the other books.

    `attempts` are those that were asked for; `orders` theirs and those that may still change; `fills` are the orders'.
    `requests` have no answer. `positions` are open. `job_runs` holds the last run of each job. `last_events` is the
    last line of each order's story. `latest` is the last instant that anything tells of.
    """

    attempts: Sequence[Attempt] = ()
    orders: Sequence[Order] = ()
    fills: Sequence[Fill] = ()
    requests: Sequence[BrokerRequest] = ()
    positions: Sequence[Position] = ()
    job_runs: Sequence[JobRun] = ()
    last_events: Mapping[OrderId, OrderEvent]
    latest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBooks:
    """Everything that changed in a stretch of time, oldest first; `positions` also holds those still open."""

    orders: Sequence[Order] = ()
    fills: Sequence[Fill] = ()
    positions: Sequence[Position] = ()
    decisions: Sequence[Decision] = ()
    job_runs: Sequence[JobRun] = ()
    refusals: Sequence[OrderEvent] = ()


class NoDatabase(StateCorrupt):
    """There is no database file yet, or no more."""


@contextmanager
def open_books_to_read(url: str) -> Iterator[BookReader]:
    """The database at `url`, which is not changed, also beside a running daemon.

    Raises NoDatabase when it is not there, WrongSchema when it does not fit the code, and StateCorrupt when it cannot
    be read; what a row cannot be made of counts as that, so nothing but reading belongs into the context.
    """
    engine = _open_read_only(url)
    try:
        check_version(engine)
        yield BookReader(engine)
    except DBAPIError as error:
        raise StateCorrupt(engine.url.render_as_string(), f"cannot be read ({error.orig})", mend=_MEND) from error
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        problem = f"has a row that cannot be understood ({error})"
        raise StateCorrupt(engine.url.render_as_string(), problem, mend=_MEND) from error
    finally:
        engine.dispose()


class BookReader:
    """Each question sees one state of the database."""

    def __init__(self, engine: Engine) -> None:
        self._reading = for_reading(engine)

    def damage(self) -> Sequence[str]:
        """What SQLite's own check finds; nothing on another database, which checks itself."""
        if self._reading.dialect.name != "sqlite":
            return ()
        with self._reading.begin() as connection:
            found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check")]
        return [line for line in found if line != "ok"]

    def latest(self) -> datetime | None:
        """The last instant of any attempt, event or job run."""
        with self._reading.begin() as connection:
            return _latest(connection)

    def books(self, since: datetime, coids: Collection[Coid] = ()) -> StoredBooks:
        """The attempts that are open, changed at `since` or later, or have one of these ids, and what is theirs."""
        attempts, orders = order_tables.attempts, order_tables.orders
        with self._reading.begin() as connection:
            wanted = or_(attempts.c.status.in_(_OPEN), attempts.c.updated_at >= since)
            newest = select(attempts).where(wanted).order_by(attempts.c.updated_at.desc()).limit(ROWS_MAX)
            found = {attempt.coid: attempt for attempt in read_all(connection, Attempt, newest)}
            for attempt in _of_keys(connection, Attempt, attempts, attempts.c.coid, set(coids) - set(found)):
                found[attempt.coid] = attempt
            changing = select(orders).where(orders.c.status.in_(_MAY_CHANGE))
            of_id = {order.id: order for order in read_all(connection, Order, changing)}
            named = {attempt.order_id for attempt in found.values()} - set(of_id)
            of_id |= {order.id: order for order in _of_keys(connection, Order, orders, orders.c.id, named)}
            return StoredBooks(
                attempts=sorted(found.values(), key=lambda attempt: (attempt.created_at, attempt.coid)),
                orders=sorted(of_id.values(), key=lambda order: (order.created_at, order.id)),
                fills=list(_of_keys(connection, Fill, order_tables.fills, order_tables.fills.c.order_id, set(of_id))),
                requests=_unanswered(connection),
                positions=_open_positions(connection),
                job_runs=_last_job_runs(connection),
                last_events=_last_events(connection, set(of_id)),
                latest=_latest(connection),
            )

    def run(self, since: datetime | None = None, until: datetime | None = None) -> RunBooks:
        """What was made or changed from `since` on and before `until`; all of it without them."""
        stretch = _Stretch(since=since, until=until)
        orders, fills, events = order_tables.orders, order_tables.fills, order_tables.order_events
        positions, decisions, runs = book_tables.positions, book_tables.decisions, book_tables.job_runs
        with self._reading.begin() as connection:
            changed = stretch.read(connection, Position, positions.c.updated_at)
            known = {position.id for position in changed}
            return RunBooks(
                orders=stretch.read(connection, Order, orders.c.updated_at),
                fills=stretch.read(connection, Fill, fills.c.booked_at),
                positions=[*changed, *(p for p in _open_positions(connection) if p.id not in known)],
                decisions=stretch.read(connection, Decision, decisions.c.at),
                job_runs=stretch.read(connection, JobRun, runs.c.finished_at),
                refusals=stretch.read(connection, OrderEvent, events.c.at, events.c.event == OrderChange.REFUSED),
            )

    def knows(self, coids: Collection[Coid]) -> bool:
        """Whether every one of these orders is there."""
        attempts = order_tables.attempts
        with self._reading.begin() as connection:
            found = sum(1 for _ in _of_keys(connection, Attempt, attempts, attempts.c.coid, set(coids)))
        return found == len(set(coids))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    since: datetime | None
    until: datetime | None

    def read(
        self, connection: Connection, kind: type[Value], at: Column[datetime], *conditions: ColumnElement[bool]
    ) -> list[Value]:
        """The rows of the column's table whose instant lies in the stretch, oldest first."""
        inside = [] if self.since is None else [at >= self.since]
        inside += [] if self.until is None else [at < self.until]
        keys = [column.desc() for column in at.table.primary_key]
        query = select(at.table).where(*inside, *conditions).order_by(at.desc(), *keys).limit(ROWS_MAX)
        return read_all(connection, kind, query)[::-1]


def _open_read_only(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return open_engine(parsed)
    path = Path(str(parsed.database))
    if not path.exists():
        raise NoDatabase(str(path), "is not there", mend="run `python main.py` once, or name the home with --home")
    engine = create_engine(parsed, creator=lambda: _connect(path), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _connect(path: Path) -> sqlite3.Connection:
    """Without a log beside it nobody has the database open: then SQLite is told so, or it would leave files behind."""
    log = path.with_name(path.name + "-wal")
    is_quiet = not log.exists() or log.stat().st_size == 0
    options = "mode=ro&immutable=1" if is_quiet else "mode=ro"
    return sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True, timeout=BUSY_TIMEOUT_MS / 1_000)


def _of_keys(
    connection: Connection, kind: type[Value], table: Table, column: Column[str], keys: Iterable[str]
) -> Iterator[Value]:
    wanted = sorted(keys)
    for start in range(0, len(wanted), _KEYS_PER_QUERY):
        some = wanted[start : start + _KEYS_PER_QUERY]
        yield from read_all(connection, kind, select(table).where(column.in_(some)).order_by(column))


def _latest(connection: Connection) -> datetime | None:
    columns = (order_tables.attempts.c.updated_at, order_tables.order_events.c.at, book_tables.job_runs.c.finished_at)
    found = [connection.execute(select(func.max(column))).scalar() for column in columns]
    return max((instant for instant in found if instant is not None), default=None)


def _unanswered(connection: Connection) -> list[BrokerRequest]:
    requests = order_tables.broker_requests
    query = select(requests).where(requests.c.state.in_(_UNANSWERED)).order_by(requests.c.prepared_at, requests.c.id)
    return read_all(connection, BrokerRequest, query)


def _open_positions(connection: Connection) -> list[Position]:
    positions = book_tables.positions
    return read_all(
        connection, Position, select(positions).where(positions.c.closed_at.is_(None)).order_by(positions.c.id)
    )


def _last_job_runs(connection: Connection) -> list[JobRun]:
    runs = book_tables.job_runs
    last = select(runs.c.name, func.max(runs.c.planned_for).label("planned_for")).group_by(runs.c.name).subquery()
    is_last = (runs.c.name == last.c.name) & (runs.c.planned_for == last.c.planned_for)
    return read_all(connection, JobRun, select(runs).join(last, is_last).order_by(runs.c.planned_for, runs.c.name))


def _last_events(connection: Connection, order_ids: Collection[OrderId]) -> dict[OrderId, OrderEvent]:
    """A story that was brought over from older software may have no line."""
    events = order_tables.order_events
    found: dict[OrderId, OrderEvent] = {}
    for line in _of_keys(connection, OrderEvent, events, events.c.order_id, order_ids):
        before = found.get(line.order_id)
        if before is None or before.sequence < line.sequence:
            found[line.order_id] = line
    return found
