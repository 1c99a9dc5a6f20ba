"""Slippage after the fill: what an entry cost beside the best price at its decision, and what follows a breach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.guards import slippage_bps
from tradebot.domain.orders import Order, OrderIntent, Variety
from tradebot.domain.policy import GuardMode, QuoteLimits
from tradebot.domain.quotes import Quote
from tradebot.engine import ledger
from tradebot.engine.order_rows import is_entry
from tradebot.engine.unit import Unit

REFERENCE = "reference_price"
BREACH = "slippage_breach"
"""Keys of an order's metadata: what its fills are compared with, and that the comparison went too far."""

_SHOWN = Decimal("0.0001")


def with_reference(intent: OrderIntent, quotes: Mapping[str, Quote]) -> OrderIntent:
    """The intent with the best opposite price at its decision; of an after-market order, or without a book, with its
    own limit."""
    quote = quotes.get(intent.symbol) if intent.variety is Variety.REGULAR else None
    best = quote.best_opposite(intent.side) if quote is not None else None
    reference = best if best is not None else intent.price
    if reference is None:
        return intent
    return replace(intent, metadata={**intent.metadata, REFERENCE: str(reference)})


def record(unit: Unit, order: Order, limits: QuoteLimits) -> None:
    """Tell how an entry's fills compare with its reference; over the threshold, its decision takes no further entry
    (unless the guard is off or only watches)."""
    reference = Decimal(order.metadata.get(REFERENCE, "0"))
    average = order.average_price
    if not reference or average is None or not is_entry(order):
        return
    found = slippage_bps(order.side, average, reference)
    is_breach = found > limits.slippage_bps_max
    text = f"{ledger.describe(order)}: {found:.2f} bps beside {reference}"
    fields: dict[str, FieldValue] = {
        "order_id": order.id,
        "symbol": order.symbol,
        "side": order.side,
        "decision_id": order.decision_id,
        "reference_price": reference,
        "avg_price": average.quantize(_SHOWN),
        "filled_qty": order.execution_qty,
        "slippage_bps": found.quantize(_SHOWN),
        "threshold_bps": limits.slippage_bps_max,
        "breach": is_breach,
    }
    level = Level.WARNING if is_breach else Level.INFO
    ledger.tell(unit, EventName.ENTRY_SLIPPAGE, text, fields=fields, level=level, correlation_id=order.correlation_id)
    if is_breach and limits.slippage is GuardMode.ON:
        unit.orders[order.id] = replace(order, metadata={**order.metadata, BREACH: str(found.quantize(_SHOWN))})
        unit.breaches[order.decision_id] = order.id
