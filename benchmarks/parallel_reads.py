"""Requests beside a load, in a process of their own: `python -m benchmarks.parallel_reads PORT PATH...`.

Every two seconds each of `CONNECTIONS` asks for one of the paths at the same moment. At the end of its input it writes
how many were answered, how many were not, and their times as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from time import perf_counter

from benchmarks.figures import percentile
from benchmarks.wire import Wire, get

CONNECTIONS = 100
EVERY_S = 2.0


def main(port: int, *paths: str) -> None:
    stopping = Event()
    Thread(target=lambda: (sys.stdin.read(), stopping.set()), daemon=True).start()
    wires = [Wire(port) for _ in range(CONNECTIONS)]
    took_s: list[float] = []
    failed: list[str] = []

    def ask(number: int) -> None:
        began = perf_counter()
        try:
            status, body = wires[number].ask(get(paths[number % len(paths)]))
        except OSError as fault:
            failed.append(f"{type(fault).__name__}: {fault}")
            wires[number] = Wire(port)
            return
        took_s.append(perf_counter() - began)
        if status != 200:
            failed.append(f"{status}: {body[:200]!r}")

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        while not stopping.is_set():
            list(threads.map(ask, range(CONNECTIONS)))
            stopping.wait(EVERY_S)
    shares = [percentile(took_s, share) if took_s else 0.0 for share in (0.5, 0.99)]
    print(json.dumps({"answered": len(took_s), "failed": failed[:5], "failures": len(failed), "took_s": shares}))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
