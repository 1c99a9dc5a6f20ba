"""Orders over HTTP to the paper exchange, beside the framework's empty endpoint; bursts; and how much can be read."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Barrier
from time import perf_counter

from benchmarks.figures import (
    Goal,
    Line,
    Row,
    Timed,
    at_least,
    at_most,
    holds,
    median_percentile,
    median_ratio,
    microseconds,
    percentile,
    pooled,
)
from benchmarks.wire import Wire, get, post

BURST = 100
READERS = 4
_ROOT = Path(__file__).parents[1]
_ORDERS = "/api/v1/user/orders"
_TAKEN = 201
_READ_S_MAX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One of the two processes; `wishes` are requests that place an order each."""

    port: int
    wishes: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Seconds of each order of one burst, how many were taken, and how many the database has."""

    took_s: Sequence[float]
    taken: int
    durable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one daemon did: single orders, a burst, and answered reads a second by their path."""

    single: Timed
    burst: Burst
    reads_s: Mapping[str, float]


def over_http(folder: Path, runs: int, rounds: int, kind: str) -> Sequence[Row]:
    """With files on a `kind` of file system: "disk" or "memory"."""
    with _process("empty") as empty:
        found = [_run(folder / f"http-{run}", Wire(empty.port), rounds) for run in range(runs)]
    return [_placing(found, kind), _reading(found, kind)]


def _run(folder: Path, empty: Wire, rounds: int) -> Run:
    folder.mkdir()
    with _process("daemon", str(folder)) as daemon:
        wire = Wire(daemon.port)
        wishes = [wish for wish in daemon.wishes if wire.ask(wish)[0] == _TAKEN]
        ours, peer = [], []
        for number in range(rounds):
            ours.append(_timed(wire, wishes[number % len(wishes)]))
            peer.append(_timed(empty, post("/", {})))
        single = Timed(ours=ours, peer=peer)
        burst = _burst(daemon.port, wishes, folder / "state" / "tradebot.db")
        _, answer = wire.ask(wishes[0])
        paths = {
            "one order with its story": f"{_ORDERS}/{json.loads(answer)['id']}",
            "a page of 50 orders": f"{_ORDERS}?limit=50",
            "counts by status": f"{_ORDERS}/statistics",
        }
        reads_s = {name: _reads_a_second(daemon.port, get(path)) for name, path in paths.items()}
        wire.close()
    return Run(single=single, burst=burst, reads_s=reads_s)


def _timed(wire: Wire, request: bytes) -> float:
    began = perf_counter()
    status, body = wire.ask(request)
    took_s = perf_counter() - began
    if status != _TAKEN:
        raise RuntimeError(f"{status}: {body[:300]!r}")
    return took_s


def _burst(port: int, wishes: Sequence[bytes], database: Path) -> Burst:
    """`BURST` connections that send at the same moment."""
    wires, barrier = [Wire(port) for _ in range(BURST)], Barrier(BURST)

    def ask(number: int) -> tuple[int, bytes, float]:
        barrier.wait()
        began = perf_counter()
        status, body = wires[number].ask(wishes[number % len(wishes)])
        return status, body, perf_counter() - began

    with ThreadPoolExecutor(BURST) as threads:
        answers = list(threads.map(ask, range(BURST)))
    for wire in wires:
        wire.close()
    ids = [json.loads(body)["id"] for status, body, _ in answers if status == _TAKEN]
    return Burst(took_s=[took_s for _, _, took_s in answers], taken=len(set(ids)), durable=_found(database, ids))


def _found(database: Path, ids: Sequence[str]) -> int:
    marks = ",".join("?" * len(ids))
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = f"SELECT count(*) FROM broker_requests WHERE order_id IN ({marks})"
        return int(connection.execute(query, list(ids)).fetchone()[0])


def _reads_a_second(port: int, request: bytes) -> float:
    """By `READERS` connections at once."""
    began = perf_counter()

    def read(_: int) -> int:
        wire, count = Wire(port), 0
        while perf_counter() - began < _READ_S_MAX:
            status, body = wire.ask(request)
            if status != 200:
                raise RuntimeError(f"{status}: {body[:300]!r}")
            count += 1
        wire.close()
        return count

    with ThreadPoolExecutor(READERS) as threads:
        answered = sum(threads.map(read, range(READERS)))
    return answered / (perf_counter() - began)


def _placing(found: Sequence[Run], kind: str) -> Row:
    runs = [run.single for run in found]
    ours, peer = [run.ours for run in runs], [run.peer for run in runs]
    single = (
        "one after the other",
        microseconds(median_percentile(ours, 0.5)),
        microseconds(median_percentile(ours, 0.99)),
        microseconds(median_percentile(peer, 0.5)),
        microseconds(median_percentile(peer, 0.99)),
        f"{median_ratio(runs, 0.5):.1f}",
        f"{median_ratio(runs, 0.99):.1f}",
    )
    bursts = [run.burst.took_s for run in found]
    burst = (
        f"{BURST} at once",
        microseconds(median_percentile(bursts, 0.5)),
        microseconds(median_percentile(bursts, 0.99)),
        *("-",) * 4,
    )
    return Row(
        name=f"orders over HTTP to the paper exchange, files on {kind}",
        peer="the framework's empty endpoint, each server in a process of its own",
        headings=("orders", "p50 us", "p99 us", "empty p50 us", "empty p99 us", "p50 / empty", "p99 / empty"),
        lines=[Line(cells=single), Line(cells=burst)],
        notes=(f"answered when the order is durable; {len(found)} runs of {len(ours[0])} orders and one burst",),
        goals=_placing_goals(found, runs, kind),
    )


def _placing_goals(found: Sequence[Run], runs: Sequence[Timed], kind: str) -> Sequence[Goal]:
    taken, durable = (min(getattr(run.burst, name) for run in found) for name in ("taken", "durable"))
    slowest = percentile(pooled([run.burst.took_s for run in found]), 0.99)
    return [
        at_most(f"p50 / empty endpoint ({kind})", median_ratio(runs, 0.5), 6.0),
        at_most(f"p99 of a burst of {BURST} ({kind})", slowest * 1_000, 100.0, "ms"),
        holds(
            f"a burst of {BURST}: all taken and durable ({kind})",
            taken == durable == BURST,
            f"{taken} taken, {durable} durable",
        ),
        at_most(f"p50 beside OpenAlgo's 6.8 ms where it was seen, 10 x ahead ({kind})", _p50_ms(runs), 0.68, "ms"),
    ]


def _p50_ms(runs: Sequence[Timed]) -> float:
    return 1_000 * median_percentile([run.ours for run in runs], 0.5)


def _reading(found: Sequence[Run], kind: str) -> Row:
    middle = {name: median(run.reads_s[name] for run in found) for name in found[0].reads_s}
    return Row(
        name=f"reading over HTTP, files on {kind}",
        peer="nothing: answers a second",
        headings=("what", "a second"),
        lines=[Line(cells=(name, f"{a_second:,.0f}")) for name, a_second in middle.items()],
        notes=(f"{READERS} connections at once",),
        goals=[at_least(name, a_second, 2_000, "a second") for name, a_second in middle.items()],
    )


@contextmanager
def _process(kind: str, *folder: str) -> Iterator[Server]:
    words = [sys.executable, "-m", "benchmarks.http_stage", kind, *folder]
    with subprocess.Popen(words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        told = json.loads(process.stdout.readline())
        wishes = [_wish(symbol, price) for symbol, price in told["prices"].items()]
        try:
            yield Server(port=told["port"], wishes=wishes)
        finally:
            process.stdin.close()


def _wish(symbol: str, price: str) -> bytes:
    return post(_ORDERS, {"symbol": symbol, "side": "BUY", "quantity": 1, "price": price})
