"""What is asked for: bodies of requests, each field with the kinds and bounds that it may have."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from tradebot.domain.batches import LEGS_MAX
from tradebot.domain.kill import KillMode
from tradebot.domain.orders import OrderType, Product, Side, Validity

PRICE_MAX = 1_000_000
QUANTITY_MAX = 10_000_000
_PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,4})?", re.ASCII)
_DECIMALS_MAX = 4

E = TypeVar("E", bound=StrEnum)


def a_price(value: object) -> Decimal:
    """A number or a text, never a binary float: the body's numbers arrive as they were written."""
    if isinstance(value, str) and _PRICE.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number, or a text such as 1008.20")
    number = Decimal(value)
    if not 0 < number <= PRICE_MAX:
        raise ValueError(f"must be more than 0 and at most {PRICE_MAX}")
    if -int(number.as_tuple().exponent) > _DECIMALS_MAX:
        raise ValueError(f"has at most {_DECIMALS_MAX} decimals")
    return number


def words_of(kind: type[E]) -> Any:
    """A word of the enum, in any case of letters."""
    by_letters = {str(word).casefold(): word for word in kind}
    allowed = [str(word).upper() for word in kind]

    def read(value: object) -> object:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str) or value.casefold() not in by_letters:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return by_letters[value.casefold()]

    return Annotated[kind, BeforeValidator(read), WithJsonSchema({"type": "string", "enum": allowed})]


Price = Annotated[
    Decimal,
    BeforeValidator(a_price),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": PRICE_MAX},
                {"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,4})?$"},
            ],
            "description": f"Rupees, at most {PRICE_MAX} and at most {_DECIMALS_MAX} decimals",
        }
    ),
]
Quantity = Annotated[int, Field(strict=True, gt=0, le=QUANTITY_MAX)]
Symbol = Annotated[str, Field(pattern=r"^[A-Za-z0-9&_.-]{1,64}$")]
AccountId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Exchange = Annotated[
    Literal["NSE", "BSE", "NFO", "BFO", "MCX"], BeforeValidator(lambda v: v.upper() if isinstance(v, str) else v)
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PlaceBody(Body):
    """One order. `price` is needed for LIMIT and SL, `trigger_price` for SL and SL-M."""

    symbol: Symbol
    exchange: Exchange = "NSE"
    side: words_of(Side)  # type: ignore[valid-type]
    quantity: Quantity
    order_type: words_of(OrderType) = Field(  # type: ignore[valid-type]
        OrderType.LIMIT, json_schema_extra={"default": "LIMIT"}
    )
    price: Price | None = None
    trigger_price: Price | None = None
    product: words_of(Product) = Product.CNC  # type: ignore[valid-type]
    validity: words_of(Validity) = Validity.DAY  # type: ignore[valid-type]
    disclosed_quantity: Annotated[int, Field(strict=True, ge=0, le=QUANTITY_MAX)] = 0
    account_id: AccountId | None = None

    @model_validator(mode="after")
    def _prices_fit_the_type(self) -> Self:
        _check_prices(self.order_type, self.price, self.trigger_price)
        return self


class UserType(StrEnum):
    """Whether an account's orders reach a broker, or the exchange that is part of tradebot."""

    LIVE = "live"
    DEMO = "demo"


class SimplePlaceBody(Body):
    """One limit order, in the words of older programs."""

    symbol: Symbol
    order_type: words_of(Side)  # type: ignore[valid-type]
    order_price: Price
    order_quantity: Quantity
    user_id: AccountId
    user_type: words_of(UserType)  # type: ignore[valid-type]


class OrderBody(Body):
    """An order, by any id that it ever had, and who asks, in the words of older programs."""

    order_id: Annotated[str, Field(min_length=1, max_length=64)]
    user_id: AccountId
    user_type: words_of(UserType)  # type: ignore[valid-type]


class StopLossBody(OrderBody):
    stop_loss: Price


class TakeProfitBody(OrderBody):
    take_profit: Price


class ModifyBody(OrderBody):
    """Another limit price or another quantity, or both; the quantity counts what is filled already."""

    order_price: Price | None = None
    order_quantity: Quantity | None = None

    @model_validator(mode="after")
    def _wants_something(self) -> Self:
        if self.order_price is None and self.order_quantity is None:
            raise ValueError("order_price or order_quantity is needed")
        return self


class KillBody(Body):
    """`stop`: no new entries; `cancel_entries`: those that stand are cancelled too; `flatten`: what is held is sold."""

    mode: words_of(KillMode) = KillMode.CANCEL_ENTRIES  # type: ignore[valid-type]
    reason: Annotated[str, Field(max_length=200)] = "asked for over HTTP"


class LegBody(Body):
    """One leg. `price` is needed for LIMIT and SL, `trigger_price` for SL and SL-M. Two equal legs are two orders."""

    tradingsymbol: Symbol
    exchange: Exchange = "NSE"
    transaction_type: words_of(Side)  # type: ignore[valid-type]
    quantity: Quantity
    order_type: words_of(OrderType)  # type: ignore[valid-type]
    product: words_of(Product)  # type: ignore[valid-type]
    price: Price | None = None
    trigger_price: Price | None = None
    validity: words_of(Validity) = Validity.DAY  # type: ignore[valid-type]
    disclosed_quantity: Annotated[int, Field(strict=True, ge=0, le=QUANTITY_MAX)] = 0
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9 ._-]{0,20}$")] = ""

    @model_validator(mode="after")
    def _prices_fit_the_type(self) -> Self:
        _check_prices(self.order_type, self.price, self.trigger_price)
        return self


class BatchBody(Body):
    """Orders that belong together. `sequential` keeps their order and stops at the first failure; `unwind_filled`
    takes back what was filled when another leg fails."""

    orders: Annotated[list[LegBody], Field(min_length=1, max_length=LEGS_MAX)]
    rollback_on_failure: bool = True
    unwind_filled: bool = False
    sequential: bool = False
    idempotency_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] | None = None


def _check_prices(order_type: OrderType, price: Decimal | None, trigger_price: Decimal | None) -> None:
    if order_type in (OrderType.LIMIT, OrderType.SL) and price is None:
        raise ValueError(f"price is needed for {order_type}")
    if order_type in (OrderType.SL, OrderType.SL_M) and trigger_price is None:
        raise ValueError(f"trigger_price is needed for {order_type}")
