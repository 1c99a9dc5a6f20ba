"""What a client asks of the exchange and what it is answered: close to the wire, in typed values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.orders import OrderType, Product, Side, Validity, Variety


class ErrorType(StrEnum):
    """The broker's error classes (Kite Connect v3). NETWORK leaves the outcome open, TOKEN asks for a login."""

    INPUT = "InputException"
    ORDER = "OrderException"
    MARGIN = "MarginException"
    HOLDING = "HoldingException"
    TOKEN = "TokenException"
    PERMISSION = "PermissionException"
    NETWORK = "NetworkException"
    DATA = "DataException"
    GENERAL = "GeneralException"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCommand:
    """One order as a client sends it. Prices in rupees; `price` is the limit.

    `tag` is None for an order that was placed by hand. MARKET and SL-M are words that a client may say; they are
    refused, as they are for programs since 2026-04-01.
    """

    symbol: str
    exchange: str = "NSE"
    side: Side
    quantity: int
    order_type: OrderType = OrderType.LIMIT
    price: Decimal
    trigger_price: Decimal | None = None
    product: Product = Product.CNC
    validity: Validity = Validity.DAY
    variety: Variety
    disclosed_quantity: int = 0
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The order has a number; it may be rejected all the same: only the order book tells."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A modification or cancellation was taken in; only the order book tells what came of it."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An error answer. `http_status`, `error_type` and `text` are what the broker's gateway would say; `code` is a
    number of the order system where there is one."""

    http_status: int
    error_type: ErrorType
    text: str
    code: str = ""
