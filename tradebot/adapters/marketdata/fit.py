"""Fits the numbers of the seeded market: `python -m tradebot.adapters.marketdata.fit DAILY [MINUTES]` prints the TOML.

DAILY is an end-of-day file of a year or more, MINUTES a file of one-minute bars; without the latter the shipped shape
of the day is kept. The result is made of medians, quantiles and correlations; no price of the files is in it (first
prices are rounded to two figures).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from statistics import correlation, fmean, median

from tradebot.adapters.marketdata.admission import Everything
from tradebot.adapters.marketdata.bar_series import series_by_symbol
from tradebot.adapters.marketdata.chance import STANDARD_NORMAL
from tradebot.adapters.marketdata.daily_files import DailyReader
from tradebot.adapters.marketdata.fit_path import fitted_path
from tradebot.adapters.marketdata.layouts import open_table
from tradebot.adapters.marketdata.minute_files import MinuteReader
from tradebot.adapters.marketdata.observations import Observation, observations, short_days
from tradebot.adapters.marketdata.parameters_toml import to_toml
from tradebot.adapters.marketdata.path import PathShape
from tradebot.adapters.marketdata.read_report import Findings
from tradebot.adapters.marketdata.seeded_parameters import (
    Dependence,
    Memory,
    SeededParameters,
    Shape,
    SymbolParameters,
    load_parameters,
)
from tradebot.domain.quotes import Bar

_PROBABILITIES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
_WEEK = 7
_SHORT_LAG, _LONG_LAG = 1, 10
# Half of a symbol's own drift is taken for luck, and that of all symbols put in its place.
_DRIFT_SHRUNK = 0.5

_Scores = Mapping[str, Mapping[date, float]]


def fitted(bars: Sequence[Bar], path: PathShape) -> SeededParameters:
    """The parameters that reproduce the bars' quantiles and correlations; bars by symbol and day."""
    by_symbol = {symbol: observations(series) for symbol, series in series_by_symbol(bars).items()}
    short = short_days([one for days in by_symbol.values() for one in days])
    full = {symbol: [one for one in days if one.day not in short] for symbol, days in by_symbol.items()}
    pooled = [one for days in full.values() for one in days]
    usual = {symbol: _Usual(days) for symbol, days in full.items()}
    drift = fmean(one.change for one in pooled)
    symbols = {
        symbol: _symbol_parameters(list(series), usual[symbol], full[symbol], drift)
        for symbol, series in series_by_symbol(bars).items()
    }
    brief = [one for days in by_symbol.values() for one in days if one.day in short]
    return SeededParameters(
        gap=_shape([abs(one.gap) / usual[one.symbol].gap for one in pooled]),
        range=_shape([one.range / usual[one.symbol].range for one in pooled]),
        body=_shape([abs(one.body) for one in pooled]),
        volume=_shape([one.volume for one in pooled]),
        dependence=_dependence(full),
        weekday_volume=_weekday_volume(pooled),
        short_session_range=round(median(one.range / usual[one.symbol].range for one in brief), 3),
        short_session_volume=round(median(one.volume for one in brief), 3),
        path=path,
        symbols=symbols,
    )


def main(arguments: Sequence[str]) -> int:
    """Print the parameters; 2 when called wrongly."""
    if not 1 <= len(arguments) <= 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    path = _fit_minutes(Path(arguments[1])) if len(arguments) == 2 else load_parameters().path
    reader = DailyReader(Everything(), Findings())
    with open_table(Path(arguments[0])) as table:
        reader.read(table)
    sys.stdout.write(to_toml(fitted(reader.bars(), path)))
    return 0


class _Usual:
    """One symbol's medians."""

    def __init__(self, days: Sequence[Observation]) -> None:
        self.gap = median(abs(one.gap) for one in days)
        self.range = median(one.range for one in days)


def _fit_minutes(path: Path) -> PathShape:
    reader = MinuteReader(Everything(), Findings())
    with open_table(path) as table:
        reader.read(table)
    return fitted_path(reader.days().values())


def _symbol_parameters(
    bars: Sequence[Bar], usual: _Usual, days: Sequence[Observation], common_drift: float
) -> SymbolParameters:
    drift = fmean(one.change for one in days)
    return SymbolParameters(
        price=_rounded(median(bar.close for bar in bars)),
        drift_bps=round((drift + _DRIFT_SHRUNK * (common_drift - drift)) * 1e4, 1),
        gap_pct=round(usual.gap * 100, 3),
        range_pct=round(usual.range * 100, 3),
        volume=int(_rounded(Decimal(median(bar.volume for bar in bars)))),
    )


def _rounded(number: Decimal) -> Decimal:
    """Two figures."""
    return Decimal(f"{number:.1e}")


def _shape(values: Sequence[float]) -> Shape:
    ordered = sorted(values)
    last = len(ordered) - 1
    quantiles = tuple(round(ordered[round(probability * last)], 4) for probability in _PROBABILITIES)
    return Shape(probabilities=_PROBABILITIES, quantiles=quantiles)


def _weekday_volume(pooled: Sequence[Observation]) -> tuple[float, ...]:
    """The median of each weekday, Monday first, in units of the median of all; Saturdays and Sundays as one."""
    weekend = (5, 6)

    def typical(weekdays: Sequence[int]) -> float:
        volumes = [one.volume for one in pooled if one.day.weekday() in weekdays]
        return round(median(volumes), 3) if volumes else 1.0

    return tuple(typical(weekend if weekday in weekend else (weekday,)) for weekday in range(_WEEK))


def _dependence(full: Mapping[str, Sequence[Observation]]) -> Dependence:
    gap = _normal_scores(full, lambda one: one.gap)
    body = _normal_scores(full, lambda one: one.body)
    size_of_gap = _normal_scores(full, lambda one: abs(one.gap))
    range_ = _normal_scores(full, lambda one: one.range)
    volume = _normal_scores(full, lambda one: one.volume)
    size_of_body = _normal_scores(full, lambda one: abs(one.body))
    gap_body = _mean_correlation(gap, body)
    gap_range, body_range = _mean_correlation(size_of_gap, range_), _mean_correlation(size_of_body, range_)
    range_volume = _mean_correlation(range_, volume)
    restless = _rest(range_, (gap_range, size_of_gap), (body_range, size_of_body))
    busy = _rest(volume, (range_volume, range_))
    range_market, volume_market = _between_symbols(restless), _between_symbols(busy)
    return Dependence(
        gap_market=_between_symbols(gap),
        body_market=_body_market(full),
        range_market=range_market,
        volume_market=volume_market,
        gap_body=gap_body,
        gap_range=gap_range,
        body_range=body_range,
        range_volume=range_volume,
        range_memory_market=_memory([_market(restless)]),
        range_memory_own=_memory(_own(restless)),
        volume_memory_market=_memory([_market(busy)]),
        volume_memory_own=_memory(_own(busy)),
    )


def _body_market(full: Mapping[str, Sequence[Observation]]) -> float:
    """The correlation of bodies that gives the moves from open to close (body times range) the one they have.

    Ranges differ between the symbols of one day, which weakens it; how much is the second moment of the mean
    range of a day over that of all ranges.
    """
    moves = {symbol: {one.day: one.body * one.range for one in days} for symbol, days in full.items()}
    usual = {symbol: fmean(one.range for one in days) for symbol, days in full.items()}
    ranges = {symbol: {one.day: one.range / usual[symbol] for one in days} for symbol, days in full.items()}
    shared = fmean(mean**2 for mean in _market(ranges).values())
    all_ = fmean(range_**2 for days in ranges.values() for range_ in days.values())
    return round(_between_symbols(moves) * all_ / shared, 3)


def _normal_scores(
    full: Mapping[str, Sequence[Observation]], figure: Callable[[Observation], float]
) -> dict[str, dict[date, float]]:
    """For each symbol the scores of the ranks of its days."""
    scores = {}
    for symbol, days in full.items():
        ranked = sorted(days, key=figure)
        scores[symbol] = {
            one.day: STANDARD_NORMAL.inv_cdf((rank + 0.5) / len(ranked)) for rank, one in enumerate(ranked)
        }
        scores[symbol] = dict(sorted(scores[symbol].items()))
    return scores


def _mean_correlation(first: _Scores, second: _Scores) -> float:
    each = [correlation(list(first[symbol].values()), list(second[symbol].values())) for symbol in first]
    return round(fmean(each), 3)


def _between_symbols(scores: _Scores) -> float:
    """The mean correlation of two symbols over the days of both."""
    found = []
    for one, other in combinations(scores.values(), 2):
        days = one.keys() & other.keys()
        found.append(correlation([one[day] for day in days], [other[day] for day in days]))
    return round(max(0.0, fmean(found)), 3)


def _rest(scores: _Scores, *explaining: tuple[float, _Scores]) -> dict[str, dict[date, float]]:
    """What is left of the scores, scaled to variance 1, after the part that unrelated others explain."""
    left = math.sqrt(1 - sum(weight**2 for weight, _ in explaining))

    def rest(symbol: str, day: date, score: float) -> float:
        return (score - sum(weight * other[symbol][day] for weight, other in explaining)) / left

    return {symbol: {day: rest(symbol, day, score) for day, score in days.items()} for symbol, days in scores.items()}


def _market(scores: _Scores) -> dict[date, float]:
    """The mean of all symbols on each day."""
    days = sorted({day for of_symbol in scores.values() for day in of_symbol})
    return {day: fmean(one[day] for one in scores.values() if day in one) for day in days}


def _own(scores: _Scores) -> Sequence[Mapping[date, float]]:
    market = _market(scores)
    return [{day: score - market[day] for day, score in days.items()} for days in scores.values()]


def _memory(series: Sequence[Mapping[date, float]]) -> Memory:
    """From the correlations with one day and with ten days before: their ratio is nine days' decay."""
    near, far = (fmean(_lagged(list(days.values()), lag) for days in series) for lag in (_SHORT_LAG, _LONG_LAG))
    if near <= 0 or far <= 0:
        return Memory(persistent=round(max(0.0, near), 3), decay=0.0)
    decay = min(0.99, (far / near) ** (1 / (_LONG_LAG - _SHORT_LAG)))
    return Memory(persistent=round(min(1.0, near / decay), 3), decay=round(decay, 3))


def _lagged(values: Sequence[float], lag: int) -> float:
    return correlation(values[lag:], values[:-lag])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
