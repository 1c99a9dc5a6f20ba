"""One line of the client order id registry: the witness that an order may have been sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tradebot.domain.coids import IntentKey
from tradebot.domain.orders import AttemptStatus, BrokerOrderId, Coid, DecisionId, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEntry:
    """What the registry knows of one client order id; written and synced before the order is sent."""

    coid: Coid
    account_id: str
    decision_id: DecisionId
    leg: int
    side: Side
    symbol: str
    status: AttemptStatus
    attempt_count: int
    broker_order_id: BrokerOrderId | None = None
    filled_qty: int = 0
    avg_price: Decimal | None = None
    created: datetime
    updated: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> IntentKey:
        return IntentKey(self.account_id, self.decision_id, self.leg, self.side)
