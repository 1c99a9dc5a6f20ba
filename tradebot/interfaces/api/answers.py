"""What is answered: the shapes of orders, their stories and figures in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema
from starlette.responses import Response

from tradebot.domain.access import Scope
from tradebot.domain.batches import BatchStatus, Leg, LegStatus
from tradebot.domain.lifecycle_ids import IdStatus, IdType, LifecycleId
from tradebot.domain.order_queries import OrderFigures, OrderStory
from tradebot.domain.orders import Attempt, Fill, Order, OrderEvent, OrderStatus
from tradebot.interfaces.api.services import BatchStory

Instant = Annotated[
    datetime,
    PlainSerializer(lambda at: at.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""ISO, with its offset."""

Amount = Annotated[
    Decimal,
    PlainSerializer(lambda amount: f"{amount:f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
]
"""Rupees, as a string: no parser may round them."""


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def response(self, status: int = 200) -> Response:
        return Response(self.model_dump_json(), status, media_type="application/json")


class OrderShape(Shape):
    """One order as it is now."""

    id: str
    account_id: str
    symbol: str
    exchange: str
    side: str
    quantity: int
    price: Amount | None
    trigger_price: Amount | None
    order_type: str
    product: str
    status: OrderStatus
    created_at: Instant
    updated_at: Instant
    reason: str
    first_failed_at: Instant | None
    last_retry_attempt: Instant | None
    retry_count: int
    last_status_check: Instant | None
    execution_price: Amount | None
    execution_qty: int
    execution_time: Instant | None
    coid: str
    broker_order_id: str | None
    broker_status: str | None
    cancel_requested: bool
    expires_at: Instant | None

    @classmethod
    def of(cls, order: Order) -> OrderShape:
        return cls.model_construct(**{name: getattr(order, name) for name in cls.model_fields})


class OrderPageShape(Shape):
    """Orders, the newest first, and how many there are in all."""

    orders: list[OrderShape]
    total: int
    limit: int
    offset: int


class EventShape(Shape):
    """One line of an order's story."""

    sequence: int
    event: str
    from_status: OrderStatus | None
    to_status: OrderStatus
    reason: str
    source: str
    at: Instant
    correlation_id: str
    figures: dict[str, str]

    @classmethod
    def of(cls, event: OrderEvent) -> EventShape:
        return cls.model_construct(**{name: getattr(event, name) for name in cls.model_fields})


class FillShape(Shape):
    """One execution."""

    trade_id: str
    broker_order_id: str
    order_id: str
    symbol: str
    side: str
    quantity: int
    price: Amount
    traded_at: Instant
    is_late: bool

    @classmethod
    def of(cls, fill: Fill) -> FillShape:
        return cls.model_construct(**{name: getattr(fill, name) for name in cls.model_fields})


class AttemptShape(Shape):
    """One client order id of the order, and what the broker last said about it."""

    coid: str
    number: int
    status: str
    broker_order_id: str | None
    broker_status: str | None
    variety: str
    filled_quantity: int
    created_at: Instant

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptShape:
        return cls.model_construct(**{name: getattr(attempt, name) for name in cls.model_fields})


class LifecycleIdShape(Shape):
    """One id that the order ever had."""

    lifecycle_id: str
    id_type: IdType
    status: IdStatus
    replaced_by: str | None
    created_at: Instant

    @classmethod
    def of(cls, entry: LifecycleId) -> LifecycleIdShape:
        return cls.model_construct(**{name: getattr(entry, name) for name in cls.model_fields})


class ResolvedShape(Shape):
    """The order that an id leads to."""

    id: str
    order_id: str
    id_type: IdType
    status: IdStatus


class AskedShape(Shape):
    """`asked`: the broker has to confirm it (202); `done`. `id` is the lifecycle id that stands for it."""

    status: str
    order_id: str
    id: str
    correlation_id: str


class StoryShape(Shape):
    """One order with everything that is written about it, oldest first."""

    order: OrderShape
    events: list[EventShape]
    fills: list[FillShape]
    attempts: list[AttemptShape]
    lifecycle_ids: list[LifecycleIdShape]

    @classmethod
    def of(cls, story: OrderStory) -> StoryShape:
        return cls.model_construct(
            order=OrderShape.of(story.order),
            events=[EventShape.of(event) for event in story.events],
            fills=[FillShape.of(fill) for fill in story.fills],
            attempts=[AttemptShape.of(attempt) for attempt in story.attempts],
            lifecycle_ids=[LifecycleIdShape.of(entry) for entry in story.lifecycle_ids],
        )


class FiguresShape(Shape):
    """How many orders there are. `retriable` have failed and not expired; `executed` have a fill."""

    total: int
    distribution: dict[OrderStatus, int]
    retriable: int
    executed: int
    pending: int
    ongoing: int
    closed: int
    failed: int
    cancelled: int

    @classmethod
    def of(cls, figures: OrderFigures) -> FiguresShape:
        counts = {str(status): count for status, count in figures.by_status.items()}
        return cls(
            total=figures.total,
            distribution=dict(figures.by_status),
            retriable=figures.retriable,
            executed=figures.executed,
            **counts,
        )


class SyncShape(Shape):
    """What a look at the broker's book found: `synced` orders were compared, `errors` of them could not be."""

    synced: int
    updated: int
    executed: int
    rejected: int
    cancelled: int
    errors: int

    @classmethod
    def of(cls, counts: Mapping[str, str]) -> SyncShape:
        found = {name: int(counts.get(name, "0")) for name in ("updated", "executed", "rejected", "cancelled")}
        return cls(synced=int(counts.get("checked", "0")), errors=int(counts.get("failed", "0")), **found)


class PartShape(Shape):
    """One part of the daemon."""

    status: str
    detail: str


class HealthShape(Shape):
    """`healthy`, or `unhealthy` when the daemon cannot trade safely."""

    status: str
    version: str
    time: Instant
    parts: dict[str, PartShape]


class StreamShape(Shape):
    """The order stream; `upstream` is the broker's side of it."""

    status: str
    total_clients: int
    channels: list[str]
    upstream: dict[str, object]


class SessionShape(Shape):
    """Who a browser is; empty for nobody."""

    user_id: str
    account_ids: list[str]
    scopes: list[Scope]


class ServiceShape(Shape):
    status: str
    service: str


class DoneShape(Shape):
    """A command was carried out; `correlation_id` finds it in the log."""

    status: str
    message: str
    correlation_id: str


class LegShape(Shape):
    """What became of one leg; `order_id` is ours."""

    index: int
    status: LegStatus
    order_id: str | None
    coid: str
    filled_qty: int
    error: str

    @classmethod
    def of(cls, leg: Leg) -> LegShape:
        return cls.model_construct(
            index=leg.number,
            status=leg.status,
            order_id=leg.order_id,
            coid=leg.coid,
            filled_qty=leg.filled_qty,
            error=leg.error,
        )


class BatchShape(Shape):
    """What became of a batch; `order_ids` are the broker's. `rolled_back` is said when no leg is open or filled."""

    status: BatchStatus | None
    batch_id: str
    account_id: str
    total_orders: int
    succeeded: int
    failed: int
    order_ids: list[str]
    legs: list[LegShape]
    created_at: Instant
    completed_at: Instant | None

    @classmethod
    def of(cls, story: BatchStory) -> BatchShape:
        batch = story.batch
        good = sum(leg.status in (LegStatus.PLACED, LegStatus.FILLED) for leg in story.legs)
        return cls.model_construct(
            status=batch.status,
            batch_id=batch.id,
            account_id=batch.account_id,
            total_orders=len(story.legs),
            succeeded=good,
            failed=len(story.legs) - good,
            order_ids=list(story.broker_order_ids),
            legs=[LegShape.of(leg) for leg in story.legs],
            created_at=batch.created_at,
            completed_at=batch.completed_at,
        )
