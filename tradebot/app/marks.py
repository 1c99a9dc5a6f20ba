"""What the embedded exchange says of what is held, for the screens: last prices and free money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from tradebot.engine.views import Marks
from tradebot.exchange.books import BooksFailed
from tradebot.exchange.exchange import Exchange


def paper_marks(
    exchange: Exchange, account_id: str, lock: AbstractContextManager[object]
) -> Callable[[Sequence[str]], Marks]:
    """A source of marks at the exchange's instant. `lock` is the one that the paper brokers are given.

    An exchange whose books have failed answers nothing any more: then nothing is known, which is what is shown.
    """

    def marks(symbols: Sequence[str]) -> Marks:
        try:
            with lock:
                quotes = [(symbol, exchange.prices(symbol)) for symbol in symbols]
                money = exchange.margins(account_id)
        except BooksFailed:
            return Marks()
        known = [(symbol, quote) for symbol, quote in quotes if quote is not None]
        return Marks(
            prices={symbol: quote.last_price for symbol, quote in known},
            highs={symbol: quote.day_high for symbol, quote in known},
            free=money.available,
        )

    return marks
