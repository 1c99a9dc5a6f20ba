"""A load that is kept up: order updates at the promised rates with many clients, and a hundred requests beside it.

The daemon is a process of its own (`python -m benchmarks.load FOLDER SECONDS NUMBER`), so that its memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

from benchmarks.figures import Goal, Line, Row, at_most, holds, milliseconds
from benchmarks.parallel_reads import CONNECTIONS
from benchmarks.stage import Contents
from benchmarks.stream import LOADS, in_ms, try_rate
from benchmarks.stream_stage import ORDERS, StreamStage, open_stream_stage

SYMBOLS = 200

_ROOT = Path(__file__).parents[1]
_MEGABYTE = 1024 * 1024
_BEGIN_S_MIN = 5.0
_PATHS = ("/api/v1/user/orders?limit=20", "/api/v1/user/orders/statistics", "/health")
_HEADINGS = (
    "clients", "updates a second", "updates", "lost", "behind s", "p50 ms", "p99 ms", "reads", "failed", "read p99 ms",
    "MB begin", "MB end", "threads", "handles",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Borne:
    """What one load left: `fault` in words, empty when nothing was lost or late; memory in MB, threads and handles
    when a tenth of the time was over, and shortly before the end."""

    fault: str
    lag_s: float
    p50_ms: str
    p99_ms: str
    reads: int
    failures: int
    failed: Sequence[str]
    read_p99_s: float
    memory_mb: tuple[float, float]
    threads: tuple[int, int]
    handles: tuple[int, int]


def load(folder: Path, seconds: float) -> Row:
    found = [_in_a_process(folder, seconds, number) for number in range(len(LOADS))]
    return Row(
        name=f"load: {ORDERS} open orders, {SYMBOLS} symbols, {seconds:g} s",
        peer="what was promised; the relay's times are in the row of the stream",
        headings=_HEADINGS,
        lines=[_line(number, borne, seconds) for number, borne in enumerate(found)],
        notes=(
            f"each update is a fill; {CONNECTIONS} requests at the same moment, every other second",
            "the memory holds the broker's own list of trades too, which is in the same process",
            *(f"refused or broken: {borne.failed[0]}" for borne in found if borne.failed),
        ),
        goals=[goal for number, borne in enumerate(found) for goal in _goals(number, borne)],
    )


def _goals(number: int, borne: Borne) -> Sequence[Goal]:
    which = f"{LOADS[number].wanted:,} a second, {LOADS[number]}"
    return [
        holds(f"no update lost or late ({which})", not borne.fault, borne.fault or "none"),
        holds(f"no request failed ({which})", not borne.failures, f"{borne.failures} of {borne.reads}"),
        at_most(f"memory, end / begin ({which})", borne.memory_mb[1] / borne.memory_mb[0], 1.5),
        at_most(f"threads, end / begin ({which})", borne.threads[1] / borne.threads[0], 1.2),
        at_most(f"handles, end / begin ({which})", borne.handles[1] / borne.handles[0], 1.2),
    ]


def _line(number: int, borne: Borne, seconds: float) -> Line:
    wanted = LOADS[number].wanted
    return Line(
        cells=(
            str(LOADS[number]),
            f"{wanted:,}",
            f"{int(wanted * seconds):,}",
            borne.fault or "none",
            f"{borne.lag_s:.2f}",
            borne.p50_ms,
            borne.p99_ms,
            f"{borne.reads:,}",
            str(borne.failures),
            milliseconds(borne.read_p99_s),
            *(f"{mb:.0f}" for mb in borne.memory_mb),
            "{}, {}".format(*borne.threads),
            "{}, {}".format(*borne.handles),
        )
    )


def _in_a_process(folder: Path, seconds: float, number: int) -> Borne:
    place = folder / str(number)
    place.mkdir()
    command = [sys.executable, "-m", "benchmarks.load", str(place), str(seconds), str(number)]
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2_000:])
    return Borne(**json.loads(answer.stdout.splitlines()[-1]))


def bear(folder: Path, seconds: float, number: int) -> Borne:
    """One of the loads, in this process."""
    load = LOADS[number]
    shares = int(load.wanted * seconds / ORDERS + 2)
    contents = Contents(standing=ORDERS, registry=ORDERS, symbols=SYMBOLS, quantity=shares)
    with open_stream_stage(folder, contents) as stage, _reads(stage) as reads, _watched(seconds) as seen:
        outcome = try_rate(stage, load, load.wanted, seconds)
        answers = reads()
    p50_ms, p99_ms = in_ms(outcome.latencies)
    begin, end = seen[0], seen[-1]
    return Borne(
        fault="" if outcome.is_whole else outcome.fault,
        lag_s=outcome.lag_s,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        reads=answers["answered"],
        failures=answers["failures"],
        failed=answers["failed"],
        read_p99_s=answers["took_s"][1],
        memory_mb=(begin[0], end[0]),
        threads=(int(begin[1]), int(end[1])),
        handles=(int(begin[2]), int(end[2])),
    )


State = tuple[float, int, int]


@contextmanager
def _watched(seconds: float) -> Iterator[list[State]]:
    """The state when all clients are there and a tenth of the time is over, and the one shortly before the end."""
    seen: list[State] = []
    ended = Event()
    begin_s = max(_BEGIN_S_MIN, seconds / 10)

    def watch() -> None:
        for wait_s in (begin_s, seconds * 0.9 - begin_s):
            ended.wait(max(0.0, wait_s))
            seen.append(_state())

    thread = Thread(target=watch)
    thread.start()
    yield seen
    ended.set()
    thread.join()


def _state() -> State:
    process = psutil.Process()
    return process.memory_info().rss / _MEGABYTE, process.num_threads(), process.num_fds()


@contextmanager
def _reads(stage: StreamStage) -> Iterator[Callable[[], Any]]:
    words = [sys.executable, "-m", "benchmarks.parallel_reads", str(stage.port), *_PATHS]
    with subprocess.Popen(words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield lambda: json.loads(process.communicate()[0])
        finally:
            process.kill()


if __name__ == "__main__":
    print(json.dumps(asdict(bear(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))))
