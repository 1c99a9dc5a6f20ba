"""What is traded: the lasting facts of an instrument, and its terms on one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A listed instrument; `band_pct` is its daily price band in per cent of the previous close."""

    symbol: str
    exchange: str = "NSE"
    series: str = "EQ"
    lot_size: int = 1
    is_etf: bool = False
    has_derivatives: bool = False
    band_pct: Decimal = Decimal(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentTerms:
    """An instrument on one trading day: what the broker's instrument file says in the morning.

    Prices in rupees. `previous_close` is adjusted for a corporate action that takes effect that day.
    """

    symbol: str
    exchange: str
    day: date
    tick_size: Decimal
    lot_size: int
    lower_limit: Decimal
    upper_limit: Decimal
    freeze_quantity: int
    previous_close: Decimal
    is_halted: bool = False
