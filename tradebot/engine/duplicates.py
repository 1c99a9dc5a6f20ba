"""Intents that were placed before: each is told, and more than a few in an hour are a defect somewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import Coid, DecisionId, Side
from tradebot.engine import ledger
from tradebot.engine.unit import Unit

HOUR = timedelta(hours=1)
WARNINGS_AN_HOUR_MAX = 3
"""So many duplicates within an hour are warnings; every further one is critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """The fields of COID_DUPLICATE; `order_id` is None where only the registry knows the id."""

    coid: Coid
    symbol: str
    side: Side
    decision_id: DecisionId
    order_id: str | None
    attempt: int


def tell_duplicate(unit: Unit, duplicate: Duplicate, text: str, correlation_id: str) -> None:
    unit.duplicates.append(unit.now)
    is_often = unit.duplicates_since(unit.now - HOUR) > WARNINGS_AN_HOUR_MAX
    ledger.tell(
        unit,
        EventName.COID_DUPLICATE,
        text,
        fields=asdict(duplicate),
        level=Level.CRITICAL if is_often else Level.WARNING,
        correlation_id=correlation_id,
    )
