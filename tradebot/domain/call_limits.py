"""How often a broker may be called: what each one allows, by class of call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

ORDERS_PER_S_MAX = 10
"""SEBI's and the exchanges' threshold: 10 orders a second for each exchange segment and client, counted over
placements, changes and cancellations (NSE circular on retail algos, in force since 2025-10-01)."""

WAIT_S_MAX = 5.0
"""How long a call waits for its turn before it fails with RateLimited; nothing of it was sent then."""


class CallClass(StrEnum):
    """`orders` are the calls that change something; `rest` everything that looks, quotes excepted."""

    QUOTES = "quotes"
    ORDERS = "orders"
    REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimit:
    """Calls in any second, rolling and of the calendar, and in any minute; None: no limit by the minute."""

    per_s: int
    per_min: int | None = None


CallLimits = Mapping[CallClass, CallLimit]

_PAPER: CallLimits = {
    CallClass.QUOTES: CallLimit(per_s=80),
    CallClass.ORDERS: CallLimit(per_s=ORDERS_PER_S_MAX),
    CallClass.REST: CallLimit(per_s=80),
}

BROKER_LIMITS: Mapping[str, CallLimits] = {
    "paper": _PAPER,
    # kite.trade/docs/connect/v3/exceptions: API rate limit.
    "kite": {
        CallClass.QUOTES: CallLimit(per_s=1),
        CallClass.ORDERS: CallLimit(per_s=10, per_min=400),
        CallClass.REST: CallLimit(per_s=10),
    },
    # The limiter in Kotak's own client.
    "kotak": {
        CallClass.QUOTES: CallLimit(per_s=10, per_min=300),
        CallClass.ORDERS: CallLimit(per_s=10, per_min=300),
        CallClass.REST: CallLimit(per_s=10, per_min=300),
    },
}
"""By the name in the broker's capabilities."""


def limits_of(broker: str, wanted: Mapping[CallClass, int]) -> CallLimits:
    """The smaller of what the broker allows and what the operator wants, by the second; a broker that is not known
    here gets what the strictest one allows."""
    allowed = BROKER_LIMITS.get(broker, BROKER_LIMITS["kite"])
    return {kind: replace(limit, per_s=min(limit.per_s, wanted[kind])) for kind, limit in allowed.items()}
