"""The hidden figures behind the seeded market's bars: standard normal scores of each day, for all and for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tradebot.adapters.marketdata.chance import STANDARD_NORMAL, normals
from tradebot.adapters.marketdata.seeded_parameters import Dependence, Memory

# Keeps the size of a score away from 0, where its rank would have no score of its own.
_SMALLEST_RANK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How unusual one day is, as draws of the standard normal distribution.

    `gap` and `body` are signed moves (overnight, and from open to close), `range` and `volume` are sizes, and `wick`
    says how the rest of the range lies around them.
    """

    gap: float
    body: float
    range: float
    volume: float
    wick: float


class ScoreSeries:
    """The scores of one name from the first session on, made in order and kept: one for each session asked for."""

    def __init__(
        self, *, seed: int, name: str, sessions: Sequence[date], range_memory: Memory, volume_memory: Memory
    ) -> None:
        self._seed = seed
        self._name = name
        self._sessions = sessions
        self._range_memory = range_memory
        self._volume_memory = volume_memory
        self._scores: list[Scores] = []
        self._slow_range: float | None = None
        self._slow_volume: float | None = None

    def at(self, index: int) -> Scores:
        """The scores of the session with that index."""
        while len(self._scores) <= index:
            self._grow(self._sessions[len(self._scores)])
        return self._scores[index]

    def _grow(self, day: date) -> None:
        gap, body, wick, *others = normals(7, self._seed, day, self._name, "scores")
        new_range, fast_range, new_volume, fast_volume = others
        self._slow_range = _carried(self._range_memory, self._slow_range, new_range)
        self._slow_volume = _carried(self._volume_memory, self._slow_volume, new_volume)
        self._scores.append(
            Scores(
                gap=gap,
                body=body,
                range=_shared(self._range_memory.persistent, self._slow_range, fast_range),
                volume=_shared(self._volume_memory.persistent, self._slow_volume, fast_volume),
                wick=wick,
            )
        )


def combined(market: Scores, own: Scores, dependence: Dependence) -> Scores:
    """One symbol's scores: what it shares with the market, and how its figures hang together."""
    gap = _shared(dependence.gap_market, market.gap, own.gap)
    body = _mixed((dependence.gap_body, gap), rest=_shared(dependence.body_market, market.body, own.body))
    range_ = _mixed(
        (dependence.gap_range, _size_score(gap)),
        (dependence.body_range, _size_score(body)),
        rest=_shared(dependence.range_market, market.range, own.range),
    )
    busy = _shared(dependence.volume_market, market.volume, own.volume)
    return Scores(
        gap=gap,
        body=body,
        range=range_,
        volume=_mixed((dependence.range_volume, range_), rest=busy),
        wick=own.wick,
    )


def _shared(share: float, first: float, second: float) -> float:
    """A standard normal score of which `share` of the variance comes from the first."""
    return math.sqrt(share) * first + math.sqrt(1 - share) * second


def _mixed(*parts: tuple[float, float], rest: float) -> float:
    """A standard normal score with the given correlation to each of some unrelated ones."""
    left = 1 - sum(weight**2 for weight, _ in parts)
    return sum(weight * score for weight, score in parts) + math.sqrt(left) * rest


def _carried(memory: Memory, before: float | None, new: float) -> float:
    return new if before is None else _shared(memory.decay**2, before, new)


def _size_score(score: float) -> float:
    """The score of a signed score's size: far from 0 on either side is high."""
    rank = 2 * STANDARD_NORMAL.cdf(abs(score)) - 1
    return STANDARD_NORMAL.inv_cdf(min(1 - _SMALLEST_RANK, max(_SMALLEST_RANK, rank)))
