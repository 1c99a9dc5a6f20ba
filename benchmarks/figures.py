"""Figures of repeated measurements: percentiles, medians over runs, and the lines that the table is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One run of a thing and of its peer, interleaved: seconds of each round, in the order in which they ran."""

    ours: Sequence[float]
    peer: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table: the cells under the row's headings."""

    cells: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What was aimed at, and what this run found, both in words."""

    text: str
    found: str
    is_met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement of the table: what was measured, beside what, its lines, and how far it is from its goals."""

    name: str
    peer: str
    headings: Sequence[str]
    lines: Sequence[Line]
    notes: Sequence[str] = ()
    goals: Sequence[Goal] = ()


def at_most(what: str, found: float, limit: float, unit: str = "") -> Goal:
    """The goal of a figure that should be small."""
    return Goal(text=f"{what} <= {_with(limit, unit)}", found=_with(found, unit), is_met=found <= limit)


def at_least(what: str, found: float, limit: float, unit: str = "") -> Goal:
    """The goal of a figure that should be large."""
    return Goal(text=f"{what} >= {_with(limit, unit)}", found=_with(found, unit), is_met=found >= limit)


def holds(what: str, is_met: bool, found: str) -> Goal:
    """A goal that is no figure."""
    return Goal(text=what, found=found, is_met=is_met)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed. ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median_percentile(runs: Sequence[Sequence[float]], share: float) -> float:
    """The percentile of each run, and of these the middle one."""
    return median(percentile(run, share) for run in runs)


def median_ratio(runs: Sequence[Timed], share: float) -> float:
    """Ours over the peer's percentile within each run, and of these ratios the middle one."""
    return median(percentile(run.ours, share) / percentile(run.peer, share) for run in runs)


def pooled(runs: Sequence[Sequence[float]]) -> list[float]:
    """All rounds of all runs: for a percentile that one run has too few rounds for."""
    return [value for run in runs for value in run]


def microseconds(seconds: float) -> str:
    return f"{seconds * MICROSECONDS:,.0f}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1_000:,.1f}"


def as_text(row: Row) -> str:
    """The row for a terminal or a Markdown page."""
    parts = [f"{row.name} (beside: {row.peer})", _table([row.headings, *(line.cells for line in row.lines)])]
    if row.notes:
        parts.append("\n".join(row.notes))
    if row.goals:
        verdicts = [(goal.text, goal.found, "met" if goal.is_met else "missed") for goal in row.goals]
        parts.append(_table([("goal", "found", ""), *verdicts]))
    return "\n\n".join(parts)


def _table(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[index]) for line in cells) for index in range(len(cells[0]))]
    lines = [_line(line, widths) for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"


def _with(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100 or float(value).is_integer() else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()
