"""What a broker shows us, in our words: the values that every broker adapter translates its answers into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.orders import BrokerOrderId, Coid, OrderType, Product, Side, Validity, Variety


class BrokerWord(StrEnum):
    """A broker's status text, sorted by what it means for us."""

    EXECUTED = "executed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An order as it leaves us; `tag` is the client order id. LIMIT and SL only, so `price` is always given.

    `is_entry`: it takes on risk, so that a latched kill switch stops it; what reduces a position passes.
    """

    tag: Coid
    symbol: str
    exchange: str
    side: Side
    quantity: int
    order_type: OrderType
    price: Decimal
    trigger_price: Decimal | None
    product: Product
    validity: Validity
    variety: Variety
    disclosed_quantity: int = 0
    is_entry: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """A row of the broker's order book. `tag` is None for orders that were not placed by a program.

    `filled_quantity` is what was filled so far; `status` is the broker's own text, `word` its meaning.
    """

    broker_order_id: BrokerOrderId
    tag: Coid | None
    symbol: str
    exchange: str
    side: Side
    order_type: OrderType
    product: Product
    variety: Variety
    quantity: int
    price: Decimal
    trigger_price: Decimal | None
    filled_quantity: int
    average_price: Decimal | None
    status: str
    word: BrokerWord
    status_text: str
    placed_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTrade:
    """One execution as the broker reports it; (broker_order_id, trade_id) is unique."""

    broker_order_id: BrokerOrderId
    trade_id: str
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    traded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Delivered shares: settled, bought yesterday and not settled yet (`t1_quantity`), and today's net
    delivery position (negative when holdings were sold today); `sellable_quantity` is what the broker
    would let us sell now."""

    symbol: str
    exchange: str
    settled_quantity: int
    t1_quantity: int
    today_quantity: int
    sellable_quantity: int
    average_price: Decimal

    @property
    def quantity(self) -> int:
        return self.settled_quantity + self.t1_quantity + self.today_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """Money at the broker in rupees: what is free for new orders, and what open orders block."""

    cash: Decimal
    blocked: Decimal

    @property
    def available(self) -> Decimal:
        return self.cash - self.blocked


_WORDS: dict[str, BrokerWord] = {
    **dict.fromkeys(("complete", "executed", "filled", "done", "traded"), BrokerWord.EXECUTED),
    "rejected": BrokerWord.REJECTED,
    **dict.fromkeys(("cancelled", "canceled", "cancelled amo", "cancelled after market order"), BrokerWord.CANCELLED),
    **dict.fromkeys(
        (
            "open",
            "pending",
            "partially filled",
            "trigger pending",
            "validation pending",
            "put order req received",
            "open pending",
            "modify validation pending",
            "modify pending",
            "modified",
            "not modified",
            "cancel pending",
            "not cancelled",
            "amo req received",
            "modify amo req received",
            "after market order req received",
            "modify after market order req received",
        ),
        BrokerWord.OPEN,
    ),
}


_USERS_CANCEL = frozenset({"", "cancelled by the user", "cancelled by user", "user cancelled"})


def is_users_cancel(text: str) -> bool:
    """Whether a cancelled order's text says that its user did it, or nothing: the exchange gives its reasons."""
    return " ".join(text.split()).lower().rstrip(".") in _USERS_CANCEL


def is_triggered(status: str | None) -> bool:
    """Whether a stop order is in the book as a limit order. Any other text says that it waits, or says nothing: then
    it is cancelled before something else is sent, which harms nobody."""
    return status is not None and " ".join(status.split()).lower() in ("open", "partially filled")


def broker_word(status: str) -> BrokerWord:
    """What a broker's status text means: whole phrases only, so that `NOT CANCELLED` is no cancel."""
    return _WORDS.get(" ".join(status.split()).lower(), BrokerWord.UNKNOWN)
