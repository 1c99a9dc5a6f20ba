"""Signals: intentions to buy, as strategies and files give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tradebot.domain.orders import EntryType, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An intention for one trading day, with an id of its own that never changes for the same intention.

    `quantity` None: sized from the capital per trade. `limit_price` None: a protected limit from the last close.
    `reference_close` is the close that the signal was made from, in the prices of `trading_day`.
    `metadata` goes into the order and the position (for example `target`, `atr`).
    """

    id: str
    strategy: str
    symbol: str
    side: Side
    trading_day: date
    entry_type: EntryType = EntryType.INITIAL
    quantity: int | None = None
    limit_price: Decimal | None = None
    reference_close: Decimal
    metadata: Mapping[str, str] = field(default_factory=dict)
