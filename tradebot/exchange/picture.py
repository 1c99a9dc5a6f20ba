"""What a broker's screen shows of a symbol beside its quote: the terms in force and the day's figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.quotes import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`opened_at_price` is zero before the day's first trade, `average_price` the day's volume-weighted one;
    `traded_at` is the last print's instant, None when there was none today."""

    quote: Quote
    terms: InstrumentTerms
    opened_at_price: Decimal
    last_quantity: int
    average_price: Decimal
    traded_at: datetime | None
