"""The rows of the table by their names, in the table's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.baskets import baskets
from benchmarks.crash_points import crash_points
from benchmarks.cycle import cycle
from benchmarks.effort import MEMORY, Effort
from benchmarks.figures import Row
from benchmarks.growth import growth
from benchmarks.lifecycle import lifecycle
from benchmarks.load import load
from benchmarks.over_http import over_http
from benchmarks.peers import peers
from benchmarks.placement import placement
from benchmarks.replay import replay
from benchmarks.soak import soak
from benchmarks.starting import starting
from benchmarks.stream import stream
from benchmarks.telling import telling
from benchmarks.terminal import terminal
from benchmarks.ticks import ticks

Measure = Callable[[Effort], Sequence[Row]]


def _places(effort: Effort) -> Iterator[tuple[Path, str]]:
    """On the disk, and, where the system has files in memory, there too: what is left is our own work."""
    places = [effort.folder, *([MEMORY] if MEMORY.is_dir() and effort.folder != MEMORY else [])]
    for place in places:
        with replace(effort, folder=place).place() as folder:
            yield folder, "disk" if place != MEMORY else "memory"


def _placement(effort: Effort) -> Sequence[Row]:
    return [placement(folder, effort.runs, effort.rounds, kind) for folder, kind in _places(effort)]


def _growth(effort: Effort) -> Sequence[Row]:
    with replace(effort, folder=MEMORY if MEMORY.is_dir() else effort.folder).place() as folder:
        return [growth(folder, effort.rounds // 2)]


def _http(effort: Effort) -> Sequence[Row]:
    return [row for folder, kind in _places(effort) for row in over_http(folder, effort.runs, effort.rounds, kind)]


def _stream(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [stream(folder, effort.seconds)]


def _load(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [load(folder, effort.load_s)]


def _cycle(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [cycle(folder, effort.runs, effort.rounds)]


def _ids(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [lifecycle(folder, effort.runs, effort.rounds)]


def _batch(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [baskets(folder, effort.runs)]


def _replay(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [replay(folder, effort.runs, effort.last_day)]


def _terminal(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return terminal(folder, effort.runs, effort.days)


def _ticks(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [ticks(folder, effort.ticks_s)]


def _logging(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [telling(folder, effort.runs, effort.rounds)]


def _start(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [starting(folder, effort.runs)]


def _soak(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [soak(folder, effort.days)]


def _crashes(effort: Effort) -> Sequence[Row]:
    return [crash_points(effort.seconds)]


def _peers(effort: Effort) -> Sequence[Row]:
    with effort.place() as folder:
        return [peers(folder, effort.peers, effort.ticks_s, effort.last_day)]


ROWS: Mapping[str, Measure] = {
    "placement": _placement,
    "growth": _growth,
    "stream": _stream,
    "load": _load,
    "cycle": _cycle,
    "ids": _ids,
    "batch": _batch,
    "http": _http,
    "replay": _replay,
    "ticks": _ticks,
    "terminal": _terminal,
    "logging": _logging,
    "start": _start,
    "soak": _soak,
    "crashes": _crashes,
    "peers": _peers,
}
