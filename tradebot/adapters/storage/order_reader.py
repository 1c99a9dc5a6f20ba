"""What people ask of the database: lists, the story of one order, why something happened, and a run's sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, String, Table, bindparam, case, func, or_, select

from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.database import for_reading
from tradebot.adapters.storage.rows import RowReader, read_all
from tradebot.domain.calendar import ist
from tradebot.domain.lifecycle_ids import IdStatus, IdType, LifecycleId, Resolved
from tradebot.domain.order_queries import OrderFigures, OrderPage, OrderQuery, OrderStory, OrderUpdate, Snapshot
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerRequest,
    Decision,
    DecisionId,
    Fill,
    Order,
    OrderEvent,
    OrderStatus,
)
from tradebot.domain.positions import Position

Value = TypeVar("Value")

ROWS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The sums over a run. `realised_pnl` in rupees, over the positions that changed in it."""

    orders: Mapping[OrderStatus, int]
    fills: int
    realised_pnl: Decimal
    open_positions: int


class OrderReader:
    """Each question sees one state of the database, and neither waits for the engine nor makes it wait."""

    def __init__(self, engine: Engine) -> None:
        self._reading = for_reading(engine)

    @property
    def engine(self) -> Engine:
        """The database that is asked, for those who measure it."""
        return self._reading

    def orders(self, status: OrderStatus | None = None, limit: int = 50) -> Sequence[Order]:
        """The newest first. `limit` is 1 to `ROWS_MAX`, here as everywhere; else ValueError."""
        orders = order_tables.orders
        query = select(orders).order_by(orders.c.created_at.desc(), orders.c.id.desc()).limit(_checked(limit))
        if status is not None:
            query = query.where(orders.c.status == status)
        with self._reading.begin() as connection:
            return read_all(connection, Order, query)

    def page(self, query: OrderQuery) -> OrderPage:
        """What matches everything that is asked for, the newest first."""
        orders, wanted = order_tables.orders, _wanted(query)
        found = select(orders).where(*wanted).order_by(orders.c.created_at.desc(), orders.c.id.desc())
        found = found.limit(_checked(query.limit)).offset(query.offset)
        with self._reading.begin() as connection:
            total = connection.execute(select(func.count()).select_from(orders).where(*wanted)).scalar_one()
            return OrderPage(orders=read_all(connection, Order, found), total=total)

    def figures(self, query: OrderQuery, now: datetime) -> OrderFigures:
        """Counts over all that match, however many; `now` says which failed ones have expired."""
        orders = order_tables.orders
        not_expired = or_(orders.c.expires_at.is_(None), orders.c.expires_at > now)
        counts = (func.count(), _count_of(not_expired), _count_of(orders.c.execution_qty > 0))
        by_status = select(orders.c.status, *counts).where(*_wanted(query)).group_by(orders.c.status)
        with self._reading.begin() as connection:
            found = {status: figures for status, *figures in connection.execute(by_status)}
        return OrderFigures(
            by_status={status: found[status][0] if status in found else 0 for status in OrderStatus},
            retriable=found[OrderStatus.FAILED][1] if OrderStatus.FAILED in found else 0,
            executed=sum(figures[2] for figures in found.values()),
        )

    def updates(self, account_id: str, since: int, limit: int) -> Sequence[OrderUpdate]:
        """The account's events after the sequence number `since`, oldest first."""
        events, orders = order_tables.order_events, order_tables.orders
        after = (events.c.account_id == account_id) & (events.c.sequence > since)
        query = select(events).where(after).order_by(events.c.sequence).limit(_checked(limit))
        with self._reading.begin() as connection:
            lines = read_all(connection, OrderEvent, query)
            named = select(orders).where(orders.c.id.in_({line.order_id for line in lines}))
            of_id = {order.id: order for order in read_all(connection, Order, named)}
        return [OrderUpdate(event=line, order=of_id[line.order_id]) for line in lines]

    def snapshot(self, account_id: str) -> Snapshot:
        """The account's pending orders (the newest ROWS_MAX) and its last sequence number, in one state."""
        events, orders = order_tables.order_events, order_tables.orders
        last = select(func.max(events.c.sequence)).where(events.c.account_id == account_id)
        is_open = (orders.c.account_id == account_id) & (orders.c.status == OrderStatus.PENDING)
        query = select(orders).where(is_open).order_by(orders.c.created_at.desc(), orders.c.id.desc()).limit(ROWS_MAX)
        with self._reading.begin() as connection:
            sequence = connection.execute(last).scalar() or 0
            return Snapshot(sequence=sequence, orders=read_all(connection, Order, query)[::-1])

    def fills(self, account_ids: Sequence[str], since: datetime, limit: int = ROWS_MAX) -> Sequence[Fill]:
        """What was booked at `since` or later, oldest first."""
        fills = order_tables.fills
        newest = select(fills).where(fills.c.account_id.in_(account_ids), fills.c.booked_at >= since)
        newest = newest.order_by(fills.c.booked_at.desc(), fills.c.trade_id.desc()).limit(_checked(limit))
        with self._reading.begin() as connection:
            return read_all(connection, Fill, newest)[::-1]

    def is_answering(self) -> bool:
        """Whether the database answers at all."""
        with self._reading.begin() as connection:
            return bool(connection.execute(select(1)).scalar_one())

    def order(self, any_id: str) -> OrderStory | None:
        """The story of the order with this id, client order id or broker order id; None when there is none."""
        with self._reading.begin() as connection:
            order = _find(connection, any_id)
            return None if order is None else _story(connection, order)

    def resolve(self, name: str) -> Resolved | None:
        """The order that any id leads to, one of the broker's included; nothing is written down about a wrong one."""
        with self._reading.begin() as connection:
            named = _named(connection, name)
            if named is not None:
                return Resolved(order_id=named.order_id, id_type=named.id_type, status=named.status)
            order = _find(connection, name)
            if order is None:
                return None
            own = _named(connection, order.id)
            status = own.status if own is not None else IdStatus.ACTIVE
            return Resolved(order_id=order.id, id_type=IdType.ORDER, status=status)

    def decisions(
        self,
        *,
        decision_id: DecisionId | None = None,
        symbol: str | None = None,
        trading_day: date | None = None,
        limit: int = 50,
    ) -> Sequence[Decision]:
        """The newest first, of those that match everything that is given."""
        decisions = book_tables.decisions
        query = select(decisions).order_by(decisions.c.at.desc(), decisions.c.id).limit(_checked(limit))
        if decision_id is not None:
            query = query.where(decisions.c.id == decision_id)
        if symbol is not None:
            query = query.where(decisions.c.symbol == symbol)
        if trading_day is not None:
            query = query.where(decisions.c.trading_day == trading_day)
        with self._reading.begin() as connection:
            return read_all(connection, Decision, query)

    def open_positions(self) -> Sequence[Position]:
        positions = book_tables.positions
        query = select(positions).where(positions.c.closed_at.is_(None)).order_by(positions.c.id)
        with self._reading.begin() as connection:
            return read_all(connection, Position, query)

    def counts(self) -> Mapping[OrderStatus, int]:
        """How many orders stand in each status, none left out."""
        with self._reading.begin() as connection:
            return _counts(connection, since=None)

    def attempt_counts(self) -> Mapping[AttemptStatus, int]:
        """How many client order ids stand in each status, none left out."""
        attempts = order_tables.attempts
        query = select(attempts.c.status, func.count()).group_by(attempts.c.status)
        with self._reading.begin() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {status: found.get(status, 0) for status in AttemptStatus}

    def summary(self, since: datetime | None = None) -> RunSummary:
        """Of the orders and positions that changed, and the fills that were booked, at `since` or later."""
        fills, positions = order_tables.fills, book_tables.positions
        booked = select(func.count()).select_from(fills)
        profits = select(positions.c.realised_pnl)
        if since is not None:
            booked = booked.where(fills.c.booked_at >= since)
            profits = profits.where(positions.c.updated_at >= since)
        still_open = select(func.count()).select_from(positions).where(positions.c.closed_at.is_(None))
        with self._reading.begin() as connection:
            return RunSummary(
                orders=_counts(connection, since),
                fills=connection.execute(booked).scalar_one(),
                # Added up here: SQLite would add money as binary floats.
                realised_pnl=sum(connection.execute(profits).scalars(), Decimal(0)),
                open_positions=connection.execute(still_open).scalar_one(),
            )


def _wanted(query: OrderQuery) -> list[ColumnElement[bool]]:
    orders = order_tables.orders
    wanted: list[ColumnElement[bool]] = []
    if query.user_id is not None:
        wanted.append(orders.c.user_id == query.user_id)
    if query.account_ids is not None:
        wanted.append(orders.c.account_id.in_(query.account_ids))
    if query.status is not None:
        wanted.append(orders.c.status == query.status)
    if query.reason:
        wanted.append(orders.c.reason.icontains(query.reason, autoescape=True))
    if query.from_date is not None:
        wanted.append(orders.c.created_at >= ist(query.from_date, time(0, 0)))
    if query.to_date is not None:
        wanted.append(orders.c.created_at < ist(query.to_date + timedelta(days=1), time(0, 0)))
    return wanted


def _checked(limit: int) -> int:
    if not 1 <= limit <= ROWS_MAX:
        raise ValueError(f"a limit is 1 to {ROWS_MAX}, not {limit}")
    return limit


def _find(connection: Connection, any_id: str) -> Order | None:
    for reader in (*_BY_OWN_ID, *_BY_EARLIER_ID):
        if found := reader.read(connection, wanted=any_id):
            return found[0]
    named = _named(connection, any_id)
    return None if named is None else _find(connection, named.order_id)


def _named(connection: Connection, name: str) -> LifecycleId | None:
    found = _BY_NAME.read(connection, wanted=name)
    return found[0] if found else None


def _story(connection: Connection, order: Order) -> OrderStory:
    def of_order(reader: RowReader[Value]) -> list[Value]:
        return reader.read(connection, wanted=order.id)

    return OrderStory(
        order=order,
        events=of_order(_EVENTS),
        attempts=of_order(_ATTEMPTS),
        requests=of_order(_REQUESTS),
        fills=of_order(_FILLS),
        related=_of_its_position(connection, order),
        lifecycle_ids=of_order(_IDS),
    )


def _of_its_position(connection: Connection, order: Order) -> list[Order]:
    if order.position_id is None:
        return []
    return _RELATED.read(connection, position=order.position_id, wanted=order.id)


_WANTED = bindparam("wanted", type_=String)


def _own_id(column: ColumnElement[Any]) -> RowReader[Order]:
    orders = order_tables.orders
    return RowReader(Order, select(orders).where(column == _WANTED).order_by(orders.c.created_at.desc()).limit(1))


def _earlier_id(column: ColumnElement[Any]) -> RowReader[Order]:
    """An order that was sent more than once: its earlier ids stand in its attempts alone."""
    orders = order_tables.orders
    earlier = select(order_tables.attempts.c.order_id).where(column == _WANTED).limit(1)
    return RowReader(Order, select(orders).where(orders.c.id.in_(earlier)))


def _of_order(kind: type[Value], table: Table, *by: str) -> RowReader[Value]:
    query = select(table).where(table.c.order_id == _WANTED)
    return RowReader(kind, query.order_by(*(table.c[name] for name in by)))


def _related() -> RowReader[Order]:
    orders = order_tables.orders
    same = (orders.c.position_id == bindparam("position", type_=String)) & (orders.c.id != _WANTED)
    return RowReader(Order, select(orders).where(same).order_by(orders.c.created_at, orders.c.id).limit(ROWS_MAX))


_BY_OWN_ID = [_own_id(order_tables.orders.c[name]) for name in ("id", "coid", "broker_order_id")]
_BY_EARLIER_ID = [_earlier_id(order_tables.attempts.c[name]) for name in ("coid", "broker_order_id")]
_BY_NAME = RowReader(
    LifecycleId,
    select(order_tables.order_lifecycle_ids).where(order_tables.order_lifecycle_ids.c.lifecycle_id == _WANTED),
)
_EVENTS = _of_order(OrderEvent, order_tables.order_events, "account_id", "sequence")
_ATTEMPTS = _of_order(Attempt, order_tables.attempts, "created_at", "number")
_REQUESTS = _of_order(BrokerRequest, order_tables.broker_requests, "prepared_at", "id")
_FILLS = _of_order(Fill, order_tables.fills, "traded_at", "trade_id")
_IDS = _of_order(LifecycleId, order_tables.order_lifecycle_ids, "created_at", "id")
_RELATED = _related()


def _count_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _counts(connection: Connection, since: datetime | None) -> dict[OrderStatus, int]:
    orders = order_tables.orders
    query = select(orders.c.status, func.count()).group_by(orders.c.status)
    if since is not None:
        query = query.where(orders.c.updated_at >= since)
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {status: found.get(status, 0) for status in OrderStatus}
