"""Live trading at a broker, ready to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from config.market_rules import Market
from config.settings import Settings
from tradebot.adapters.brokers.exchange_clock import ask_time
from tradebot.adapters.brokers.http import Http
from tradebot.adapters.brokers.server_dates import ServerDates
from tradebot.adapters.brokers.update_feed import UpdateFeed
from tradebot.adapters.replay_home import ReplayHome
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.timekeeping.real import RealClock, RealScheduler
from tradebot.adapters.timekeeping.scaled import ScaledClock
from tradebot.adapters.timekeeping.scaled_scheduler import ScaledScheduler
from tradebot.app.books import (
    Timing,
    open_books,
    open_database,
    ports_of,
    read_scene,
    rules_of,
)
from tradebot.app.brokers import BrokerKit, connect
from tradebot.app.calls import calls_of
from tradebot.app.command_folder import command_files
from tradebot.app.configuration import ConfigSource
from tradebot.app.daemon import build_engine
from tradebot.app.ending import end_run
from tradebot.app.faults import lanes_of
from tradebot.app.notifying import begin_notifications
from tradebot.app.reload import watch
from tradebot.app.signs_of_life import begin_signs_of_life
from tradebot.app.spool import Spool
from tradebot.app.starting import started
from tradebot.app.starts import begin_start
from tradebot.app.telemetry import telemetry_of
from tradebot.app.vitals import vitals_of
from tradebot.app.watching import begin_vigil
from tradebot.domain.calendar import ist_date
from tradebot.domain.errors import BrokerError, BrokerUnavailable
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.orders import BrokerOrderId
from tradebot.engine.alert_watch import AlertWatch
from tradebot.engine.bus import Listener
from tradebot.engine.engine import Engine
from tradebot.engine.figures_view import Vitals
from tradebot.engine.inbox import Inbox, InboxFull
from tradebot.engine.messages import Job, JobDue, OrderPushed
from tradebot.engine.relay import Relay
from tradebot.engine.views import Marks
from tradebot.ports import Clock, Disk
from tradebot.runtime.clock_watch import ClockWatch
from tradebot.runtime.live import LiveLoop
from tradebot.runtime.session_watch import SessionWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Live trading that is ready to run: `loop.run()` is all that is left to do; `loop.stop()` ends it.

    `clock` and `marks` are for whoever shows it; `marks` is called on the engine's thread and asks nobody. `rate` is
    that of the clock, 1 but for an exchange process that runs faster.
    """

    loop: LiveLoop
    engine: Engine
    kit: BrokerKit
    orders: OrderReader
    market: Market
    session: Path
    clock: Clock
    marks: Callable[[Sequence[str]], Marks]
    vitals: Callable[[], Vitals]
    alerts: AlertWatch
    start: datetime
    rate: float
    feed: UpdateFeed

    def cash(self) -> Decimal | None:
        """What the broker says at the end; None when it does not answer."""
        try:
            return self.kit.broker.funds().cash
        except BrokerError:
            return None


@contextmanager
def open_live(
    settings: Settings,
    *,
    home: Path,
    folder: Path,
    listeners: Sequence[Listener] = (),
    source: ConfigSource | None = None,
    on_turn: Callable[[], object] = lambda: None,
    waits: bool = True,
) -> Iterator[Live]:
    """Live trading on the folders of `home`. With `broker_url` an exchange process stands in for the broker, and its
    clock is followed. `waits`: after many deaths in a row it holds itself back before it asks the broker. Raises what
    `open_paper` raises, and BrokerUnavailable when that process does not answer.
    """
    scene = read_scene(settings, folder)
    clock, rate = clock_of(settings)
    start = clock.now()
    scene.market.calendar.trading_day(ist_date(start))
    with ExitStack() as stack:
        disk, series = begin_start(stack, settings, home)
        ReplayHome(disk, home / "state").refuse_replay()
        database = open_database(stack, settings, home, disk)
        books = open_books(stack, settings, home, disk, database, start, listeners)

        inbox, lanes = Inbox(), lanes_of(books.relay, clock)
        scheduler = _scheduler(clock, rate, lambda name, at: clock_watch.deliver(name, at))
        kit = _kit(stack, settings, disk, home, scene.market, clock, rate)
        sessions = SessionWatch(kit.login, scene.market.calendar, clock, lanes, books.relay.put)
        look = watch(source, settings, inbox=inbox, bus=books.bus, clock=clock, record=books.settings)

        def beat() -> None:
            books.flush()
            look()
            spool.poll()
            sessions.beat()
            vigil.beat()
            clock_watch.beat()
            live_sign()

        def turn() -> None:
            vigil.turn()
            books.relay.hand_on()
            on_turn()

        notes = begin_notifications(stack, settings, books, inbox, clock)
        doors = calls_of(kit.broker, kit.quotes, settings, clock=clock, lanes=lanes, tell=books.relay.put)
        telemetry = telemetry_of(settings, scene.market.calendar, clock)
        ports = notes.added_to(ports_of(scene, books, Timing(clock, scheduler, lanes), doors, telemetry))
        engine = build_engine(ports, rules_of(settings, scene, start), inbox)
        clock_watch = _clock_watch(kit, engine, clock, books.relay)
        vigil = begin_vigil(stack, settings, books, engine, doors, clock, telemetry)
        live_sign = begin_signs_of_life(stack, settings, RealClock(), books.relay.put)
        books.bus.publish(started(settings, engine.memory, start))
        series.tell(engine, vigil, books, clock, waits=waits)
        spool = Spool(command_files(disk, home), engine, answers=ports.answers, bus=books.bus, clock=clock)
        yield Live(
            loop=LiveLoop(
                engine=engine,
                timetable=scheduler,
                lanes=lanes,
                clock=clock,
                on_beat=beat,
                on_turn=turn,
                on_step=clock_watch.stepped,
            ),
            engine=engine,
            kit=kit,
            orders=OrderReader(books.database),
            market=scene.market,
            session=books.session,
            clock=clock,
            marks=lambda symbols: Marks(prices=kit.quotes.last_prices(symbols)),
            vitals=vitals_of(doors, home, disk, RealClock(), clock.now),
            alerts=vigil.watch,
            start=start,
            rate=rate,
            feed=_begin_feed(stack, kit, inbox, clock, books.relay),
        )
        end_run(books, engine, notes, spool, telemetry, disk, clock)


def _kit(
    stack: ExitStack, settings: Settings, disk: Disk, home: Path, market: Market, clock: Clock, rate: float
) -> BrokerKit:
    """The broker's adapters; their connections are closed with the stack."""
    kit = connect(settings, disk, home, market, clock, rate)
    stack.callback(kit.http.close)
    return kit


def _begin_feed(stack: ExitStack, kit: BrokerKit, inbox: Inbox, clock: Clock, relay: Relay) -> UpdateFeed:
    """The broker's pushed updates, until the stack ends."""
    broker = kit.broker.capabilities.name

    def tell(name: EventName, text: str, level: Level = Level.INFO) -> None:
        relay.put(Event(name=name, at=clock.now(), level=level, message=text, fields={"broker": broker}))

    def change(is_connected: bool) -> None:
        if is_connected:
            tell(EventName.STREAM_CONNECTED, f"{broker}: order updates are connected")
        else:
            tell(EventName.STREAM_DISCONNECTED, f"{broker}: order updates are lost", Level.WARNING)

    feed = UpdateFeed(kit.open_feed, kit.hint_of, _hint(inbox, clock), change)
    tell(EventName.STREAM_MANAGER_STARTED, f"{broker}: order updates are wanted")
    feed.start()
    stack.callback(feed.stop)
    return feed


def clock_of(settings: Settings) -> tuple[Clock, float]:
    """The machine's clock, or that of the exchange process that stands in for the broker; and its rate. An exchange
    on the machine's time is as a broker: its clock is not followed, but compared."""
    real, url = RealClock(), settings.broker.broker_url
    if not url:
        return real, 1.0
    time = ask_time(url, Http(), real)
    if time.kind == "driven":
        raise BrokerUnavailable(f"the exchange at {url} stands still (clock driven): start it with --clock scaled")
    if time.kind == "real":
        return real, 1.0
    return ScaledClock(real, offset=time.offset, rate=time.rate), time.rate


def _scheduler(clock: Clock, rate: float, deliver: Callable[[str, datetime], None]) -> RealScheduler | ScaledScheduler:
    """A clock that follows an exchange process is no wall clock, whatever its rate."""
    if isinstance(clock, RealClock):
        return RealScheduler(clock, deliver)
    return ScaledScheduler(clock, rate, deliver)


def _clock_watch(kit: BrokerKit, engine: Engine, clock: Clock, relay: Relay) -> ClockWatch:
    """Where an exchange process's clock is followed, its answers tell the time of its machine, which is another."""
    watch = ClockWatch(clock=clock, halt=engine.memory.halt, inbox=engine.inbox, tell=relay.put)
    if isinstance(clock, RealClock):
        kit.http.measure(ServerDates(clock, watch.measured))
    return watch


def _hint(inbox: Inbox, clock: Clock) -> Callable[[BrokerOrderId | None], None]:
    """A hint triggers a look; one that finds no room is made up for by the minute's cycle."""

    def on_hint(broker_order_id: BrokerOrderId | None) -> None:
        try:
            if broker_order_id is None:
                inbox.put(JobDue(name=Job.VERIFY, at=clock.now()))
            else:
                inbox.put(OrderPushed(broker_order_id=broker_order_id))
        except InboxFull:
            return

    return on_hint
