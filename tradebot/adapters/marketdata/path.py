"""The way of a price through a day: prints that fit a daily bar, as a pure function of (seed, day, symbol)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise

from tradebot.adapters.marketdata.chance import normals, uniforms
from tradebot.domain.market_rules import Direction, round_to_tick
from tradebot.domain.quotes import Bar, Print
from tradebot.domain.trading_day import Window

_STEP_S = 60.0
_CORNERS_MAX = 4
_PAISA = Decimal("0.01")
# The expected range of a random walk of n steps is sqrt(8 / pi) * sqrt(n) steps.
_RANGE_OF_WALK = math.sqrt(8 / math.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathShape:
    """What was fitted on one-minute bars.

    `volume_profile` are the shares of the day's volume in equal parts of the session. The low comes before the high
    with the probability 1/2 + `low_first_slope` / 2 * (close - open) / (high - low).
    """

    volume_profile: tuple[float, ...]
    low_first_slope: float


def day_path(bar: Bar, windows: Sequence[Window], tick: Decimal, *, seed: int, shape: PathShape) -> Sequence[Print]:
    """About one print a minute of the windows, in order of time.

    The first print is at the bar's open and at the first instant of the first window, the last one at the close; the
    high and the low are printed exactly. All other prints are on the tick grid between them. Quantities add up to
    the volume; one that came out as 0 is left out, unless it carries one of those four prices.
    """
    instants = _instants(bar, windows, seed)
    corners = _corners(bar, len(instants), seed, shape)
    prices = _prices(bar, corners, tick, seed)
    quantities = _quantities(bar, corners, len(instants), seed, shape)
    return tuple(
        Print(at=at, price=price, quantity=quantity)
        for index, (at, price, quantity) in enumerate(zip(instants, prices, quantities, strict=True))
        if quantity or index in corners
    )


def _instants(bar: Bar, windows: Sequence[Window], seed: int) -> Sequence[datetime]:
    # Each window has room for all four corners, however short it is.
    shortest_s = min((window.end - window.start).total_seconds() for window in windows)
    step_s = min(_STEP_S, shortest_s / _CORNERS_MAX)
    slots = [
        (window.start, number * step_s)
        for window in windows
        for number in range(int((window.end - window.start).total_seconds() / step_s))
    ]
    within = uniforms(len(slots), seed, bar.day, bar.symbol, "instants")
    later = [
        start + timedelta(seconds=int(offset_s + step_s * part))
        for (start, offset_s), part in zip(slots[1:], within[1:], strict=True)
    ]
    return [slots[0][0], *later]


def _corners(bar: Bar, count: int, seed: int, shape: PathShape) -> Mapping[int, Decimal]:
    """At which prints the path is at its open, its extremes and its close."""
    order, *places = uniforms(3, seed, bar.day, bar.symbol, "corners")
    extremes = (bar.low, bar.high) if order < _low_first(bar, shape) else (bar.high, bar.low)
    inner = [price for price in extremes if price not in (bar.open, bar.close)]
    indices = sorted(_extreme_index(place, count) for place in places[: len(inner)])
    if len(indices) == 2 and indices[0] == indices[1]:
        indices = [indices[0], indices[0] + 1] if indices[0] < count - 2 else [indices[0] - 1, indices[0]]
    return {0: bar.open, **dict(zip(indices, inner, strict=True)), count - 1: bar.close}


def _low_first(bar: Bar, shape: PathShape) -> float:
    if bar.high == bar.low:
        return 0.5
    return 0.5 + shape.low_first_slope / 2 * float((bar.close - bar.open) / (bar.high - bar.low))


def _extreme_index(place: float, count: int) -> int:
    # Extremes of a random walk lie near its ends more often than in the middle (arcsine law).
    return 1 + int(math.sin(math.pi / 2 * place) ** 2 * (count - 2))


def _prices(bar: Bar, corners: Mapping[int, Decimal], tick: Decimal, seed: int) -> Sequence[Decimal]:
    count = max(corners) + 1
    lowest, highest = _steps(bar.low, tick, "up"), _steps(bar.high, tick, "down")
    if lowest > highest:
        return _held(corners, count)
    tick_size = float(tick)
    steps = [round(price / tick_size) for price in _walk(bar, corners, count, seed)]
    on_grid = {step: (min(highest, max(lowest, step)) * tick).quantize(_PAISA) for step in set(steps)}
    prices = [on_grid[step] for step in steps]
    for index, price in corners.items():
        prices[index] = price
    return prices


def _steps(price: Decimal, tick: Decimal, direction: Direction) -> int:
    return int(round_to_tick(price, tick, direction) / tick)


def _held(corners: Mapping[int, Decimal], count: int) -> Sequence[Decimal]:
    """Without a grid price between low and high the price of the last corner stays."""
    prices: list[Decimal] = []
    for index in range(count):
        prices.append(corners.get(index) or prices[-1])
    return prices


def _walk(bar: Bar, corners: Mapping[int, Decimal], count: int, seed: int) -> Sequence[float]:
    """Random bridges from corner to corner, folded back at the high and the low."""
    low, high = float(bar.low), float(bar.high)
    size = (high - low) / (_RANGE_OF_WALK * math.sqrt(count))
    free = [0.0, *accumulate([size * z for z in normals(count - 1, seed, bar.day, bar.symbol, "path")])]
    walk = [float(corners[0])]
    for start, end in pairwise(sorted(corners)):
        shift = float(corners[start]) - free[start]
        slope = (float(corners[end]) - free[end] - shift) / (end - start)
        bridge = [price + shift + slope * way for way, price in enumerate(free[start + 1 : end + 1], start=1)]
        walk += [price if low <= price <= high else _folded(price, low, high) for price in bridge]
    return walk


def _folded(price: float, low: float, high: float) -> float:
    return max(low, 2 * high - price) if price > high else min(high, 2 * low - price)


def _quantities(bar: Bar, corners: Mapping[int, Decimal], count: int, seed: int, shape: PathShape) -> Sequence[int]:
    """Whole shares that add up to the volume, after one share for each corner where the volume reaches that far."""
    kept = len(corners) if bar.volume >= len(corners) else 0
    profile = shape.volume_profile
    parts, log = len(profile), math.log
    chances = uniforms(count, seed, bar.day, bar.symbol, "quantities")
    weights = [profile[index * parts // count] * -log(chance) for index, chance in enumerate(chances)]
    quantities = _spread(bar.volume - kept, weights)
    if kept:
        for index in corners:
            quantities[index] += 1
    return quantities


def _spread(total: int, weights: Iterable[float]) -> list[int]:
    sums = list(accumulate(weights))
    scale = total / sums[-1]
    edges = [0, *[int(scale * part) for part in sums[:-1]], total]
    return [after - before for before, after in pairwise(edges)]
