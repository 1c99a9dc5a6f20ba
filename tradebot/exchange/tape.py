"""The prices that the exchange trades at: bars and prints of each day, from files or from the seeded market."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from tradebot.domain.quotes import Bar, Print


class Tape(Protocol):
    """Prices as they were, unadjusted. The same question has the same answer, in any order of asking."""

    def symbols(self, day: date) -> frozenset[str]:
        """The symbols that have a session on that day."""
        ...

    def bar(self, symbol: str, day: date) -> Bar | None:
        """The day's bar; None when the symbol has no session that day."""
        ...

    def last_bar(self, symbol: str, before: date) -> Bar | None:
        """The newest bar before that day; None when there is none."""
        ...

    def prints(self, symbol: str, day: date) -> Sequence[Print]:
        """The day's trades in the continuous session, in order of time, on the day's tick grid.

        The first one is at the bar's open, the last one at its close; between them the path touches the high and
        the low exactly and never leaves them. Quantities add up to at most the day's volume.
        """
        ...

    def problems(self, symbol: str, day: date) -> str | None:
        """Why the symbol must not trade that day (an undeclared price jump), in words; None when it may."""
        ...
