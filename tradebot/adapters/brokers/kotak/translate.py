"""Kotak's rows in our words; the only place that knows its field names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tradebot.adapters.brokers.instants import is_nothing, latest, number, text, whole
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, BrokerWord, Funds, Holding, broker_word
from tradebot.domain.orders import BrokerOrderId, Coid, OrderType, Product, Side, Validity, Variety
from tradebot.domain.quotes import Level, Quote

Row = Mapping[str, Any]

SIDES = {Side.BUY: "B", Side.SELL: "S"}
ORDER_TYPES = {OrderType.LIMIT: "L", OrderType.MARKET: "MKT", OrderType.SL: "SL", OrderType.SL_M: "SL-M"}
PRODUCTS = {product: product.value for product in Product}
VALIDITIES = {validity: validity.value for validity in Validity}
SEGMENTS = {"NSE": "nse_cm", "BSE": "bse_cm", "NFO": "nse_fo", "BFO": "bse_fo", "MCX": "mcx_fo"}

_SIDES = {word: side for side, word in SIDES.items()}
_ORDER_TYPES = {word: kind for kind, word in ORDER_TYPES.items()} | {"LIMIT": OrderType.LIMIT}
_PRODUCTS = {word: product for product, word in PRODUCTS.items()}
_EXCHANGES = {segment: exchange for exchange, segment in SEGMENTS.items()}
_PARKED = "after market"


def symbol_of(trading_symbol: str) -> str:
    """IDEA-EQ is IDEA; another series stays in the name."""
    return trading_symbol.removesuffix("-EQ")


def trading_symbol_of(symbol: str, exchange: str) -> str:
    """In the cash segment the series always stands in the name."""
    is_cash = exchange in ("NSE", "BSE")
    return symbol if not is_cash or symbol.rpartition("-")[2] in _SERIES else f"{symbol}-EQ"


_SERIES = frozenset({"EQ", "BE", "BZ", "BL", "SM", "ST", "A", "B", "T", "X", "XT"})


def orders(rows: Iterable[Row]) -> list[BrokerOrder]:
    """Every order that may be ours. One of a kind that we never send and without a tag is left out."""
    return [order(row) for row in rows if row["prod"] in _PRODUCTS or _tag(row)]


def order(row: Row) -> BrokerOrder:
    filled = whole(row["fldQty"])
    status = text(row.get("ordSt")) or text(row.get("stat"))
    return BrokerOrder(
        broker_order_id=BrokerOrderId(str(row["nOrdNo"])),
        tag=_tag(row),
        symbol=symbol_of(row["trdSym"]),
        exchange=_EXCHANGES[row["exSeg"]],
        side=_SIDES[row["trnsTp"]],
        order_type=_ORDER_TYPES[row["prcTp"]],
        product=_PRODUCTS[row["prod"]],
        variety=Variety.AMO if _PARKED in status.lower() else Variety.REGULAR,
        quantity=whole(row["qty"]),
        price=number(row["prc"]),
        trigger_price=number(row.get("trgPrc")) or None,
        filled_quantity=filled,
        average_price=number(row["avgPrc"]) if filled else None,
        status=status,
        word=broker_word(status),
        status_text=text(row.get("rejRsn")),
        placed_at=latest(row.get("ordDtTm")),
        updated_at=_updated_at(row),
    )


def trades(rows: Iterable[Row]) -> list[BrokerTrade]:
    return [trade(row) for row in rows]


def trade(row: Row) -> BrokerTrade:
    """The token is empty in trades, so that the symbol is taken from the name."""
    return BrokerTrade(
        broker_order_id=BrokerOrderId(str(row["nOrdNo"])),
        trade_id=str(row["flId"]),
        symbol=symbol_of(row["trdSym"]),
        side=_SIDES[row["trnsTp"]],
        quantity=whole(row["fldQty"]),
        price=number(row["avgPrc"]),
        traded_at=latest(f"{row['flDt']} {row['flTm']}"),
    )


def holdings(held: Iterable[Row], positions: Iterable[Row], book: Sequence[BrokerOrder]) -> list[Holding]:
    """`sellableQuantity` is what Kotak lets us sell of what is delivered; what was bought today comes on top. What is
    on sale already is taken off in any case: to sell too little does no harm."""
    today = {_key(row): _net_today(row) for row in positions if row.get("prod") == Product.CNC}
    found = [_delivered(row, today.pop(_held_key(row), 0), book) for row in held]
    for (symbol, exchange), net in today.items():
        found.append(_holding(symbol, exchange, settled=0, sellable=0, today=net, price=Decimal(0), book=book))
    return found


def funds(limits: Row) -> Funds:
    blocked = number(limits.get("MarginUsed"))
    free = number(limits["Net"]) - number(limits.get("CollateralValue"))
    return Funds(cash=free + blocked, blocked=blocked)


def quote(row: Row) -> Quote | None:
    """None before the first trade ever; all of it comes as texts. `lstup_time` is an epoch or an Indian time."""
    last = number(row.get("ltp"))
    if not last or is_nothing(row.get("lstup_time")):
        return None
    day = row.get("ohlc") or {}
    return Quote(
        symbol=symbol_of(str(row["display_symbol"])),
        at=_epoch_or_instant(row["lstup_time"]),
        last_price=last,
        volume=whole(row.get("last_volume")),
        day_high=number(day.get("high")) or last,
        day_low=number(day.get("low")) or last,
        previous_close=previous_close(row),
        bids=_levels(row["depth"]["buy"]),
        asks=_levels(row["depth"]["sell"]),
    )


def previous_close(row: Row) -> Decimal:
    """The last price less its change: there is no field for it."""
    return number(row.get("ltp")) - number(row.get("change"))


def _tag(row: Row) -> Coid | None:
    tag = text(row.get("GuiOrdId"))
    return Coid(tag) if tag else None


def _updated_at(row: Row) -> datetime:
    """The feed's own stamp is in nanoseconds; the others are in three forms."""
    stamps = [latest(row.get("ordDtTm"), row.get("hsUpTm"), row.get("exCfmTm"))]
    if not is_nothing(row.get("updRecvTm")):
        stamps.append(datetime.fromtimestamp(int(row["updRecvTm"]) // 1_000_000_000, tz=UTC))
    return max(stamps)


def _epoch_or_instant(value: object) -> datetime:
    said = str(value).strip()
    if said.isdigit():
        return datetime.fromtimestamp(int(said), tz=UTC)
    return latest(said)


def _key(row: Row) -> tuple[str, str]:
    return symbol_of(row["trdSym"]), _EXCHANGES[row["exSeg"]]


def _held_key(row: Row) -> tuple[str, str]:
    return symbol_of(str(row["displaySymbol"])), _EXCHANGES[row["exchangeSegment"]]


def _net_today(row: Row) -> int:
    """What was carried forward is a holding already."""
    return whole(row["flBuyQty"]) - whole(row["flSellQty"])


def _delivered(row: Row, today: int, book: Sequence[BrokerOrder]) -> Holding:
    symbol, exchange = _held_key(row)
    held = whole(row["quantity"])
    return _holding(
        symbol,
        exchange,
        settled=held,
        sellable=min(whole(row["sellableQuantity"]), held),
        today=today,
        price=number(row["averagePrice"]),
        book=book,
    )


def _holding(
    symbol: str, exchange: str, *, settled: int, sellable: int, today: int, price: Decimal, book: Sequence[BrokerOrder]
) -> Holding:
    on_sale = sum(
        row.quantity - row.filled_quantity
        for row in book
        if (row.symbol, row.exchange, row.side, row.product) == (symbol, exchange, Side.SELL, Product.CNC)
        and row.word in (BrokerWord.OPEN, BrokerWord.UNKNOWN)
    )
    return Holding(
        symbol=symbol,
        exchange=exchange,
        settled_quantity=settled,
        t1_quantity=0,
        today_quantity=today,
        sellable_quantity=max(sellable + max(today, 0) - on_sale, 0),
        average_price=price,
    )


def _levels(rows: Iterable[Row]) -> tuple[Level, ...]:
    levels = (Level(price=number(row["price"]), quantity=whole(row["quantity"])) for row in rows)
    return tuple(level for level in levels if level.price > 0 and level.quantity > 0)
