"""One monitoring cycle over a book of open orders, beside fetching and decoding the same book and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.figures import (
    Goal,
    Line,
    Row,
    Timed,
    at_most,
    median_percentile,
    median_ratio,
    milliseconds,
    percentile,
    pooled,
)
from benchmarks.loopback import Client, serving
from benchmarks.stage import Contents, Stage, fill_folder, open_stage, standing_row
from benchmarks.wire_book import BOOK, TRADES, WireBroker
from tradebot.adapters.lanes import InlineLanes
from tradebot.engine.messages import Job, JobDue

SIZES = (500, 1_000, 10_000)
CHANGED = 100

_RUN_S_MAX = 3.0
_WARM_UP = 1
_HEADINGS = ("open orders", "changed", "rounds", "p50 ms", "p99 ms", "fetch p50 ms", "p50 / fetch", "p99 / fetch")


@dataclass(frozen=True, slots=True)
class _Run:
    """The cycles of one run that had something new to book, and those that had nothing."""

    changed: Timed
    quiet: Timed


def cycle(folder: Path, runs: int, rounds: int) -> Row:
    """A run of one size takes at most `_RUN_S_MAX` seconds."""
    with serving() as client:
        found: dict[int, list[_Run]] = {size: [] for size in SIZES}
        for run in range(runs):
            for size in SIZES:
                found[size].append(_run(folder / f"cycle-{run}-{size}", size, client, rounds))
    lines = []
    for size, of_size in found.items():
        lines.append(_line(size, CHANGED, [run.changed for run in of_size]))
        lines.append(_line(size, 0, [run.quiet for run in of_size]))
    return Row(
        name="cycle",
        peer="GET and JSON-decode the same book, and the trades where there are new ones",
        headings=_HEADINGS,
        lines=lines,
        notes=(f"median of {runs} runs, p99 over all rounds",),
        goals=_goals(found),
    )


def _goals(found: dict[int, list[_Run]]) -> Sequence[Goal]:
    most, least = max(SIZES), min(SIZES)
    ratio = median_ratio([run.changed for run in found[most]], 0.5)
    small_ms = 1_000 * median_percentile([run.changed.ours for run in found[least]], 0.5)
    return [
        at_most(f"p50 / fetch, {most:,} orders, {CHANGED} changed", ratio, 4.0),
        at_most(f"p50, {least:,} orders, {CHANGED} changed", small_ms, 10.0, "ms"),
    ]


def _run(folder: Path, size: int, client: Client, rounds: int) -> _Run:
    fill_folder(folder, Contents(standing=size, registry=size))
    broker = WireBroker([standing_row(number) for number in range(size)], client)
    broker.publish()
    changed: list[tuple[float, float]] = []
    quiet: list[tuple[float, float]] = []
    with open_stage(folder, broker, InlineLanes()) as stage:
        ends_at = perf_counter() + _RUN_S_MAX
        for number in range(-_WARM_UP, rounds):
            if number > 0 and perf_counter() > ends_at:
                break
            stage.later()
            _fill_some(broker, stage)
            took = (_cycle(stage), _fetch(client, (BOOK, TRADES)))
            stage.later()
            quiet_took = (_cycle(stage), _fetch(client, (BOOK,)))
            if number >= 0:
                changed.append(took)
                quiet.append(quiet_took)
    return _Run(changed=_timed(changed), quiet=_timed(quiet))


def _fill_some(broker: WireBroker, stage: Stage) -> None:
    """One share more for each of `CHANGED` orders, spread over the book: always the same ones, so that the positions
    that are followed stay as many."""
    numbers = list(broker.rows)
    for number in numbers[:: len(numbers) // CHANGED]:
        broker.fill(number, 1, stage.clock.now())
    broker.publish()


def _cycle(stage: Stage) -> float:
    began = perf_counter()
    stage.inbox.put(JobDue(name=Job.CYCLE, at=stage.clock.now()))
    stage.engine.run_pending()
    return perf_counter() - began


def _fetch(client: Client, paths: Sequence[str]) -> float:
    began = perf_counter()
    for path in paths:
        client.fetch(path)
    return perf_counter() - began


def _timed(pairs: Sequence[tuple[float, float]]) -> Timed:
    return Timed(ours=[ours for ours, _ in pairs], peer=[peer for _, peer in pairs])


def _line(size: int, changed: int, runs: Sequence[Timed]) -> Line:
    whole = [run.ours for run in runs]
    return Line(
        cells=(
            f"{size:,}",
            str(changed),
            str(sum(len(run) for run in whole)),
            milliseconds(median_percentile(whole, 0.5)),
            milliseconds(percentile(pooled(whole), 0.99)),
            milliseconds(median_percentile([run.peer for run in runs], 0.5)),
            f"{median_ratio(runs, 0.5):.1f}",
            f"{median_ratio(runs, 0.99):.1f}",
        )
    )
