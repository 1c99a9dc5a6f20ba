"""Positions: what is held in a symbol, from its first fill to its last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from tradebot.domain.orders import Coid, Fill, PositionId, Product, Side
from tradebot.domain.protection import Protection

EXIT_WANTED = "exit_wanted"
"""The key of a position's metadata under which stands why somebody wants it sold."""

_OF_ONE_HOLDING = frozenset({EXIT_WANTED, *Protection})
"""What somebody wanted of the shares that were held; it says nothing of shares that are bought later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A holding of ours. `cost` is what the shares still held were bought for, in rupees.

    `peak_price` is the highest last price seen since the first fill, for the trailing stop.
    `exit_rule` is the rule that has decided to sell: once set, the position is sold at what the market pays.
    """

    id: PositionId
    account_id: str
    user_id: str
    symbol: str
    exchange: str
    product: Product
    opened_by: Coid
    quantity: int
    cost: Decimal
    bought_quantity: int
    sold_quantity: int = 0
    realised_pnl: Decimal = Decimal(0)
    peak_price: Decimal
    exit_rule: str | None = None
    first_fill_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def average_price(self) -> Decimal | None:
        return self.cost / self.quantity if self.quantity else None


def bought(position: Position, fill: Fill) -> Position:
    """The position after one more buy fill; from zero it begins anew, with its own first fill and peak."""
    if not position.quantity:
        metadata = {name: value for name, value in position.metadata.items() if name not in _OF_ONE_HOLDING}
        position = replace(
            position, first_fill_at=fill.traded_at, peak_price=fill.price, exit_rule=None, metadata=metadata
        )
    return replace(
        position,
        quantity=position.quantity + fill.quantity,
        cost=position.cost + fill.price * fill.quantity,
        bought_quantity=position.bought_quantity + fill.quantity,
        peak_price=max(position.peak_price, fill.price),
        updated_at=fill.booked_at,
        closed_at=None,
    )


def sold(position: Position, quantity: int, price: Decimal, at: datetime) -> Position:
    """The position after `quantity` shares were sold at `price`, at average cost. Closed at zero.

    Raises ValueError when more is sold than is held: such a sale is not a matter of this position alone.
    """
    if quantity > position.quantity:
        raise ValueError(f"{position.id}: {quantity} sold, {position.quantity} held")
    cost = position.cost * quantity / position.quantity if quantity else Decimal(0)
    left = position.quantity - quantity
    return replace(
        position,
        quantity=left,
        cost=position.cost - cost if left else Decimal(0),
        sold_quantity=position.sold_quantity + quantity,
        realised_pnl=position.realised_pnl + price * quantity - (cost if left else position.cost),
        updated_at=at,
        closed_at=None if left else at,
    )


def open_gain(position: Position, last_price: Decimal, previous_close: Decimal, *, is_of_today: bool) -> Decimal:
    """What an open position has gained since yesterday's close, or since it was bought today, in rupees."""
    before = position.cost if is_of_today else previous_close * position.quantity
    return last_price * position.quantity - before


def adjusted(position: Position, factor: Fraction, at: datetime) -> Position:
    """The position after a split or a bonus issue of `factor` new shares for each old one; its cost stays.

    Prices that the exits compare with shrink, those that somebody gave too; a strategy's target does not: there is a
    new one for each day.
    """
    shrink = Decimal(factor.denominator) / Decimal(factor.numerator)
    given = {"atr", *Protection} | ({"target"} if Protection.TAKE_PROFIT in position.metadata else set())
    shrunk = {name: str(Decimal(text) * shrink) for name, text in position.metadata.items() if name in given}
    held, sold_before = int(position.quantity * factor), int(position.sold_quantity * factor)
    return replace(
        position,
        quantity=held,
        bought_quantity=held + sold_before,
        sold_quantity=sold_before,
        peak_price=position.peak_price * shrink,
        updated_at=at,
        metadata={**position.metadata, **shrunk},
    )


def signed(side: Side, quantity: int) -> int:
    """The quantity with the sign of its effect on a holding."""
    return quantity if side is Side.BUY else -quantity
