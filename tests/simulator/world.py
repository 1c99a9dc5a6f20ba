"""A whole trading day in one process, which can be stopped at any effect and begun again from what was durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from config.market_rules import Market, load_market
from tests.simulator.disk import SimDisk
from tests.simulator.faults import NO_FAULTS, Faults
from tests.simulator.sabotage import Sabotage, at_broker, in_store, on_disk
from tests.simulator.script import Act, Scripted
from tests.simulator.standing import Standing, Standings, standing
from tests.simulator.traced import LateStore, TracedBroker, TracedLanes, TracedStore
from tradebot.adapters.brokers.paper import PaperBroker
from tradebot.adapters.brokers.paper_feed import PaperFeed
from tradebot.adapters.marketdata.history import TapeHistory
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.adapters.marketdata.paper_quotes import PaperQuotes
from tradebot.adapters.marketdata.tape import ListedTape
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.storage.sqlite_memory import SqliteMemory
from tradebot.adapters.timekeeping.virtual import VirtualClock, VirtualScheduler
from tradebot.app import Ports, Rules, build_engine, job_messages
from tradebot.domain.events import Event
from tradebot.domain.policy import Policy
from tradebot.engine.bus import Bus
from tradebot.engine.inbox import Inbox
from tradebot.exchange.edge import Edge
from tradebot.exchange.exchange import Exchange, Snapshot
from tradebot.exchange.market import MarketFacts
from tradebot.ports import Strategy
from tradebot.runtime.replay import ReplayLoop

STATE = Path("/home/state")
ACCOUNT = "primary"
SETTLING = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens without any death: when, with which signals, under which policy, with which faults of the broker.

    The faults end SETTLING before the end, so that what they left open can be settled. `is_alike`: a life that was
    broken ends like one that was not."""

    start: datetime
    end: datetime
    policy: Policy
    strategies: Callable[[], Sequence[Strategy]]
    seed: int = 1
    market_seed: int = 1
    cash: Decimal = Decimal(2_000_000)
    sabotage: Sabotage | None = None
    faults: Faults = NO_FAULTS
    acts: Sequence[Act] = ()
    is_alike: bool = True

    @property
    def faults_until(self) -> datetime:
        return self.end - SETTLING


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Everything outside the process at one instant: the disk, the database, the exchange."""

    index: int
    effect: str
    disk: SimDisk
    image: bytes
    exchange: Snapshot


class Tracer:
    """Counts effects; keeps the moment before each one that `wants` names, and dies before the one it is told."""

    def __init__(self, wants: Callable[[int], bool] = lambda _: False) -> None:
        self.count = 0
        self.moments: list[Moment] = []
        self._wants = wants
        self._take: Callable[[int, str], Moment] | None = None

    def watch(self, take: Callable[[int, str], Moment]) -> None:
        self._take = take

    def mark(self, effect: str) -> None:
        if self._take is not None and self._wants(self.count):
            self.moments.append(self._take(self.count, effect))
        self.count += 1


@dataclass(slots=True)
class NoRecorder:
    """Takes nothing down."""

    def record(self, sequence: int, at: datetime, message: object, *, joins: bool = False) -> None:
        pass


@dataclass(slots=True)
class World:
    """One process's life in a scenario: from the scenario's start, or from a moment on. `asleep_until`: the market has
    gone on without it until then. `hand` is somebody else on the same
    account, who gets a turn at each step of the day."""

    scenario: Scenario
    tracer: Tracer = field(default_factory=Tracer)
    moment: Moment | None = None
    asleep_until: datetime | None = None
    keeps_standings: bool = False
    hand: Callable[[Exchange], None] = lambda _exchange: None
    events: list[Event] = field(default_factory=list)
    standings: dict[datetime, Standing] = field(default_factory=dict)
    incidents: int = 0
    disk: SimDisk = field(init=False)
    database: SqliteMemory = field(init=False)
    exchange: Exchange = field(init=False)
    _image: bytes = b""

    def __post_init__(self) -> None:
        moment = self.moment
        self.exchange = _exchange(self.scenario)
        self.disk = SimDisk(self._disk_effect) if moment is None else moment.disk.clone()
        on_disk(self.scenario.sabotage, self.disk)
        self.database = _database(None if moment is None else moment.image)
        self._image = self.database.image() if moment is None else moment.image
        if moment is not None:
            self.exchange.restore(moment.exchange)
        while self.asleep_until is not None and self.exchange.now < self.asleep_until:
            self.exchange.advance_to(self.asleep_until)

    def run(self, unbroken: Standings | None = None) -> bool:
        """Start, recover, and go on to the scenario's end, or to where the day stands as `unbroken` stood at the same
        instant; True at the end."""
        scenario, facts = self.scenario, market_facts()
        self.tracer.watch(self._moment)
        store = in_store(scenario.sabotage, self.database.store)
        clock = VirtualClock(self.exchange.now)
        inbox = Inbox()
        edge = Edge(self.exchange, self._edge_seed(), scenario.faults.dials)
        broker = at_broker(scenario.sabotage, PaperBroker(edge, ACCOUNT))
        feed = PaperFeed(self.exchange, ACCOUNT)
        registry = CoidRegistry.open(self.disk, STATE, clock.now())
        ports = Ports(
            clock=clock,
            scheduler=(scheduler := VirtualScheduler(clock, job_messages(inbox))),
            lanes=TracedLanes(self.tracer.mark, store.flush if isinstance(store, LateStore) else lambda: None),
            registry=registry,
            store=TracedStore(store, self._commit_effect),
            broker=TracedBroker(broker, self.tracer.mark, scenario.faults.capabilities(broker.capabilities)),
            market_data=PaperQuotes(self.exchange),
            history=history(scenario.market_seed),
            strategies=scenario.strategies(),
            bus=Bus([self.events.append]),
            recorder=NoRecorder(),
        )
        rules = Rules(
            policy=scenario.policy,
            calendar=facts.calendar,
            amo=facts.amo_window("NSE", scenario.start),
            actions=facts.actions,
            market=facts.rules,
        )
        engine = build_engine(ports, rules, inbox)
        timetable = Scripted(scheduler, scenario.acts, inbox, lambda: engine.memory)

        def goes_on(_: datetime) -> bool:
            if unbroken is None:
                return True
            like = unbroken.get(self.exchange.now)
            return like is None or standing(self.exchange, engine.memory) != like

        def note() -> None:
            self.hand(self.exchange)
            if self.exchange.now >= scenario.faults_until:
                edge.dials = ()
            if self.keeps_standings:
                self.standings[self.exchange.now] = standing(self.exchange, engine.memory)

        loop = ReplayLoop(engine=engine, venue=feed, timetable=timetable, clock=clock, wait_until=goes_on, on_beat=note)
        engine.start()
        is_at_end = loop.run(scenario.end)
        self.incidents = len(edge.incidents)
        engine.close()
        return is_at_end

    def _edge_seed(self) -> int:
        """Another life meets other faults: calls are numbered anew in it."""
        return self.scenario.seed * 1_000_000 + (self.moment.index + 1 if self.moment is not None else 0)

    def _disk_effect(self, effect: str, path: Path) -> None:
        self.tracer.mark(f"{effect} {path.name}")

    def _commit_effect(self, effect: str) -> None:
        if effect == "committed":
            self._image = self.database.image() if self.tracer.moments or self.moment is None else b""
        self.tracer.mark(effect)

    def _moment(self, index: int, effect: str) -> Moment:
        return Moment(
            index=index,
            effect=effect,
            disk=self.disk.clone(),
            image=self._image or self.database.image(),
            exchange=self.exchange.snapshot(),
        )


@cache
def market() -> Market:
    return load_market(Path(__file__).parents[2] / "config" / "market")


@cache
def market_facts() -> MarketFacts:
    found = market()
    return MarketFacts(
        calendar=found.calendar,
        rules=found.rules,
        actions=found.actions,
        instruments=found.instruments,
        amo_windows=found.amo_windows,
    )


@cache
def tape(seed: int) -> ListedTape:
    found = market()
    return open_tape(None, seed, found.calendar, found.rules, found.actions, found.instruments)[0]


@cache
def history(seed: int) -> TapeHistory:
    return TapeHistory(tape(seed))


@cache
def _shared_database() -> SqliteMemory:
    return SqliteMemory()


@cache
def _empty_image() -> bytes:
    return SqliteMemory().image()


def _database(image: bytes | None) -> SqliteMemory:
    """One connection for all worlds: putting an image back costs a tenth of making a database."""
    database = _shared_database()
    database.restore(image if image is not None else _empty_image())
    return database


def _exchange(scenario: Scenario) -> Exchange:
    return Exchange(
        tape=tape(scenario.market_seed),
        facts=market_facts(),
        seed=scenario.seed,
        opening=scenario.start,
        accounts={ACCOUNT: scenario.cash},
    )
