"""How often a placement is tried, and how long it waits before it is tried again."""

from __future__ import annotations

from datetime import timedelta

from tradebot.domain.orders import Coid
from tradebot.ports import Chance

SENDS_MAX = 3
"""How often one placement is tried with the same client order id before the order has failed."""

_FIRST = timedelta(milliseconds=250)
_MAX = timedelta(seconds=2)
_STEPS = 1_000


def backoff(sends: int, coid: Coid, chance: Chance) -> timedelta:
    """After so many sends: 0.25 s, twice as long after each further one, at most 2 s; of that, chance takes up to a
    half, so that what failed together is not tried again together."""
    longest = min(_FIRST * (1 << (sends - 1)), _MAX)
    return longest - longest / 2 * (chance.number("jitter", coid, str(sends)) % _STEPS) / _STEPS
