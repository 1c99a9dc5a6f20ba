"""Paper trading in real time, ready to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import RLock

from config.market_rules import Market
from config.settings import Settings
from tradebot.adapters.brokers.paper_feed import PaperFeed
from tradebot.adapters.replay_home import ReplayHome
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.timekeeping.real import RealClock, RealScheduler
from tradebot.app.books import (
    Timing,
    open_books,
    open_database,
    open_exchange,
    paper_doors,
    ports_of,
    read_scene,
    rules_of,
)
from tradebot.app.command_folder import command_files
from tradebot.app.configuration import ConfigSource
from tradebot.app.daemon import build_engine
from tradebot.app.ending import end_run
from tradebot.app.faults import lanes_of
from tradebot.app.marks import paper_marks
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
from tradebot.engine.alert_watch import AlertWatch
from tradebot.engine.bus import Listener
from tradebot.engine.engine import Engine
from tradebot.engine.figures_view import Vitals
from tradebot.engine.inbox import Inbox
from tradebot.engine.views import Marks
from tradebot.exchange.exchange import Exchange
from tradebot.ports import Clock
from tradebot.runtime.clock_watch import ClockWatch
from tradebot.runtime.live import LiveLoop


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Paper trading that is ready to run: `loop.run()` is all that is left to do; `loop.stop()` ends it.

    `clock` and `marks` are for whoever shows it; `marks` is called on the engine's thread.
    """

    loop: LiveLoop
    engine: Engine
    exchange: Exchange
    orders: OrderReader
    market: Market
    session: Path
    clock: Clock
    marks: Callable[[Sequence[str]], Marks]
    vitals: Callable[[], Vitals]
    alerts: AlertWatch
    start: datetime


@contextmanager
def open_paper(
    settings: Settings,
    *,
    home: Path,
    folder: Path,
    listeners: Sequence[Listener] = (),
    source: ConfigSource | None = None,
    on_turn: Callable[[], object] = lambda: None,
    waits: bool = True,
) -> Iterator[Paper]:
    """Paper trading in real time on the folders of `home`: the embedded exchange plays the seeded market of today.

    Edits of the configuration count while it runs where `source` says where the settings came from. `on_turn` is called
    on the engine's thread several times a second. Raises what `open_replay` raises, and StateCorrupt for a home that
    holds a replay.
    """
    scene = read_scene(settings, folder)
    clock = RealClock()
    start = clock.now()
    scene.market.calendar.trading_day(ist_date(start))
    with ExitStack() as stack:
        disk, series = begin_start(stack, settings, home)
        ReplayHome(disk, home / "state").refuse_replay()
        database = open_database(stack, settings, home, disk)
        exchange = open_exchange(stack, settings, home, scene, start)
        books = open_books(stack, settings, home, disk, database, max(start, exchange.now), listeners)

        inbox, lanes, lock = Inbox(), lanes_of(books.relay, clock), RLock()
        scheduler = RealScheduler(clock, lambda name, at: clock_watch.deliver(name, at))
        feed = _feed_at(start, PaperFeed(exchange, settings.run.account_id, lock, scene.market.calendar))
        look = watch(source, settings, inbox=inbox, bus=books.bus, clock=clock, record=books.settings)

        def beat() -> None:
            books.flush()
            look()
            spool.poll()
            vigil.beat()
            clock_watch.measured(_drift_s(clock, feed))
            live_sign()

        def turn() -> None:
            vigil.turn()
            books.relay.hand_on()
            on_turn()

        timing = Timing(clock, scheduler, lanes)
        doors = paper_doors(exchange, books, settings, timing, lock)
        notes = begin_notifications(stack, settings, books, inbox, clock)
        telemetry = telemetry_of(settings, scene.market.calendar, clock)
        ports = notes.added_to(ports_of(scene, books, timing, doors, telemetry))
        engine = build_engine(ports, rules_of(settings, scene, start), inbox)
        clock_watch = ClockWatch(clock=clock, halt=engine.memory.halt, inbox=inbox, tell=books.relay.put)
        vigil = begin_vigil(stack, settings, books, engine, doors, clock, telemetry)
        live_sign = begin_signs_of_life(stack, settings, clock, books.relay.put)
        books.bus.publish(started(settings, engine.memory, start))
        series.tell(engine, vigil, books, clock, waits=waits)
        spool = Spool(command_files(disk, home), engine, answers=ports.answers, bus=books.bus, clock=clock)
        yield Paper(
            loop=LiveLoop(
                engine=engine,
                timetable=scheduler,
                lanes=lanes,
                clock=clock,
                on_beat=beat,
                venue=feed,
                on_turn=turn,
                on_step=clock_watch.stepped,
            ),
            engine=engine,
            exchange=exchange,
            orders=OrderReader(books.database),
            market=scene.market,
            session=books.session,
            clock=clock,
            marks=paper_marks(exchange, settings.run.account_id, lock),
            vitals=vitals_of(doors, home, disk, RealClock(), clock.now),
            alerts=vigil.watch,
            start=start,
        )
        end_run(books, engine, notes, spool, telemetry, disk, clock)


def _drift_s(clock: Clock, feed: PaperFeed) -> float:
    """The exchange goes on with the machine's clock, never back: it may be ahead of it, and is about to follow it."""
    return min((clock.now() - feed.now).total_seconds(), 0.0)


def _feed_at(start: datetime, feed: PaperFeed) -> PaperFeed:
    """The exchange has gone on while nothing ran."""
    while feed.now < start:
        feed.advance_to(start)
    return feed
