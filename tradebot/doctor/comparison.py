"""The three books side by side, field by field: what differs, and whether a crash or a running daemon explains it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradebot.adapters.storage.book_reader import StoredBooks
from tradebot.doctor.evidence import Exchange, ExchangeOrder, Registry
from tradebot.domain.broker_views import BrokerOrder, BrokerWord
from tradebot.domain.coids import DRAWN, VERSION, is_drawn, is_foreign
from tradebot.domain.orders import Attempt, AttemptStatus, Coid, Fill, Order
from tradebot.domain.registry_entries import RegistryEntry

MISSING = "missing"

_COID_LENGTH = 18
"""Orders that were brought over from older software never had an id in the registry, nor one at the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that the books tell differently; "" where a book has no such field.

    `cause` is empty for a contradiction; else it says what explains the difference and how it ends.
    """

    coid: str
    field: str
    registry: str = ""
    database: str = ""
    broker: str = ""
    cause: str = ""


def differences(
    registry: Registry | None, database: StoredBooks, exchange: Exchange | None, since: datetime
) -> Sequence[Difference]:
    """`exchange` None: it is left out. Finished ids last changed before `since` may be gone from the registry."""
    entries, rows = registry or {}, _by_tag(exchange)
    attempts = {attempt.coid: attempt for attempt in database.attempts if not is_foreign(attempt.coid)}
    fills: dict[Coid, list[Fill]] = defaultdict(list)
    for fill in database.fills:
        fills[fill.coid].append(fill)
    found: list[Difference] = []
    for coid in sorted({*entries, *attempts, *rows}):
        entry, attempt, of_tag = entries.get(coid), attempts.get(coid), rows.get(coid, ())
        found += _presence(coid, entry, attempt, of_tag, since, knows_exchange=exchange is not None)
        if entry is not None and attempt is not None:
            found += _registry_and_database(entry, attempt)
        if attempt is not None and len(of_tag) == 1:
            found += _database_and_exchange(attempt, of_tag[0], fills[coid])
        if attempt is not None:
            found += _attempt_and_fills(attempt, fills[coid])
    return [*found, *_orders_and_their_story(database)]


def _by_tag(exchange: Exchange | None) -> Mapping[Coid, Sequence[ExchangeOrder]]:
    """Orders that carry one of our ids; those without, or with another tag, were placed by somebody else."""
    found: dict[Coid, list[ExchangeOrder]] = defaultdict(list)
    for order in exchange or ():
        tag = order.row.tag
        if tag is not None and len(tag) == _COID_LENGTH and tag.startswith((VERSION, DRAWN)):
            found[tag].append(order)
    return found


def _presence(
    coid: Coid,
    entry: RegistryEntry | None,
    attempt: Attempt | None,
    rows: Sequence[ExchangeOrder],
    since: datetime,
    *,
    knows_exchange: bool,
) -> Iterator[Difference]:
    in_registry = MISSING if entry is None else str(entry.status)
    in_database = MISSING if attempt is None else str(attempt.status)
    at_broker = ", ".join(row.row.status for row in rows) if rows else MISSING if knows_exchange else ""

    def found(field: str, cause: str = "") -> Difference:
        return Difference(
            coid=coid, field=field, registry=in_registry, database=in_database, broker=at_broker, cause=cause
        )

    if len(rows) > 1:
        yield found("orders")
    if attempt is None:
        yield found("order", _why_not_in_the_database(entry, rows))
        return
    if entry is None and not is_drawn(coid) and (attempt.status.is_open or attempt.updated_at >= since):
        yield found("entry", "" if attempt.status.is_open else "it was kept for a shorter time")
    if attempt.broker_order_id is not None and knows_exchange and not rows:
        yield found("order")


def _why_not_in_the_database(entry: RegistryEntry | None, rows: Sequence[ExchangeOrder]) -> str:
    if entry is None or not entry.status.is_open:
        return ""
    return "the next start gives it its row back" if rows else "reserved and never sent; the next start looks it up"


def _registry_and_database(entry: RegistryEntry, attempt: Attempt) -> Iterator[Difference]:
    intent = (
        ("account", entry.account_id, attempt.account_id),
        ("decision", entry.decision_id, attempt.decision_id),
        ("leg", entry.leg, attempt.leg),
        ("side", entry.side, attempt.side),
        ("symbol", entry.symbol, attempt.symbol),
        ("attempt", entry.attempt_count, attempt.number),
    )
    for field, ours, theirs in intent:
        if ours != theirs:
            yield Difference(coid=entry.coid, field=field, registry=str(ours), database=str(theirs))
    cause = "the registry's last answer was lost in a crash" if _lags_behind(entry, attempt) else ""
    answers = (
        ("status", entry.status, attempt.status),
        ("broker order", entry.broker_order_id, attempt.broker_order_id),
        ("filled", entry.filled_qty, attempt.filled_quantity),
    )
    for field, registry, database in answers:
        if registry != database:
            yield Difference(
                coid=entry.coid, field=field, registry=str(registry or "-"), database=str(database or "-"), cause=cause
            )


def _lags_behind(entry: RegistryEntry, attempt: Attempt) -> bool:
    """An older word, of which the database knows what came after it. Nothing comes after `filled`; after another
    finished word only what came later: a late fill, or a reopening."""
    is_part = entry.broker_order_id in (None, attempt.broker_order_id) and entry.filled_qty <= attempt.filled_quantity
    if entry.status.is_open:
        return is_part and entry.updated <= attempt.updated_at
    return is_part and entry.status is not AttemptStatus.FILLED and entry.updated < attempt.updated_at


def _database_and_exchange(attempt: Attempt, order: ExchangeOrder, fills: Sequence[Fill]) -> Iterator[Difference]:
    row = order.row
    same = (
        ("account", attempt.account_id, order.account_id, ""),
        ("symbol", attempt.symbol, row.symbol, ""),
        ("side", attempt.side, row.side, ""),
        ("broker order", attempt.broker_order_id or "-", row.broker_order_id, _until_looked_up(attempt)),
    )
    for field, database, broker, cause in same:
        if database != broker:
            yield Difference(coid=attempt.coid, field=field, database=str(database), broker=str(broker), cause=cause)
    behind = "the next look at the order book brings it" if _is_behind(attempt, row) else ""
    expected = _expected_status(row)
    if attempt.status is not expected:
        yield Difference(
            coid=attempt.coid,
            field="status",
            database=attempt.status,
            broker=f"{expected} ({row.status})",
            cause=behind,
        )
    if attempt.filled_quantity != row.filled_quantity:
        ours, theirs = str(attempt.filled_quantity), str(row.filled_quantity)
        yield Difference(coid=attempt.coid, field="filled", database=ours, broker=theirs, cause=behind)
    booked = sorted((fill.trade_id, fill.quantity, fill.price) for fill in fills)
    traded = sorted((trade.trade_id, trade.quantity, trade.price) for trade in order.trades)
    if booked != traded:
        is_part = set(booked) <= set(traded)
        yield Difference(
            coid=attempt.coid,
            field="fills",
            database=_sum(booked),
            broker=_sum(traded),
            cause=behind if is_part else "",
        )
    yield from _terms(attempt, row)


def _until_looked_up(attempt: Attempt) -> str:
    is_unheard = attempt.broker_order_id is None and attempt.status.is_open
    return "the next look at the order book brings it" if is_unheard else ""


def _is_behind(attempt: Attempt, row: BrokerOrder) -> bool:
    """The broker has gone on since we looked: that is what looking is for."""
    return attempt.status.is_open and attempt.filled_quantity <= row.filled_quantity


def _expected_status(row: BrokerOrder) -> AttemptStatus:
    match row.word:
        case BrokerWord.EXECUTED:
            return AttemptStatus.FILLED
        case BrokerWord.REJECTED:
            return AttemptStatus.REJECTED
        case BrokerWord.CANCELLED:
            return AttemptStatus.CANCELLED
        case BrokerWord.OPEN | BrokerWord.UNKNOWN:
            return AttemptStatus.PARTIALLY_FILLED if row.filled_quantity else AttemptStatus.PENDING


def _sum(trades: Sequence[tuple[str, int, Decimal]]) -> str:
    quantity = sum(trade[1] for trade in trades)
    value = sum((trade[1] * trade[2] for trade in trades), Decimal(0))
    return f"{len(trades)}: {quantity} for {value}"


def _terms(attempt: Attempt, row: BrokerOrder) -> Iterator[Difference]:
    """Price and quantity of what stands; a finished order may have been filled before its change was confirmed."""
    if not attempt.status.is_open or row.word is not BrokerWord.OPEN:
        return
    cause = "a change is under way, or was made by hand"
    if attempt.price is not None and attempt.price != row.price:
        yield Difference(
            coid=attempt.coid, field="price", database=str(attempt.price), broker=str(row.price), cause=cause
        )
    if attempt.quantity != row.quantity:
        ours, theirs = str(attempt.quantity), str(row.quantity)
        yield Difference(coid=attempt.coid, field="quantity", database=ours, broker=theirs, cause=cause)


def _attempt_and_fills(attempt: Attempt, fills: Sequence[Fill]) -> Iterator[Difference]:
    booked = sum(fill.quantity for fill in fills)
    if booked != attempt.filled_quantity:
        database = f"{attempt.filled_quantity} filled, fills of {booked}"
        yield Difference(coid=attempt.coid, field="filled", database=database)


def _orders_and_their_story(database: StoredBooks) -> Iterator[Difference]:
    """An order's sums are those of its fills, and its status is where its story ends."""
    booked: dict[str, list[Fill]] = defaultdict(list)
    for fill in database.fills:
        booked[fill.order_id].append(fill)
    for order in database.orders:
        last = database.last_events.get(order.id)
        if last is not None and last.to_status is not order.status:
            told = f"{order.status}, its story ends with {last.to_status}"
            yield Difference(coid=order.coid, field="order status", database=told)
        yield from _sums(order, booked[order.id])


def _sums(order: Order, fills: Sequence[Fill]) -> Iterator[Difference]:
    if not fills and is_foreign(order.coid):
        return
    quantity = sum(fill.quantity for fill in fills)
    value = sum((fill.price * fill.quantity for fill in fills), Decimal(0))
    if (order.execution_qty, order.execution_value) != (quantity, value):
        told = f"{order.execution_qty} for {order.execution_value}, fills of {quantity} for {value}"
        yield Difference(coid=order.coid, field="executed", database=told)
