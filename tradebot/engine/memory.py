"""The engine's memory: what it knows between two messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tradebot.domain.alerts import AlertName, StandingAlert
from tradebot.domain.batches import Batch, Leg
from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.command_runs import CommandRun
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.kill import Latch
from tradebot.domain.lifecycle_ids import LifecycleId
from tradebot.domain.orders import (
    Attempt,
    BrokerOrderId,
    BrokerRequest,
    Coid,
    Decision,
    DecisionId,
    JobRun,
    OrderId,
    PositionId,
    Side,
)
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Quote
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.engine.halt import Halt
from tradebot.engine.messages import Job
from tradebot.engine.order_table import OrderTable
from tradebot.engine.sums import Sums, of_attempt, of_position
from tradebot.engine.table import SummedTable, Table
from tradebot.engine.waiting import Waiting, WaitingBatch, WaitingChange

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
    often a placement was tried; `modifies` names the change of price that is not confirmed yet ("" for none);
    `unsent` are rows without an attempt, by the id that is kept for
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
    orders: OrderTable = field(init=False)
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
        self.orders = OrderTable(self.sums)
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
