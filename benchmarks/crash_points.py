"""How many deaths the in-process campaign restores, restarts and settles in a second, on one core."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from time import perf_counter

from benchmarks.figures import Line, Row, at_least
from tests.simulator.campaign import alternating, die_at, live_through
from tests.simulator.days import busy_day
from tests.simulator.world import Moment, Scenario, Tracer, World

_HEADINGS = (
    "effects in the day", "points tried", "points a second", "bare restores a second", "restores / points", "failures",
)  # fmt: skip
_PARTS = 5


def crash_points(seconds: float) -> Row:
    """Moments spread over the whole day until the time is used up, in `_PARTS` parts whose median counts."""
    scenario = busy_day()
    unbroken, moments = live_through(scenario)
    points_s: list[float] = []
    restores_s: list[float] = []
    tried = failures = 0
    for part in range(_PARTS):
        of_part = moments[part::_PARTS]
        began, points = perf_counter(), 0
        for moment in _spread(of_part):
            report = die_at(scenario, [moment], unbroken, alternating)
            points += report.points
            failures += len(report.failures)
            if perf_counter() - began > seconds / _PARTS:
                break
        points_s.append(points / (perf_counter() - began))
        restores_s.append(_restores_a_second(scenario, of_part[:20]))
        tried += points
    return Row(
        name="crash points",
        peer="putting disk, database and exchange back, without running anything",
        headings=_HEADINGS,
        lines=[
            Line(
                cells=(
                    f"{len(moments):,}",
                    f"{tried:,}",
                    f"{median(points_s):,.0f}",
                    f"{median(restores_s):,.0f}",
                    f"{median(restores_s) / median(points_s):,.0f}",
                    str(failures),
                )
            )
        ],
        notes=(f"median of {_PARTS} parts of the day's effects, on one core",),
        goals=[at_least("points, on two cores twice as many as on one", 2 * median(points_s), 200, "a second")],
    )


def _spread(moments: Sequence[Moment]) -> Sequence[Moment]:
    """Every seventh, then those between: a part that ends early has seen the whole day all the same."""
    return [moment for offset in range(7) for moment in moments[offset::7]]


def _restores_a_second(scenario: Scenario, moments: Sequence[Moment]) -> float:
    began = perf_counter()
    for moment in moments:
        World(scenario, Tracer(), moment)
    return len(moments) / (perf_counter() - began)
