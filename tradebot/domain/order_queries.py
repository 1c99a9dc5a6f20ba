"""What people ask about orders, and the shapes of the answers: pages, stories, figures, and lines of the event log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tradebot.domain.lifecycle_ids import LifecycleId
from tradebot.domain.orders import (
    Attempt,
    BrokerRequest,
    Fill,
    Order,
    OrderEvent,
    OrderStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Which orders are wanted, the newest first.

    `user_id` and `account_ids` are whose; None stands for everybody's. `reason` is looked for in any case of letters.
    `from_date` and `to_date` are IST days of `created_at`, the last one included.
    """

    user_id: str | None = None
    account_ids: tuple[str, ...] | None = None
    status: OrderStatus | None = None
    reason: str = ""
    from_date: date | None = None
    to_date: date | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """Some of the orders that were asked for; `total` is how many there are."""

    orders: Sequence[Order]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStory:
    """One order and everything that is written about it, oldest first; `related` are the other orders of its
    position: the sells of a buy, the buys of a sell."""

    order: Order
    events: Sequence[OrderEvent]
    attempts: Sequence[Attempt]
    requests: Sequence[BrokerRequest]
    fills: Sequence[Fill]
    related: Sequence[Order] = ()
    lifecycle_ids: Sequence[LifecycleId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFigures:
    """Counts over orders. `retriable` have failed and have not expired; `executed` have at least one fill."""

    by_status: Mapping[OrderStatus, int]
    retriable: int
    executed: int

    @property
    def total(self) -> int:
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """One line of the event log with the order that it is about, for the order stream.

    `filled_quantity` and `average_price` of the line stand in the event's figures; `order` is the row as it is now.
    """

    event: OrderEvent
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The open orders of an account, at the sequence number up to which they include every event."""

    sequence: int
    orders: Sequence[Order]
