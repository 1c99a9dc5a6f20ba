"""What must be heard of an order, and by when: silence is noticed even while everything else is well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tradebot.domain.orders import Attempt, BrokerRequest, Order, OrderStatus, RequestState, Variety
from tradebot.domain.trading_day import TradingDay

PARKED = frozenset({"amo req received", "after market order req received", "modify amo req received"})


class Expected(StrEnum):
    """`acknowledged`: the broker has answered the placement; `released`: an after-market order has left its parking
    place; `final`: the day's order has ended."""

    ACKNOWLEDGED = "acknowledged"
    RELEASED = "released"
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each event may take: after the hand-over, after the open, and after the session's end."""

    acknowledged: timedelta = timedelta(seconds=2)
    released: timedelta = timedelta(minutes=1)
    final: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """An event that has not come by its time."""

    expected: Expected
    by: datetime


def silences(
    order: Order,
    attempt: Attempt,
    placement: BrokerRequest | None,
    day: TradingDay | None,
    patience: Patience,
    now: datetime,
) -> list[Silence]:
    """Everything that is overdue for one order; nothing for one that has ended."""
    if order.status is not OrderStatus.PENDING or not attempt.status.is_open:
        return []
    found = []
    if placement is not None and placement.state is RequestState.PREPARED:
        found.append(Silence(expected=Expected.ACKNOWLEDGED, by=placement.prepared_at + patience.acknowledged))
    if day is not None:
        if attempt.variety is Variety.AMO and _is_parked(attempt):
            found.append(Silence(expected=Expected.RELEASED, by=day.opens_at + patience.released))
        found.append(Silence(expected=Expected.FINAL, by=day.ends_at + patience.final))
    return [silence for silence in found if now >= silence.by]


def _is_parked(attempt: Attempt) -> bool:
    """As far as we have heard: what was never shown as released counts as parked."""
    return attempt.broker_status is None or " ".join(attempt.broker_status.split()).lower() in PARKED
