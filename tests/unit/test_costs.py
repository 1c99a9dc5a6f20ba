"""What an order costs, counted and not timed: statements, commits, syncs, broker calls, however many orders stand."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import pytest

from benchmarks.memory_broker import MemoryBroker
from benchmarks.placement import SendingLanes
from benchmarks.stage import Contents, Stage, entries, fill_folder, open_stage, standing_row
from tests.builders import an_order
from tests.unit.engine.holder import a_holder
from tradebot.adapters.disk import Calls
from tradebot.adapters.lanes import InlineLanes
from tradebot.domain.orders import Coid, OrderId, OrderStatus, PositionId, Side
from tradebot.engine.commands import CloseOrder
from tradebot.engine.messages import Job, JobDue
from tradebot.ports import Lanes

SYNCS_OF_A_PLACEMENT_MAX = 3
"""Until its answer is durable: the id in the registry, the order with its request, the answer."""
STATEMENTS_OF_A_PLACEMENT_MAX = 12
STATEMENTS_OF_A_FILL_MAX = 7
EACH_QUESTION_ONCE = {"order_book": 1, "trades": 1, "holdings": 1}
"""What a cycle asks that finds a fill while something is held."""
FEW, MANY = 10, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """`statements` are rows written or read, without BEGIN and COMMIT. A commit syncs SQLite's log once
    (synchronous=FULL, https://www.sqlite.org/wal.html), so it counts among the syncs."""

    statements: int
    commits: int
    journal_syncs: int
    calls: Mapping[str, int]

    @property
    def syncs(self) -> int:
        return self.commits + self.journal_syncs


class Meter:
    """Counts on the way down: what reaches the database, the disk below the registry, and the broker."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._texts: list[str] = []
        self._syncs = 0

    def trace(self, text: str) -> None:
        # What a trigger runs is traced as a comment.
        if not text.startswith("--"):
            self._texts.append(text)

    def sync(self, descriptor: int) -> None:
        self._syncs += 1
        os.fsync(descriptor)

    def of(self, act: Callable[[], None]) -> Costs:
        """What `act` costs."""
        self._texts.clear()
        self._syncs = 0
        self._broker.calls.clear()
        act()
        words = Counter(text.split(" ", 1)[0] for text in self._texts)
        return Costs(
            statements=len(self._texts) - words["BEGIN"] - words["COMMIT"],
            commits=words["COMMIT"],
            journal_syncs=self._syncs,
            calls=dict(self._broker.calls),
        )


@dataclass(frozen=True, slots=True)
class Bench:
    stage: Stage
    broker: MemoryBroker
    meter: Meter

    def place(self, first: int, count: int = 1) -> Costs:
        def act() -> None:
            self.stage.inbox.put(entries(first, count))
            self.stage.engine.run_pending()

        return self.meter.of(act)

    def cycle(self) -> Costs:
        def act() -> None:
            self.stage.inbox.put(JobDue(name=Job.CYCLE, at=self.stage.clock.now()))
            self.stage.engine.run_pending()

        return self.meter.of(act)

    def follow(self, count: int) -> None:
        """Open a position of each of the first `count` orders, and fetch what is needed once a day to follow it."""
        self.fill(count)
        self.cycle()
        self.cycle()

    def fill(self, count: int) -> None:
        """One share more for each of the first `count` orders."""
        self.stage.later()
        for number in list(self.broker.rows)[:count]:
            self.broker.fill(number, 1, self.stage.clock.now())


@contextmanager
def a_bench(
    folder: Path, standing: int, finished: int = 0, registry: int = 0, lanes: Lanes | None = None
) -> Iterator[Bench]:
    """An engine that has seen its book once, and has done everything that only the first order of a day needs."""
    in_registry = max(registry, standing + finished)
    fill_folder(folder, Contents(standing=standing, finished=finished, registry=in_registry))
    broker = MemoryBroker([standing_row(number) for number in range(standing)])
    meter = Meter(broker)
    calls = Calls(sync_data=meter.sync, sync_all=meter.sync)
    with open_stage(folder, broker, lanes or InlineLanes(), calls=calls, trace=meter.trace) as stage:
        bench = Bench(stage, broker, meter)
        bench.place(0)
        bench.cycle()
        yield bench


STANDING = pytest.mark.parametrize("standing", [FEW, MANY], ids=["few stand", "many stand"])


@STANDING
def test_a_placement_is_three_syncs_and_one_round_trip(tmp_path: Path, standing: int) -> None:
    with a_bench(tmp_path, standing, lanes=SendingLanes()) as bench:
        costs = bench.place(1)
    assert (costs.journal_syncs, costs.commits) == (1, 2)
    assert costs.syncs <= SYNCS_OF_A_PLACEMENT_MAX
    assert costs.calls == {"place": 1}
    assert 0 < costs.statements <= STATEMENTS_OF_A_PLACEMENT_MAX


@STANDING
def test_sixteen_placements_in_one_batch_share_their_syncs(tmp_path: Path, standing: int) -> None:
    lanes = SendingLanes()
    with a_bench(tmp_path, standing, lanes=lanes) as bench:
        lanes.run_looks(bench.stage.engine)
        costs = bench.place(1, 16)
    assert costs.syncs <= SYNCS_OF_A_PLACEMENT_MAX
    assert costs.calls == {"place": 16}
    assert costs.statements <= 16 * STATEMENTS_OF_A_PLACEMENT_MAX
    assert len(lanes.looks) == 1


@STANDING
def test_the_verification_of_a_placement_is_one_look_and_at_most_one_commit(tmp_path: Path, standing: int) -> None:
    with a_bench(tmp_path, standing) as bench:
        costs = bench.place(1)
    assert costs.calls == {"place": 1, "order_book": 1}
    assert costs.syncs <= SYNCS_OF_A_PLACEMENT_MAX + 1
    assert costs.statements <= STATEMENTS_OF_A_PLACEMENT_MAX


@STANDING
def test_a_fill_is_one_commit(tmp_path: Path, standing: int) -> None:
    with a_bench(tmp_path, standing) as bench:
        bench.follow(1)
        bench.fill(1)
        costs = bench.cycle()
    assert (costs.journal_syncs, costs.commits) == (0, 1)
    assert costs.calls == EACH_QUESTION_ONCE
    assert 0 < costs.statements <= STATEMENTS_OF_A_FILL_MAX


@STANDING
def test_a_cycle_books_all_fills_in_one_commit_and_asks_for_the_book_once(tmp_path: Path, standing: int) -> None:
    with a_bench(tmp_path, standing) as bench:
        bench.follow(8)
        bench.fill(8)
        costs = bench.cycle()
    assert (costs.journal_syncs, costs.commits) == (0, 1)
    assert costs.calls == EACH_QUESTION_ONCE
    assert costs.statements <= 8 * STATEMENTS_OF_A_FILL_MAX


@STANDING
def test_a_cycle_with_nothing_new_asks_for_the_book_and_writes_nothing(tmp_path: Path, standing: int) -> None:
    with a_bench(tmp_path, standing) as bench:
        costs = bench.cycle()
    assert (costs.statements, costs.syncs) == (0, 0)
    assert costs.calls == {"order_book": 1}


def test_an_order_costs_the_same_however_many_stand(tmp_path: Path) -> None:
    found = []
    for standing in (FEW, MANY):
        with a_bench(tmp_path / str(standing), standing) as made:
            placed = made.place(1)
            made.fill(1)
            found.append((placed, made.cycle()))
    assert found[0] == found[1]


def test_an_order_costs_the_same_after_a_year_of_finished_ones(tmp_path: Path) -> None:
    found = []
    for finished in (0, MANY):
        with a_bench(tmp_path / str(finished), FEW, finished) as made:
            found.append((made.place(1), made.cycle()))
    assert found[0] == found[1]


class Steps:
    """Counts the bytecodes that this thread runs: the work of an act, whatever the machine does beside it."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, act: Callable[[], object]) -> int:
        self.count = 0
        sys.settrace(self._trace)
        try:
            act()
        finally:
            sys.settrace(None)
        return self.count

    def _trace(self, frame: FrameType, event: str, _: object) -> Callable[..., object]:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        self.count += event == "opcode"
        return self._trace


def test_a_placement_walks_no_further_when_the_registry_is_full(tmp_path: Path) -> None:
    found = []
    for entries_there in (FEW, 5 * MANY):
        with a_bench(tmp_path / str(entries_there), FEW, registry=entries_there, lanes=SendingLanes()) as bench:
            bench.place(1)
            bench.stage.inbox.put(entries(2, 1))
            found.append(Steps().of(bench.stage.engine.run_pending))
    few, many = found
    assert few > 1_000
    assert many < few * 1.05


def test_a_placement_walks_no_further_when_more_orders_stand(tmp_path: Path) -> None:
    """Its guards, its books and its look: the same steps beside ten orders and beside a thousand."""
    found = []
    for standing in (FEW, MANY):
        with a_bench(tmp_path / str(standing), standing, lanes=SendingLanes()) as bench:
            bench.place(1)
            bench.stage.inbox.put(entries(2, 1))
            found.append(Steps().of(bench.stage.engine.run_pending))
    few, many = found
    assert few > 1_000
    assert many < few * 1.05


def test_a_position_is_sold_in_the_same_steps_when_many_finished_orders_are_in_memory() -> None:
    """Its close that somebody wants, the sell, and the fill that ends the buy: no walk over the orders of others."""
    found = []
    for finished in (FEW, MANY):
        house = a_holder()
        buy = house.the_order(Side.BUY)
        for number in range(finished):
            other = an_order(id=OrderId(f"F{number}"), coid=Coid(f"F{number}"), position_id=PositionId(f"P{number}"))
            house.memory.orders[other.id] = replace(other, status=OrderStatus.CLOSED)
        house.tell(CloseOrder(order_id=buy.id, reason="enough", correlation_id="me"))
        wanted = Steps().of(lambda house=house: house.advance(seconds=1))
        house.broker.fill(str(house.orders(Side.SELL)[-1].broker_order_id), 10, "1050")
        sold = Steps().of(house.look)
        assert house.memory.orders[buy.id].status is OrderStatus.CLOSED
        found.append((wanted, sold))
    few, many = found
    assert min(few) > 1_000
    assert many[0] < few[0] * 1.05
    assert many[1] < few[1] * 1.05
