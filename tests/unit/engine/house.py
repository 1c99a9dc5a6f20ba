"""A whole engine on real books (database, registry) with a fake broker, moved on by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy import select, text

from tests.builders import MONDAY, NOON
from tests.simulator.disk import SimDisk
from tests.simulator.world import market
from tests.unit.engine.fakes import (
    PROOF,
    FakeBroker,
    FakeClock,
    FakeMarket,
    FakeStrategy,
    HeldLanes,
    NoRecorder,
    NotedJobs,
)
from tradebot.adapters.kill_latch import MemoryLatch
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.storage import order_tables
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.rows import read_all
from tradebot.adapters.storage.sqlite_memory import SqliteMemory
from tradebot.app.daemon import Ports, Rules, build_engine
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.events import Event, EventName
from tradebot.domain.orders import JobRun, Order, OrderEvent, Side, Variety
from tradebot.domain.policy import Policy
from tradebot.domain.positions import Position
from tradebot.domain.signals import Signal
from tradebot.domain.stored import Changes
from tradebot.engine.announcing import Announcer
from tradebot.engine.answers import AnswerDesk
from tradebot.engine.bus import Bus
from tradebot.engine.commands import CancelOrder
from tradebot.engine.engine import Engine, Recorder
from tradebot.engine.inbox import Inbox
from tradebot.engine.memory import Memory
from tradebot.engine.messages import Job, JobDue, Message, OrderPushed, SignalsReady
from tradebot.engine.room import NoReserve
from tradebot.ports import Capabilities, IdRegistry, Lanes, OrderStore, SpaceReserve

STATE = Path("/home/state")
ROUNDS_MAX = 100
"""Calls after which a house that still has some does not come to rest."""


class Database(Protocol):
    """The books in memory, or in a file where others read them as well."""

    engine: DatabaseEngine
    store: SqlOrderStore


class House:
    """Started at once, unless `is_started` says otherwise; `books` may wrap store and registry.

    `settle` runs calls and messages until nothing is left; `advance` moves the clock on, with the timers that come
    due; `restart` is another process on the same books.
    """

    def __init__(
        self,
        *,
        at: datetime = NOON,
        capabilities: Capabilities = PROOF,
        policy: Policy | None = None,
        actions: Sequence[CorporateAction] = (),
        books: Callable[[OrderStore, IdRegistry], tuple[OrderStore, IdRegistry]] | None = None,
        lanes: Lanes | None = None,
        listener: Callable[[Event], None] | None = None,
        stored: Changes | None = None,
        announcers: Sequence[Announcer] = (),
        is_started: bool = True,
        database: Database | None = None,
        latch: MemoryLatch | None = None,
        recorder: Recorder | None = None,
        reserve: SpaceReserve | None = None,
    ) -> None:
        self.clock = FakeClock(at)
        self.disk = SimDisk()
        self.database: Database = database or SqliteMemory()
        self.broker = FakeBroker(self.clock, capabilities)
        self.market = FakeMarket()
        self.strategy = FakeStrategy()
        self.policy = policy or Policy()
        self.actions = actions
        self.events: list[Event] = []
        self.answers = AnswerDesk()
        self.lanes = HeldLanes()
        self.latch = latch or MemoryLatch()
        self._reserve = reserve or NoReserve()
        if stored is not None:
            self.database.store.save(stored)
        self._books = books or (lambda store, registry: (store, registry))
        self._given_lanes = lanes
        self._recorder = recorder or NoRecorder()
        self._announcers = announcers
        self._listeners = [self.events.append, *([listener] if listener else [])]
        self.engine = self._build()
        if is_started:
            self.start()

    @property
    def memory(self) -> Memory:
        return self.engine.memory

    def start(self) -> None:
        self.engine.start()
        self.settle()

    def restart(self) -> None:
        """The process is gone, with all calls that had not begun; the next one starts on what was saved."""
        self.lanes = HeldLanes()
        self._given_lanes = None
        self._books = lambda store, registry: (store, registry)
        self.engine = self._build()
        self.start()

    def put(self, *messages: Message) -> None:
        """All of them in one batch, without running what they cause."""
        for message in messages:
            self.inbox.put(message)
        self.engine.run_pending()

    def tell(self, *messages: Message) -> None:
        self.put(*messages)
        self.settle()

    def settle(self) -> None:
        self.engine.run_pending()
        for _ in range(ROUNDS_MAX):
            if not self.lanes.run_one():
                return
            self.engine.run_pending()
        raise AssertionError(f"still busy after {ROUNDS_MAX} calls: {self.broker.calls[-10:]}")

    def advance(self, minutes: float = 0, seconds: float = 0) -> None:
        """Later; timers that come due on the way fire one after the other, each at its own instant."""
        until = self.clock.at + timedelta(minutes=minutes, seconds=seconds)
        while due := sorted(self._due(until), key=lambda timer: timer[1]):
            name, at = due[0]
            self.jobs.timers.remove((name, at))
            self.clock.at = max(self.clock.at, at)
            self.tell(JobDue(name=Job(name), at=at))
        self.clock.at = until

    def job(self, name: Job, at: datetime | None = None) -> None:
        self.tell(JobDue(name=name, at=at or self.clock.at))

    def look(self) -> None:
        """A push from the broker: one look at the order book."""
        self.tell(OrderPushed(broker_order_id="1"))  # type: ignore[arg-type]

    def cycle(self) -> None:
        self.job(Job.CYCLE)

    def cancel(self, order: Order) -> None:
        self.tell(CancelOrder(order_id=order.id, reason="Manual: wanted", correlation_id="test"))

    def signals(
        self, *signals: Signal, variety: Variety = Variety.AMO, day: date = MONDAY, settle: bool = True
    ) -> None:
        """Signals with all that is needed to judge them, as a placement job brings them."""
        broker = self.broker
        ready = SignalsReady(
            job=JobDue(name=Job.AMO_PLACEMENT, at=self.clock.at),
            trading_day=day,
            variety=variety,
            signals=signals,
            terms=broker.terms(list(broker.symbol_terms)),
            funds=broker.funds(),
            quotes=self.market.prices,
            halted=self.market.halts,
        )
        self.put(ready)
        if settle:
            self.settle()

    def orders(self, side: Side | None = None) -> list[Order]:
        return [order for order in self.memory.orders.values() if side is None or order.side is side]

    def the_order(self, side: Side | None = None) -> Order:
        (order,) = self.orders(side)
        return order

    def the_position(self) -> Position:
        (position,) = self.memory.positions.values()
        return position

    def told(self, name: EventName) -> list[Event]:
        return [event for event in self.events if event.name is name]

    def run_of(self, job: Job) -> JobRun | None:
        return self.memory.job_runs.get(job)

    def story(self) -> list[OrderEvent]:
        """Every event of every order, as the database has them."""
        table = order_tables.order_events
        with self.database.engine.connect() as connection:
            return read_all(connection, OrderEvent, select(table).order_by(table.c.sequence))

    def count_rows(self, table: str) -> int:
        with self.database.engine.connect() as connection:
            return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())

    def _due(self, until: datetime) -> list[tuple[str, datetime]]:
        return [timer for timer in self.jobs.timers if timer[1] <= until]

    def _build(self) -> Engine:
        found = market()
        self.inbox = Inbox()
        self.bus = Bus(self._listeners)
        self.jobs = NotedJobs()
        opened = CoidRegistry.open(self.disk, STATE, self.clock.now())
        store, self.registry = self._books(self.database.store, opened)
        ports = Ports(
            clock=self.clock,
            scheduler=self.jobs,
            lanes=self._given_lanes or self.lanes,
            registry=self.registry,
            store=store,
            broker=self.broker,
            market_data=self.market,
            history=self.market,
            strategies=[self.strategy],
            bus=self.bus,
            recorder=self._recorder,
            answers=self.answers,
            announcers=self._announcers,
            latch=self.latch,
            reserve=self._reserve,
        )
        rules = Rules(
            policy=self.policy,
            calendar=found.calendar,
            amo=found.amo_windows.of("paper", "NSE", MONDAY),
            actions=self.actions,
            market=found.rules,
        )
        return build_engine(ports, rules, self.inbox)
