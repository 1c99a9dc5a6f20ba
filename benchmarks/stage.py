"""A real engine on real files in a folder of its own, with as many orders and registry entries as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection

from benchmarks.memory_broker import CASH, StillMarket
from config.market_rules import Market, load_market
from tests.builders import ACCOUNT, MONDAY, NOON, a_broker_order, a_quote, a_signal, an_attempt, an_order, some_terms
from tradebot.adapters.disk import Calls, RealDisk
from tradebot.adapters.event_file import EventFile
from tradebot.adapters.flight_record import FlightRecord
from tradebot.adapters.jsonl_log import JsonlLog
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import create_database
from tradebot.adapters.timekeeping.virtual import VirtualClock, VirtualScheduler
from tradebot.app.daemon import Ports, Rules, build_engine, job_messages
from tradebot.domain.broker_views import BrokerOrder, Funds
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerOrderId,
    DecisionId,
    EntryType,
    Order,
    OrderId,
    OrderStatus,
    Side,
    Variety,
)
from tradebot.domain.policy import Policy, RiskLimits
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.stored import Changes
from tradebot.engine import ledger
from tradebot.engine.answers import AnswerDesk
from tradebot.engine.bus import Bus
from tradebot.engine.engine import Engine
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import Job, JobDue, SignalsReady
from tradebot.ports import Broker, Lanes, MarketData, OrderStore

QUANTITY = 1_000
JOB = JobDue(name=Job.AMO_PLACEMENT, at=NOON)

_CONFIG = Path(__file__).parents[1] / "config" / "market"
_A_MOMENT = timedelta(milliseconds=10)
_NO_LIMIT = RiskLimits(
    positions_max=1_000_000,
    exposure_pct_max=Decimal(100),
    trades_per_day_max=1_000_000,
    order_notional_max=CASH,
    orders_open_max=1_000_000,
    gross_per_day_max=CASH,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is there before anything is measured: orders that stand at the broker, finished ones of an earlier day,
    and entries of the registry, those of the orders included. The orders that stand are of `symbols` symbols (one
    each where that is 0) and `quantity` shares."""

    standing: int = 0
    finished: int = 0
    registry: int = 0
    symbols: int = 0
    quantity: int = QUANTITY

    def __str__(self) -> str:
        return f"{self.registry:,} in the registry, {self.standing:,} open and {self.finished:,} finished orders"


_ONE_EACH = Contents()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An engine and what it stands on. `later` moves the clock on by a moment."""

    folder: Path
    engine: Engine
    inbox: Inbox
    answers: AnswerDesk
    registry: CoidRegistry
    database: DatabaseEngine
    clock: VirtualClock
    scheduler: VirtualScheduler

    def later(self) -> None:
        self.clock.set(self.clock.now() + _A_MOMENT)

    def run_timers(self) -> None:
        """Let everything come due that was planned, and handle it."""
        self.scheduler.fire_due(self.clock.now() + timedelta(minutes=1))
        self.engine.run_pending()


def fill_folder(folder: Path, contents: Contents) -> None:
    """Write the database and the registry of a folder as the engine would have left them."""
    standing = [standing_order(number, contents) for number in range(contents.standing)]
    finished = [_finished_order(number) for number in range(contents.finished)]
    database = create_database(_url(folder), "process")
    store = SqlOrderStore(database)
    for pairs in (standing, finished):
        store.save(Changes(orders=[order for order, _ in pairs], attempts=[attempt for _, attempt in pairs]))
    store.close()
    entries = [ledger.registry_entry(attempt, order) for order, attempt in standing]
    entries += [_old_entry(number) for number in range(contents.registry - len(entries))]
    disk = RealDisk(durability="process")
    registry = CoidRegistry.open(disk, folder / "state", NOON)
    registry.reserve(entries)
    registry.fold(NOON - timedelta(days=7))
    registry.close()
    disk.close()


@contextmanager
def open_stage(
    folder: Path,
    broker: Broker,
    lanes: Lanes,
    *,
    wrap: Callable[[OrderStore], OrderStore] = lambda store: store,
    calls: Calls | None = None,
    trace: Callable[[str], None] | None = None,
    market_data: MarketData | None = None,
) -> Iterator[Stage]:
    """The engine as a daemon has it: durable to the disk, with flight record, log and session events.

    `wrap` is put around its store, `calls` below its disk; `trace` is told every statement of the database. Without
    `market_data` nothing moves in its market.
    """
    with ExitStack() as stack:
        disk = RealDisk(durability="power", calls=calls)
        stack.callback(disk.close)
        quiet = RealDisk(durability="power")
        stack.callback(quiet.close)
        database = create_database(_url(folder), "power")
        stack.callback(database.dispose)
        if trace is not None:
            _trace(database, trace)
        clock = VirtualClock(NOON)
        registry = CoidRegistry.open(disk, folder / "state", NOON)
        stack.callback(registry.close)
        log = JsonlLog(folder / "logs", started_at=NOON, session_id="benchmark", clock=clock)
        stack.callback(log.close)
        events = EventFile(quiet, folder / "sessions" / "events.jsonl")
        stack.callback(events.close)
        record = FlightRecord(quiet, folder / "sessions" / "flight.jsonl")
        stack.callback(record.close)
        inbox, still = Inbox(), StillMarket()
        ports = Ports(
            clock=clock,
            scheduler=(scheduler := VirtualScheduler(clock, job_messages(inbox))),
            lanes=lanes,
            registry=registry,
            store=wrap(SqlOrderStore(database)),
            broker=broker,
            market_data=market_data or still,
            history=still,
            strategies=(),
            bus=Bus([log, events]),
            recorder=record,
        )
        yield Stage(
            folder=folder,
            engine=build_engine(ports, _rules(), inbox),
            inbox=inbox,
            answers=ports.answers,
            registry=registry,
            database=database,
            clock=clock,
            scheduler=scheduler,
        )


def entries(first: int, count: int = 1) -> SignalsReady:
    """Buys of as many symbols, in market hours, with a quote for each: every guard has something to judge."""
    signals = [
        a_signal(number, _symbol(number), id=f"new-{number}", quantity=QUANTITY)
        for number in range(first, first + count)
    ]
    symbols = [signal.symbol for signal in signals]
    return SignalsReady(
        job=JOB,
        trading_day=MONDAY,
        variety=Variety.REGULAR,
        signals=tuple(signals),
        terms={symbol: some_terms(symbol) for symbol in symbols},
        funds=Funds(cash=CASH, blocked=Decimal(0)),
        quotes={symbol: a_quote(symbol=symbol) for symbol in symbols},
        halted={},
    )


def standing_order(number: int, contents: Contents = _ONE_EACH) -> tuple[Order, Attempt]:
    """A buy that the broker has accepted and not filled."""
    decision = DecisionId(f"standing-{number}")
    order = an_order(
        id=OrderId(str(10**12 + number)),
        symbol=f"OPEN{number % contents.symbols if contents.symbols else number}",
        quantity=contents.quantity,
        decision_id=decision,
        correlation_id=f"signal:{decision}",
        entry_type=EntryType.REENTRY,
        coid=derive(IntentKey(ACCOUNT, decision, 0, Side.BUY), 1),
        broker_order_id=BrokerOrderId(f"2611150{number:08}"),
        placed_at=NOON,
    )
    return order, an_attempt(order, broker_order_id=order.broker_order_id, broker_status="OPEN")


def standing_row(number: int, contents: Contents = _ONE_EACH) -> BrokerOrder:
    """The same order in the broker's book."""
    order, attempt = standing_order(number, contents)
    return a_broker_order(order, broker_order_id=attempt.broker_order_id)


def _finished_order(number: int) -> tuple[Order, Attempt]:
    order, _ = standing_order(number)
    decision = DecisionId(f"finished-{number}")
    done = replace(
        order,
        id=OrderId(str(10**11 + number)),
        decision_id=decision,
        coid=derive(IntentKey(ACCOUNT, decision, 0, Side.BUY), 1),
        broker_order_id=BrokerOrderId(f"2611140{number:08}"),
        trading_day=MONDAY - timedelta(days=3),
        status=OrderStatus.CANCELLED,
        reason="Cancelled",
        closed_at=NOON,
    )
    return done, an_attempt(done, broker_order_id=done.broker_order_id, status=AttemptStatus.CANCELLED)


def _old_entry(number: int) -> RegistryEntry:
    decision = DecisionId(f"old-{number}")
    return RegistryEntry(
        coid=derive(IntentKey(ACCOUNT, decision, 0, Side.BUY), 1),
        account_id=ACCOUNT,
        decision_id=decision,
        leg=0,
        side=Side.BUY,
        symbol=f"OLD{number}",
        status=AttemptStatus.CANCELLED,
        attempt_count=1,
        broker_order_id=BrokerOrderId(f"2611130{number:08}"),
        created=NOON,
        updated=NOON,
        metadata={"order_id": str(10**10 + number), "trading_day": MONDAY.isoformat()},
    )


def _symbol(number: int) -> str:
    return f"NEW{number}"


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'state' / 'tradebot.db'}"


def _trace(database: DatabaseEngine, trace: Callable[[str], None]) -> None:
    # Connections that the pool has already would not be told of.
    database.dispose()

    @event.listens_for(database, "connect")
    def watch(connection: DBAPIConnection, _record: object) -> None:
        set_trace: Callable[[Callable[[str], None]], None] = connection.set_trace_callback
        set_trace(trace)


def _rules() -> Rules:
    market = _market()
    return Rules(
        policy=Policy(risk=_NO_LIMIT),
        calendar=market.calendar,
        amo=market.amo_windows.of("default", "NSE", MONDAY),
        actions=(),
        market=market.rules,
    )


@cache
def _market() -> Market:
    return load_market(_CONFIG)
