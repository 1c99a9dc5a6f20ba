"""The engine's memory, and the unit of work in which a message's changes wait until they are saved."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tradebot.domain.alerts import AlertName, StandingAlert
from tradebot.domain.batches import Batch, Leg
from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.command_runs import CommandRun
from tradebot.domain.events import Event
from tradebot.domain.instruments import InstrumentTerms
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
    Order,
    OrderEvent,
    OrderId,
    PositionId,
    Side,
)
from tradebot.domain.outbox import OutboxEntry
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Quote
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.engine.answers import Answer
from tradebot.engine.calls import Call
from tradebot.engine.halt import Halt
from tradebot.engine.messages import Job
from tradebot.engine.sums import Sums, of_attempt, of_order, of_position
from tradebot.engine.table import SummedTable, Table
from tradebot.engine.waiting import Waiting, WaitingBatch, WaitingChange
from tradebot.ports import Changes

DUPLICATES_MAX = 100
"""Of so many stopped duplicates the instants are remembered: enough to tell a few from many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """Shares of a position that the broker does not have, as they were first seen in this number."""

    ours: int
    broker: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRun:
    """A retry run of which some orders have no answer yet; it is told when the last one has. `sent` are those, each
    with its count of failures before."""

    sent: tuple[tuple[OrderId, int], ...]
    retried: int
    placed: int
    failed: int
    skipped: int
    expired: int


@dataclass(slots=True)
class Memory:
    """What the engine knows. Only `Unit.merge` and the housekeeping at the end of a day change it.

    `sums` are kept by every change of an order, an attempt or a position; `trades` are the booked trade ids by broker
    order; `coids` lead from a broker order to our attempt, `booked` says how much of it is booked; `sends` counts how
    often a placement was tried; `modifies` names the change of price that is not confirmed yet ("" for none); `sells`
    are the sell orders of a position, oldest first; `unsent` are rows without an attempt, by the id that is kept for
    them; `held_back` names the order that must be cancelled before another one goes, by that one; `once` names the
    commands that are to be remembered when they are answered, by correlation id, and `command_runs` those that were;
    `breaches` names the order whose fills went too far for its decision; `strangers` are orders at the broker with an
    id of ours that no book knows; `seen` is the last row of the broker's book that was compared; `in_flight` are
    requests handed to a lane by this process, `landings` says at which tick (a count of hand-overs and landings) one
    ended; `running` are jobs that wait for an answer; `waiting` are submissions that wait for a picture of the market,
    and `market_asked` says that one is under way; `book_asked` says it of a look at the order book, and `looks_wanted`
    why another one follows; `batch_callers` are answered when their batch is complete, `refused` says why an order of
    a batch was not placed, `batch_orders` leads to those that were; `newest_ids` names the newest id of an order and
    type.
    """

    sums: Sums = field(default_factory=Sums)
    orders: SummedTable[OrderId, Order] = field(init=False)
    attempts: SummedTable[Coid, Attempt] = field(init=False)
    positions: SummedTable[PositionId, Position] = field(init=False)
    requests: Table[str, BrokerRequest] = field(default_factory=Table)
    decisions: Table[DecisionId, Decision] = field(default_factory=Table)
    trades: Table[BrokerOrderId, frozenset[str]] = field(default_factory=Table)
    coids: Table[BrokerOrderId, Coid] = field(default_factory=Table)
    booked: Table[BrokerOrderId, int] = field(default_factory=Table)
    sequences: Table[str, int] = field(default_factory=Table)
    job_runs: Table[Job, JobRun] = field(default_factory=Table)
    sends: Table[Coid, int] = field(default_factory=Table)
    modifies: Table[Coid, str] = field(default_factory=Table)
    sells: Table[PositionId, tuple[OrderId, ...]] = field(default_factory=Table)
    unsent: Table[Coid, OrderId] = field(default_factory=Table)
    breaches: Table[DecisionId, OrderId] = field(default_factory=Table)
    held_back: Table[OrderId, OrderId] = field(default_factory=Table)
    once: Table[str, str] = field(default_factory=Table)
    command_runs: Table[str, CommandRun] = field(default_factory=Table)
    waiting: Table[str, Waiting] = field(default_factory=Table)
    alerts: Table[AlertName, StandingAlert] = field(default_factory=Table)
    waiting_batches: Table[str, WaitingBatch] = field(default_factory=Table)
    waiting_changes: Table[str, WaitingChange] = field(default_factory=Table)
    batches: Table[str, Batch] = field(default_factory=Table)
    legs: Table[str, Leg] = field(default_factory=Table)
    batch_callers: Table[str, tuple[str, ...]] = field(default_factory=Table)
    refused: Table[str, str] = field(default_factory=Table)
    batch_orders: Table[str, OrderId] = field(default_factory=Table)
    lifecycle_ids: Table[str, LifecycleId] = field(default_factory=Table)
    newest_ids: Table[str, str] = field(default_factory=Table)
    seen: dict[BrokerOrderId, BrokerOrder] = field(default_factory=dict)
    strangers: dict[str, BrokerOrderId] = field(default_factory=dict)
    in_flight: set[str] = field(default_factory=set)
    landings: dict[str, int] = field(default_factory=dict)
    ticks: int = 1
    orphans: dict[Coid, RegistryEntry] = field(default_factory=dict)
    terms: Mapping[str, InstrumentTerms] = field(default_factory=dict)
    halted: Mapping[str, str] = field(default_factory=dict)
    rejects_in_a_row: int = 0
    marks: Mapping[str, Quote] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    duplicates: deque[datetime] = field(default_factory=lambda: deque(maxlen=DUPLICATES_MAX))
    running: set[Job] = field(default_factory=set)
    market_asked: bool = False
    book_asked: bool = False
    looks_wanted: dict[str, None] = field(default_factory=dict)
    is_reconciled: bool = False
    unreachable_since: datetime | None = None
    is_day_over: bool = False
    entries_stopped: str = ""
    is_paused: bool = False
    latch: Latch | None = None
    halt: Halt = field(default_factory=Halt)
    retry_run: RetryRun | None = None
    manual_halts: Mapping[str, str] = field(default_factory=dict)
    shortages: dict[PositionId, Shortage] = field(default_factory=dict)
    expired_before_run: int = 0
    day_end_tries: int = 0

    def __post_init__(self) -> None:
        self.orders = SummedTable(self.sums, of_order)
        self.attempts = SummedTable(self.sums, of_attempt)
        self.positions = SummedTable(self.sums, of_position)

    def take_off(self, request_id: str) -> None:
        """A request is handed to a lane."""
        self.ticks += 1
        self.in_flight.add(request_id)

    def land(self, request_ids: Sequence[str]) -> None:
        """Requests have ended, one way or another."""
        for request_id in request_ids:
            self.ticks += 1
            self.in_flight.discard(request_id)
            self.landings[request_id] = self.ticks


def batch_order_key(batch_id: str, leg: int, side: Side) -> str:
    """The name of an order of a batch: what takes a leg back has the leg's number and the other side."""
    return f"{batch_id}/{leg}/{side}"


_TABLES = frozenset(
    (
        "orders",
        "attempts",
        "requests",
        "positions",
        "decisions",
        "trades",
        "coids",
        "booked",
        "sequences",
        "job_runs",
        "sends",
        "modifies",
        "sells",
        "unsent",
        "breaches",
        "held_back",
        "once",
        "command_runs",
        "waiting",
        "alerts",
        "waiting_batches",
        "waiting_changes",
        "batches",
        "legs",
        "batch_callers",
        "refused",
        "batch_orders",
        "lifecycle_ids",
        "newest_ids",
    )
)


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

    sums: Sums
    orders: SummedTable[OrderId, Order]
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
    sells: Table[PositionId, tuple[OrderId, ...]]
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
        self.sums = Sums(self._below.sums)
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
            self.memory.seen.update(self.seen)
            self.memory.strangers.update(self.strangers)
            _take_over(self.memory.shortages, self.shortages)
            self.memory.told |= self.told
            self.memory.duplicates.extend(self.duplicates)
            self.memory.land(self.landed)
            for coid in self.cleared:
                self.memory.orphans.pop(coid, None)
            for name, value in self.facts.items():
                setattr(self.memory, name, value)
            return
        batch = self._batch
        batch.fills += self.fills
        batch.order_events += self.order_events
        batch.new_decisions += self.new_decisions
        batch.new_job_runs += self.new_job_runs
        batch.outbox_marks += self.outbox_marks
        batch.reservations |= self.reservations
        batch.notes |= self.notes
        batch.calls += self.calls
        batch.answers += self.answers
        batch.events += self.events
        batch.timers += self.timers
        batch.landed += self.landed
        batch.seen |= self.seen
        batch.strangers |= self.strangers
        batch.shortages |= self.shortages
        batch.looks += self.looks
        batch.cleared += self.cleared
        batch.dead_letters += self.dead_letters
        batch.facts |= self.facts
        batch.told |= self.told
        batch.duplicates += self.duplicates
        batch.entered += self.entered
        batch.cycles += self.cycles


def _count(memory: Memory, since: datetime) -> int:
    return sum(at >= since for at in memory.duplicates)


def _take_over(known: dict[PositionId, Shortage], found: Mapping[PositionId, Shortage | None]) -> None:
    for position_id, shortage in found.items():
        if shortage is None:
            known.pop(position_id, None)
        else:
            known[position_id] = shortage
