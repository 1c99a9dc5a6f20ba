"""A short day of the daemon at an exchange over sockets, on the exchange's own clock, with a fault dial turned up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from tests.auditor.audit import audit_books
from tests.auditor.database_view import DatabaseView, read_database
from tests.auditor.exchange_view import ExchangeView, read_exchange
from tests.auditor.findings import Report
from tests.auditor.registry_view import read_registry
from tests.desks import UNHURRIED, instant, live_settings, log_in, small_market
from tests.venue import ROOT, Venue, venue_in_thread
from tradebot.adapters.brokers.http import Deadlines, Http
from tradebot.adapters.brokers.update_feed import UpdateFeed
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.lanes import InlineLanes
from tradebot.adapters.marketdata.history import TapeHistory
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import create_database
from tradebot.adapters.timekeeping.virtual import VirtualClock, VirtualScheduler
from tradebot.app.books import read_scene, rules_of
from tradebot.app.brokers import BrokerKit, connect
from tradebot.app.daemon import Ports, build_engine, job_messages
from tradebot.domain.errors import BrokerError
from tradebot.domain.events import Event, EventName
from tradebot.domain.orders import BrokerOrderId
from tradebot.engine.bus import Bus
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import Job, JobDue, OrderPushed
from tradebot.exchange.dial_box import dial_of
from tradebot.runtime.replay import ReplayLoop

START, MORNING, CALM, END = (
    instant(text)
    for text in ("2026-09-15T16:00:00", "2026-09-16T08:30:00", "2026-09-16T09:36:00", "2026-09-16T09:52:00")
)
"""The dial is turned down at CALM: what it left open can be settled until END."""

SETTINGS = {
    "strategies": ({"name": "generator", "signals_per_day": 10},),
    "CAPITAL_PER_TRADE": 20_000,
    "MAX_POSITIONS": 50,
    "MAX_TRADES_PER_DAY": 500,
    "MAX_EXPOSURE_PCT": 100,
    "MAX_SYMBOL_EXPOSURE_PCT": 50,
    "CYCLE_MIN": 5,
}
# Faults that hold an answer back are set to longer than this.
_QUICK = Deadlines(connect_s=2.0, read_s=1.0, total_s=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is left of it: both sides' books, what was told, and which faults the exchange made."""

    exchange: ExchangeView
    database: DatabaseView
    report: Report
    events: Sequence[Event]
    incidents: int

    def told(self, name: EventName) -> list[Event]:
        return [event for event in self.events if event.name is name]


@dataclass
class _Venue:
    """The driven exchange as the loop sees it; hints come over the stream."""

    venue: Venue
    now: datetime = field(default=START)

    def advance_to(self, limit: datetime) -> Sequence[BrokerOrderId]:
        self.venue.advance(limit)
        self.now = limit
        return ()


class _Nobody:
    """A recorder that keeps nothing."""

    def record(self, *args: object, **kwargs: object) -> None: ...


def play(face: str, folder: Path, dial: str) -> Day:
    """From the evening to the next morning; at Kite an operator logs in whenever the session is found dead."""
    data, events = small_market(folder), list[Event]()
    with venue_in_thread(folder / "venue", at="2026-09-15T16:00:00", data=data, has_rate_limits=False) as venue:
        with _daemon(face, folder, venue, data, events) as (loop, kit):
            if dial:
                venue.turn(dial_of(dial))
            loop.run(MORNING)
            _log_in(kit, venue)
            loop.run(CALM)
            venue.turn()
            log_in(kit, venue)
            loop.run(END)
        incidents = len(venue.incidents())
    opening = {"primary": Decimal(1_000_000)}
    exchange = read_exchange(folder / "venue" / "books", opening)
    database = read_database(folder / "state" / "tradebot.db")
    report = audit_books(exchange, read_registry(folder / "state"), database)
    return Day(exchange=exchange, database=database, report=report, events=events, incidents=incidents)


def _log_in(kit: BrokerKit, venue: Venue) -> None:
    """Tries; the dials are turned up for this as well."""
    with suppress(BrokerError):
        log_in(kit, venue)


@contextmanager
def _daemon(
    face: str, folder: Path, venue: Venue, data: Path, events: list[Event]
) -> Iterator[tuple[ReplayLoop, BrokerKit]]:
    settings = live_settings(face, venue.url, data=str(data), **SETTINGS)
    scene, disk = read_scene(settings, ROOT), RealDisk(durability="process")
    clock, inbox = VirtualClock(START), Inbox()
    scheduler = VirtualScheduler(clock, job_messages(inbox))
    kit = connect(settings, disk, folder, scene.market, clock, UNHURRIED, Http(_QUICK))
    log_in(kit, venue)
    database = create_database(f"sqlite:///{folder / 'state' / 'tradebot.db'}", "process")
    registry = CoidRegistry.open(disk, folder / "state", START)
    ports = Ports(
        clock=clock,
        scheduler=scheduler,
        lanes=InlineLanes(),
        registry=registry,
        store=SqlOrderStore(database),
        broker=kit.broker,
        market_data=kit.quotes,
        history=TapeHistory(scene.tape),
        strategies=scene.strategies,
        bus=Bus([events.append]),
        recorder=_Nobody(),
    )
    engine = build_engine(ports, rules_of(settings, scene, START), inbox)

    def on_hint(number: BrokerOrderId | None) -> None:
        inbox.put(OrderPushed(broker_order_id=number) if number else JobDue(name=Job.VERIFY, at=START))

    def operator() -> None:
        """Looks once in a while, as one who was called by the alarm does."""
        if any(event.name is EventName.BROKER_UNREACHABLE for event in events[-3:]):
            _log_in(kit, venue)

    feed = UpdateFeed(kit.open_feed, kit.hint_of, on_hint)
    feed.start()
    engine.start()
    yield (
        ReplayLoop(
            engine=engine,
            venue=_Venue(venue),
            timetable=scheduler,
            clock=clock,
            wait_until=lambda at: True,
            on_beat=operator,
        ),
        kit,
    )
    feed.stop()
    engine.run_pending()
    engine.close()
    registry.close()
    database.dispose()
    kit.http.close()
    disk.close()
