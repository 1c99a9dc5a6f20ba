"""One symbol's prints of one day, arranged so that the next print at or beyond a price is found quickly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

from tradebot.domain.quotes import Print

_BLOCK = 64


class DayPath:
    """Read only. An index is a place in the day's prints; -1 stands for the time before the first one."""

    __slots__ = ("_block_highs", "_block_lows", "_values", "highs", "lows", "prices", "quantities", "times", "volumes")

    def __init__(self, prints: Sequence[Print]) -> None:
        self.times: list[datetime] = [p.at for p in prints]
        self.prices: list[Decimal] = [p.price for p in prints]
        self.quantities: list[int] = [p.quantity for p in prints]
        self.volumes = list(accumulate(self.quantities))
        self.highs = list(accumulate(self.prices, max))
        self.lows = list(accumulate(self.prices, min))
        blocks = [self.prices[i : i + _BLOCK] for i in range(0, len(self.prices), _BLOCK)]
        self._block_highs = [max(block) for block in blocks]
        self._block_lows = [min(block) for block in blocks]
        self._values: list[Decimal] | None = None

    def index_at(self, at: datetime) -> int:
        """The last print at or before the instant."""
        return bisect_right(self.times, at) - 1

    def average_price(self, index: int) -> Decimal:
        """The volume-weighted price of the prints up to and including `index`; zero without a trade."""
        if index < 0 or not self.volumes[index]:
            return Decimal(0)
        if self._values is None:
            traded = zip(self.prices, self.quantities, strict=True)
            self._values = list(accumulate(price * quantity for price, quantity in traded))
        return self._values[index] / self.volumes[index]

    def next_at_or_below(self, price: Decimal, start: int) -> int | None:
        """The first index from `start` on whose price is at or below `price`."""
        prices, lows, index, end = self.prices, self._block_lows, start, len(self.prices)
        while index < end:
            if index % _BLOCK == 0 and lows[index // _BLOCK] > price:
                index += _BLOCK
            elif prices[index] <= price:
                return index
            else:
                index += 1
        return None

    def next_at_or_above(self, price: Decimal, start: int) -> int | None:
        """The first index from `start` on whose price is at or above `price`."""
        prices, highs, index, end = self.prices, self._block_highs, start, len(self.prices)
        while index < end:
            if index % _BLOCK == 0 and highs[index // _BLOCK] < price:
                index += _BLOCK
            elif prices[index] >= price:
                return index
            else:
                index += 1
        return None
