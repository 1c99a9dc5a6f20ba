"""What somebody wants done, from the dashboard, the command line, HTTP or an edited file: a value a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tradebot.domain.alerts import AlertName
from tradebot.domain.kill import KillMode
from tradebot.domain.orders import DecisionId, OrderId, OrderType, Product, Side, Source, Validity
from tradebot.domain.policy import Policy
from tradebot.domain.protection import Protection


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
