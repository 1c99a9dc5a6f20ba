"""The real brokers' adapters, put together from the settings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from config.kinds import BrokerName
from config.market_rules import Market
from config.settings import Settings
from tradebot.adapters.brokers.caller import Caller
from tradebot.adapters.brokers.http import Http
from tradebot.adapters.brokers.kite import feed as kite_feed
from tradebot.adapters.brokers.kite.api import KiteApi
from tradebot.adapters.brokers.kite.broker import KiteBroker
from tradebot.adapters.brokers.kite.market import DayRules, KiteMarket
from tradebot.adapters.brokers.kite.session import KiteApp, KiteSession
from tradebot.adapters.brokers.kotak import feed as kotak_feed
from tradebot.adapters.brokers.kotak.api import KotakApi
from tradebot.adapters.brokers.kotak.broker import KotakBroker
from tradebot.adapters.brokers.kotak.market import KotakMarket
from tradebot.adapters.brokers.kotak.session import KotakAccount, KotakSession
from tradebot.adapters.brokers.live_quotes import LiveQuotes
from tradebot.adapters.brokers.order_rate import OrderRate, RateCaps
from tradebot.adapters.brokers.pace import Pace
from tradebot.adapters.brokers.session_file import Session, SessionFile
from tradebot.adapters.brokers.socket_stream import SocketStream
from tradebot.adapters.kill_latch import FileLatch
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.calendar import Calendar, ist_date
from tradebot.domain.orders import BrokerOrderId
from tradebot.ports import Broker, Clock, Disk


class Login(Protocol):
    """The session with a broker, for whoever watches over it."""

    @property
    def session(self) -> Session | None: ...

    def is_alive(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerKit:
    """One account at one broker: orders, prices, the session, and the hints of its stream."""

    broker: Broker
    quotes: LiveQuotes
    login: Login
    http: Http
    rate: OrderRate
    instruments_of: Callable[[], date]
    open_feed: Callable[[], AbstractContextManager[SocketStream]]
    hint_of: Callable[[str | bytes], BrokerOrderId | None]


def connect(
    settings: Settings,
    disk: Disk,
    home: Path,
    market: Market,
    clock: Clock,
    rate: float = 1.0,
    http: Http | None = None,
) -> BrokerKit:
    """Opens no connection. `clock` is the daemon's and runs `rate` times as fast as the machine's: what a broker
    counts by its clock may come so much more often."""
    http, latch = http or Http(), FileLatch(home / "state")
    if settings.broker.broker is BrokerName.KITE:
        return _kite(settings, kite_session(settings, disk, home, clock, http), http, market, clock, rate, latch)
    return _kotak(settings, kotak_session(settings, disk, home, clock, http), http, market, clock, rate, latch)


def kite_session(settings: Settings, disk: Disk, home: Path, clock: Clock, http: Http) -> KiteSession:
    """What `main.py login` and the daemon share."""
    keys, url = settings.broker, settings.broker.broker_url
    app = KiteApp(api_key=keys.kite_api_key, api_secret=keys.kite_api_secret)
    if url:
        app = KiteApp(
            api_key=keys.kite_api_key,
            api_secret=keys.kite_api_secret,
            root_url=url,
            socket_url=url.replace("http", "ws", 1),
            login_page=f"{url}/connect/login",
        )
    return KiteSession(app, http, SessionFile(disk, session_path(settings, home)), clock)


def kotak_session(settings: Settings, disk: Disk, home: Path, clock: Clock, http: Http) -> KotakSession:
    keys, url = settings.broker, settings.broker.broker_url
    account = KotakAccount(
        access_token=keys.kotak_access_token,
        mobile=keys.kotak_mobile,
        client_code=keys.kotak_client_code,
        mpin=keys.kotak_mpin,
        totp_seed=keys.kotak_totp_seed,
    )
    if url:
        account = KotakAccount(
            access_token=keys.kotak_access_token,
            mobile=keys.kotak_mobile,
            client_code=keys.kotak_client_code,
            mpin=keys.kotak_mpin,
            totp_seed=keys.kotak_totp_seed,
            login_url=url,
        )
    file = SessionFile(disk, session_path(settings, home))
    return KotakSession(account, http, file, clock=clock, real=RealClock(), secure_only=not url)


def session_path(settings: Settings, home: Path) -> Path:
    return home / "state" / f"{settings.broker.broker}_session.json"


def _kite(
    settings: Settings,
    session: KiteSession,
    http: Http,
    market: Market,
    clock: Clock,
    rate: float,
    latch: FileLatch,
) -> BrokerKit:
    api, turns = KiteApi(session, http), _turns(settings, rate)
    caller = Caller(session, turns, latch)
    rules = DayRules(day=_trading_day(market.calendar, clock), freeze_quantity=market.rules.freeze_quantity)
    prices = KiteMarket(api, clock, rules, Pace(1.0 / rate, RealClock()))
    return BrokerKit(
        broker=KiteBroker(api, caller, prices),
        quotes=LiveQuotes(caller, prices.quotes),
        login=session,
        http=http,
        rate=turns,
        instruments_of=prices.fetched_on,
        open_feed=lambda: kite_feed.open_feed(session),
        hint_of=kite_feed.hint_of,
    )


def _kotak(
    settings: Settings,
    session: KotakSession,
    http: Http,
    market: Market,
    clock: Clock,
    rate: float,
    latch: FileLatch,
) -> BrokerKit:
    api, turns = KotakApi(session, http), _turns(settings, rate)
    caller = Caller(session, turns, latch)
    prices = KotakMarket(api, clock, _trading_day(market.calendar, clock), Pace(1.0 / rate, RealClock()))
    return BrokerKit(
        broker=KotakBroker(api, caller, prices),
        quotes=LiveQuotes(caller, prices.quotes),
        login=session,
        http=http,
        rate=turns,
        instruments_of=prices.fetched_on,
        open_feed=lambda: kotak_feed.open_feed(session),
        hint_of=kotak_feed.hint_of,
    )


def _turns(settings: Settings, rate: float) -> OrderRate:
    keys = settings.broker
    caps = RateCaps(
        per_second=max(int(keys.orders_per_second * rate), 1),
        per_minute=max(int(keys.orders_per_minute * rate), 1),
        per_day=keys.orders_per_day,
    )
    return OrderRate(caps, RealClock())


def _trading_day(calendar: Calendar, clock: Clock) -> Callable[[], date]:
    """The day that prices and bands are for now: today until its sessions have ended, then the next trading day."""

    def day() -> date:
        now = clock.now()
        today = calendar.trading_day(ist_date(now))
        if today is not None and now < today.ends_at:
            return today.day
        return calendar.next_trading_day(ist_date(now)).day

    return day
