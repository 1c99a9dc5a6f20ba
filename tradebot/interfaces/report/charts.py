"""Charts as SVG text for a page: no script, no font, no colour of their own; the page's style gives the colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

WIDTH, HEIGHT = 640, 240
BINS_MAX = 24

_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 10, 10, 26
_LABELS_MAX = 5
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Bin:
    """How many values are above `low`, and at `high` or below."""

    low: float
    high: float
    count: int


def bars(points: Sequence[tuple[str, Decimal]], title: str, unit: str) -> str:
    """One bar for each point, up from zero or down."""
    scale = _Scale.of([float(value) for _, value in points])
    step = (WIDTH - _LEFT - _RIGHT) / max(len(points), 1)
    width = max(step * 0.8, 0.5)
    drawn = []
    for number, (label, value) in enumerate(points):
        x, top = _LEFT + number * step + (step - width) / 2, scale.y(max(float(value), 0.0))
        height = max(scale.y(min(float(value), 0.0)) - top, 0.5)
        kind = "loss" if value < 0 else "gain"
        told = f"<title>{escape(label)}: {value:,.2f} {escape(unit)}</title>"
        drawn.append(f'<rect class="{kind}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}">{told}')
        drawn.append("</rect>")
    return _svg(title, [*scale.grid(), *drawn, *_labels([label for label, _ in points], step)])


def line(points: Sequence[tuple[str, Decimal]], title: str, unit: str) -> str:
    """The points joined; each can be pointed at."""
    scale = _Scale.of([float(value) for _, value in points])
    step = (WIDTH - _LEFT - _RIGHT) / max(len(points), 1)
    places = [(_LEFT + (number + 0.5) * step, scale.y(float(value))) for number, (_, value) in enumerate(points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{3 if len(points) <= 60 else 1.5}">'
        f"<title>{escape(label)}: {value:,.2f} {escape(unit)}</title></circle>"
        for (x, y), (label, value) in zip(places, points, strict=True)
    ]
    drawn = [f'<polyline class="line" points="{path}"/>', *dots]
    return _svg(title, [*scale.grid(), *drawn, *_labels([label for label, _ in points], step)])


def histogram(values: Sequence[Decimal], title: str, unit: str) -> str:
    found = bins(values)
    scale = _Scale.of([float(each.count) for each in found], is_count=True)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(found), 1)
    drawn = []
    for number, each in enumerate(found):
        x, y = _LEFT + number * step, scale.y(each.count)
        told = f"<title>{each.low:g} to {each.high:g} {escape(unit)}: {each.count}</title>"
        kind = "loss" if each.low >= 0 else "gain"
        size = f'width="{max(step - 1, 0.5):.1f}" height="{scale.y(0) - y:.1f}"'
        drawn.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size}>{told}</rect>')
    names = [f"{each.low:g}" for each in found]
    return _svg(title, [*scale.grid(), *drawn, *_labels(names, step, at_edge=True)])


def bins(values: Sequence[Decimal]) -> list[Bin]:
    """Equal bins with round edges, zero among them, which itself counts to the lower side. At most `BINS_MAX`."""
    if not values:
        return []
    numbers = sorted(map(float, values))
    width = _round_step((numbers[-1] - numbers[0]) / (BINS_MAX - 2) or 1.0)
    first, last = ceil(numbers[0] / width) - 1, ceil(numbers[-1] / width) - 1
    counts = [0] * (last - first + 1)
    for number in numbers:
        counts[ceil(number / width) - 1 - first] += 1
    edges = [round((first + index) * width, 9) for index in range(len(counts) + 1)]
    return [Bin(low, high, count) for (low, high), count in zip(pairwise(edges), counts, strict=True)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to heights; zero is always on it."""

    low: float
    high: float
    step: float

    @classmethod
    def of(cls, values: Sequence[float], *, is_count: bool = False) -> _Scale:
        low, high = min([0.0, *values]), max([0.0, *values])
        step = _round_step((high - low) / _TICKS or 1.0)
        if is_count:
            step = max(1.0, ceil(step))
        return cls(floor(low / step) * step, max(ceil(high / step) * step, floor(low / step) * step + step), step)

    def y(self, value: float) -> float:
        return _TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> list[str]:
        drawn = []
        for number in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + number * self.step
            kind, y = "zero" if abs(value) < self.step / 2 else "grid", self.y(value)
            drawn.append(f'<line class="{kind}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            drawn.append(f'<text class="y" x="{_LEFT - 6}" y="{y + 4:.1f}">{_short(value)}</text>')
        return drawn


def _round_step(step: float) -> float:
    """The next of 1, 2, 5, 10, ... that is no smaller."""
    power = 10.0 ** floor(log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - 1e-9))


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == round(value) else f"{value:.3g}"


def _labels(names: Sequence[str], step: float, *, at_edge: bool = False) -> list[str]:
    every = max(1, ceil(len(names) / _LABELS_MAX))
    shift = 0.0 if at_edge else 0.5
    return [
        f'<text class="x" x="{_LEFT + (number + shift) * step:.1f}" y="{HEIGHT - 8}">{escape(names[number])}</text>'
        for number in range(0, len(names), every)
    ]


def _svg(title: str, parts: Sequence[str]) -> str:
    name = escape(title, quote=True)
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">'
    return "\n".join([head, *parts, "</svg>"])
