"""How cost grows: a placement, an update and a cycle with few and with many orders, and after a year of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.figures import Goal, Line, Row, at_most, microseconds
from benchmarks.memory_broker import MemoryBroker
from benchmarks.placement import SendingLanes
from benchmarks.stage import Contents, Stage, entries, fill_folder, open_stage, standing_row
from tradebot.domain.orders import BrokerOrderId
from tradebot.engine.messages import Job, JobDue, OrderPushed

GROWN_MAX = 1.5
_YEAR = 100_000
_WARM_UP = 3
_HEADINGS = ("what is there", "a placement us", "an update us", "a cycle us", "a cycle us / order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What stands, and what an earlier year has left."""

    name: str
    contents: Contents


CASES = (
    Case(name="10 open orders", contents=Contents(standing=10, registry=10)),
    Case(name="1,000 open orders", contents=Contents(standing=1_000, registry=1_000)),
    Case(name="10,000 open orders", contents=Contents(standing=10_000, registry=10_000)),
    Case(
        name=f"10 open orders, {_YEAR:,} finished in the year before",
        contents=Contents(standing=10, finished=_YEAR, registry=10),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Median seconds of each."""

    placement: float
    update: float
    cycle: float


def growth(folder: Path, rounds: int, cases: Sequence[Case] = CASES) -> Row:
    costs = [_cost(folder / str(number), case.contents, rounds) for number, case in enumerate(cases)]
    return Row(
        name="growth: the same work with few and with many orders",
        peer="the first line",
        headings=_HEADINGS,
        lines=[_line(case, cost) for case, cost in zip(cases, costs, strict=True)],
        notes=(
            f"median of {rounds}; the broker answers at once; files in memory, so that the disk hides nothing",
            "an update is a fill that the broker pushes: a look at the whole book, compared and booked;"
            " a cycle has nothing new",
        ),
        goals=_goals(cases, costs),
    )


def _goals(cases: Sequence[Case], costs: Sequence[Cost]) -> Sequence[Goal]:
    first, goals = costs[0], []
    for case, cost in zip(cases[1:], costs[1:], strict=True):
        goals.append(at_most(f"a placement, {case.name} / first line", cost.placement / first.placement, GROWN_MAX))
    goals.append(at_most(f"an update, {cases[-1].name} / first line", costs[-1].update / first.update, GROWN_MAX))
    goals.append(at_most(f"a cycle, {cases[-1].name} / first line", costs[-1].cycle / first.cycle, GROWN_MAX))
    thousand, most = _each(cases[1], costs[1]), _each(cases[2], costs[2])
    goals.append(at_most(f"a cycle per order, {cases[2].name} / {cases[1].name}", most / thousand, GROWN_MAX))
    return goals


def _each(case: Case, cost: Cost) -> float:
    return cost.cycle / case.contents.standing


def _cost(folder: Path, contents: Contents, rounds: int) -> Cost:
    fill_folder(folder, contents)
    broker = MemoryBroker([standing_row(number, contents) for number in range(contents.standing)])
    lanes, numbers = SendingLanes(), list(broker.rows)
    with open_stage(folder, broker, lanes) as stage:
        placement = _median(rounds, lambda number: _place(stage, number))
        lanes.run_looks(stage.engine)
        stage.run_timers()
        lanes.run_looks(stage.engine)

        def update(number: int) -> float:
            return _update(stage, lanes, broker, numbers[number % len(numbers)])

        def cycle(_: int) -> float:
            return _cycle(stage, lanes)

        return Cost(placement=placement, update=_median(rounds, update), cycle=_median(rounds, cycle))


def _median(rounds: int, measure: Callable[[int], float]) -> float:
    return median([measure(number) for number in range(rounds + _WARM_UP)][_WARM_UP:])


def _place(stage: Stage, number: int) -> float:
    message = entries(number)
    stage.later()
    began = perf_counter()
    stage.inbox.put(message)
    stage.engine.run_pending()
    return perf_counter() - began


def _update(stage: Stage, lanes: SendingLanes, broker: MemoryBroker, number: BrokerOrderId) -> float:
    stage.later()
    broker.fill(number, 1, stage.clock.now())
    began = perf_counter()
    stage.inbox.put(OrderPushed(broker_order_id=number))
    stage.engine.run_pending()
    lanes.run_looks(stage.engine)
    return perf_counter() - began


def _cycle(stage: Stage, lanes: SendingLanes) -> float:
    stage.later()
    began = perf_counter()
    stage.inbox.put(JobDue(name=Job.CYCLE, at=stage.clock.now()))
    stage.engine.run_pending()
    lanes.run_looks(stage.engine)
    return perf_counter() - began


def _line(case: Case, cost: Cost) -> Line:
    figures = (cost.placement, cost.update, cost.cycle, _each(case, cost))
    return Line(cells=(case.name, *(microseconds(each) for each in figures)))
