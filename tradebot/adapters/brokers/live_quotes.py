"""A broker's quotes behind the MarketData port, and the last of them for the screens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from tradebot.adapters.brokers.caller import Caller
from tradebot.domain.quotes import Quote


class LiveQuotes:
    """Raises the errors of `domain.errors.BrokerError`."""

    def __init__(self, caller: Caller, ask: Callable[[Sequence[str]], Mapping[str, Quote]]) -> None:
        self._caller = caller
        self._ask = ask
        self._last: dict[str, Decimal] = {}

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        found = self._caller.ask(lambda: self._ask(symbols))
        self._last |= {symbol: quote.last_price for symbol, quote in found.items()}
        return found

    def last_prices(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        """As they were seen last; asks nobody."""
        return {symbol: self._last[symbol] for symbol in symbols if symbol in self._last}
