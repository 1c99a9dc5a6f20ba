"""Opens an exchange process's folder and market, and puts the parts together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from config.market_rules import Market, load_market
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.adapters.marketdata.tape import ListedTape
from tradebot.domain.calendar import ist_date
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.house_dials import AdHocHoliday
from tradebot.exchange.market import MarketFacts
from tradebot.exchange.settings import ExchangeSettings
from tradebot.exchange.wire.directory import Directory
from tradebot.exchange.wire.kite.face import CAPS as KITE_CAPS
from tradebot.exchange.wire.kite.face import KiteFace
from tradebot.exchange.wire.kite.sessions import REQUEST_TOKEN_LIVES, KiteSessions
from tradebot.exchange.wire.kotak.face import CAPS as KOTAK_CAPS
from tradebot.exchange.wire.kotak.face import KotakFace, is_kotak
from tradebot.exchange.wire.kotak.sessions import KotakSessions
from tradebot.exchange.wire.messages import Answer, Request
from tradebot.exchange.wire.rates import Rates
from tradebot.ports import Clock, Disk
from tradebot.venue.incidents import FaultRecord
from tradebot.venue.session_file import SessionFile
from tradebot.venue.settings import ClockKind, VenueSettings
from tradebot.venue.streams import Stream
from tradebot.venue.time import venue_time
from tradebot.venue.venue import Venue


class Face(Protocol):
    """One broker over HTTP."""

    def handle(self, request: Request) -> Answer: ...

    def is_command(self, request: Request) -> bool:
        """Whether it changes an order."""
        ...

    def stream(self, request: Request) -> Stream | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVenue:
    """An exchange that is ready to be served."""

    venue: Venue
    kite: KiteFace
    kotak: KotakFace
    directory: Directory
    settings: VenueSettings
    record: FaultRecord
    sessions: SessionFile

    def face_of(self, path: str) -> Face:
        """Whose paths these are: the two brokers have none in common."""
        return self.kotak if is_kotak(path) else self.kite

    def stream_of(self, request: Request) -> Stream | None:
        """The stream that is asked for; None for whoever is not logged in."""
        return self.face_of(request.path).stream(request)


@contextmanager
def open_venue(settings: VenueSettings, clock: Clock) -> Iterator[OpenVenue]:
    """`clock` is the machine's. Raises what `load_market`, `open_tape` and `Exchange.open` do, and AlreadyRunning."""
    market = load_market(settings.folder / "config" / "market")
    tape, _ = open_tape(settings.data, settings.seed, market.calendar, market.rules, market.actions, market.instruments)
    opening = settings.opening or clock.now()
    market.calendar.trading_day(ist_date(opening))
    with ExitStack() as stack:
        disk = RealDisk(durability="power" if settings.is_durable else "process")
        stack.callback(disk.close)
        stack.enter_context(disk.lock(settings.state / "lock"))
        exchange = _open_exchange(settings, market, tape, opening)
        stack.callback(exchange.close)
        record = FaultRecord(settings.state / "faults.jsonl")
        stack.callback(record.close)
        yield _assemble(settings, exchange, Directory(market.instruments), clock, record, disk)


def _open_exchange(settings: VenueSettings, market: Market, tape: ListedTape, opening: datetime) -> Exchange:
    calendar = market.calendar
    for dial in settings.dials:
        if isinstance(dial, AdHocHoliday):
            calendar = calendar.with_holiday(dial.day, "ad-hoc holiday")
    facts = MarketFacts(
        calendar=calendar,
        rules=market.rules,
        actions=tuple(tape.actions),
        instruments=market.instruments,
        amo_windows=market.amo_windows,
        amo_broker=settings.amo_broker,
    )
    return Exchange.open(
        settings.state / "books",
        tape=tape,
        facts=facts,
        seed=settings.seed,
        opening=opening,
        accounts={settings.account_id: settings.cash},
        settings=ExchangeSettings(refuses_duplicate_tag=settings.refuses_duplicate_tag),
        durable=settings.is_durable,
    )


def _assemble(
    settings: VenueSettings,
    exchange: Exchange,
    directory: Directory,
    clock: Clock,
    record: FaultRecord,
    disk: Disk,
) -> OpenVenue:
    time = venue_time(settings.clock, settings.rate, exchange.now, clock)
    venue = Venue(exchange, account_id=settings.account_id, seed=settings.seed, time=time)
    venue.edge.tell = record.telling(venue.edge.incidents)
    venue.turn_dials(settings.dials)
    record.dials(exchange.now, settings.dials)
    # Where the exchange's time stands still, calls are counted by the machine's.
    rate_clock = clock.now if settings.clock is ClockKind.DRIVEN else time.goal
    edge, account_id = venue.edge, settings.account_id
    kite = KiteFace(
        edge,
        account_id,
        # Whoever carries the token from the browser to the app does so at the machine's pace.
        sessions=KiteSessions(settings.kite, settings.seed, REQUEST_TOKEN_LIVES * max(1.0, time.rate)),
        directory=directory,
        rates=Rates(KITE_CAPS) if settings.has_rate_limits else None,
        rate_clock=rate_clock,
    )
    kotak = KotakFace(
        edge,
        account_id,
        sessions=KotakSessions(settings.kotak, settings.seed, (lambda: exchange.now, clock.now)),
        directory=directory,
        rates=Rates(KOTAK_CAPS) if settings.has_rate_limits else None,
        rate_clock=rate_clock,
    )
    return OpenVenue(
        venue=venue,
        kite=kite,
        kotak=kotak,
        directory=directory,
        settings=settings,
        record=record,
        sessions=SessionFile(disk, settings.state / "sessions.json", {"kite": kite.sessions, "kotak": kotak.sessions}),
    )


def write_endpoint(state: Path, data: dict[str, object]) -> None:
    """Where the process listens, for whoever looks for it: `endpoint.json` in its folder."""
    part = state / "endpoint.json.part"
    part.write_text(json.dumps(data) + "\n")
    part.replace(state / "endpoint.json")
