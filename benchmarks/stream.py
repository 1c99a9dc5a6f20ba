"""The order stream: the highest rate of fills that loses nothing, and its latency beside a bare WebSocket relay."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, sleep

from sqlalchemy import func, select
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.figures import Goal, Line, Row, at_least, at_most, percentile
from benchmarks.stream_stage import ORDERS, StreamStage, open_stream_stage
from tests.builders import ACCOUNT
from tradebot.adapters.storage import order_tables

RATES = (100, 300, 500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000)
LAG_S_MAX = 1.0
"""A rate counts as kept up with when all has arrived so soon after the last fill."""

_SETTLE_S_MAX = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many clients read, and how many never do."""

    readers: int
    sleepers: int
    wanted: int

    def __str__(self) -> str:
        asleep = f", {self.sleepers} of which never read" if self.sleepers else ""
        return f"{self.readers + self.sleepers} clients{asleep}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One rate: whether nothing was lost and it kept up, what was lost where, and each fill's way to a reader."""

    rate: int
    is_whole: bool
    lag_s: float
    fault: str
    latencies: Sequence[float]


LOADS = (Load(readers=20, sleepers=0, wanted=1_000), Load(readers=90, sleepers=10, wanted=300))


def stream(folder: Path, seconds: float) -> Row:
    lines: list[Line] = []
    goals: list[Goal] = []
    for number, load in enumerate(LOADS):
        place = folder / str(number)
        place.mkdir()
        outcomes = _climb(place, load, seconds)
        kept = [outcome for outcome in outcomes if outcome.is_whole]
        best = kept[-1] if kept else outcomes[0]
        at_goal = next((outcome for outcome in kept if outcome.rate == load.wanted), best)
        bare = _bare(load, at_goal.rate, seconds)
        goals += _goals(load, best.rate if kept else 0, at_goal.latencies, bare)
        lines.append(
            Line(
                cells=(
                    str(load),
                    f"{best.rate if kept else 0:,}",
                    f"{load.wanted:,}",
                    f"{at_goal.rate:,}",
                    *in_ms(at_goal.latencies),
                    *in_ms(bare),
                    outcomes[-1].fault if not outcomes[-1].is_whole else "",
                )
            )
        )
    return Row(
        name=f"Order stream: fills of {ORDERS} open orders, each in the database and at every reader",
        peer="a bare WebSocket relay",
        headings=("clients", "fills/s", "goal", "at", "p50 ms", "p99 ms", "relay p50", "relay p99", "then"),
        lines=lines,
        notes=(
            "fills/s: the highest rate tried at which sequence numbers have no gap, every share is at every reader and"
            f" in the database, and all has arrived {LAG_S_MAX:g} s after the last fill",
            "the time is from the fill at the broker to a reader in another process",
        ),
        goals=goals,
    )


def _goals(load: Load, rate: int, ours: Sequence[float], bare: Sequence[float]) -> Sequence[Goal]:
    goals = [at_least(f"fills ({load})", rate, load.wanted, "a second")]
    if ours and bare:
        goals += [
            at_most(f"{name} / relay ({load})", percentile(ours, share) / percentile(bare, share), 5.0)
            for name, share in (("p50", 0.5), ("p99", 0.99))
        ]
    return goals


def _climb(folder: Path, load: Load, seconds: float) -> list[Outcome]:
    """Rate after rate on one daemon, until one is too much; the next one begins when all has arrived."""
    outcomes: list[Outcome] = []
    with open_stream_stage(folder) as stage:
        for rate in RATES:
            outcomes.append(try_rate(stage, load, rate, seconds))
            if not outcomes[-1].is_whole:
                break
    return outcomes


def try_rate(stage: StreamStage, load: Load, rate: int, seconds: float) -> Outcome:
    """Fills at this rate for so long, with these clients; returns when all has arrived, or after `_SETTLE_S_MAX`."""
    numbers, made = list(stage.broker.rows), int(rate * seconds)
    filled_at: dict[tuple[str, int], float] = {}
    with _clients(stage.url, load) as clients:
        begin = perf_counter()
        for index in range(made):
            _wait_until(begin + index / rate)
            number = numbers[index % ORDERS]
            at = perf_counter()
            filled_at[number, stage.fill(number)] = at
        end = perf_counter()
        lag_s = _settled(stage, end)
        found = _ended(clients)
    fault = _fault(stage, load, found, lag_s)
    latencies = _latencies(filled_at, found["updates"])
    return Outcome(rate=rate, is_whole=not fault, lag_s=lag_s, fault=f"{rate:,}: {fault}", latencies=latencies)


def _fault(stage: StreamStage, load: Load, found: dict[str, list[list[int]]], lag_s: float) -> str:
    """What was lost, in words; nothing when nothing was."""
    rows, last = found["readers"], stage.reader.snapshot(ACCOUNT).sequence
    if any(row[4] for row in rows):
        return f"{sum(bool(row[4]) for row in rows)} of {load.readers} readers were closed"
    if any(row[3] for row in rows) or any(row[2] != row[1] - row[0] + 1 for row in rows):
        return "sequence numbers have gaps"
    if any(row[1] != last for row in rows):
        return f"{sum(row[1] != last for row in rows)} readers did not get the last update in time"
    if _booked(stage) != len(stage.broker.executed):
        return "not every fill is in the database"
    return f"{lag_s:.1f} s behind" if lag_s > LAG_S_MAX else ""


def _booked(stage: StreamStage) -> int:
    with stage.stage.database.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(order_tables.fills)).scalar_one())


def _settled(stage: StreamStage, end: float) -> float:
    """Wait until every fill is booked; how long after `end` that was. The readers get a moment more."""
    while perf_counter() - end < _SETTLE_S_MAX and _booked(stage) < len(stage.broker.executed):
        sleep(0.02)
    lag_s = perf_counter() - end
    sleep(LAG_S_MAX)
    return lag_s


def _latencies(filled_at: dict[tuple[str, int], float], updates: Sequence[Sequence[object]]) -> list[float]:
    """Of each fill: to the first update that tells at least as much. Several fills of a moment may share one."""
    found: list[float] = []
    known: dict[str, int] = {}
    for number, quantity, at in updates:
        assert isinstance(number, str) and isinstance(quantity, int) and isinstance(at, float)
        for each in range(known.get(number, quantity - 1) + 1, quantity + 1):
            if (number, each) in filled_at:
                found.append(at - filled_at[number, each])
        known[number] = quantity
    return found


@contextmanager
def _clients(url: str, load: Load) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "benchmarks.stream_clients", url, str(load.readers), str(load.sleepers)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as clients:
        assert clients.stdout is not None
        clients.stdout.readline()
        try:
            yield clients
        finally:
            clients.kill()


def _ended(clients: subprocess.Popen[str]) -> dict[str, list[list[int]]]:
    text, _ = clients.communicate()
    found: dict[str, list[list[int]]] = json.loads(text)
    return found


def _bare(load: Load, rate: int, seconds: float) -> list[float]:
    """The same messages from a server that does nothing else: no engine, no database, no queues."""
    relay = _Relay()
    made = int(rate * seconds)
    sent_at: dict[tuple[str, int], float] = {}
    with _clients(relay.url, Load(readers=load.readers, sleepers=0, wanted=0)) as clients:
        begin = perf_counter()
        for index in range(made):
            _wait_until(begin + index / rate)
            sent_at["bare", index] = perf_counter()
            relay.send(index)
        sleep(LAG_S_MAX)
        found = _ended(clients)
    relay.stop()
    return _latencies(sent_at, found["updates"])


class _Relay:
    """`websockets` alone, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._sockets: set[ServerConnection] = set()
        self._is_up = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        self._is_up.wait()

    def send(self, number: int) -> None:
        data = f'"data":{{"broker_order_id":"bare","filled_quantity":{number},"padding":"{"x" * 300}"}}'
        text = f'{{"type":"order_update","seq":{number + 1},{data}}}'
        self._loop.call_soon_threadsafe(lambda: broadcast(self._sockets, text))

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _run(self) -> None:
        async def hold(socket: ServerConnection) -> None:
            self._sockets.add(socket)
            await socket.wait_closed()
            self._sockets.discard(socket)

        async def begin() -> None:
            self._server = await serve(hold, "127.0.0.1", 0, compression=None)
            self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ws"
            self._is_up.set()

        self._loop.run_until_complete(begin())
        self._loop.run_forever()


def _wait_until(at: float) -> None:
    left = at - perf_counter()
    if left > 0:
        sleep(left)


def in_ms(latencies: Sequence[float]) -> tuple[str, str]:
    if not latencies:
        return "none", "none"
    return tuple(f"{percentile(latencies, share) * 1_000:.2f}" for share in (0.5, 0.99))  # type: ignore[return-value]
