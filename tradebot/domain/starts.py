"""Starts in a row: which of them are one series of deaths, and how long the next start holds itself back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

APART = timedelta(hours=1)
"""A process that has lived for so long begins no series, and ends one."""

MANY = 3
"""So many deaths in a row are no accident."""

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=1)
_DOUBLINGS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """The starts since the last orderly end, oldest first, as the machine's clock had them; `is_told`: people were
    told of this series."""

    at: tuple[datetime, ...] = ()
    is_told: bool = False


def in_a_row(earlier: Starts, now: datetime) -> Starts:
    """Those of the starts before this one that belong to one series with it: each of them has died. A clock that was
    set back makes no difference."""
    found: list[datetime] = []
    next_one = now
    for at in reversed(earlier.at):
        if abs(next_one - at) >= APART:
            break
        found.insert(0, at)
        next_one = at
    return Starts(at=tuple(found), is_told=earlier.is_told and len(found) >= MANY)


def wait_after(deaths: Sequence[datetime]) -> timedelta:
    """Nothing before they are many; then a little, twice as long with each one more, and never long: what is held is
    looked after by nobody meanwhile."""
    if len(deaths) < MANY:
        return timedelta(0)
    doubled = 1 << min(len(deaths) - MANY, _DOUBLINGS_MAX)
    return min(_LONGEST_WAIT, _FIRST_WAIT * doubled)
