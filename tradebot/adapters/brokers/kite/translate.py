"""Kite's rows in our words; the only place that knows its field names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tradebot.adapters.brokers.instants import instant, latest, number, text, whole
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, BrokerWord, Funds, Holding, broker_word
from tradebot.domain.orders import BrokerOrderId, Coid, OrderType, Product, Side, Validity, Variety
from tradebot.domain.quotes import Level, Quote

Row = Mapping[str, Any]

SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
ORDER_TYPES = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.SL: "SL",
    OrderType.SL_M: "SL-M",
}
PRODUCTS = {product: product.value for product in Product}
VALIDITIES = {validity: validity.value for validity in Validity}
VARIETIES = {Variety.AMO: "amo", Variety.REGULAR: "regular"}

_SIDES = {word: side for side, word in SIDES.items()}
_ORDER_TYPES = {word: kind for kind, word in ORDER_TYPES.items()}
_PRODUCTS = {word: product for product, word in PRODUCTS.items()}
_DELIVERY = "CNC"


def orders(rows: Iterable[Row]) -> list[BrokerOrder]:
    """Every order that may be ours. One of a kind that we never send (MTF, CO ...) and without a tag is left out."""
    return [order(row) for row in rows if row["product"] in _PRODUCTS or row.get("tag")]


def order(row: Row) -> BrokerOrder:
    """The remaining quantity is never read: cancelled rows show it beside the cancelled one."""
    filled = whole(row["filled_quantity"])
    status = str(row["status"])
    return BrokerOrder(
        broker_order_id=BrokerOrderId(str(row["order_id"])),
        tag=Coid(row["tag"]) if row.get("tag") else None,
        symbol=row["tradingsymbol"],
        exchange=row["exchange"],
        side=_SIDES[row["transaction_type"]],
        order_type=_ORDER_TYPES[row["order_type"]],
        product=_PRODUCTS[row["product"]],
        variety=Variety.AMO if row.get("variety") == "amo" else Variety.REGULAR,
        quantity=whole(row["quantity"]),
        price=number(row["price"]),
        trigger_price=number(row.get("trigger_price")) or None,
        filled_quantity=filled,
        average_price=number(row["average_price"]) if filled else None,
        status=status,
        word=_word(status),
        status_text=text(row.get("status_message")) or text(row.get("status_message_raw")),
        placed_at=latest(row["order_timestamp"]),
        updated_at=latest(row["order_timestamp"], row.get("exchange_update_timestamp"), row.get("exchange_timestamp")),
    )


def trades(rows: Iterable[Row]) -> list[BrokerTrade]:
    return [trade(row) for row in rows]


def trade(row: Row) -> BrokerTrade:
    """`order_timestamp` is a time without a date here: the fill's own instant is read."""
    return BrokerTrade(
        broker_order_id=BrokerOrderId(str(row["order_id"])),
        trade_id=str(row["trade_id"]),
        symbol=row["tradingsymbol"],
        side=_SIDES[row["transaction_type"]],
        quantity=whole(row["quantity"]),
        price=number(row["average_price"]),
        traded_at=latest(row.get("fill_timestamp"), row.get("exchange_timestamp")),
    )


@dataclass(slots=True)
class _Shares:
    """Of one instrument: `left` is delivered and not sold today, `today` today's net delivery position."""

    symbol: str
    exchange: str
    left: int = 0
    t1: int = 0
    today: int = 0
    average_price: Decimal = Decimal(0)


def holdings(held: Iterable[Row], positions: Iterable[Row], book: Sequence[BrokerOrder]) -> list[Holding]:
    """Delivered shares, today's trades, and what of both may still be sold: less all that is on sale already.

    Kite's `quantity` leaves out what was sold today, which shows as a negative position for delivery beside it.
    """
    shares: dict[tuple[str, str], _Shares] = {}
    for row in held:
        found = _of(shares, row)
        found.left, found.t1 = whole(row["quantity"]), whole(row["t1_quantity"])
        found.average_price = number(row["average_price"])
    for row in positions:
        if row["product"] == _DELIVERY:
            found = _of(shares, row)
            found.today += whole(row["quantity"])
            found.average_price = found.average_price or number(row["average_price"])
    return [_holding(found, book) for found in shares.values()]


def funds(equity: Row) -> Funds:
    """`net` is what is free; what is lent against shares does not pay for a delivery."""
    blocked = number(equity["utilised"]["debits"])
    free = number(equity["net"]) - number(equity["available"].get("collateral"))
    return Funds(cash=free + blocked, blocked=blocked)


def quote(symbol: str, row: Row) -> Quote | None:
    """None before the first trade ever. Levels that are missing are zeros."""
    at = instant(row.get("timestamp")) or instant(row.get("last_trade_time"))
    if at is None or not number(row["last_price"]):
        return None
    day = row["ohlc"]
    last = number(row["last_price"])
    return Quote(
        symbol=symbol,
        at=at,
        last_price=last,
        volume=whole(row.get("volume")),
        day_high=number(day["high"]) or last,
        day_low=number(day["low"]) or last,
        previous_close=number(day["close"]),
        bids=_levels(row["depth"]["buy"]),
        asks=_levels(row["depth"]["sell"]),
    )


def _word(status: str) -> BrokerWord:
    return BrokerWord.CANCELLED if status.upper().startswith("CANCELLED") else broker_word(status)


def _of(shares: dict[tuple[str, str], _Shares], row: Row) -> _Shares:
    key = (row["tradingsymbol"], row["exchange"])
    return shares.setdefault(key, _Shares(*key))


def _holding(found: _Shares, book: Sequence[BrokerOrder]) -> Holding:
    sold, bought = max(-found.today, 0), max(found.today, 0)
    return Holding(
        symbol=found.symbol,
        exchange=found.exchange,
        settled_quantity=found.left + sold,
        t1_quantity=found.t1,
        today_quantity=found.today,
        sellable_quantity=max(found.left + found.t1 + bought - on_sale(found.symbol, found.exchange, book), 0),
        average_price=found.average_price,
    )


def on_sale(symbol: str, exchange: str, book: Sequence[BrokerOrder]) -> int:
    """What sells for delivery that may still be filled would take; a word that is not known counts as open."""
    return sum(
        row.quantity - row.filled_quantity
        for row in book
        if row.symbol == symbol
        and row.exchange == exchange
        and row.side is Side.SELL
        and row.product is Product.CNC
        and row.word in (BrokerWord.OPEN, BrokerWord.UNKNOWN)
    )


def _levels(rows: Iterable[Row]) -> tuple[Level, ...]:
    levels = (Level(price=number(row["price"]), quantity=whole(row["quantity"])) for row in rows)
    return tuple(level for level in levels if level.price > 0 and level.quantity > 0)
