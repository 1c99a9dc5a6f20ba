"""The rows that the exchange shows and keeps: orders with their history, trades, holdings, positions and money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.orders import OrderType, Product, Side, Validity, Variety

STEPS_MAX = 200
_NOTHING = Decimal(0)


class Status(StrEnum):
    """The broker's words for an order (Kite Connect v3)."""

    AMO_REQ_RECEIVED = "AMO REQ RECEIVED"
    MODIFY_AMO_REQ_RECEIVED = "MODIFY AMO REQ RECEIVED"
    PUT_ORDER_REQ_RECEIVED = "PUT ORDER REQ RECEIVED"
    VALIDATION_PENDING = "VALIDATION PENDING"
    OPEN_PENDING = "OPEN PENDING"
    OPEN = "OPEN"
    TRIGGER_PENDING = "TRIGGER PENDING"
    MODIFY_VALIDATION_PENDING = "MODIFY VALIDATION PENDING"
    MODIFY_PENDING = "MODIFY PENDING"
    MODIFIED = "MODIFIED"
    NOT_MODIFIED = "NOT MODIFIED"
    CANCEL_PENDING = "CANCEL PENDING"
    COMPLETE = "COMPLETE"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        return self in _FINAL

    @property
    def is_live(self) -> bool:
        """The order stands at the exchange and may still trade."""
        return self in _LIVE


_FINAL = frozenset({Status.COMPLETE, Status.REJECTED, Status.CANCELLED})
_LIVE = frozenset({Status.OPEN, Status.TRIGGER_PENDING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One state that an order went through, interim ones included."""

    at: datetime
    status: Status
    text: str = ""
    quantity: int
    price: Decimal
    filled_quantity: int = 0
    filled_value: Decimal = _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order of the book. `status_text` is the friendly message, `status_text_raw` the order system's own.

    `trading_day` is the day on which it is meant to trade, `terms_day` the day whose tick and band it was last checked
    against. `filled_value` is the sum of price x quantity over its trades. `priority` is its place in time among
    orders of one price. `steps` is its history, oldest first; at most STEPS_MAX, then a partial fill replaces the
    partial fill before it.
    """

    order_id: str
    account_id: str
    tag: str | None
    symbol: str
    exchange: str
    side: Side
    order_type: OrderType
    product: Product
    validity: Validity
    variety: Variety
    quantity: int
    disclosed_quantity: int
    price: Decimal
    trigger_price: Decimal | None
    status: Status
    status_text: str = ""
    status_text_raw: str = ""
    filled_quantity: int = 0
    filled_value: Decimal = _NOTHING
    placed_at: datetime
    updated_at: datetime
    exchange_order_id: str | None = None
    trading_day: date
    terms_day: date
    modifications: int = 0
    priority: int
    steps: tuple[Step, ...] = ()

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal | None:
        return self.filled_value / self.filled_quantity if self.filled_quantity else None

    @property
    def is_parked(self) -> bool:
        return self.status is Status.AMO_REQ_RECEIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow:
    """One execution; (order_id, trade_id) is unique for ever."""

    trade_id: str
    order_id: str
    account_id: str
    symbol: str
    exchange: str
    side: Side
    product: Product
    quantity: int
    price: Decimal
    traded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Shares bought on an earlier day that are delivered at the end of the day `due`."""

    due: date
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingRow:
    """Shares of one symbol in one account.

    `settled_quantity` and `lots` are as of the morning; today's trades stand in `bought_today` and `sold_today` until
    the next book day begins. `on_sale` is what open sell orders hold back; `cost` is what the shares held were bought
    for, in rupees.
    """

    account_id: str
    symbol: str
    exchange: str
    settled_quantity: int = 0
    lots: tuple[Lot, ...] = ()
    bought_today: int = 0
    sold_today: int = 0
    on_sale: int = 0
    cost: Decimal = _NOTHING

    @property
    def t1_quantity(self) -> int:
        return sum(lot.quantity for lot in self.lots)

    @property
    def today_quantity(self) -> int:
        return self.bought_today - self.sold_today

    @property
    def quantity(self) -> int:
        return self.settled_quantity + self.t1_quantity + self.today_quantity

    @property
    def is_empty(self) -> bool:
        """Nothing is held, was traded today or is on sale: such a row is dropped from the books."""
        return not (self.settled_quantity or self.lots or self.bought_today or self.sold_today or self.on_sale)

    @property
    def sellable_quantity(self) -> int:
        """What one more sell order may be for. Today's purchases may be sold today, as in every series but those of
        trade-to-trade (BE, BZ), which the instruments do not have."""
        return self.quantity - self.on_sale

    @property
    def average_price(self) -> Decimal:
        return self.cost / self.quantity if self.quantity else _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """Today's trades of one symbol, summed; values in rupees."""

    account_id: str
    symbol: str
    exchange: str
    product: Product
    buy_quantity: int
    sell_quantity: int
    buy_value: Decimal
    sell_value: Decimal

    @property
    def quantity(self) -> int:
        return self.buy_quantity - self.sell_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginsRow:
    """Money of one account in rupees: `blocked` is what open buy orders hold back."""

    account_id: str
    cash: Decimal
    blocked: Decimal = _NOTHING

    @property
    def available(self) -> Decimal:
        return self.cash - self.blocked


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """An order that changed its state at the instant `at`, as it is now, with the trades it made there."""

    at: datetime
    order: OrderRow
    trades: tuple[TradeRow, ...] = ()


def stepped(row: OrderRow, at: datetime, *statuses: Status, text: str = "", raw: str = "") -> OrderRow:
    """The order after it went through `statuses` at one instant; the texts belong to the last of them."""
    steps = list(row.steps)
    for status in statuses:
        step = Step(
            at=at,
            status=status,
            text=text if status is statuses[-1] else "",
            quantity=row.quantity,
            price=row.price,
            filled_quantity=row.filled_quantity,
            filled_value=row.filled_value,
        )
        if len(steps) >= STEPS_MAX and status is Status.OPEN and steps[-1].status is Status.OPEN:
            steps.pop()
        steps.append(step)
    return replace(
        row,
        status=statuses[-1],
        status_text=text,
        status_text_raw=raw or text,
        updated_at=at,
        steps=tuple(steps),
    )


def as_of(row: OrderRow, cutoff: datetime) -> OrderRow | None:
    """The order as a picture of the instant `cutoff` shows it; None when it was not placed yet."""
    seen = [step for step in row.steps if step.at <= cutoff]
    if not seen:
        return None
    last = seen[-1]
    return replace(
        row,
        status=last.status,
        status_text=last.text,
        status_text_raw=last.text,
        quantity=last.quantity,
        price=last.price,
        filled_quantity=last.filled_quantity,
        filled_value=last.filled_value,
        updated_at=last.at,
        steps=tuple(seen),
    )
