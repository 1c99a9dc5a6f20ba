"""A smaller case for a failure: fewer deaths, faults, signals and commands, and a shorter day, as long as it fails in
the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulator.campaign import Failure, die_at, live_through
from tests.simulator.case import Case, Point
from tests.simulator.disk import CrashKind

POINTS_MAX, POINTS_A_DAY = 3_000, 150
"""Of all tries together, half a minute; and of the tries of one smaller day."""

_SHORTER_BY = 60


def shrink(point: Point, say: Callable[[str], object] = lambda _: None, points_max: int = POINTS_MAX) -> Point:
    """The smallest one found by taking away one thing after the other. Raises ValueError for one that does not fail."""
    found = point.die().found
    if not found:
        raise ValueError(f"{point} does not fail")
    wanted, budget = _complaint(found[0]), _Budget(points_max)
    tries = _smaller(point)
    while (smaller := next(tries, None)) is not None and budget.left > 0:
        is_same_day = smaller.case == point.case
        failing = _first_failing(smaller, wanted, budget, 1 if is_same_day else POINTS_A_DAY)
        if failing is not None:
            say(f"still fails: {failing}")
            point, tries = failing, _smaller(failing)
    return point


class _Budget:
    def __init__(self, points: int) -> None:
        self.left = points


def _complaint(failure: Failure) -> str:
    """What kind of thing went wrong, without names and figures."""
    words = failure.differences[0].split(": ")
    return ": ".join(words[:2]) if words[0] == "audit" else words[0]


def _smaller(point: Point) -> Iterator[Point]:
    """One thing less, the most promising first."""
    case, death = point.case, point.death
    if death.again:
        yield replace(point, death=replace(death, again=death.again[:-1]))
    if death.kind != "process":
        yield replace(point, death=replace(death, kind="process"))
    yield from (replace(point, case=smaller) for smaller in _smaller_days(case))


def _smaller_days(case: Case) -> Iterator[Case]:
    scenario = case.scenario
    if case.faults != "none":
        yield replace(case, faults="none", dials=None)
        names = [dial.name for dial in scenario.faults.dials]
        yield from (replace(case, dials=tuple(n for n in names if n != name)) for name in names if len(names) > 1)
    acts = [act.name for act in scenario.acts]
    if len(acts) > 1:
        yield replace(case, acts=())
    if case.signals:
        yield from (replace(case, signals=fewer) for fewer in sorted({case.signals // 2, case.signals - 1}))
    yield from (replace(case, acts=tuple(other for other in acts if other != name)) for name in acts)
    minutes = int((scenario.end - scenario.start).total_seconds() / 60)
    yield from (replace(case, minutes=fewer) for fewer in (minutes // 2, minutes - _SHORTER_BY) if fewer > _SHORTER_BY)


def _first_failing(point: Point, wanted: str, budget: _Budget, points_max: int) -> Point | None:
    """On another day the effects have other numbers: so many of them are tried, those near the old one first."""
    unbroken, _ = live_through(point.case.unbroken, lambda _: False)
    if unbroken.findings:
        return None
    if point.death.again or points_max == 1:
        report = point.die_beside(unbroken)
        budget.left -= report.points
        return point if any(_complaint(failure) == wanted for failure in report.found) else None
    scenario, kinds = point.case.scenario, _only(point.death.kind)
    _, moments = live_through(scenario)
    nearest = sorted(moments, key=lambda moment: abs(moment.index - point.death.effect))
    for moment in nearest[:points_max]:
        report = die_at(scenario, [moment], unbroken, kinds)
        budget.left -= report.points
        if any(_complaint(failure) == wanted for failure in report.found):
            return replace(point, death=report.found[0].death)
        if budget.left <= 0:
            return None
    return None


def _only(kind: CrashKind) -> Callable[[int], tuple[CrashKind, ...]]:
    return lambda _: (kind,)
