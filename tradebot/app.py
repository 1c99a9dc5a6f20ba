"""The composition root: builds a daemon from the settings. The only file that knows every part; it holds no logic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from config.market_rules import Market, load_market
from config.settings import Settings
from tradebot.adapters.brokers.paper import PaperBroker
from tradebot.adapters.brokers.paper_feed import PaperFeed
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.event_file import EventFile
from tradebot.adapters.flight_record import FlightRecord
from tradebot.adapters.jsonl_log import JsonlLog, LogLimits
from tradebot.adapters.lanes import InlineLanes
from tradebot.adapters.marketdata.history import TapeHistory
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.adapters.marketdata.paper_quotes import PaperQuotes
from tradebot.adapters.marketdata.read_report import ReadReport
from tradebot.adapters.marketdata.tape import ListedTape
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.replay_home import Begin, ReplayHome, ReplayKey
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import check_version, create_database
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.timekeeping.scaled import Pacer
from tradebot.adapters.timekeeping.virtual import VirtualClock, VirtualScheduler
from tradebot.domain.calendar import AmoWindow, Calendar, ist, ist_date
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.events import Event
from tradebot.domain.policy import Policy
from tradebot.engine.bus import Bus
from tradebot.engine.calls import Outside
from tradebot.engine.engine import Engine, Recorder
from tradebot.engine.ids import OrderIds
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import Job, JobDue
from tradebot.engine.recovery import remember
from tradebot.engine.setting import Setting
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.market import MarketFacts
from tradebot.ports import (
    Broker,
    Clock,
    History,
    IdRegistry,
    Lanes,
    MarketData,
    OrderStore,
    Scheduler,
    Strategy,
)
from tradebot.runtime.pacing import SessionPace
from tradebot.runtime.replay import ReplayLoop
from tradebot.strategies.loading import load_strategy

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The adapters of one daemon, chosen by the settings, or by a test."""

    clock: Clock
    scheduler: Scheduler
    lanes: Lanes
    registry: IdRegistry
    store: OrderStore
    broker: Broker
    market_data: MarketData
    history: History
    strategies: Sequence[Strategy]
    bus: Bus
    recorder: Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The dated data and the operator's policy that one daemon works by."""

    policy: Policy
    calendar: Calendar
    amo: AmoWindow
    actions: Sequence[CorporateAction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A replay that is ready to run: `loop.run(end)` is all that is left to do; `pace.stop()` ends it early."""

    loop: ReplayLoop
    engine: Engine
    exchange: Exchange
    pace: SessionPace
    orders: OrderReader
    market: Market
    begin: Begin
    report: ReadReport | None
    session: Path
    start: datetime
    end: datetime


def build_engine(ports: Ports, rules: Rules, inbox: Inbox) -> Engine:
    """An engine with its memory rebuilt from the database. Raises StateCorrupt when its books contradict each other."""
    stored = ports.store.load(ist_date(ports.clock.now()))
    setting = Setting(
        policy=rules.policy,
        calendar=rules.calendar,
        amo=rules.amo,
        actions=rules.actions,
        capabilities=ports.broker.capabilities,
        registry=ports.registry,
        ids=OrderIds(stored.highest_order_id),
    )
    outside = Outside(
        broker=ports.broker,
        market_data=ports.market_data,
        history=ports.history,
        strategies=ports.strategies,
        clock=ports.clock,
    )
    return Engine(
        setting=setting,
        memory=remember(stored, ports.store, ports.registry),
        store=ports.store,
        inbox=inbox,
        outside=outside,
        lanes=ports.lanes,
        scheduler=ports.scheduler,
        clock=ports.clock,
        bus=ports.bus,
        recorder=ports.recorder,
    )


def job_messages(inbox: Inbox) -> Callable[[str, datetime], None]:
    """What a scheduler is given: it puts each due job into the inbox, and does nothing else."""

    def deliver(name: str, at: datetime) -> None:
        inbox.put(JobDue(name=Job(name), at=at))

    return deliver


@contextmanager
def open_replay(
    settings: Settings, *, home: Path, folder: Path, listeners: Sequence[Callable[[Event], None]] = ()
) -> Iterator[Replay]:
    """A replay on the folders of `home`, with the market rules below `folder`; everything is closed at the end.

    What can be wrong with the input is found before anything is written. Raises the errors of `domain.errors`,
    MarketDataFileError, DataFileError, CalendarHorizonError and StrategyNotLoaded.
    """
    market = load_market(folder / "config" / "market")
    tape, report = _open_tape(settings, market, folder)
    start, end = _span(settings, market.calendar)
    strategies = [_strategy(use.name, dict(use.parameters), folder) for use in settings.strategies.use]
    facts = _facts(market, tape)
    with ExitStack() as stack:
        disk = RealDisk(durability=settings.run.durability_in_force)
        stack.callback(disk.close)
        stack.enter_context(disk.lock(home / "state" / "lock"))
        replays, key = ReplayHome(disk, home / "state"), _key(settings, report)
        begin = replays.begin(key)
        exchange = Exchange.open(
            home / "state" / "exchange",
            tape=tape,
            facts=facts,
            seed=settings.replay.seed,
            opening=start,
            accounts={settings.run.account_id: settings.run.opening_cash},
            durable=settings.run.durability_in_force == "power",
        )
        stack.callback(exchange.close)
        clock = VirtualClock(exchange.now)
        registry = CoidRegistry.open(disk, home / "state", clock.now())
        stack.callback(registry.close)
        database = create_database(settings.run.database_url_in(home), settings.run.durability_in_force)
        store = SqlOrderStore(database)
        stack.callback(store.close)
        session = _session_folder(home, RealClock().now())
        bus, record = _tellers(stack, settings, disk, home, session, listeners)
        inbox = Inbox()
        scheduler = VirtualScheduler(clock, job_messages(inbox))
        broker = PaperBroker(exchange, settings.run.account_id)
        engine = build_engine(
            Ports(
                clock=clock,
                scheduler=scheduler,
                lanes=InlineLanes(),
                registry=registry,
                store=store,
                broker=broker,
                market_data=PaperQuotes(exchange),
                history=TapeHistory(tape),
                strategies=strategies,
                bus=bus,
                recorder=record,
            ),
            Rules(
                policy=settings.policy(),
                calendar=market.calendar,
                amo=facts.amo_window("NSE", start),
                actions=tape.actions,
            ),
            inbox,
        )
        pace = SessionPace(market.calendar, lambda at: Pacer(settings.replay.speed, RealClock(), at))
        loop = ReplayLoop(
            engine=engine,
            venue=PaperFeed(exchange, settings.run.account_id),
            timetable=scheduler,
            clock=clock,
            wait_until=pace.wait_until,
        )
        yield Replay(
            loop=loop,
            engine=engine,
            exchange=exchange,
            pace=pace,
            orders=OrderReader(database),
            market=market,
            begin=begin,
            report=report,
            session=session,
            start=start,
            end=end,
        )
        engine.close()
        if exchange.now >= end:
            replays.finish(key)


@contextmanager
def open_reader(settings: Settings, home: Path) -> Iterator[OrderReader]:
    """The orders of a home, for looking only. Raises StateCorrupt when there is no database that fits the code."""
    engine = open_engine(settings.run.database_url_in(home))
    try:
        if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
            raise StateCorrupt(
                str(engine.url.database), "is not there", mend="run `python main.py` once, or name the home with --home"
            )
        check_version(engine)
        yield OrderReader(engine)
    finally:
        engine.dispose()


def _open_tape(settings: Settings, market: Market, folder: Path) -> tuple[ListedTape, ReadReport | None]:
    return open_tape(
        settings.replay.data_in(folder),
        settings.replay.seed,
        market.calendar,
        market.rules,
        market.actions,
        market.instruments,
    )


def _span(settings: Settings, calendar: Calendar) -> tuple[datetime, datetime]:
    """From the evening before the first trading day, when its orders are placed, to the end of the last day."""
    first = calendar.next_trading_day(settings.replay.first_day - timedelta(days=1)).day
    calendar.trading_day(settings.replay.last_day)
    try:
        start = ist(calendar.previous_trading_day(first).day, time(16, 0))
    except ValueError:
        start = ist(first, time(0, 0))
    return start, ist(settings.replay.last_day, time(23, 30))


def _facts(market: Market, tape: ListedTape) -> MarketFacts:
    return MarketFacts(
        calendar=market.calendar,
        rules=market.rules,
        actions=tuple(tape.actions),
        instruments=market.instruments,
        amo_windows=market.amo_windows,
    )


def _strategy(name: str, parameters: dict[str, object], folder: Path) -> Strategy:
    """A strategy of the settings; a relative path among its parameters begins at tradebot's folder."""
    path = parameters.get("path")
    if isinstance(path, str):
        parameters["path"] = str(folder / path)
    return load_strategy(name, parameters)


def _key(settings: Settings, report: ReadReport | None) -> ReplayKey:
    facts = {
        "data": "seeded" if report is None else ", ".join(report.files),
        "from": settings.replay.first_day.isoformat(),
        "to": settings.replay.last_day.isoformat(),
        "seed": str(settings.replay.seed),
        "account": settings.run.account_id,
    }
    return ReplayKey(facts=facts)


def _session_folder(home: Path, now: datetime) -> Path:
    """A folder of its own for this run, named by the instant of its start."""
    return home / "sessions" / f"{now:%Y%m%d_%H%M%S_%f}"


def _tellers(
    stack: ExitStack,
    settings: Settings,
    disk: RealDisk,
    home: Path,
    session: Path,
    listeners: Sequence[Callable[[Event], None]],
) -> tuple[Bus, FlightRecord]:
    """Who is told what happens: the log, the session's files, and whoever watches."""
    clock = RealClock()
    log = JsonlLog(
        home / "logs",
        started_at=clock.now(),
        session_id=session.name,
        clock=clock,
        on_full="wait",
        limits=LogLimits(
            rotate_bytes=settings.logs.log_file_mb_max * _MEGABYTE,
            archive_files_max=settings.logs.log_archive_files_max,
            archive_bytes_max=settings.logs.log_archive_mb_max * _MEGABYTE,
        ),
    )
    stack.callback(log.close)
    events = EventFile(disk, session / "events.jsonl")
    stack.callback(events.close)
    record = FlightRecord(disk, session / "flight.jsonl")
    stack.callback(record.close)
    return Bus([log, events, *listeners]), record
