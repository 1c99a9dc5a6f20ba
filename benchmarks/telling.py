"""What an event costs where it happens: the log and the session's file, beside a queue that is put into."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from queue import Queue
from statistics import median
from time import perf_counter

from pythonjsonlogger.json import JsonFormatter

from benchmarks.figures import Line, Row, at_most, percentile
from tests.builders import NOON
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.event_file import EventFile
from tradebot.adapters.jsonl_log import JsonlLog
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.events import Event, EventName
from tradebot.engine.bus import Bus

BURST = 20
"""Events told without a pause: some more than those of one order."""

Tell = Callable[[Event], object]

_A_SECOND = 1_000_000
_EVENT = Event(
    name=EventName.ORDER_SENT,
    at=NOON,
    message="buy 10 INFY at 1000.00: sent",
    correlation_id="signal:signal-1",
    fields={
        "order_id": "380605405593600001",
        "coid": "A1B2C3D4E5F6G7H801",
        "symbol": "INFY",
        "side": "buy",
        "quantity": 10,
        "price": Decimal("1000.00"),
        "status": "pending",
        "reason": "Order placed - waiting for execution",
        "attempt": 1,
    },
)


def telling(folder: Path, runs: int, rounds: int) -> Row:
    """Each round: a burst by each way, in turn; then the writer has time to catch up."""
    with _ways(folder) as (ways, catch_up):
        found: dict[str, list[list[float]]] = {name: [] for name in ways}
        for _ in range(runs):
            of_run = _run(ways, catch_up, rounds)
            for name, spans in of_run.items():
                found[name].append(spans)
    us = {name: _microseconds(of_way) for name, of_way in found.items()}
    bare = us["a queue put"][0]
    lines = [Line(cells=(name, f"{p50:.2f}", f"{p99:.2f}", f"{p50 / bare:.1f}")) for name, (p50, p99) in us.items()]
    return Row(
        name="logging: an event on the order path",
        peer="a queue put",
        headings=("what", "p50 us", "p99 us", "p50 / put"),
        lines=lines,
        notes=(f"per event, in bursts of {BURST}; {runs} runs of {rounds} bursts",),
        goals=[
            at_most("the log alone, p50", us["the log"][0], 10.0, "us"),
            at_most("log and session file, p50", us["the bus: log and session file"][0], 10.0, "us"),
        ],
    )


@contextmanager
def _ways(folder: Path) -> Iterator[tuple[dict[str, Tell], Callable[[], object]]]:
    log = JsonlLog(folder / "logs", started_at=NOON, session_id="benchmark", clock=RealClock())
    disk = RealDisk(durability="power")
    file = EventFile(disk, folder / "events.jsonl")
    bus = Bus([log, file])
    queue: Queue[Event] = Queue()
    inline = _inline_logger(folder / "inline.jsonl")

    def catch_up() -> None:
        log.flush(5.0)
        queue.queue.clear()

    ways: dict[str, Tell] = {
        "a queue put": queue.put,
        "the log": log,
        "the bus: log and session file": lambda event: bus.publish((event,)),
        "python-json-logger, written inline": lambda event: inline.info(event.message, extra=dict(event.fields)),
    }
    yield ways, catch_up
    log.close()
    file.close()
    disk.close()
    inline.handlers[0].close()


def _inline_logger(path: Path) -> logging.Logger:
    """What most programs do: the record is formatted and written where it happens."""
    logger = logging.Logger("inline")
    handler = logging.FileHandler(path)
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    return logger


def _run(ways: dict[str, Tell], catch_up: Callable[[], object], rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, tell in ways.items():
            began = perf_counter()
            for _ in range(BURST):
                tell(_EVENT)
            found[name].append((perf_counter() - began) / BURST)
            catch_up()
    return found


def _microseconds(runs: Sequence[Sequence[float]]) -> tuple[float, float]:
    p50, p99 = (median(percentile(run, share) for run in runs) * _A_SECOND for share in (0.5, 0.99))
    return p50, p99
