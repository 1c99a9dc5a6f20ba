"""How many calls a broker takes: counted by calendar seconds, minutes and days of its own clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from tradebot.domain.calendar import IST


class Span(Enum):
    SECOND = "%Y%m%d%H%M%S"
    MINUTE = "%Y%m%d%H%M"
    DAY = "%Y%m%d"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `calls` in one calendar `span`."""

    calls: int
    span: Span


class Rates:
    """Counts what was asked for, what is refused too; one counter for each cap, of the running span only."""

    def __init__(self, caps: Mapping[str, tuple[Cap, ...]]) -> None:
        """`caps` by the kind of call; a kind without caps is free."""
        self._caps = caps
        self._counts: dict[tuple[str, Cap], tuple[str, int]] = {}

    def exceeded(self, kind: str, at: datetime) -> Cap | None:
        """Count one call; the first cap that it is beyond."""
        beyond = [cap for cap in self._caps.get(kind, ()) if self._count(kind, cap, at) > cap.calls]
        return beyond[0] if beyond else None

    def _count(self, kind: str, cap: Cap, at: datetime) -> int:
        span = f"{at.astimezone(IST):{cap.span.value}}"
        before, count = self._counts.get((kind, cap), (span, 0))
        count = count + 1 if before == span else 1
        self._counts[kind, cap] = span, count
        return count
