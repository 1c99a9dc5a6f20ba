"""What comes in: every message that may change an order, in the form in which the inbox records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.alerts import AlertName, Severity
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.kill import KillMode, Latch
from tradebot.domain.orders import (
    BrokerOrderId,
    Coid,
    DecisionId,
    OrderId,
    OrderType,
    PositionId,
    Product,
    Side,
    Source,
    Validity,
    Variety,
)
from tradebot.domain.outbox import OutboxEntry
from tradebot.domain.policy import Policy
from tradebot.domain.protection import Protection
from tradebot.domain.quotes import Quote
from tradebot.domain.signals import Signal


class Job(StrEnum):
    """The planned jobs of a trading day, and the one-shot ones."""

    FIRST_START = "first_start"
    PAUSE = "pause"
    HALTS = "halts"
    PLAN = "plan"
    CATCH_UP = "catch_up"
    ADJUST = "adjust"
    CYCLE = "cycle"
    OPEN = "open"
    MARKET_CLOSE = "market_close"
    AMO_PLACEMENT = "amo_placement"
    RETRY = "retry"
    EXPIRY = "expiry"
    END_OF_DAY = "end_of_day"
    VERIFY = "verify"
    SILENCE = "silence"
    RESEND = "resend"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDue:
    """A job's time has come; `at` is the instant for which it was planned."""

    name: Job
    at: datetime
    is_catch_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsReady:
    """The signals of a trading day with what is needed to judge and place them; `unusable` names strategies that
    failed, with the cause. `further`: more looks at the same quotes, for guards that are judged apart."""

    job: JobDue
    trading_day: date
    variety: Variety
    signals: tuple[Signal, ...]
    terms: Mapping[str, InstrumentTerms]
    funds: Funds
    quotes: Mapping[str, Quote]
    halted: Mapping[str, str]
    unusable: Mapping[str, str] = field(default_factory=dict)
    further: tuple[Mapping[str, Quote], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SellsReady:
    """What is needed to place the sells of the day: targets by position, terms, and what may be sold."""

    job: JobDue
    targets: Mapping[PositionId, Decimal]
    terms: Mapping[str, InstrumentTerms]
    holdings: tuple[Holding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryReady:
    """What is needed to try failed orders again, for a run or (with `correlation_id` alone) for a command.

    `book` is the broker's order book, `closes` the last close and `volumes` the mean volume of the last days by symbol;
    `ready` are the orders whose strategies have all that they judge by.
    """

    job: JobDue | None
    correlation_id: str
    order_ids: tuple[OrderId, ...]
    trading_day: date
    variety: Variety
    terms: Mapping[str, InstrumentTerms]
    funds: Funds
    quotes: Mapping[str, Quote]
    halted: Mapping[str, str]
    holdings: tuple[Holding, ...]
    book: tuple[BrokerOrder, ...]
    closes: Mapping[str, Decimal]
    volumes: Mapping[str, Decimal]
    ready: frozenset[OrderId]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """A call that only looks brought no answer; nothing is concluded from that. `call` names it, `names` the
    submissions that waited for it, `correlation_id` the command."""

    call: str
    error: str
    text: str
    job: JobDue | None = None
    names: tuple[str, ...] = ()
    correlation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSeen:
    """One picture of the market and the account for the submissions `names`, which waited for it. `further`: more
    looks at the same quotes, for guards that are judged apart."""

    names: tuple[str, ...]
    terms: Mapping[str, InstrumentTerms]
    funds: Funds
    quotes: Mapping[str, Quote]
    further: tuple[Mapping[str, Quote], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LatchSeen:
    """The kill switch's latch is another one than before; None: it was released."""

    latch: Latch | None


class CallOutcome(StrEnum):
    """How a mutating call ended. `unsent`: certainly not carried out; `stopped`: nor is it to be, the kill switch is
    latched; `beyond`: nor that, more would have left than was asked for; `unknown`: only a look can tell; `duplicate`:
    the broker says that an order with this id is there."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNSENT = "unsent"
    STOPPED = "stopped"
    BEYOND = "beyond"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswered:
    """The end of one mutating call, by the id of its durable request."""

    request_id: str
    outcome: CallOutcome
    broker_order_id: BrokerOrderId | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSeen:
    """The broker's whole order book, with the day's trades when some fill is not booked yet, and with the quotes and
    holdings (and terms, where they were not known) of the symbols of open positions.

    `asked` orders the look among hand-overs and landings: what ended after it was asked for may be missing here.
    """

    asked_at: datetime
    asked: int
    purpose: str
    orders: tuple[BrokerOrder, ...]
    trades: tuple[BrokerTrade, ...]
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    terms: Mapping[str, InstrumentTerms] = field(default_factory=dict)
    holdings: tuple[Holding, ...] = ()
    job: JobDue | None = None
    correlation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSeen:
    """One order at the broker: its last state, or None when the broker does not know it."""

    coid: Coid
    order: BrokerOrder | None
    trades: tuple[BrokerTrade, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPushed:
    """The broker says that something happened to an order: a hint that triggers a look, never more."""

    broker_order_id: BrokerOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMarked:
    """What became of entries of the outbox, told by whoever delivers them; one that the database does not know is
    added."""

    entries: tuple[OutboxEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOrder:
    """Somebody gives an order: through HTTP, as the leg of a batch, as a protective order, from the terminal.

    Prices in rupees. A market order is sent as a protected, marketable limit, SL-M as a stop with such a limit.
    The same `idempotency_key` of the same user is the same order, whatever has become of it. `decision_id` and `leg`
    are given where the intent has a name already (a leg of a batch); else they are made from the key, or anew.
    Answered with `DONE` and the order's id once its row is durable, `BLOCKED` with the figures of the guards (and the
    id of the failed row, where one is kept), `CONFLICT` or `INVALID` with words.
    """

    account_id: str
    user_id: str
    symbol: str
    exchange: str = "NSE"
    side: Side
    quantity: int
    order_type: OrderType = OrderType.LIMIT
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    product: Product = Product.CNC
    validity: Validity = Validity.DAY
    disclosed_quantity: int = 0
    source: Source = Source.API
    idempotency_key: str | None = None
    decision_id: DecisionId | None = None
    leg: int = 0
    batch_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegWish:
    """One order of a batch, as somebody wants it; prices in rupees."""

    symbol: str
    exchange: str = "NSE"
    side: Side
    quantity: int
    order_type: OrderType
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    product: Product = Product.CNC
    validity: Validity = Validity.DAY
    disclosed_quantity: int = 0
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitBatch:
    """Somebody gives up to ten orders that belong together.

    Answered once every leg is settled, with `DONE`, the batch's id as text and the orders' ids (the batch's status may
    be any); `INVALID` with what is wrong as figures by `leg.field`, and nothing sent; `CONFLICT` for a key that came
    with other legs. The same key is the same batch; one that is under way is answered when it ends.
    """

    account_id: str
    user_id: str
    legs: tuple[LegWish, ...]
    rollback_on_failure: bool = True
    unwind_filled: bool = False
    sequential: bool = False
    idempotency_key: str | None = None
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddProtection:
    """Somebody wants what an order has bought sold at this price, in rupees; another one of its kind is replaced.

    `order_id` may be any id that leads to the order. Answered with `DONE` and the new id as text.
    """

    order_id: str
    protection: Protection
    price: Decimal
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelProtection:
    """Somebody wants a stop-loss or take-profit taken back. `ASKED` where the broker has to confirm it; the text is
    the id of the cancellation."""

    order_id: str
    protection: Protection
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOrder:
    """Somebody wants what an order has bought sold at what the market pays; the answer's text is the close's id."""

    order_id: str
    reason: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyOrder:
    """Somebody wants another limit price or quantity, or both, for an order that stands at the broker; None: as it is.
    Answered with the id of the change once it is asked for; where it takes on more, the guards judge it first."""

    order_id: str
    price: Decimal | None = None
    quantity: int | None = None
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseEntries:
    """Somebody wants no new entries, or wants them again. It outlives a restart; exits go on."""

    is_paused: bool
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPosition:
    """Somebody wants what is held of a symbol sold at what the market pays."""

    symbol: str
    reason: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Somebody wants an open order of ours cancelled."""

    order_id: OrderId
    reason: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOrder:
    """Somebody wants a failed order tried again: now, or with the next run where the market is closed."""

    order_id: OrderId
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSymbol:
    """Somebody wants entries again in a symbol that was halted for manual activity."""

    symbol: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOrders:
    """Somebody wants the broker's book looked at now. Answered once what it shows is saved, with the counts of the look
    as figures; `CONFLICT` when the broker does not answer."""

    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepQueue:
    """Somebody is about to look at the retry queue: what has expired leaves it first."""

    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropOrder:
    """Somebody wants a failed order out of the retry queue."""

    order_id: OrderId
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitch:
    """Somebody wants no new entries, and what `mode` says beside; None releases. It is latched on disk, so that it
    outlives this process; writing the latch's file does the same, also while the daemon is stuck."""

    mode: KillMode | None
    reason: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged:
    """The operator has edited the configuration: the policy that counts from the next message on, and what is new in
    it, as (key, old value, new value) in the words of the file."""

    policy: Policy
    changes: tuple[tuple[str, str, str], ...]
    correlation_id: str = "configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlert:
    """Somebody has seen an alert that stands; `by` is who."""

    name: AlertName
    by: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAlerts:
    """Somebody wants to know which alerts stand; the answer's figures are their texts, by name."""

    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanged:
    """A watch has found that an alert fires, gets worse or better, or is over (severity None). `events` is how many
    the figure was made of; `is_told`: the watch has told it already, since the engine was silent."""

    name: AlertName
    severity: Severity | None
    figure: Decimal
    events: int
    is_told: bool = False


Command = (
    SubmitOrder
    | SubmitBatch
    | CancelOrder
    | RetryOrder
    | ExitPosition
    | AddProtection
    | CancelProtection
    | CloseOrder
    | ModifyOrder
    | DropOrder
    | SweepQueue
    | SyncOrders
    | ReleaseSymbol
    | PauseEntries
    | KillSwitch
    | PolicyChanged
    | AcknowledgeAlert
    | ListAlerts
)
"""What somebody wants: each is answered, under its correlation id, once what it changed is saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A command that may be handed in again, after a crash or by its sender: under its correlation id it is carried
    out at most once, and a repeat gets the answer of the first time."""

    command: Command


Message = (
    JobDue
    | SignalsReady
    | SellsReady
    | MarketSeen
    | LatchSeen
    | RetryReady
    | CallFailed
    | RequestAnswered
    | BookSeen
    | OrderSeen
    | OrderPushed
    | Command
    | Once
    | OutboxMarked
    | AlertChanged
)
