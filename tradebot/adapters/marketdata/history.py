"""The daily bars of a tape as strategies see them: adjusted for splits and bonus issues, one more each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from tradebot.adapters.marketdata.bar_series import BarSeries
from tradebot.adapters.marketdata.tape import ListedTape
from tradebot.domain.corporate_actions import adjust_price, adjust_quantity, factor_between
from tradebot.domain.quotes import Bar

_ONE_DAY = timedelta(days=1)
_PAISA = Decimal("0.01")
_UNCHANGED = Fraction(1)


class TapeHistory:
    """Implements `ports.History` over a tape.

    For each symbol and each number of its actions in force the adjusted bars are kept, so that the next day's
    question adds one bar; a new action makes the list anew. The lists are bounded by the days of the tape, times the
    actions of the symbol. For one thread at a time. Prices are rounded to the paisa, volumes down to whole shares.
    """

    def __init__(self, tape: ListedTape) -> None:
        self._tape = tape
        self._symbols = tape.all_symbols()
        self._actions = {
            symbol: [action for action in tape.actions if action.symbol == symbol] for symbol in self._symbols
        }
        self._adjusted: dict[tuple[str, int], BarSeries] = {}

    def symbols(self) -> Sequence[str]:
        return self._symbols

    def bars(self, symbol: str, as_of: date, count: int) -> Sequence[Bar]:
        """The last `count` bars before `as_of`, oldest first; none for a symbol that is not on the tape."""
        if symbol not in self._actions or count <= 0:
            return ()
        in_force = sum(action.ex_date <= as_of for action in self._actions[symbol])
        series = self._adjusted.setdefault((symbol, in_force), BarSeries())
        for bar in reversed(self._newer(symbol, as_of, series)):
            series.append(self._adjust(bar, as_of))
        return series.before(as_of, count)

    def halted(self, as_of: date) -> Mapping[str, str]:
        yesterday = as_of - _ONE_DAY
        problems = ((symbol, self._tape.problems(symbol, yesterday)) for symbol in self._symbols)
        return {symbol: problem for symbol, problem in problems if problem is not None}

    def _newer(self, symbol: str, as_of: date, series: BarSeries) -> Sequence[Bar]:
        """The tape's bars before `as_of` that the series does not have yet, newest first."""
        found: list[Bar] = []
        known = series.last_before(date.max)
        bar = self._tape.last_bar(symbol, as_of)
        while bar is not None and (known is None or bar.day > known.day):
            found.append(bar)
            bar = self._tape.last_bar(symbol, bar.day)
        return found

    def _adjust(self, bar: Bar, as_of: date) -> Bar:
        actions = self._actions[bar.symbol]
        since = factor_between(actions, bar.symbol, bar.day, as_of)
        # The previous close is from before the bar's own day, so an action of that very day changes it too.
        before = factor_between(actions, bar.symbol, bar.day - _ONE_DAY, as_of)
        if before == _UNCHANGED:
            return bar
        return replace(
            bar,
            open=adjust_price(bar.open, since, _PAISA),
            high=adjust_price(bar.high, since, _PAISA),
            low=adjust_price(bar.low, since, _PAISA),
            close=adjust_price(bar.close, since, _PAISA),
            previous_close=adjust_price(bar.previous_close, before, _PAISA),
            volume=adjust_quantity(bar.volume, since)[0],
        )
