"""An order book and its trades as they come over the wire, and the broker that fetches and reads them there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from benchmarks.loopback import Client
from benchmarks.memory_broker import MemoryBroker
from tradebot.adapters.brokers.same_rows import SameRows
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, broker_word
from tradebot.domain.orders import BrokerOrderId, Coid, OrderType, Product, Side, Variety

BOOK = "/orders"
TRADES = "/trades"


class WireBroker(MemoryBroker):
    """Everything out of memory but the book and the trades, which come from the server."""

    def __init__(self, rows: Sequence[BrokerOrder], client: Client) -> None:
        super().__init__(rows)
        self._client = client
        self._orders = SameRows("order_id", lambda rows: [_order(row) for row in rows])
        self._trades = SameRows("trade_id", lambda rows: [_trade(row) for row in rows])

    def order_book(self) -> Sequence[BrokerOrder]:
        return self._orders.of(self._client.fetch(BOOK)["data"])

    def trades(self) -> Sequence[BrokerTrade]:
        return self._trades.of(self._client.fetch(TRADES)["data"])

    def publish(self) -> None:
        """Put the book and the trades as they stand in memory on the server."""
        self._client.keep(BOOK, _body([_order_fields(row) for row in self.rows.values()]))
        self._client.keep(TRADES, _body([_trade_fields(trade) for trade in self.executed]))


def _body(rows: Sequence[dict[str, Any]]) -> bytes:
    return json.dumps({"status": "success", "data": rows}).encode()


def _order_fields(row: BrokerOrder) -> dict[str, Any]:
    return {
        "order_id": row.broker_order_id,
        "tag": row.tag,
        "tradingsymbol": row.symbol,
        "exchange": row.exchange,
        "transaction_type": row.side,
        "order_type": row.order_type,
        "product": row.product,
        "variety": row.variety,
        "quantity": row.quantity,
        "price": float(row.price),
        "trigger_price": 0,
        "filled_quantity": row.filled_quantity,
        "pending_quantity": row.quantity - row.filled_quantity,
        "average_price": float(row.average_price or 0),
        "status": row.status,
        "status_message": None,
        "order_timestamp": row.placed_at.isoformat(),
        "exchange_timestamp": row.updated_at.isoformat(),
        "validity": "DAY",
        "disclosed_quantity": 0,
        "cancelled_quantity": 0,
        "placed_by": "AB1234",
        "exchange_order_id": f"1{row.broker_order_id}",
        "parent_order_id": None,
        "market_protection": 0,
        "guid": f"guid-{row.broker_order_id}",
    }


def _trade_fields(trade: BrokerTrade) -> dict[str, Any]:
    return {
        "order_id": trade.broker_order_id,
        "trade_id": trade.trade_id,
        "tradingsymbol": trade.symbol,
        "transaction_type": trade.side,
        "quantity": trade.quantity,
        "average_price": float(trade.price),
        "fill_timestamp": trade.traded_at.isoformat(),
    }


def _order(row: dict[str, Any]) -> BrokerOrder:
    filled = row["filled_quantity"]
    return BrokerOrder(
        broker_order_id=BrokerOrderId(row["order_id"]),
        tag=Coid(row["tag"]),
        symbol=row["tradingsymbol"],
        exchange=row["exchange"],
        side=Side(row["transaction_type"]),
        order_type=OrderType(row["order_type"]),
        product=Product(row["product"]),
        variety=Variety(row["variety"]),
        quantity=row["quantity"],
        price=Decimal(str(row["price"])),
        trigger_price=None,
        filled_quantity=filled,
        average_price=Decimal(str(row["average_price"])) if filled else None,
        status=row["status"],
        word=broker_word(row["status"]),
        status_text=row["status_message"] or "",
        placed_at=datetime.fromisoformat(row["order_timestamp"]),
        updated_at=datetime.fromisoformat(row["exchange_timestamp"]),
    )


def _trade(row: dict[str, Any]) -> BrokerTrade:
    return BrokerTrade(
        broker_order_id=BrokerOrderId(row["order_id"]),
        trade_id=row["trade_id"],
        symbol=row["tradingsymbol"],
        side=Side(row["transaction_type"]),
        quantity=row["quantity"],
        price=Decimal(str(row["average_price"])),
        traded_at=datetime.fromisoformat(row["fill_timestamp"]),
    )
