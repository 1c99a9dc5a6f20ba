"""How far the machine's clock is from the one that a broker writes into its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from tradebot.ports import Clock

_HEADER_S = 1.0
"""The header counts whole seconds."""


class ServerDates:
    """Measures each answer, in the thread that took it, and hands the distance on."""

    def __init__(self, clock: Clock, tell: Callable[[float], None]) -> None:
        """`tell` is given what `drift_s` says of each answer."""
        self._clock = clock
        self._tell = tell

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def answered(self, headers: Mapping[str, str], asked_s: float) -> None:
        """`asked_s` is what `monotonic` said before the call. An answer out of a cache tells the time of another one:
        it is left out."""
        date = date_of(headers.get("Date", ""))
        if date is not None and "Age" not in headers:
            took_s = self._clock.monotonic() - asked_s
            self._tell(drift_s(self._clock.now(), took_s, date))


def drift_s(now: datetime, took_s: float, date: datetime) -> float:
    """By how many seconds the clock that says `now` is ahead of the server's at least; negative when it is behind, and
    0 where it may be right: the server wrote `date` at some instant of the `took_s` seconds before."""
    ahead_s = (now - date).total_seconds()
    if ahead_s < 0:
        return ahead_s
    return max(ahead_s - took_s - _HEADER_S, 0.0)


def date_of(text: str) -> datetime | None:
    """None for what is no date with a zone."""
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
