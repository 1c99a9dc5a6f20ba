"""`python -m benchmarks`: the whole table; with the name of a row, that row alone."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from time import perf_counter

from benchmarks.baskets import baskets
from benchmarks.crash_points import crash_points
from benchmarks.cycle import cycle
from benchmarks.figures import Row, as_text
from benchmarks.lifecycle import lifecycle
from benchmarks.machine import described
from benchmarks.placement import placement
from benchmarks.replay import replay
from benchmarks.stream import stream
from benchmarks.terminal import terminal

MEMORY = Path("/dev/shm")


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    print("\n".join(described()))
    for name, measure in _ROWS.items():
        if options.row in (None, name):
            began = perf_counter()
            for row in measure(options):
                print(f"\n{as_text(row)}", flush=True)
            print(f"\n({name} took {perf_counter() - began:.0f} s)", flush=True)
    return 0


def _placement(options: argparse.Namespace) -> Sequence[Row]:
    """On the disk, and, where the system has files in memory, there too: what is left is our own work."""
    places = [options.folder, *([MEMORY] if MEMORY.is_dir() and options.folder != MEMORY else [])]
    rows = []
    for place in places:
        with tempfile.TemporaryDirectory(dir=place) as folder:
            rows.append(placement(Path(folder), options.runs, options.rounds, "disk" if place != MEMORY else "memory"))
    return rows


def _stream(options: argparse.Namespace) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        return [stream(Path(folder), options.seconds)]


def _replay(options: argparse.Namespace) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        return [replay(Path(folder), options.runs, options.to)]


def _cycle(options: argparse.Namespace) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        return [cycle(Path(folder), options.runs, options.rounds)]


def _crashes(options: argparse.Namespace) -> Sequence[Row]:
    return [crash_points(options.seconds)]


def _ids(options: argparse.Namespace) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        return [lifecycle(Path(folder), options.runs, options.rounds)]


def _batch(options: argparse.Namespace) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        return [baskets(Path(folder), options.runs)]


def _terminal(options: argparse.Namespace) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        return [terminal(Path(folder), options.runs)]


_ROWS: Mapping[str, Callable[[argparse.Namespace], Sequence[Row]]] = {
    "placement": _placement,
    "stream": _stream,
    "replay": _replay,
    "cycle": _cycle,
    "crashes": _crashes,
    "ids": _ids,
    "batch": _batch,
    "terminal": _terminal,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What things cost, beside their floors.")
    parser.add_argument("row", nargs="?", choices=list(_ROWS), help="one row; without it, all of them")
    parser.add_argument("--runs", type=int, default=3, help="runs, of which the median counts (3)")
    parser.add_argument("--rounds", type=int, default=200, help="rounds of a run, where its time allows them (200)")
    parser.add_argument(
        "--seconds", type=float, default=10, help="how long crash points, and each rate of the stream, are tried (10)"
    )
    parser.add_argument("--to", type=date.fromisoformat, default=date(2026, 9, 7), help="the replay's last day")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the temporary files go (a quiet disk)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
