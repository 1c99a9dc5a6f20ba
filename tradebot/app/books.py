"""What a run reads before it writes anything, and the files that it then opens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine as DatabaseEngine

from config.kinds import TrackerMode
from config.market_rules import Market
from config.problems import ConfigError
from config.settings import Settings
from tradebot.adapters.brokers.latched import prove_latch
from tradebot.adapters.brokers.paper import PaperBroker
from tradebot.adapters.chance import MachineChance, SeededChance
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.event_file import EventFile
from tradebot.adapters.flight_record import FlightLimits, FlightRecord
from tradebot.adapters.jsonl_log import JsonlLog, LibraryHandler, LogLimits
from tradebot.adapters.kill_latch import FileLatch
from tradebot.adapters.lookups import MemoryLookup
from tradebot.adapters.marketdata.history import TapeHistory
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.adapters.marketdata.paper_quotes import PaperQuotes
from tradebot.adapters.marketdata.read_report import ReadReport
from tradebot.adapters.marketdata.tape import ListedTape
from tradebot.adapters.masked_disk import MaskedDisk
from tradebot.adapters.masking import masking
from tradebot.adapters.observed_store import ObservedStore
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.space_reserve import FileReserve
from tradebot.adapters.storage.lifecycle_care import note_account
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.pending_file import DualStore, PendingFile
from tradebot.adapters.storage.schema_version import create_database
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.calls import Calls, calls_of
from tradebot.app.configuration import SettingsFile, channel_problems, driver_problems, make_strategies, read_market
from tradebot.app.daemon import Ports, Rules
from tradebot.app.reading import unseen
from tradebot.app.refusals import refuse_files, refuse_lost_registry, refuse_older_database
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.lifecycle_ids import AccountKind
from tradebot.engine.bus import Bus, Listener
from tradebot.engine.fill_telemetry import FillTelemetry
from tradebot.engine.relay import Relay
from tradebot.engine.room import NoReserve
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.market import MarketFacts
from tradebot.ports import Chance, Clock, Disk, IdLookup, Lanes, OrderStore, Scheduler, SpaceReserve, Strategy
from tradebot.runtime.interpreter import uncollected

_MEGABYTE = 1024 * 1024
# Virtual seconds pass by the thousand: a replay's record is flushed when its buffer is full.
_REPLAY_FLIGHT = FlightLimits(flush_every=timedelta(days=1))
_PRIVATE = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is read before anything is written: the market's rules and prices, and the strategies."""

    market: Market
    tape: ListedTape
    report: ReadReport | None
    facts: MarketFacts
    strategies: Sequence[Strategy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The open files of one run."""

    registry: CoidRegistry
    database: DatabaseEngine
    store: OrderStore
    session: Path
    bus: Bus
    log: JsonlLog
    relay: Relay
    record: FlightRecord
    events: EventFile
    settings: SettingsFile
    latch: FileLatch
    lookup: IdLookup
    chance: Chance
    reserve: SpaceReserve

    def flush(self) -> None:
        """For the beat: what waits in the session's files is handed to the system."""
        self.record.flush()
        self.events.flush()


@dataclass(frozen=True, slots=True)
class Timing:
    """Which time a daemon lives in, and where its slow calls run."""

    clock: Clock
    scheduler: Scheduler
    lanes: Lanes


def read_scene(settings: Settings, folder: Path) -> Scene:
    """Raises ConfigError with everything that is wrong with market files and strategies."""
    market, problems = read_market(folder)
    strategies, of_strategies = make_strategies(settings, folder)
    problems = [*problems, *of_strategies, *driver_problems(settings), *channel_problems(settings)]
    if market is None or problems:
        raise ConfigError(problems)
    data = settings.replay.data_in(folder) if settings.run.mode != "paper" else None
    tape, report = open_tape(
        data, settings.replay.seed, market.calendar, market.rules, market.actions, market.instruments
    )
    return Scene(
        market=market,
        tape=tape,
        report=report,
        facts=_facts(market, tape),
        strategies=strategies,
    )


def owned_disk(stack: ExitStack, settings: Settings, home: Path, disk: RealDisk | None = None) -> RealDisk:
    """The disk, with the state folder owned until the stack ends, and private: a clone brings it open to others."""
    disk = disk or RealDisk(durability=settings.run.durability_in_force)
    stack.callback(disk.close)
    stack.enter_context(disk.lock(home / "state" / "lock"))
    (home / "state").chmod(_PRIVATE)
    return disk


def open_database(stack: ExitStack, settings: Settings, home: Path, disk: RealDisk) -> DatabaseEngine:
    """The first file that is made; what stands in the way of a run is found here. Raises StateCorrupt."""
    refuse_files(home)
    prove_latch(home / "state")
    with unseen(settings.secrets()):
        database = create_database(settings.run.database_url_in(home), settings.run.durability_in_force)
        stack.callback(database.dispose)
        refuse_lost_registry(disk, home / "state", SqlOrderStore(database))
        kind = AccountKind.LIVE if settings.run.mode == "live" else AccountKind.PAPER
        note_account(database, settings.run.account_id, kind)
    return database


def open_exchange(stack: ExitStack, settings: Settings, home: Path, scene: Scene, opening: datetime) -> Exchange:
    """The exchange within the daemon, with books of its own."""
    exchange = Exchange.open(
        home / "state" / "exchange",
        tape=scene.tape,
        facts=scene.facts,
        seed=settings.replay.seed,
        opening=opening,
        accounts={settings.run.account_id: settings.run.opening_cash},
        durable=settings.run.durability_in_force == "power",
    )
    stack.callback(exchange.close)
    return exchange


def open_books(
    stack: ExitStack,
    settings: Settings,
    home: Path,
    disk: RealDisk,
    database: DatabaseEngine,
    at: datetime,
    listeners: Sequence[Listener],
) -> Books:
    """`at` is the instant at which the run begins, in the time of its market."""
    with uncollected():
        registry = CoidRegistry.open(disk, home / "state", at)
    stack.callback(registry.close)
    refuse_older_database(registry, SqlOrderStore(database), settings.run.database_url_in(home))
    session = _session_folder(home, RealClock().now())
    settings_file = SettingsFile(disk, session / "settings.json")
    settings_file.begin(settings, at)
    bus, log, record, events = _tellers(stack, settings, disk, home, session, listeners)
    relay = Relay(bus)
    return Books(
        registry=registry,
        database=database,
        store=_store(settings, database, disk, home, relay),
        session=session,
        bus=bus,
        log=log,
        relay=relay,
        record=record,
        events=events,
        settings=settings_file,
        latch=FileLatch(home / "state"),
        lookup=_lookup(settings),
        chance=SeededChance(settings.replay.seed) if settings.run.mode == "replay" else MachineChance(),
        reserve=NoReserve() if settings.run.mode == "replay" else FileReserve(home / "state"),
    )


def _store(settings: Settings, database: DatabaseEngine, disk: Disk, home: Path, relay: Relay) -> OrderStore:
    store = SqlOrderStore(database)
    if settings.run.order_tracker_mode is not TrackerMode.DUAL:
        return store

    def tell(text: str) -> None:
        now = RealClock().now()
        relay.put(Event(name=EventName.PENDING_FILE, at=now, level=Level.WARNING, message=text, component="database"))

    return DualStore(store, PendingFile(disk, home / "state"), tell)


def paper_doors(
    exchange: Exchange, books: Books, settings: Settings, timing: Timing, lock: AbstractContextManager[object]
) -> Calls:
    """The simulated exchange, behind what the flags put before a broker."""
    return calls_of(
        PaperBroker(exchange, settings.run.account_id, lock),
        PaperQuotes(exchange, lock),
        settings,
        clock=timing.clock,
        lanes=timing.lanes,
        tell=books.relay.put,
    )


def ports_of(scene: Scene, books: Books, timing: Timing, doors: Calls, telemetry: FillTelemetry | None = None) -> Ports:
    return Ports(
        clock=timing.clock,
        scheduler=timing.scheduler,
        lanes=timing.lanes,
        registry=books.registry,
        store=books.store if telemetry is None else ObservedStore(books.store, telemetry.saved),
        broker=doors.broker,
        market_data=doors.market_data,
        history=TapeHistory(scene.tape),
        strategies=scene.strategies,
        bus=books.bus,
        recorder=books.record,
        latch=books.latch,
        lookup=books.lookup,
        chance=books.chance,
        reserve=books.reserve,
    )


def rules_of(settings: Settings, scene: Scene, at: datetime) -> Rules:
    return Rules(
        policy=settings.policy(),
        calendar=scene.market.calendar,
        amo=scene.facts.amo_window("NSE", at),
        actions=scene.tape.actions,
        market=scene.market.rules,
        configuration=settings.in_words(),
    )


def _lookup(settings: Settings) -> IdLookup:
    if not settings.run.redis_url:
        return MemoryLookup()
    # Its library is loaded by whoever wants it.
    from tradebot.adapters.redis_lookup import RedisLookup

    return RedisLookup(settings.run.redis_url, writes=True)


def _facts(market: Market, tape: ListedTape) -> MarketFacts:
    return MarketFacts(
        calendar=market.calendar,
        rules=market.rules,
        actions=tuple(tape.actions),
        instruments=market.instruments,
        amo_windows=market.amo_windows,
    )


def _session_folder(home: Path, now: datetime) -> Path:
    """A folder of its own for this run, named by the instant of its start."""
    return home / "sessions" / f"{now:%Y%m%d_%H%M%S_%f}"


def _tellers(
    stack: ExitStack,
    settings: Settings,
    disk: RealDisk,
    home: Path,
    session: Path,
    listeners: Sequence[Listener],
) -> tuple[Bus, JsonlLog, FlightRecord, EventFile]:
    """Who is told what happens: the log, the session's files, and whoever watches."""
    clock, secrets = RealClock(), settings.secrets()
    mask = masking(secrets)
    safe: Disk = MaskedDisk(disk, secrets) if secrets else disk
    log = JsonlLog(
        home / "logs",
        started_at=clock.now(),
        session_id=session.name,
        clock=clock,
        mask=mask,
        on_full="wait" if settings.run.mode == "replay" else "drop",
        limits=LogLimits(
            rotate_bytes=settings.logs.log_file_mb_max * _MEGABYTE,
            archive_files_max=settings.logs.log_archive_files_max,
            archive_bytes_max=settings.logs.log_archive_mb_max * _MEGABYTE,
        ),
    )
    stack.callback(log.close)
    _hear_libraries(stack, log, clock)
    events = EventFile(safe, session / "events.jsonl")
    stack.callback(events.close)
    is_replay = settings.run.mode == "replay"
    record = FlightRecord(safe, session / "flight.jsonl", _REPLAY_FLIGHT if is_replay else None)
    stack.callback(record.close)
    shown = [_blind(listener, mask) for listener in listeners] if secrets else listeners
    return Bus([log, events, *shown]), log, record, events


def _hear_libraries(stack: ExitStack, log: JsonlLog, clock: Clock) -> None:
    """What libraries warn of goes into the log as well, as long as it is open."""
    root, handler = logging.getLogger(), LibraryHandler(log, clock)
    root.addHandler(handler)
    stack.callback(root.removeHandler, handler)


def _blind(listener: Listener, mask: Callable[[str], str]) -> Listener:
    """The listener, for one that shows what it is told: it sees no secret."""

    def tell(event: Event) -> None:
        fields = {name: mask(value) if isinstance(value, str) else value for name, value in event.fields.items()}
        listener(replace(event, message=mask(event.message), fields=fields))

    return tell
