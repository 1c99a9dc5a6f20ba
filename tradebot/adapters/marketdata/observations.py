"""What fitting looks at: the figures of each symbol and day, in units of the symbol's own medians."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from tradebot.domain.quotes import Bar

# An open further away than this is a split or a bonus issue: the day is left out, and volumes before it are on
# another scale.
_JUMP = 0.2
_SHORT_SESSION_VOLUME = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One symbol on one day. `gap` and `range` are shares of the previous close, `body` is (close - open) in units of
    the range, `volume` is in units of the symbol's median volume between two splits, `change` the day's return."""

    symbol: str
    day: date
    gap: float
    range: float
    body: float
    volume: float
    change: float


def observations(bars: Iterable[Bar]) -> Sequence[Observation]:
    """The days of one symbol, in order, without those of a split or a bonus issue."""
    found: list[Observation] = []
    for stretch in _stretches(bars):
        usual = median(bar.volume for bar in stretch) or 1
        found += [_observation(bar, usual) for bar in stretch if abs(_gap(bar)) <= _JUMP]
    return found


def short_days(all_observations: Iterable[Observation]) -> frozenset[date]:
    """Days on which the middling symbol traded a small part of its usual volume: Muhurat and other short sessions."""
    by_day: dict[date, list[float]] = {}
    for one in all_observations:
        by_day.setdefault(one.day, []).append(one.volume)
    return frozenset(day for day, volumes in by_day.items() if median(volumes) < _SHORT_SESSION_VOLUME)


def _stretches(bars: Iterable[Bar]) -> Sequence[Sequence[Bar]]:
    stretches: list[list[Bar]] = [[]]
    for bar in bars:
        if abs(_gap(bar)) > _JUMP:
            stretches.append([])
        stretches[-1].append(bar)
    return [stretch for stretch in stretches if stretch]


def _gap(bar: Bar) -> float:
    return float(bar.open / bar.previous_close) - 1


def _observation(bar: Bar, usual_volume: float) -> Observation:
    range_ = float(bar.high - bar.low)
    return Observation(
        symbol=bar.symbol,
        day=bar.day,
        gap=_gap(bar),
        range=range_ / float(bar.previous_close),
        body=float(bar.close - bar.open) / range_ if range_ else 0.0,
        volume=bar.volume / usual_volume,
        change=float(bar.close / bar.previous_close) - 1,
    )
