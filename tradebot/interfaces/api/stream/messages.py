"""What a client of the order stream is told, as JSON texts; each is made once, however many clients there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from tradebot.domain.events import Event
from tradebot.domain.order_queries import OrderUpdate
from tradebot.domain.orders import Order

_encoder = msgspec.json.Encoder(decimal_format="string")


def text_of(message: object) -> str:
    return _encoder.encode(message).decode()


def established(account_id: str, sequence: int) -> str:
    return text_of(
        {
            "type": "connection_established",
            "account_id": account_id,
            "seq": sequence,
            "message": "order updates follow, each with the next seq; ?since=SEQ brings what was missed",
        }
    )


def snapshot(account_id: str, sequence: int, orders: Sequence[Order]) -> str:
    return text_of(
        {
            "type": "snapshot",
            "account_id": account_id,
            "seq": sequence,
            "orders": [_standing(order) for order in orders],
        }
    )


def order_update(update: OrderUpdate) -> str:
    """How far the order was filled is that of the event; its ids and the broker's word are those of the order now."""
    event, order = update.event, update.order
    return text_of(
        {
            "type": "order_update",
            "account_id": event.account_id,
            "seq": event.sequence,
            "timestamp": event.at.isoformat(),
            "data": {
                "order_id": event.order_id,
                "coid": order.coid,
                "broker_order_id": order.broker_order_id,
                "symbol": order.symbol,
                "status": event.to_status,
                "broker_status": order.broker_status,
                "filled_quantity": int(event.figures.get("filled_quantity", "0")),
                "average_price": event.figures.get("average_price"),
                "reason": event.reason,
                "event": event.event,
                "correlation_id": event.correlation_id,
            },
        }
    )


def told(kind: str, account_id: str, event: Event) -> str:
    """An event of the channels `positions` and `alerts`."""
    return text_of(
        {
            "type": kind,
            "account_id": account_id,
            "timestamp": event.at.isoformat(),
            "data": {"event": event.name, "level": event.level, "message": event.message, **_plain(event)},
        }
    )


def _plain(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.fields.items() if name not in ("event", "level", "message")}


def _standing(order: Order) -> dict[str, object]:
    return {
        "order_id": order.id,
        "coid": order.coid,
        "broker_order_id": order.broker_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "price": _amount(order.price),
        "status": order.status,
        "broker_status": order.broker_status,
        "filled_quantity": order.execution_qty,
        "average_price": _amount(order.average_price),
        "reason": order.reason,
        "updated_at": _moment(order.updated_at),
    }


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _moment(value: datetime) -> str:
    return value.isoformat()
