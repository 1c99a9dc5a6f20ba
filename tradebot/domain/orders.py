"""Orders as we keep them: what is wanted, our record, its attempts at the broker, requests and fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

OrderId = NewType("OrderId", str)
Coid = NewType("Coid", str)
BrokerOrderId = NewType("BrokerOrderId", str)
PositionId = NewType("PositionId", str)
DecisionId = NewType("DecisionId", str)

REASON_LENGTH_MAX = 512


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    SL = "sl"
    SL_M = "sl-m"


class Product(StrEnum):
    CNC = "CNC"
    MIS = "MIS"
    NRML = "NRML"


class Validity(StrEnum):
    DAY = "DAY"
    IOC = "IOC"


class Variety(StrEnum):
    AMO = "amo"
    REGULAR = "regular"


class Source(StrEnum):
    SIGNAL = "signal"
    MANUAL = "manual"
    API = "api"
    BATCH = "batch"
    STRATEGY = "strategy"


class EntryType(StrEnum):
    INITIAL = "initial"
    REENTRY = "reentry"
    MANUAL = "manual"


class OrderStatus(StrEnum):
    """The five words; `lifecycle.ORDER_TABLE` says what leads from one to the other."""

    PENDING = "pending"
    ONGOING = "ongoing"
    CLOSED = "closed"
    FAILED = "failed"
    CANCELLED = "cancelled"


def status_of(word: str) -> OrderStatus:
    """The status that somebody names; `canceled` is taken, `cancelled` is written. ValueError: it is none."""
    return OrderStatus.CANCELLED if word == "canceled" else OrderStatus(word)


class AttemptStatus(StrEnum):
    """The words of one client order id; `lifecycle.ATTEMPT_TABLE` says what leads from one to the other."""

    PENDING = "pending"
    PARTIALLY_FILLED = "partially_filled"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        return self in _OPEN_ATTEMPTS


_OPEN_ATTEMPTS = frozenset({AttemptStatus.PENDING, AttemptStatus.PARTIALLY_FILLED, AttemptStatus.UNKNOWN})


class RequestKind(StrEnum):
    PLACE = "place"
    MODIFY = "modify"
    CANCEL = "cancel"


class RequestState(StrEnum):
    """`prepared` is durable before anything is sent: from then on the request may have been carried out."""

    PREPARED = "prepared"
    ACKED = "acked"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What somebody wants: the input of a submission.

    The same (account, decision, leg, side) is the same intent, on any machine and after any restart.
    `price` is the limit in rupees and may be None only for a market order, which is sent as a protected limit.
    `trading_day` is the day on which the order is meant to trade.
    """

    account_id: str
    user_id: str
    decision_id: DecisionId
    leg: int = 0
    symbol: str
    exchange: str = "NSE"
    side: Side
    quantity: int
    order_type: OrderType = OrderType.LIMIT
    price: Decimal | None
    trigger_price: Decimal | None = None
    product: Product = Product.CNC
    validity: Validity = Validity.DAY
    variety: Variety
    source: Source
    entry_type: EntryType | None = None
    position_id: PositionId | None = None
    trading_day: date
    correlation_id: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    batch_id: str | None = None
    idempotency_key: str | None = None
    disclosed_quantity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Our record of one order; at most one live order at the broker stands behind it.

    `metadata` carries what the maker of the order wants to find again (strategy, target price, ATR, ...).
    `execution_qty` and `execution_value` are the sums over the booked fills.
    """

    id: OrderId
    user_id: str
    account_id: str
    symbol: str
    exchange: str
    side: Side
    order_type: OrderType
    product: Product
    validity: Validity
    variety: Variety
    quantity: int
    price: Decimal | None
    trigger_price: Decimal | None
    status: OrderStatus
    reason: str
    broker_status: str | None = None
    coid: Coid
    broker_order_id: BrokerOrderId | None = None
    orig_source: Source
    entry_type: EntryType | None
    is_manual: bool = False
    created_at: datetime
    placed_at: datetime | None = None
    updated_at: datetime
    filled_at: datetime | None = None
    closed_at: datetime | None = None
    first_failed_at: datetime | None = None
    last_retry_attempt: datetime | None = None
    retry_count: int = 0
    last_status_check: datetime | None = None
    execution_price: Decimal | None = None
    execution_qty: int = 0
    execution_value: Decimal = Decimal(0)
    execution_time: datetime | None = None
    first_fill_at: datetime | None = None
    decision_id: DecisionId
    leg: int
    batch_id: str | None = None
    position_id: PositionId | None = None
    disclosed_quantity: int = 0
    idempotency_key: str | None = None
    correlation_id: str
    expires_at: datetime | None = None
    trading_day: date
    cancel_requested: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def average_price(self) -> Decimal | None:
        return self.execution_value / self.execution_qty if self.execution_qty else None


SAID_TO_BE_THERE = "DUPLICATE"
"""The broker status of an attempt that the broker refused as a duplicate and did not show yet: it is there, so that its
absence from a book proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One client order id of an order, and what the broker last said about it."""

    coid: Coid
    number: int
    order_id: OrderId
    account_id: str
    decision_id: DecisionId
    leg: int
    side: Side
    symbol: str
    variety: Variety
    quantity: int
    price: Decimal | None
    status: AttemptStatus
    broker_order_id: BrokerOrderId | None = None
    broker_status: str | None = None
    filled_quantity: int = 0
    trading_day: date
    looks: int = 0
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerRequest:
    """One mutating call to the broker: a durable row before it is sent."""

    id: str
    order_id: OrderId
    coid: Coid
    kind: RequestKind
    payload: Mapping[str, str]
    state: RequestState
    detail: str = ""
    prepared_at: datetime
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """An execution: a fact, keyed by (account, broker order, trade id), booked whatever the status says."""

    account_id: str
    broker_order_id: BrokerOrderId
    trade_id: str
    order_id: OrderId
    coid: Coid
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    traded_at: datetime
    booked_at: datetime
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One line of an order's story; `sequence` grows by one per account, in the transaction of the change."""

    account_id: str
    sequence: int
    order_id: OrderId
    event: str
    from_status: OrderStatus | None
    to_status: OrderStatus
    reason: str
    source: str
    at: datetime
    correlation_id: str
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of a signal or a rule: sent, blocked, a duplicate, skipped or deferred, with the figures."""

    id: DecisionId
    account_id: str
    symbol: str
    side: Side
    trading_day: date
    outcome: str
    reason: str
    figures: Mapping[str, str]
    order_id: OrderId | None
    at: datetime
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run of a planned job; `finished_at` is saved with what the job did, in one transaction."""

    name: str
    planned_for: datetime
    finished_at: datetime
    outcome: str


def cut_reason(text: str) -> str:
    """The text as it is stored: at most `REASON_LENGTH_MAX` characters, cut with an ellipsis."""
    return text if len(text) <= REASON_LENGTH_MAX else text[: REASON_LENGTH_MAX - 1] + "…"
