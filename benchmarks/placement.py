"""The durable placement path, whole, beside its parts alone in a row, interleaved round by round."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.figures import (
    Goal,
    Line,
    Row,
    Timed,
    at_most,
    median_percentile,
    median_ratio,
    microseconds,
    percentile,
    pooled,
)
from benchmarks.loopback import Client, serving
from benchmarks.memory_broker import MemoryBroker, Send
from benchmarks.raw_files import RawFiles, journal_line, raw_copy
from benchmarks.stage import Contents, Stage, entries, fill_folder, open_stage, standing_row
from tests.builders import MONDAY
from tests.stores import ChangedStore
from tradebot.adapters.registry import DEFAULT_LIMITS
from tradebot.domain.broker_views import Ticket
from tradebot.domain.orders import Variety
from tradebot.domain.stored import Changes
from tradebot.engine import ledger
from tradebot.engine.engine import Engine
from tradebot.engine.housekeeping import forget_finished

_WARM_UP = 5
_RUN_S_MAX = 1.0
_SETTLED_EVERY = 20
_HEADINGS = (
    "contents", "answered by", "rounds", "p50 us", "p99 us", "p99.9 us", "parts p50 us", "p50 / parts", "p99 / parts",
    "two appends p50 us",
)  # fmt: skip


@dataclass(slots=True)
class _Rounds:
    """One run with one way to answer: seconds of each round."""

    whole: list[float] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    @property
    def spent_s(self) -> float:
        return sum(self.whole) + sum(self.parts) + sum(self.floor)

    @property
    def timed(self) -> Timed:
        return Timed(ours=self.whole, peer=self.parts)


class SendingLanes:
    """Placements run at once. The look at the order book that follows waits until it is told to run: it runs beside
    the next placements, in a lane of its own, and its cost is the cycle's."""

    def __init__(self) -> None:
        self.looks: list[Callable[[], None]] = []

    def hand_over(self, lane: str, work: Callable[[], None]) -> None:
        if lane == "book":
            self.looks.append(work)
        else:
            work()

    def run_looks(self, engine: Engine) -> None:
        """Until none is wanted any more."""
        while self.looks:
            self.looks.pop(0)()
            engine.run_pending()

    def close(self, timeout_s: float) -> bool:  # noqa: ARG002 - nothing is ever in flight
        return True


def placement(folder: Path, runs: int, rounds: int, kind: str) -> Row:
    """Some contents and both ways to answer, with files on a `kind` of file system: "disk" or "memory".

    A run of one contents measures for at most `_RUN_S_MAX` seconds.
    """
    small = Contents(standing=10, registry=10)
    full = Contents(standing=10, registry=DEFAULT_LIMITS.entries_max - 2 * (rounds + _WARM_UP))
    old, open_ = Contents(standing=10, finished=10_000, registry=10), Contents(standing=10_000, registry=10_000)
    settings = (small, full, old) if kind == "disk" else (small, open_)
    found: dict[tuple[Contents, str], list[_Rounds]] = {}
    for number, contents in enumerate(settings):
        fill_folder(folder / f"filled-{number}", contents)
    with serving() as client:
        for run in range(runs):
            for number, contents in enumerate(settings):
                home = folder / f"placement-{run}-{number}"
                shutil.copytree(folder / f"filled-{number}", home)
                # What was copied would be written by the first syncs of the rounds, and counted as theirs.
                os.sync()
                for way, of_way in _run(home, contents, client, rounds).items():
                    found.setdefault((contents, way), []).append(of_way)
    return Row(
        name=f"placement, files on {kind}",
        peer="registry append + fdatasync, raw commit, the call, raw commit of the same rows",
        headings=_HEADINGS,
        lines=[_line(contents, way, of_runs) for (contents, way), of_runs in found.items()],
        notes=(f"median of {runs} runs, p99.9 over all rounds together",),
        goals=[goal for (contents, way), of_runs in found.items() for goal in _goals(f"{contents}, {way}", of_runs)],
    )


def _run(folder: Path, contents: Contents, client: Client, rounds: int) -> dict[str, _Rounds]:
    broker = MemoryBroker([standing_row(number) for number in range(contents.standing)])
    ways: dict[str, Send] = {"memory": broker.numbered, "loopback HTTP": client.place}
    kept: list[Changes] = []

    def keep(changes: Changes) -> Changes:
        kept.append(changes)
        return changes

    found, lanes = {way: _Rounds() for way in ways}, SendingLanes()
    with (
        raw_copy(folder / "state", folder / "parts") as raw,
        open_stage(folder, broker, lanes, wrap=lambda store: ChangedStore(store, keep)) as stage,
    ):
        for number in range(-_WARM_UP, rounds):
            if sum(of_way.spent_s for of_way in found.values()) > _RUN_S_MAX:
                break
            for offset, (way, send) in enumerate(ways.items()):
                broker.send = send
                of_way = _Rounds() if number < 0 else found[way]
                _round(stage, kept, raw, send, 2 * (number + _WARM_UP) + offset, of_way)
            if number % _SETTLED_EVERY == 0:
                _settle(stage, broker, lanes, contents.standing)
    return found


def _round(stage: Stage, kept: list[Changes], raw: RawFiles, send: Send, number: int, rounds: _Rounds) -> None:
    """One placement, whole; then the rows that it has `kept` and the same call by the bare parts."""
    message = entries(number)
    stage.later()
    kept.clear()
    began = perf_counter()
    stage.inbox.put(message)
    stage.engine.run_pending()
    rounds.whole.append(perf_counter() - began)
    before, after = kept
    line = journal_line(ledger.registry_entry(before.attempts[0], before.orders[0]))
    ticket, asked, answered = _ticket(before), raw.rows(before), raw.rows(after)
    began = perf_counter()
    raw.append(line)
    raw.commit(asked)
    send(ticket)
    raw.commit(answered)
    rounds.parts.append(perf_counter() - began)
    began = perf_counter()
    raw.append_twice(line)
    rounds.floor.append(perf_counter() - began)


def _settle(stage: Stage, broker: MemoryBroker, lanes: SendingLanes, standing: int) -> None:
    """What the rounds have placed is cancelled and forgotten, as at the end of a day: they all find the same."""
    placed = list(broker.rows)[standing:]
    for number in placed:
        broker.cancel(number, Variety.REGULAR)
    stage.run_timers()
    lanes.run_looks(stage.engine)
    forget_finished(stage.engine.memory, MONDAY + timedelta(days=1))
    for number in placed:
        del broker.rows[number]


def _ticket(changes: Changes) -> Ticket:
    order = changes.orders[0]
    assert order.price is not None
    return Ticket(
        tag=order.coid,
        symbol=order.symbol,
        exchange=order.exchange,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        price=order.price,
        trigger_price=None,
        product=order.product,
        validity=order.validity,
        variety=order.variety,
    )


def _goals(where: str, runs: Sequence[_Rounds]) -> Sequence[Goal]:
    timed = [run.timed for run in runs]
    return [
        at_most(f"{name} / parts ({where})", median_ratio(timed, share), 2.0)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


def _line(contents: Contents, way: str, runs: Sequence[_Rounds]) -> Line:
    whole, parts = [run.whole for run in runs], [run.parts for run in runs]
    timed = [run.timed for run in runs]
    return Line(
        cells=(
            str(contents),
            way,
            f"{int(median(len(run) for run in whole))}",
            microseconds(median_percentile(whole, 0.5)),
            microseconds(median_percentile(whole, 0.99)),
            microseconds(percentile(pooled(whole), 0.999)),
            microseconds(median_percentile(parts, 0.5)),
            f"{median_ratio(timed, 0.5):.1f}",
            f"{median_ratio(timed, 0.99):.1f}",
            microseconds(median_percentile([run.floor for run in runs], 0.5)),
        )
    )
