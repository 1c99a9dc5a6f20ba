"""Which symbols a strategy looks at for a trading day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from tradebot.domain.quotes import Bar
from tradebot.ports import History


def windows(history: History, trading_day: date, count: int) -> Mapping[str, Sequence[Bar]]:
    """The last `count` bars before `trading_day` of every symbol that can be judged, by symbol in their
    order.

    Left out are symbols with an undeclared price jump (their earlier prices compare with nothing), and those
    whose newest bar is older than that of the others: they were suspended or traded in another series, and a
    stale close would look like the same dip every evening.
    """
    halted = history.halted(trading_day)
    found = {
        symbol: history.bars(symbol, trading_day, count) for symbol in sorted(history.symbols()) if symbol not in halted
    }
    newest = max((bars[-1].day for bars in found.values() if bars), default=None)
    return {symbol: bars for symbol, bars in found.items() if bars and bars[-1].day == newest}
