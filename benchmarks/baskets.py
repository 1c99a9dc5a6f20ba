"""A batch whose legs go out together, beside one answer of the broker and beside the same legs in sequence."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter

from benchmarks.figures import Line, Row, at_most, milliseconds
from benchmarks.memory_broker import MemoryBroker
from benchmarks.stage import Contents, Stage, fill_folder, open_stage, standing_row
from tradebot.adapters.lanes import ThreadLanes
from tradebot.domain.broker_views import Ticket
from tradebot.domain.orders import BrokerOrderId, OrderType, Side
from tradebot.engine.commands import LegWish, SubmitBatch
from tradebot.engine.messages import Job, JobDue

ANSWER_S = 0.2
LEGS = (4, 10)
_DEADLINE_S = 30.0
_HEADINGS = ("legs", "together ms", "answers", "in sequence ms", "answers")
_ANSWERS_MAX = {4: 1.1, 10: 1.2}


def baskets(folder: Path, runs: int) -> Row:
    """From the command to its answer: every leg accepted and seen in the broker's book."""
    fill_folder(folder, Contents(standing=max(LEGS), registry=max(LEGS)))
    broker = MemoryBroker([standing_row(number) for number in range(max(LEGS))])
    lanes = ThreadLanes(on_fault=lambda *_: None)
    lines, goals = [], []
    with open_stage(folder, broker, lanes) as stage:
        stage.engine.start()
        stage.inbox.put(JobDue(name=Job.CYCLE, at=stage.clock.now()))
        _run_until(stage, lambda: stage.engine.memory.is_reconciled)
        broker.send = _slow(broker)
        for legs in LEGS:
            together = median(_batch(stage, legs, sequential=False) for _ in range(runs))
            in_turn = median(_batch(stage, legs, sequential=True) for _ in range(max(1, runs // 2)))
            lines.append(_line(legs, together, in_turn))
            goals.append(at_most(f"{legs} legs", together / ANSWER_S, _ANSWERS_MAX[legs], "answers"))
        lanes.close(1.0)
    return Row(
        name="batch: legs placed together",
        peer=f"one answer of a broker that takes {ANSWER_S * 1000:.0f} ms for each placement",
        headings=_HEADINGS,
        lines=lines,
        notes=["Each leg has a symbol of its own; a look at the order book, which verifies them, is answered at once."],
        goals=goals,
    )


def _slow(broker: MemoryBroker) -> object:
    never = Event()

    def send(ticket: Ticket) -> BrokerOrderId:
        never.wait(ANSWER_S)
        return broker.numbered(ticket)

    return send


def _batch(stage: Stage, legs: int, *, sequential: bool) -> float:
    name = f"basket-{perf_counter()}"
    future = stage.answers.expect(name)
    began = perf_counter()
    stage.inbox.put(
        SubmitBatch(
            account_id="primary",
            user_id="owner",
            legs=tuple(_leg(number) for number in range(legs)),
            sequential=sequential,
            correlation_id=name,
        )
    )
    _run_until(stage, future.done)
    return perf_counter() - began


def _leg(number: int) -> LegWish:
    return LegWish(
        symbol=f"OPEN{number}", side=Side.BUY, quantity=1, order_type=OrderType.LIMIT, price=Decimal("1000.00")
    )


def _run_until(stage: Stage, is_done: object) -> None:
    assert callable(is_done)
    deadline = perf_counter() + _DEADLINE_S
    while not is_done():
        stage.engine.run_pending(0.01)
        if perf_counter() > deadline:
            raise TimeoutError("the batch did not end")


def _line(legs: int, together: float, in_turn: float) -> Line:
    cells: Sequence[str] = (
        str(legs),
        milliseconds(together),
        f"{together / ANSWER_S:.2f}",
        milliseconds(in_turn),
        f"{in_turn / ANSWER_S:.2f}",
    )
    return Line(cells=cells)
