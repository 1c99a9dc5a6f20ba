"""Market data of the simulated exchange: the quotes that its own orders are matched against."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from tradebot.domain.quotes import Quote
from tradebot.exchange.face import Face


class PaperQuotes:
    """The MarketData port over the exchange's instant; `lock` is the one that the paper brokers are given."""

    def __init__(self, face: Face, lock: AbstractContextManager[object] | None = None) -> None:
        self._face = face
        self._lock = lock if lock is not None else threading.RLock()

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        with self._lock:
            found = {symbol: self._face.quote(symbol) for symbol in symbols}
        return {symbol: quote for symbol, quote in found.items() if quote is not None}
