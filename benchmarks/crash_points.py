"""How many deaths the in-process campaign restores, restarts and settles in a second, on two cores.

`python -m benchmarks.crash_points SECONDS NUMBER OF` is one of the processes: it prints what it did as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.figures import Line, Row, at_least
from tests.simulator.campaign import alternating, die_at, live_through
from tests.simulator.days import busy_day
from tests.simulator.world import Moment, Scenario, Tracer, World

PROCESSES = 2

_ROOT = Path(__file__).parents[1]
_RESTORES = 100
_HEADINGS = (
    "processes", "effects in the day", "points tried", "points a second", "bare restores a second",
    "restores / points", "failures",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one process did: points of its share of the day's effects, and bare restores, both a second."""

    effects: int
    points: int
    points_s: float
    restores_s: float
    failures: int


def crash_points(seconds: float) -> Row:
    """Moments spread over the whole day, a process for each core, until the time is used up."""
    processes = min(PROCESSES, os.cpu_count() or 1)
    shares = _in_processes(processes, seconds)
    points_s, restores_s = (sum(getattr(share, name) for share in shares) for name in ("points_s", "restores_s"))
    return Row(
        name="crash points",
        peer="putting disk, database and exchange back, without running anything",
        headings=_HEADINGS,
        lines=[
            Line(
                cells=(
                    str(processes),
                    f"{shares[0].effects:,}",
                    f"{sum(share.points for share in shares):,}",
                    f"{points_s:,.0f}",
                    f"{restores_s:,.0f}",
                    f"{restores_s / points_s:,.0f}",
                    str(sum(share.failures for share in shares)),
                )
            )
        ],
        notes=("each process has its share of the day's effects, and both run at the same time",),
        goals=[at_least("points on two cores", points_s, 200, "a second")],
    )


def _in_processes(processes: int, seconds: float) -> Sequence[Share]:
    words = [sys.executable, "-m", "benchmarks.crash_points", str(seconds)]
    running = [
        subprocess.Popen([*words, str(number), str(processes)], cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    told = [process.communicate()[0] for process in running]
    return [Share(**json.loads(text.splitlines()[-1])) for text in told]


def run_share(seconds: float, number: int, processes: int) -> Share:
    """In this process."""
    scenario = busy_day()
    unbroken, moments = live_through(scenario)
    own = moments[number::processes]
    began, points, failures = perf_counter(), 0, 0
    for moment in _spread(own):
        report = die_at(scenario, [moment], unbroken, alternating)
        points += report.points
        failures += len(report.failures)
        if perf_counter() - began > seconds:
            break
    points_s = points / (perf_counter() - began)
    return Share(
        effects=len(moments),
        points=points,
        points_s=points_s,
        restores_s=_restores_a_second(scenario, own[:_RESTORES]),
        failures=failures,
    )


def _spread(moments: Sequence[Moment]) -> Sequence[Moment]:
    """Every seventh, then those between: a share that ends early has seen the whole day all the same."""
    return [moment for offset in range(7) for moment in moments[offset::7]]


def _restores_a_second(scenario: Scenario, moments: Sequence[Moment]) -> float:
    began = perf_counter()
    for moment in moments:
        World(scenario, Tracer(), moment)
    return len(moments) / (perf_counter() - began)


if __name__ == "__main__":
    print(json.dumps(asdict(run_share(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))))
