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
from tradebot.domain.kill import Latch
from tradebot.domain.orders import BrokerOrderId, Coid, OrderId, PositionId, Variety
from tradebot.domain.outbox import OutboxEntry
from tradebot.domain.quotes import Quote
from tradebot.domain.signals import Signal
from tradebot.engine.commands import Command, Once


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
    """What is needed to place the sells of the day: targets by position, terms, and what may be sold; `unusable` names
    strategies that failed, with the cause: their positions keep the target they had."""

    job: JobDue
    targets: Mapping[PositionId, Decimal]
    terms: Mapping[str, InstrumentTerms]
    holdings: tuple[Holding, ...]
    unusable: Mapping[str, str] = field(default_factory=dict)


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
class AlertChanged:
    """A watch has found that an alert fires, gets worse or better, or is over (severity None). `events` is how many
    the figure was made of; `is_told`: people were told already, by the watch of a silent engine or by a process before
    this one."""

    name: AlertName
    severity: Severity | None
    figure: Decimal
    events: int
    is_told: bool = False


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
