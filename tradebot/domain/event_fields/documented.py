"""How the line of one event is documented, and the levels and fields that many of them share."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.domain.events import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFields:
    """What a line of one event says: its levels, the fields it always has, and those that it has at times."""

    meaning: str
    levels: tuple[Level, ...] = (Level.INFO,)
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()


DEBUG_ONLY = (Level.DEBUG,)
WARNING_ONLY = (Level.WARNING,)
ERROR_ONLY = (Level.ERROR,)
CRITICAL_ONLY = (Level.CRITICAL,)
OF_ORDER = (
    "order_id",
    "coid",
    "decision_id",
    "symbol",
    "side",
    "quantity",
    "price",
    "status",
    "filled_qty",
    "avg_price",
    "reason",
    "broker_order_id",
)
