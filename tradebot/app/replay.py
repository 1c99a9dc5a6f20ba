"""A replay on virtual time, ready to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from config.market_rules import Market
from config.problems import ConfigError, Problem
from config.settings import Settings
from tradebot.adapters.brokers.paper_feed import PaperFeed
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.lanes import InlineLanes
from tradebot.adapters.marketdata.read_report import ReadReport
from tradebot.adapters.replay_home import Begin, ReplayHome, ReplayKey
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.timekeeping.scaled import Pacer
from tradebot.adapters.timekeeping.virtual import VirtualClock, VirtualScheduler
from tradebot.app.books import (
    Timing,
    open_books,
    open_database,
    open_exchange,
    owned_disk,
    paper_doors,
    ports_of,
    read_scene,
    rules_of,
)
from tradebot.app.command_folder import command_files
from tradebot.app.configuration import ConfigSource
from tradebot.app.daemon import Ports, build_engine, job_messages
from tradebot.app.marks import paper_marks
from tradebot.app.reload import EVERY_S, EverySecond, watch
from tradebot.app.spool import Spool
from tradebot.app.starting import started, stopped
from tradebot.app.telemetry import export, telemetry_of
from tradebot.app.vitals import vitals_of
from tradebot.app.watching import alert_watch
from tradebot.domain.calendar import Calendar, ist
from tradebot.engine.alert_watch import AlertWatch
from tradebot.engine.bus import Listener
from tradebot.engine.engine import Engine
from tradebot.engine.figures_view import Vitals
from tradebot.engine.inbox import Inbox
from tradebot.engine.views import Marks
from tradebot.exchange.exchange import Exchange
from tradebot.ports import Clock
from tradebot.runtime.pacing import PacedClock, SessionPace
from tradebot.runtime.replay import ReplayLoop


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A replay that is ready to run: `loop.run(end)` is all that is left to do; `pace.stop()` ends it early.

    `clock` and `marks` are for whoever shows it; `marks` is called on the engine's thread.
    """

    loop: ReplayLoop
    engine: Engine
    exchange: Exchange
    pace: SessionPace
    orders: OrderReader
    market: Market
    begin: Begin
    report: ReadReport | None
    session: Path
    clock: Clock
    marks: Callable[[Sequence[str]], Marks]
    vitals: Callable[[], Vitals]
    alerts: AlertWatch
    start: datetime
    end: datetime


@contextmanager
def open_replay(
    settings: Settings,
    *,
    home: Path,
    folder: Path,
    listeners: Sequence[Listener] = (),
    disk: RealDisk | None = None,
    wrap: Callable[[Ports], Ports] = lambda ports: ports,
    source: ConfigSource | None = None,
    on_turn: Callable[[], object] = lambda: None,
) -> Iterator[Replay]:
    """A replay on the folders of `home`, with the configuration below `folder`; everything is closed at the end.

    Who watches the adapters, or breaks them, gives a `disk` of their own, and ports around those that were built.
    Edits of the configuration count while it runs where `source` says where the settings came from. `on_turn` is called
    on the engine's thread after each step, and about every second while the replay waits. What can be wrong with the
    input is found before anything is written. Raises the errors of `domain.errors`, ConfigError, DataFileError and
    CalendarHorizonError.
    """
    scene = read_scene(settings, folder)
    start, end = _span(settings, scene.market.calendar)
    with ExitStack() as stack:
        disk = owned_disk(stack, settings, home, disk)
        replays, key = ReplayHome(disk, home / "state"), _key(settings, scene.report)
        begin = replays.begin(key)
        database = open_database(stack, settings, home, disk)
        exchange = open_exchange(stack, settings, home, scene, start)
        books = open_books(stack, settings, home, disk, database, max(start, exchange.now), listeners)
        clock, inbox, lock = VirtualClock(exchange.now), Inbox(), nullcontext()
        scheduler = VirtualScheduler(clock, job_messages(inbox))
        timing = Timing(clock, scheduler, InlineLanes())
        doors = paper_doors(exchange, books, settings, timing, lock)
        telemetry = telemetry_of(settings, scene.market.calendar, clock)
        ports = wrap(ports_of(scene, books, timing, doors, telemetry))
        alerts = alert_watch(settings, inbox, clock, doors, sources=[], actions={})
        books.bus.subscribe(alerts)
        engine = build_engine(ports, rules_of(settings, scene, start), inbox)
        books.bus.publish(started(settings, engine.memory, clock.now()))
        pace = SessionPace(scene.market.calendar, lambda at: Pacer(settings.replay.speed, RealClock(), at))
        feed = PaperFeed(exchange, settings.run.account_id, lock)
        look = watch(source, settings, inbox=inbox, bus=books.bus, clock=clock, record=books.settings)
        spool = Spool(command_files(disk, home), engine, answers=ports.answers, bus=books.bus, clock=clock)
        spool_now_and_then = EverySecond(spool.poll, RealClock(), is_due=True)
        # Where somebody looks on, and may kill it; at full speed a file is written when its buffer is full.
        now_and_then = _each_second(look, *([books.flush] if settings.replay.speed else []))

        def beat() -> None:
            books.relay.hand_on()
            alerts.poll()
            now_and_then()
            spool_now_and_then()
            on_turn()

        yield Replay(
            loop=ReplayLoop(
                engine=engine,
                venue=feed,
                timetable=scheduler,
                clock=clock,
                wait_until=pace.wait_until,
                on_beat=beat,
                beat_span=timedelta(seconds=EVERY_S * settings.replay.speed) if settings.replay.speed else None,
            ),
            engine=engine,
            exchange=exchange,
            pace=pace,
            orders=OrderReader(books.database),
            market=scene.market,
            begin=begin,
            report=scene.report,
            session=books.session,
            clock=PacedClock(clock, pace),
            marks=paper_marks(exchange, settings.run.account_id, lock),
            vitals=vitals_of(doors, home, disk, RealClock(), clock.now),
            alerts=alerts,
            start=start,
            end=end,
        )
        books.relay.hand_on()
        engine.close()
        spool.finish()
        books.bus.publish([stopped(engine.memory, clock.now())])
        export(telemetry, disk, books.session)
        if exchange.now >= end:
            replays.finish(key)


def _each_second(*acts: Callable[[], object]) -> EverySecond:
    """All of them, when a second of real time has passed since the last time."""
    return EverySecond(lambda: [act() for act in acts], RealClock())


def _span(settings: Settings, calendar: Calendar) -> tuple[datetime, datetime]:
    """From the evening before the first trading day, when its orders are placed, to the end of the last day."""
    first = calendar.next_trading_day(settings.replay.first_day - timedelta(days=1)).day
    calendar.trading_day(settings.replay.last_day)
    if first > settings.replay.last_day:
        text = f"no trading day lies between {settings.replay.first_day} and {settings.replay.last_day}; the next one"
        raise ConfigError([Problem(place=settings.origins["from"], text=f"{text} is {first}")])
    try:
        start = ist(calendar.previous_trading_day(first).day, time(16, 0))
    except ValueError:
        start = ist(first, time(0, 0))
    return start, ist(settings.replay.last_day, time(23, 30))


def _key(settings: Settings, report: ReadReport | None) -> ReplayKey:
    facts = {
        "data": "seeded" if report is None else ", ".join(report.files),
        "from": settings.replay.first_day.isoformat(),
        "to": settings.replay.last_day.isoformat(),
        "seed": str(settings.replay.seed),
        "account": settings.run.account_id,
    }
    return ReplayKey(facts=facts)
