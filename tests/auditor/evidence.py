"""The copies of the truth side by side, with the look-ups that the checks share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.auditor.database_view import Attempt, DatabaseView, Order, Position
from tests.auditor.exchange_view import ExchangeOrder, ExchangeTrade, ExchangeView
from tests.auditor.log_view import LogView
from tests.auditor.registry_view import RegistryView
from tests.auditor.stream_view import StreamView

Holding = tuple[str, str]
"""An account and a symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`tagged` are the exchange's orders by tag; `known` those that an attempt of the database names, with it;
    `foreign` those that are nobody's: no tag, and the database does not name them.

    `split` are the holdings that a split or a bonus issue has changed: there the exchange's own trades do not add up
    to what it says is held, so quantities cannot be worked out from trades, ours neither.
    """

    exchange: ExchangeView
    registry: RegistryView
    database: DatabaseView
    log: LogView | None
    stream: StreamView | None
    stopped_cleanly: bool
    tagged: Mapping[str, Sequence[ExchangeOrder]]
    known: Sequence[tuple[ExchangeOrder, Attempt]]
    foreign: Sequence[ExchangeOrder]
    trades_of: Mapping[str, Sequence[ExchangeTrade]]
    orders: Mapping[str, Order]
    attempts: Mapping[str, Attempt]
    positions: Mapping[str, Position]
    split: frozenset[Holding]


def gather(
    exchange: ExchangeView,
    registry: RegistryView,
    database: DatabaseView,
    log: LogView | None,
    stream: StreamView | None = None,
    *,
    stopped_cleanly: bool,
) -> Evidence:
    rows = {row.order_id: row for row in exchange.orders}
    tagged: dict[str, list[ExchangeOrder]] = defaultdict(list)
    for row in exchange.orders:
        if row.tag is not None:
            tagged[row.tag].append(row)
    trades_of: dict[str, list[ExchangeTrade]] = defaultdict(list)
    for trade in exchange.trades:
        trades_of[trade.order_id].append(trade)
    known = [(rows[a.broker_order_id], a) for a in database.attempts if a.broker_order_id in rows]
    known = [(row, attempt) for row, attempt in known if row.tag in (attempt.coid, None)]
    named = {row.order_id for row, _ in known}
    return Evidence(
        exchange=exchange,
        registry=registry,
        database=database,
        log=log,
        stream=stream,
        stopped_cleanly=stopped_cleanly,
        tagged=tagged,
        known=known,
        foreign=[row for row in exchange.orders if row.tag is None and row.order_id not in named],
        trades_of=trades_of,
        orders={order.id: order for order in database.orders},
        attempts={attempt.coid: attempt for attempt in database.attempts},
        positions={position.id: position for position in database.positions},
        split=_split(exchange, trades_of),
    )


def net_of(orders: Iterable[ExchangeOrder], trades_of: Mapping[str, Sequence[ExchangeTrade]]) -> Mapping[Holding, int]:
    """Shares bought less shares sold, by account and symbol."""
    net: dict[Holding, int] = defaultdict(int)
    for row in orders:
        traded = sum(trade.quantity for trade in trades_of.get(row.order_id, ()))
        net[row.account_id, row.symbol] += traded if row.side == "buy" else -traded
    return net


def _split(exchange: ExchangeView, trades_of: Mapping[str, Sequence[ExchangeTrade]]) -> frozenset[Holding]:
    net = net_of(exchange.orders, trades_of)
    return frozenset(
        holding for holding in {*net, *exchange.holdings} if net.get(holding, 0) != exchange.holdings.get(holding, 0)
    )
