"""What would have been sent while nothing may be: told once for each intent, order or change of a day."""

from __future__ import annotations

from decimal import Decimal

from tradebot.domain.events import EventName, FieldValue
from tradebot.domain.orders import Order, OrderIntent, RequestKind
from tradebot.engine import ledger
from tradebot.engine.unit import Unit

OBSERVED = "observed:"
"""What the keys of things told begin with; they are forgotten at the end of the day."""


def observe(unit: Unit, intent: OrderIntent) -> None:
    """A placement that is not made."""
    key = f"{OBSERVED}{intent.decision_id}:{intent.leg}:{intent.side}"
    fields: dict[str, FieldValue] = {
        "symbol": intent.symbol,
        "side": intent.side,
        "quantity": intent.quantity,
        "price": intent.price,
        "decision_id": intent.decision_id,
        "kind": RequestKind.PLACE,
    }
    _tell(unit, key, fields, intent.correlation_id)


def observe_change(unit: Unit, order: Order, kind: RequestKind, price: Decimal | None = None) -> None:
    """A call for an order that stands, or was prepared before: not made either."""
    key = f"{OBSERVED}{order.coid}:{kind}:{price}"
    fields: dict[str, FieldValue] = {
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "price": price if price is not None else order.price,
        "decision_id": order.decision_id,
        "kind": kind,
    }
    _tell(unit, key, fields, order.correlation_id)


def _tell(unit: Unit, key: str, fields: dict[str, FieldValue], correlation_id: str) -> None:
    if not unit.is_news(key):
        return
    text = f"{fields['symbol']} {fields['side']} {fields['quantity']} @{fields['price']}: {fields['kind']} not sent"
    ledger.tell(unit, EventName.ORDER_OBSERVED, text, fields=fields, correlation_id=correlation_id)
