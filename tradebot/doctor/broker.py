"""Checks of the way to the broker in mode live: credentials, session, clock, address, instruments, caps.

They look with the session that is there and make none: a new login would kill the daemon's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from config.kinds import BrokerName, Mode
from config.settings import Settings
from tradebot.adapters.brokers.exchange_clock import ask_time
from tradebot.adapters.brokers.http import Answer, Deadlines, Http, Request
from tradebot.adapters.brokers.kite.api import KiteApi
from tradebot.adapters.brokers.kite.refusals import refusal as kite_refusal
from tradebot.adapters.brokers.kotak.api import KotakApi
from tradebot.adapters.brokers.kotak.refusals import refusal as kotak_refusal
from tradebot.adapters.brokers.session_file import Session
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.timekeeping.scaled import ScaledClock
from tradebot.app.brokers import kite_session, kotak_session
from tradebot.doctor.evidence import Evidence
from tradebot.doctor.findings import bad, not_looked_at, ok, warn, when
from tradebot.domain.calendar import ist, ist_date
from tradebot.domain.errors import BrokerError, SessionExpired
from tradebot.interfaces.text.examination import Area, Finding
from tradebot.ports import Clock

DRIFT_S_MAX = 2.0
"""Beyond it the calendar seconds of the broker's rate limits, and one-time passwords, are no longer ours."""
SESSIONS_DIE_AT = time(6, 0)

_AREA = Area.CONFIGURATION
_QUICK = Deadlines(connect_s=3.0, read_s=5.0, total_s=8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The way to the broker: its address, the session as it lies in the state folder, and a question that needs it."""

    settings: Settings
    http: Http
    clock: Clock
    url: str
    session: Session | None
    probe: Callable[[], Answer]
    instruments: Callable[[], tuple[int, str]]
    client_ip: Callable[[], str] | None


def is_live(evidence: Evidence) -> bool:
    return evidence.in_force.run.mode is Mode.LIVE


def broker_credentials(evidence: Evidence) -> Finding:
    what, keys = "broker's credentials", evidence.in_force.broker
    missing = keys.missing_credentials()
    if missing:
        return bad(_AREA, what, f"{', '.join(missing)} not given", "write them into .env (chmod 600)")
    return ok(_AREA, what, f"given for {keys.broker}")


def broker_session(evidence: Evidence) -> Finding:
    """How old the login is, and whether the broker takes it."""
    what, line = "broker's session", _line(evidence)
    if line.session is None:
        return warn(_AREA, what, "nobody has logged in", "`main.py login` before the market opens")
    began = line.session.began
    age = f"{line.session.account}, since {when(began)} IST"
    if began < _last_flush(line.clock.now()):
        return warn(_AREA, what, f"{age}: sessions die at {SESSIONS_DIE_AT:%H:%M}", "`main.py login`")
    try:
        answer = line.probe()
        error = kite_refusal(answer) if _is_kite(line) else kotak_refusal(answer)
    except BrokerError as cause:
        return warn(_AREA, what, f"{age}; not asked: {type(cause).__name__}: {cause}", "look at the network")
    if isinstance(error, SessionExpired):
        return warn(_AREA, what, f"{age}: the broker does not take it any more", "`main.py login`")
    return ok(_AREA, what, f"{age}: good")


def broker_clock(evidence: Evidence) -> Finding:
    """The machine's clock beside the one that the broker writes into its answers, or an exchange process's own."""
    what, line = "broker's clock", _line(evidence)
    try:
        if line.settings.broker.broker_url:
            found = ask_time(line.url, line.http, line.clock)
            return ok(_AREA, what, f"an exchange process, clock {found.kind}: {when(line.clock.now())} IST")
        answer = line.http.call(Request(method="GET", url=line.url))
    except BrokerError as cause:
        return warn(_AREA, what, f"{line.url} does not answer: {cause}", "look at the network")
    if answer.date is None:
        return not_looked_at(_AREA, what, "the answer has no date")
    # The header counts whole seconds: half of one is what it can be off.
    drift_s = (line.clock.now() - answer.date).total_seconds() - 0.5
    if abs(drift_s) > DRIFT_S_MAX:
        return warn(_AREA, what, f"{drift_s:+.1f} s from the broker's", "set the clock by the network (timedatectl)")
    return ok(_AREA, what, f"{drift_s:+.1f} s from the broker's")


def broker_address(evidence: Evidence) -> Finding:
    """Orders from another address than the registered one are refused, while questions are answered."""
    what, line = "registered address", _line(evidence)
    wanted = line.settings.broker.static_ip
    if line.client_ip is None:
        said = f"{wanted or 'not written down'}; {line.settings.broker.broker} does not say which one it sees"
        return ok(_AREA, what, said)
    try:
        seen = line.client_ip()
    except BrokerError as cause:
        return not_looked_at(_AREA, what, f"{type(cause).__name__}: {cause}")
    if not wanted:
        return warn(_AREA, what, f"the broker sees {seen}", "write the registered one into BROKER_STATIC_IP")
    if seen != wanted:
        return bad(_AREA, what, f"the broker sees {seen}, registered is {wanted}", "orders would be refused: see why")
    return ok(_AREA, what, f"the broker sees {seen}")


def broker_instruments(evidence: Evidence) -> Finding:
    what, line = "instruments", _line(evidence)
    try:
        count, of = line.instruments()
    except BrokerError as cause:
        return not_looked_at(_AREA, what, f"{type(cause).__name__}: {cause}")
    if not count:
        return bad(_AREA, what, "the broker's file has none", "ticks and bands come from it: nothing can be placed")
    return ok(_AREA, what, f"{count} in the file of {of}")


def broker_caps(evidence: Evidence) -> Finding:
    keys = evidence.in_force.broker
    caps = f"{keys.orders_per_second} a second, {keys.orders_per_minute} a minute, {keys.orders_per_day} a day"
    return ok(_AREA, "caps for order calls", caps)


CHECKS = (broker_credentials, broker_session, broker_clock, broker_address, broker_instruments, broker_caps)


def _line(evidence: Evidence) -> Line:
    settings, place = evidence.in_force, evidence.place
    disk, http, clock = RealDisk(), Http(_QUICK), _clock(evidence)
    if settings.broker.broker is BrokerName.KITE:
        kite = kite_session(settings, disk, place.home, clock, http)
        url = kite.app.root_url
        return Line(
            settings=settings,
            http=http,
            clock=clock,
            url=url,
            session=kite.session,
            probe=lambda: http.call(Request(method="GET", url=f"{url}/user/profile", headers=kite.headers())),
            instruments=lambda: (len(KiteApi(kite, http).table("/instruments/NSE")), "now"),
            client_ip=None,
        )
    kotak = kotak_session(settings, disk, place.home, clock, http)
    return Line(
        settings=settings,
        http=http,
        clock=clock,
        url=kotak.login_address,
        session=kotak.session,
        probe=lambda: http.call(
            Request(method="GET", url=f"{_base(kotak.session)}/quick/user/orders", headers=kotak.headers())
        ),
        instruments=lambda: _scrip_master(KotakApi(kotak, http), kotak.session),
        client_ip=kotak.client_ip if kotak.session is not None else None,
    )


def _clock(evidence: Evidence) -> Clock:
    """Sessions at an exchange process are as old as its own clock says."""
    url, real = evidence.in_force.broker.broker_url, evidence.place.clock
    if not url:
        return real
    try:
        return ScaledClock(real, offset=ask_time(url, Http(_QUICK), real).offset, rate=1.0)
    except BrokerError:
        return real


def _base(session: Session | None) -> str:
    return session.tokens.get("base_url", "") if session is not None else ""


def _scrip_master(api: KotakApi, session: Session | None) -> tuple[int, str]:
    if session is None:
        raise SessionExpired("nobody has logged in")
    path = next(path for path in api.scrip_files() if "nse_cm" in path)
    return len(api.table(path)), path.rstrip("/").rsplit("/", 2)[-2]


def _is_kite(line: Line) -> bool:
    return line.settings.broker.broker is BrokerName.KITE


def _last_flush(now: datetime) -> datetime:
    """The last time that brokers' sessions died: today's flush, or yesterday's before it."""
    today = ist(ist_date(now), SESSIONS_DIE_AT)
    return today if now >= today else today - timedelta(days=1)
