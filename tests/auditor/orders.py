"""Checks of orders and their executions: the exchange's books against the database and the registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from tests.auditor.database_view import Order
from tests.auditor.evidence import Evidence
from tests.auditor.exchange_view import ExchangeOrder
from tests.auditor.findings import Finding, Kind
from tests.auditor.registry_view import OPEN

REGISTRY_KEEPS = timedelta(days=7)

# What only the broker can have said of an attempt.
_BROKERS_WORDS = frozenset({"partially_filled", "filled", "cancelled"})
_TOLERANCE = Decimal("0.000001")

Trade = tuple[str, str, str, int, Decimal]
"""Broker order, symbol, side, quantity, price: what a trade and a fill have in common."""


def no_tag_twice(evidence: Evidence) -> Iterator[Finding]:
    """No two orders at the exchange carry one tag."""
    for tag, rows in evidence.tagged.items():
        if len(rows) > 1:
            ids = ", ".join(row.order_id for row in rows)
            yield Finding(Kind.DUPLICATE_ORDER, f"{tag} ({rows[0].symbol} {rows[0].side}) stands as {ids}")


def none_is_lost(evidence: Evidence) -> Iterator[Finding]:
    """The database knows every tagged order of the exchange by its client order id and the broker's."""
    known = {attempt.coid for _, attempt in evidence.known}
    for tag, rows in evidence.tagged.items():
        if tag not in known:
            yield Finding(Kind.LOST_ORDER, f"{_words(rows[0])} is not in the database")


def none_is_unregistered(evidence: Evidence) -> Iterator[Finding]:
    """Every id in use has its registry entry, or was finished long enough ago to be pruned."""
    latest = _latest(evidence)
    for coid in sorted({*evidence.tagged, *evidence.attempts} - set(evidence.registry.entries)):
        attempt = evidence.attempts.get(coid)
        is_pruned = (
            attempt is not None
            and latest is not None
            and attempt.status not in OPEN
            and attempt.updated_at < latest - REGISTRY_KEEPS
        )
        if not is_pruned:
            yield Finding(Kind.UNREGISTERED_ORDER, f"{coid} has no entry in the registry")


def none_is_invented(evidence: Evidence) -> Iterator[Finding]:
    """What the database says the broker has, or has said, is about an order that the exchange has."""
    known = {attempt.coid for _, attempt in evidence.known}
    for attempt in evidence.database.attempts:
        is_claimed = attempt.broker_order_id is not None or attempt.status in _BROKERS_WORDS
        if is_claimed and attempt.coid not in known and attempt.coid not in evidence.tagged:
            number = attempt.broker_order_id or "no number"
            yield Finding(
                Kind.INVENTED_ORDER, f"{attempt.coid} is {attempt.status} ({number}); the exchange does not know it"
            )


def every_fill_is_a_trade(evidence: Evidence) -> Iterator[Finding]:
    """Each fill in the database is one trade of the exchange, and each trade of our orders is one fill."""
    ours = {row.order_id for row in evidence.exchange.orders} - {row.order_id for row in evidence.foreign}
    trades: Counter[Trade] = Counter(
        (row.order_id, row.symbol, row.side, trade.quantity, trade.price)
        for row in evidence.exchange.orders
        if row.order_id in ours
        for trade in evidence.trades_of.get(row.order_id, ())
    )
    fills: Counter[Trade] = Counter(
        (fill.broker_order_id, fill.symbol, fill.side, fill.quantity, fill.price) for fill in evidence.database.fills
    )
    for fill, count in (fills - trades).items():
        yield Finding(Kind.INVENTED_FILL, f"{_trade_words(fill)}: booked {count} times more than it was traded")
    for trade, count in (trades - fills).items():
        yield Finding(Kind.FORGOTTEN_FILL, f"{_trade_words(trade)}: traded {count} times more than it was booked")


def attempts_end_as_at_the_exchange(evidence: Evidence) -> Iterator[Finding]:
    """The attempt has the exchange's word and filled quantity."""
    for row, attempt in evidence.known:
        expected = _attempt_status(row)
        if (attempt.status, attempt.filled_quantity) != (expected, row.filled):
            ours = f"{attempt.status} with {attempt.filled_quantity} filled"
            yield Finding(Kind.WRONG_STATUS, f"{_words(row)}; the attempt is {ours}, not {expected} with {row.filled}")


def orders_end_as_at_the_exchange(evidence: Evidence) -> Iterator[Finding]:
    """The order has a status that its current attempt's end allows."""
    for row, attempt in evidence.known:
        order = evidence.orders.get(attempt.order_id)
        if order is None or order.coid != attempt.coid:
            continue
        allowed = _order_statuses(row, order)
        if order.status not in allowed:
            yield Finding(
                Kind.WRONG_STATUS, f"{_words(row)}; order {order.id} is {order.status}, not {' or '.join(allowed)}"
            )


def executions_are_sums_of_trades(evidence: Evidence) -> Iterator[Finding]:
    """Quantity and value executed are those of the exchange's trades, over all attempts of the order."""
    quantities: Counter[str] = Counter()
    values: dict[str, Decimal] = {}
    for row, attempt in evidence.known:
        for trade in evidence.trades_of.get(row.order_id, ()):
            quantities[attempt.order_id] += trade.quantity
            value = values.get(attempt.order_id, Decimal(0))
            values[attempt.order_id] = value + trade.price * trade.quantity
    for order in evidence.database.orders:
        quantity, value = quantities[order.id], values.get(order.id, Decimal(0))
        if (order.execution_qty, order.execution_value) != (quantity, value):
            ours = f"{order.execution_qty} for Rs {order.execution_value}"
            yield Finding(
                Kind.WRONG_EXECUTION, f"order {order.id} ({order.coid}): {ours}, traded {quantity} for Rs {value}"
            )


def one_live_sell_a_position(evidence: Evidence) -> Iterator[Finding]:
    """At most one sell of a position is pending with us, and at most one stands at the exchange."""
    pending = Counter(
        order.position_id
        for order in evidence.database.orders
        if order.side == "sell" and order.status == "pending" and order.position_id is not None
    )
    standing: Counter[str | None] = Counter()
    for row, attempt in evidence.known:
        order = evidence.orders.get(attempt.order_id)
        if row.side == "sell" and not row.is_final and order is not None and order.position_id is not None:
            standing[order.position_id] += 1
    for position_id, count in (pending | standing).items():
        if count > 1:
            yield Finding(Kind.SECOND_LIVE_SELL, f"position {position_id} has {count} live sells")


def every_request_is_answered(evidence: Evidence) -> Iterator[Finding]:
    """Once everything is settled, no request to the broker is left as it was prepared."""
    for request in evidence.database.requests:
        if request.state == "prepared":
            yield Finding(Kind.UNANSWERED_REQUEST, f"{request.kind} {request.id} of {request.coid} was never answered")


def exchange_agrees_with_itself(evidence: Evidence) -> Iterator[Finding]:
    """The exchange's orders and trades say the same: otherwise it is no witness."""
    rows = {row.order_id: row for row in evidence.exchange.orders}
    for order_id in sorted({*rows, *evidence.trades_of}):
        row, trades = rows.get(order_id), evidence.trades_of.get(order_id, ())
        quantity = sum(trade.quantity for trade in trades)
        value = sum((trade.price * trade.quantity for trade in trades), Decimal(0))
        if row is None or row.filled != quantity or abs((row.average_price or 0) * quantity - value) > _TOLERANCE:
            words = "no order" if row is None else f"{_words(row)} at {row.average_price}"
            yield Finding(Kind.CONTRADICTORY_BOOKS, f"{order_id}: {words}, trades of {quantity} for Rs {value}")


def _latest(evidence: Evidence) -> datetime | None:
    """The last instant that any of our records tells of."""
    database = evidence.database
    stamps = [attempt.updated_at for attempt in database.attempts]
    stamps += [event.at for event in database.events]
    stamps += [entry.updated for entry in evidence.registry.entries.values()]
    return max(stamps, default=None)


def _attempt_status(row: ExchangeOrder) -> str:
    match row.status:
        case "COMPLETE":
            return "filled"
        case "REJECTED":
            return "rejected"
        case "CANCELLED":
            return "cancelled"
        case _:
            return "partially_filled" if row.filled else "pending"


def _order_statuses(row: ExchangeOrder, order: Order) -> tuple[str, ...]:
    """What the order may be. A fill of an earlier attempt counts: it was bought or sold, whatever came after."""
    is_buy = order.side == "buy"
    bought_or_sold = ("ongoing", "closed") if is_buy else ("closed",)
    match row.status:
        case "COMPLETE":
            return bought_or_sold
        case "REJECTED":
            # A failed order is cancelled when its time to be retried is over.
            return ("failed", "cancelled", *(bought_or_sold if order.execution_qty else ()))
        case "CANCELLED" if not order.execution_qty:
            return ("cancelled",)
        case "CANCELLED":
            # A sell that was filled in part is cancelled; a fill after that closes it.
            return bought_or_sold if is_buy else ("cancelled", "closed")
        case _:
            return ("pending",)


def _words(row: ExchangeOrder) -> str:
    filled = f"{row.filled} of {row.quantity}"
    return f"{row.order_id} ({row.symbol} {row.side} {filled}, tag {row.tag}) is {row.status} at the exchange"


def _trade_words(trade: Trade) -> str:
    order_id, symbol, side, quantity, price = trade
    return f"{order_id} {symbol} {side} {quantity} at Rs {price}"
