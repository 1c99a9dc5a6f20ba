"""The unit of work, in which a message's changes wait until they are saved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tradebot.domain.alerts import AlertName, StandingAlert
from tradebot.domain.batches import Batch, Leg
from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.command_runs import CommandRun
from tradebot.domain.events import Event
from tradebot.domain.kill import Latch
from tradebot.domain.lifecycle_ids import DeadLetter, LifecycleId
from tradebot.domain.orders import (
    Attempt,
    BrokerOrderId,
    BrokerRequest,
    Coid,
    Decision,
    DecisionId,
    Fill,
    JobRun,
    OrderEvent,
    OrderId,
    PositionId,
)
from tradebot.domain.outbox import OutboxEntry
from tradebot.domain.positions import Position
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.stored import Changes
from tradebot.engine.answers import Answer
from tradebot.engine.calls import Call
from tradebot.engine.memory import Memory, Shortage
from tradebot.engine.messages import Job
from tradebot.engine.order_table import OrderTable
from tradebot.engine.sums import Sums
from tradebot.engine.table import SummedTable, Table
from tradebot.engine.waiting import Waiting, WaitingBatch, WaitingChange


class Unit:
    """The changes of one message, or of one batch of them, before they are saved.

    Reads see the unit's own changes first. Nothing leaves the unit before its transaction is committed: `calls` are
    handed to the lanes, `answers` released, `events` published and `timers` set only then. `looks` ask for a look at
    the order book (one for the whole batch, however many ask), `landed` are requests that have ended, `cleared`
    orphans of the registry that are settled, `facts` new values of the memory's plain fields. `correlation_id` is that
    of the command that is handled: everything that the unit writes down and tells carries it. `told` is what
    need not be told again, `entered` may leave once this is saved, `cycles` say how many seconds after its time
    each monitoring cycle was done.
    """

    orders: OrderTable
    attempts: SummedTable[Coid, Attempt]
    requests: Table[str, BrokerRequest]
    positions: SummedTable[PositionId, Position]
    decisions: Table[DecisionId, Decision]
    trades: Table[BrokerOrderId, frozenset[str]]
    coids: Table[BrokerOrderId, Coid]
    booked: Table[BrokerOrderId, int]
    sequences: Table[str, int]
    job_runs: Table[Job, JobRun]
    sends: Table[Coid, int]
    modifies: Table[Coid, str]
    unsent: Table[Coid, OrderId]
    breaches: Table[DecisionId, OrderId]
    held_back: Table[OrderId, OrderId]
    once: Table[str, str]
    command_runs: Table[str, CommandRun]
    waiting: Table[str, Waiting]
    alerts: Table[AlertName, StandingAlert]
    waiting_batches: Table[str, WaitingBatch]
    waiting_changes: Table[str, WaitingChange]
    batches: Table[str, Batch]
    legs: Table[str, Leg]
    batch_callers: Table[str, tuple[str, ...]]
    refused: Table[str, str]
    batch_orders: Table[str, OrderId]
    lifecycle_ids: Table[str, LifecycleId]
    newest_ids: Table[str, str]

    def __init__(self, memory: Memory, now: datetime, batch: Unit | None = None) -> None:
        self.memory = memory
        self.now = now
        self.correlation_id = ""
        self._batch = batch
        self._below = batch if batch is not None else memory
        self.sums: Sums = Sums(self._below.sums)
        self.fills: list[Fill] = []
        self.order_events: list[OrderEvent] = []
        self.new_decisions: list[Decision] = []
        self.new_job_runs: list[JobRun] = []
        self.outbox_marks: list[OutboxEntry] = []
        self.reservations: dict[Coid, RegistryEntry] = {}
        self.notes: dict[Coid, RegistryEntry] = {}
        self.calls: list[Call] = []
        self.answers: list[Answer] = []
        self.events: list[Event] = []
        self.timers: list[tuple[Job, datetime]] = []
        self.landed: list[str] = []
        self.seen: dict[BrokerOrderId, BrokerOrder] = {}
        self.strangers: dict[str, BrokerOrderId] = {}
        self.looks: list[str] = []
        self.cleared: list[Coid] = []
        self.shortages: dict[PositionId, Shortage | None] = {}
        self.dead_letters: list[DeadLetter] = []
        self.facts: dict[str, object] = {}
        self.told: set[str] = set()
        self.duplicates: list[datetime] = []
        self.entered: list[tuple[Coid, int]] = []
        self.cycles: list[float] = []

    def __getattr__(self, name: str) -> Any:
        """The layer of a table, made when it is first used: most units touch few of them."""
        if name not in _TABLES:
            raise AttributeError(name)
        table = getattr(self._below, name)
        layer = table.layer(self.sums) if isinstance(table, SummedTable) else Table(table)
        setattr(self, name, layer)
        return layer

    def is_under_way(self, request_id: str) -> bool:
        """The request was handed to a lane and has not ended, or will be handed over once this unit is saved."""
        memory = self.memory
        return request_id in memory.in_flight or self.requests.get(request_id) is not memory.requests.get(request_id)

    @property
    def is_paused(self) -> bool:
        """Whether entries are paused, with what this unit and its batch have changed."""
        return bool(self.fact("is_paused"))

    def fact(self, name: str) -> object:
        """A plain field of the memory, as this unit and its batch leave it."""
        if name in self.facts:
            return self.facts[name]
        return getattr(self.memory, name) if self._batch is None else self._batch.fact(name)

    @property
    def latch(self) -> Latch | None:
        """The kill switch's latch, with what this unit and its batch have seen of it."""
        if "latch" not in self.facts:
            return self.memory.latch if self._batch is None else self._batch.latch
        found = self.facts["latch"]
        return found if isinstance(found, Latch) else None

    @property
    def rejects_in_a_row(self) -> int:
        """Refusals of the broker since its last acceptance, with those of this unit and its batch."""
        own = self.facts.get("rejects_in_a_row")
        if isinstance(own, int):
            return own
        return self.memory.rejects_in_a_row if self._batch is None else self._batch.rejects_in_a_row

    def is_news(self, key: str) -> bool:
        """Whether something that is to be told once was not told yet; from now on it was."""
        if key in self.memory.told or self._is_told(key):
            return False
        self.told.add(key)
        return True

    def _is_told(self, key: str) -> bool:
        return key in self.told or (self._batch is not None and self._batch._is_told(key))

    def duplicates_since(self, since: datetime) -> int:
        """How many intents were stopped as duplicates since then, this unit's included."""
        before = self._batch.duplicates_since(since) if self._batch is not None else _count(self.memory, since)
        return before + sum(at >= since for at in self.duplicates)

    def reserved(self, coid: Coid) -> RegistryEntry | None:
        """A reservation of this unit or of its batch."""
        own = self.reservations.get(coid)
        if own is None and self._batch is not None:
            return self._batch.reserved(coid)
        return own

    def changes(self) -> Changes:
        return Changes(
            orders=self.orders.changed(),
            attempts=self.attempts.changed(),
            requests=self.requests.changed(),
            positions=self.positions.changed(),
            fills=self.fills,
            events=self.order_events,
            decisions=self.new_decisions,
            job_runs=self.new_job_runs,
            batches=self.batches.changed(),
            batch_legs=self.legs.changed(),
            lifecycle_ids=self.lifecycle_ids.changed(),
            dead_letters=self.dead_letters,
            command_runs=self.command_runs.changed(),
            outbox_marks=self.outbox_marks,
        )

    def merge(self) -> None:
        """Give everything to the batch, or, for a batch that is saved, to memory."""
        for layer in [layer for layer in vars(self).values() if isinstance(layer, Table)]:
            layer.merge()
        self.sums.merge()
        if self._batch is None:
            _give_to_memory(self, self.memory)
        else:
            _give_to_batch(self, self._batch)


_TABLES = frozenset(Unit.__annotations__)
"""The tables of the memory: a unit has a layer of each that it touches."""


def _give_to_memory(unit: Unit, memory: Memory) -> None:
    memory.seen.update(unit.seen)
    memory.strangers.update(unit.strangers)
    _take_over(memory.shortages, unit.shortages)
    memory.told |= unit.told
    memory.duplicates.extend(unit.duplicates)
    memory.land(unit.landed)
    for coid in unit.cleared:
        memory.orphans.pop(coid, None)
    for name, value in unit.facts.items():
        setattr(memory, name, value)


def _give_to_batch(unit: Unit, batch: Unit) -> None:
    batch.fills += unit.fills
    batch.order_events += unit.order_events
    batch.new_decisions += unit.new_decisions
    batch.new_job_runs += unit.new_job_runs
    batch.outbox_marks += unit.outbox_marks
    batch.reservations |= unit.reservations
    batch.notes |= unit.notes
    batch.calls += unit.calls
    batch.answers += unit.answers
    batch.events += unit.events
    batch.timers += unit.timers
    batch.landed += unit.landed
    batch.seen |= unit.seen
    batch.strangers |= unit.strangers
    batch.shortages |= unit.shortages
    batch.looks += unit.looks
    batch.cleared += unit.cleared
    batch.dead_letters += unit.dead_letters
    batch.facts |= unit.facts
    batch.told |= unit.told
    batch.duplicates += unit.duplicates
    batch.entered += unit.entered
    batch.cycles += unit.cycles


def _count(memory: Memory, since: datetime) -> int:
    return sum(at >= since for at in memory.duplicates)


def _take_over(known: dict[PositionId, Shortage], found: Mapping[PositionId, Shortage | None]) -> None:
    for position_id, shortage in found.items():
        if shortage is None:
            known.pop(position_id, None)
        else:
            known[position_id] = shortage
