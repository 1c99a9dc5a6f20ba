"""A whole trading day in one process, which can be stopped at any effect and begun again from what was durable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

from config.market_rules import Market, load_market
from tests.auditor.stream_view import Told
from tests.simulator.disk import SimDisk
from tests.simulator.faults import NO_FAULTS, Faults
from tests.simulator.moods import MoodyEdge
from tests.simulator.sabotage import Sabotage, at_broker, in_store, on_disk
from tests.simulator.script import Act, Scripted, Spool
from tests.simulator.standing import Catalog, Observer, Standing, Standings
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
from tradebot.app.daemon import Ports, Rules, build_engine, job_messages
from tradebot.domain.events import Event
from tradebot.domain.orders import OrderEvent
from tradebot.domain.policy import Policy
from tradebot.domain.stored import Stored
from tradebot.engine.bus import Bus
from tradebot.engine.commands import PolicyChanged
from tradebot.engine.inbox import Inbox
from tradebot.exchange.edge import Edge
from tradebot.exchange.exchange import Exchange, Snapshot
from tradebot.exchange.market import MarketFacts
from tradebot.ports import Strategy
from tradebot.runtime.replay import ReplayLoop

STATE = Path("/home/state")
ACCOUNT = "primary"
SETTLING = timedelta(hours=1)
MARKETS_KEPT = 3
"""Making one takes two seconds, keeping it takes 50 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The operator has edited the configuration: the policy that counts from this instant on, also for later lives."""

    at: datetime
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens without any death: when, with which signals, under which policy, with which faults of the broker.

    The faults end SETTLING before the end, so that what they left open can be settled. At each of `stops` the daemon
    is stopped in an orderly way, and started again. `is_alike`: a life that was broken ends like one that
    was not, where no fault strikes. It is False where the end depends on the instant of a look, which a death changes:
    there the auditor alone judges, as under faults."""

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
    edits: Sequence[Edit] = ()
    stops: Sequence[datetime] = ()
    is_alike: bool = True

    @property
    def is_exact(self) -> bool:
        """Whether it must end as if nothing had happened, whatever dies."""
        return self.is_alike and not self.faults.dials

    @property
    def faults_until(self) -> datetime:
        return self.end - SETTLING

    def policy_at(self, now: datetime) -> Policy:
        return next((edit.policy for edit in reversed(self.edits) if edit.at <= now), self.policy)

    def acts_after(self, start: datetime) -> Sequence[Act]:
        """What people do, and the edits that a life which begins then does not begin with."""
        return [*self.acts, *(_as_act(edit) for edit in self.edits if edit.at > start)]


def _told(event: OrderEvent) -> Told:
    return Told(
        account_id=event.account_id,
        sequence=event.sequence,
        order_id=event.order_id,
        event=event.event,
        status=event.to_status,
    )


def _as_act(edit: Edit) -> Act:
    changed = PolicyChanged(policy=edit.policy, changes=())
    return Act(name=f"edit-{edit.at:%H%M}", at=edit.at, make=lambda _: changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Everything outside the process at one instant: the disk, the database, the exchange, what people handed in, and
    what a client of the order stream was told, by connection."""

    index: int
    effect: str
    disk: SimDisk
    image: bytes
    exchange: Snapshot
    spool: Spool
    told: tuple[tuple[Told, ...], ...]

    def state(self) -> tuple[object, ...]:
        """The same for moments of one run between which nothing changed that a next life could see."""
        exchange = self.exchange.state
        tables = (exchange.orders, exchange.trades, exchange.margins, exchange.holdings, exchange.archive)
        rows = tuple(tuple(map(id, table.values())) for table in tables)
        counters = (exchange.now, exchange.numbers, exchange.priority, tuple(exchange.untold.items()))
        return (self.disk.state(), self.image, rows, counters, tuple(self.spool))


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
    standings: list[tuple[datetime, Standing]] = field(default_factory=list)
    catalog: Catalog = field(default_factory=Catalog)
    incidents: Counter[str] = field(default_factory=Counter)
    disk: SimDisk = field(init=False)
    database: SqliteMemory = field(init=False)
    exchange: Exchange = field(init=False)
    spool: Spool = field(default_factory=dict)
    told: list[list[Told]] = field(default_factory=list)
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
            self.spool = moment.spool.copy()
            self.told = [list(connection) for connection in moment.told]
        while self.asleep_until is not None and self.exchange.now < self.asleep_until:
            self.exchange.advance_to(self.asleep_until)

    def run(self, known: Standings | None = None, may_end: Callable[[World], bool] = lambda _: True) -> bool:
        """Start, recover, and go on to the scenario's end, or to where the day stands as it is `known` to have stood
        at the same instant, if it `may_end` there; True at the end."""
        self.tracer.watch(self._moment)
        stops = [stop for stop in self.scenario.stops if stop > self.exchange.now]
        return all(self._live(until, known, may_end) for until in (*stops, self.scenario.end))

    def _live(self, until: datetime, known: Standings | None, may_end: Callable[[World], bool]) -> bool:
        """From a start to an orderly stop."""
        scenario, began = self.scenario, self.exchange.now
        clock, inbox, observer = VirtualClock(began), Inbox(), Observer(self.catalog)
        edge = MoodyEdge(self.exchange, scenario.seed, self.life, scenario.faults.dials)
        scheduler = VirtualScheduler(clock, job_messages(inbox))
        engine = build_engine(self._ports(clock, scheduler, edge), self._rules(began), inbox)
        timetable = Scripted(scheduler, scenario.acts_after(began), inbox, lambda: engine.memory, self.spool)

        def note() -> None:
            self.hand(self.exchange)
            if self.exchange.now >= scenario.faults_until:
                edge.dials = ()
            if self.keeps_standings or known is not None:
                self.standings.append((self.exchange.now, observer.standing(self.exchange, engine.memory)))

        def goes_on(next_instant: datetime) -> bool:
            # What is still due at this instant, as a start's own cycle is, is no part of a standing.
            is_over = next_instant > self.exchange.now
            is_known = known is not None and is_over and edge.is_as_ever and self.standings[-1] in known
            return not (is_known and may_end(self))

        venue = PaperFeed(self.exchange, ACCOUNT)
        loop = ReplayLoop(
            engine=engine, venue=venue, timetable=timetable, clock=clock, wait_until=goes_on, on_beat=note
        )
        engine.start()
        is_at_end = loop.run(until)
        self.incidents.update(incident.dial for incident in edge.incidents)
        engine.close()
        return is_at_end

    def _ports(self, clock: VirtualClock, scheduler: VirtualScheduler, edge: Edge) -> Ports:
        scenario = self.scenario
        store = in_store(scenario.sabotage, self.database.store)
        broker = at_broker(scenario.sabotage, PaperBroker(edge, ACCOUNT))
        return Ports(
            clock=clock,
            scheduler=scheduler,
            lanes=TracedLanes(self.tracer.mark, store.flush if isinstance(store, LateStore) else lambda: None),
            registry=CoidRegistry.open(self.disk, STATE, clock.now()),
            store=TracedStore(store, self._commit_effect, self._stored),
            broker=TracedBroker(broker, self.tracer.mark, scenario.faults.capabilities(broker.capabilities)),
            market_data=PaperQuotes(self.exchange),
            history=history(scenario.market_seed),
            strategies=scenario.strategies(),
            bus=self._bus(),
            recorder=NoRecorder(),
        )

    def _bus(self) -> Bus:
        """With a client of the stream on it, who connects anew to each life, and forgets nothing."""
        bus, connection = Bus([self.events.append]), list[Told]()
        self.told.append(connection)
        bus.follow(lambda changes: connection.extend(map(_told, changes.events)))
        return bus

    def _rules(self, now: datetime) -> Rules:
        facts = market_facts()
        return Rules(
            policy=self.scenario.policy_at(now),
            calendar=facts.calendar,
            amo=facts.amo_window("NSE", self.scenario.start),
            actions=facts.actions,
            market=facts.rules,
        )

    def _stored(self, since: date) -> Stored:
        """What a load finds at the beginning of a life: worked out once for each database that a death left behind."""
        if self._image and self.scenario.sabotage is None:
            return _loaded(self._image, since)
        return in_store(self.scenario.sabotage, self.database.store).load(since)

    @property
    def life(self) -> int:
        """0 for the first one, and another number for what is begun at each moment."""
        return self.moment.index + 1 if self.moment is not None else 0

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
            spool=self.spool.copy(),
            told=tuple(map(tuple, self.told)),
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


@lru_cache(maxsize=MARKETS_KEPT)
def tape(seed: int) -> ListedTape:
    found = market()
    return open_tape(None, seed, found.calendar, found.rules, found.actions, found.instruments)[0]


@lru_cache(maxsize=MARKETS_KEPT)
def history(seed: int) -> TapeHistory:
    return TapeHistory(tape(seed))


@cache
def _shared_database() -> SqliteMemory:
    return SqliteMemory()


@cache
def _empty_image() -> bytes:
    return SqliteMemory().image()


@lru_cache(maxsize=16)
def _loaded(image: bytes, since: date) -> Stored:
    database = _shared_database()
    assert database.image() == image, "a life begins with the database of its moment"
    return database.store.load(since)


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
