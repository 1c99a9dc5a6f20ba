"""One account at the exchange behind each adapter of the Broker port: paper in this process, the others over sockets.

with a_desk("kite", tmp_path, at="2026-09-15T16:10:00") as desk:
    desk.broker.place(a_ticket())
    desk.advance("2026-09-16T10:00:00")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from config.loading import load_settings
from config.market_rules import Market, load_market
from config.settings import Settings
from tests.simulator.killing import write_market
from tests.venue import ROOT, Venue, venue_in_thread
from tradebot.adapters.brokers.kite.session import KiteSession
from tradebot.adapters.brokers.paper import PaperBroker
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.marketdata.paper_quotes import PaperQuotes
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.timekeeping.virtual import VirtualClock
from tradebot.app.brokers import BrokerKit, connect
from tradebot.domain.broker_views import Ticket
from tradebot.domain.calendar import IST
from tradebot.domain.market_rules import round_to_tick
from tradebot.domain.orders import Coid, OrderType, Product, Side, Validity, Variety
from tradebot.exchange.dial_box import AnyDial
from tradebot.ports import Broker, MarketData
from tradebot.venue.opening import open_venue
from tradebot.venue.settings import ClockKind, VenueSettings

FACES = ("kite", "kotak")
UNHURRIED = 1_000.0
"""The rate that stands for: nothing is too often."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A broker, its prices, and the exchange's clock and dials."""

    broker: Broker
    market_data: MarketData
    clock: VirtualClock
    venue: Venue | Any
    kit: BrokerKit | None = None

    def advance(self, to: str) -> None:
        """Sessions die overnight: whoever has to log in by hand does so."""
        at = instant(to)
        self.venue.advance(at)
        self.clock.set(at)
        if self.kit is not None:
            log_in(self.kit, self.venue)

    def turn(self, *dials: AnyDial) -> None:
        self.venue.turn(*dials)


class _InProcess:
    """The exchange without a server, driven like the process."""

    def __init__(self, opened: Any) -> None:
        self._venue = opened.venue

    def advance(self, to: datetime) -> None:
        self._venue.drive(to)
        while not self._venue.catch_up():
            pass

    def turn(self, *dials: AnyDial) -> None:
        self._venue.turn_dials(dials)


def instant(text: str) -> datetime:
    """IST without a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=IST).astimezone(UTC)


def live_settings(face: str, url: str, **more: object) -> Settings:
    """The delivered settings for live trading at an exchange that runs at `url`."""
    environ = {f"TRADEBOT_{name}": value for name, value in credentials(face, url).items()}
    return load_settings(ROOT, environ, more)


def credentials(face: str, url: str) -> dict[str, str]:
    """Settings by name, as the exchange process knows the client without a file of its own."""
    found = {"MODE": "live", "BROKER": face, "CONFIRM_LIVE": "true", "BROKER_URL": url}
    if face == "kite":
        return found | {"KITE_API_KEY": "kitekey", "KITE_API_SECRET": "kitesecret"}
    return found | {
        "KOTAK_ACCESS_TOKEN": "neotoken",
        "KOTAK_MOBILE": "+919999999999",
        "KOTAK_CLIENT_CODE": "ABCDE",
        "KOTAK_MPIN": "123456",
        "KOTAK_TOTP_SEED": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    }


def log_in(kit: BrokerKit, venue: Venue) -> None:
    """At Kite as an operator does it; Kotak's adapter does it by itself, when it is asked whether it is alive."""
    if isinstance(kit.login, KiteSession):
        token = venue.admin("POST", "/kite/request-token")["request_token"]
        kit.login.login(token)
    else:
        assert kit.login.is_alive()


def the_market() -> Market:
    return load_market(ROOT / "config" / "market")


def small_market(folder: Path) -> Path:
    """Bars of a dozen symbols: the seeded market of a hundred takes seconds to make."""
    return write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 30))


@contextmanager
def a_desk(face: str, folder: Path, *, at: str, **settings: Any) -> Iterator[Desk]:
    """`settings` are further fields of `VenueSettings`."""
    settings = {"data": small_market(folder), **settings}
    if face == "paper":
        with _paper(folder, at, settings) as desk:
            yield desk
        return
    with venue_in_thread(folder / "venue", at=at, has_rate_limits=False, **settings) as venue:
        clock, disk = VirtualClock(instant(at)), RealDisk(durability="process")
        kit = connect(live_settings(face, venue.url), disk, folder, the_market(), clock, UNHURRIED)
        log_in(kit, venue)
        yield Desk(kit.broker, kit.quotes, clock, venue, kit)
        kit.http.close()
        disk.close()


@contextmanager
def _paper(folder: Path, at: str, settings: dict[str, Any]) -> Iterator[Desk]:
    chosen = VenueSettings(
        state=folder / "venue",
        folder=ROOT,
        clock=ClockKind.DRIVEN,
        opening=instant(at),
        is_durable=False,
        **settings,
    )
    with open_venue(chosen, RealClock()) as opened:
        edge = opened.venue.edge
        yield Desk(PaperBroker(edge, "primary"), PaperQuotes(edge), VirtualClock(instant(at)), _InProcess(opened))


def a_ticket(tag: str = "A00000000000000001", **changes: object) -> Ticket:
    values: dict[str, object] = {
        "tag": Coid(tag),
        "symbol": "INFY",
        "exchange": "NSE",
        "side": Side.BUY,
        "quantity": 10,
        "order_type": OrderType.LIMIT,
        "price": Decimal(0),
        "trigger_price": None,
        "product": Product.CNC,
        "validity": Validity.DAY,
        "variety": Variety.AMO,
    }
    return Ticket(**{**values, **changes})  # type: ignore[arg-type]


def marketable(desk: Desk, symbol: str, side: Side) -> Decimal:
    """A limit at which an order trades at once or in the opening auction, inside the band of today and of tomorrow."""
    return well_below(desk, symbol) if side is Side.SELL else _near(desk, symbol, Decimal("1.06"))


def well_below(desk: Desk, symbol: str) -> Decimal:
    """A limit at which a buy stands and does not trade, inside both bands too."""
    return _near(desk, symbol, Decimal("0.94"))


def _near(desk: Desk, symbol: str, factor: Decimal) -> Decimal:
    terms = desk.broker.terms([symbol])[symbol]
    return round_to_tick(terms.previous_close * factor, terms.tick_size, "down")
