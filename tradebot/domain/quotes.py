"""What the market shows: quotes with depth, single prints and daily bars. Prices in rupees, times in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tradebot.domain.orders import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One price of the order book with the quantity that waits there."""

    price: Decimal
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A picture of one symbol: last trade, the day so far, and the best five levels of each side (best first)."""

    symbol: str
    at: datetime
    last_price: Decimal
    volume: int
    day_high: Decimal
    day_low: Decimal
    previous_close: Decimal
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()

    @property
    def best_bid(self) -> Decimal | None:
        return self.bids[0].price if self.bids else None

    @property
    def best_ask(self) -> Decimal | None:
        return self.asks[0].price if self.asks else None

    def best_opposite(self, side: Side) -> Decimal | None:
        """The best price that an order of that side meets; None where nobody waits there."""
        return self.best_ask if side is Side.BUY else self.best_bid


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One trade on the tape."""

    at: datetime
    price: Decimal
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One trading day of one symbol, in the layout of NSE's end-of-day file."""

    symbol: str
    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    previous_close: Decimal
    volume: int
