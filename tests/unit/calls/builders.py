"""A clock that a waiting call moves on itself, a market that counts its calls, and what was told."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from tests.builders import NOON
from tradebot.domain.quotes import Quote


class SteppedClock:
    """Stands still until somebody pauses on it: then it is later by as much."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - NOON).total_seconds()

    def step(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def pause(self, condition: threading.Condition, seconds: float) -> None:
        self.step(seconds)


class CountingMarket:
    """Has a price for every symbol, which grows with every call; `gate`, when there is one, holds each call."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock
        self.calls: list[tuple[str, ...]] = []
        self.gate: threading.Event | None = None
        self.entered = threading.Event()
        self.trouble: Exception | None = None

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        self.calls.append(tuple(symbols))
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(30)
        if self.trouble is not None:
            raise self.trouble
        return {symbol: self._quote(symbol) for symbol in symbols if symbol != "UNKNOWN"}

    def _quote(self, symbol: str) -> Quote:
        price = Decimal(100 + len(self.calls))
        return Quote(
            symbol=symbol,
            at=self._clock.now(),
            last_price=price,
            volume=1,
            day_high=price,
            day_low=price,
            previous_close=price,
        )
