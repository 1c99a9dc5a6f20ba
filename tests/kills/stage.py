"""What every kill begins with: an exchange's books in the evening, and a home whose placement is due."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.auditor.exchange_view import ExchangeOrder, read_exchange
from tests.desks import credentials, live_settings, small_market
from tests.venue import ROOT, Venue, running_venue
from tradebot.adapters.brokers.http import Http
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.brokers import kite_session

BEFORE, DUE = "2026-09-15T15:45:00", "2026-09-15T16:06:00"
RATE = "20"
SIGNALS = 16
FOUND_WITHIN_S = 30.0
"""Of real time, ten virtual minutes: how long a started daemon is given to find what stands at the exchange."""

WITHIN_S = 300.0
"""Of real time, for anything that is waited for: the machine may be busy with other things."""

LOST_PER_MILLE, LATE_PER_MILLE = 150, 400


def faults_of(number: int) -> tuple[str, ...]:
    """Every placement is answered after 150 ms; about four of ten reach the exchange 100 ms after they were sent, the
    answers of about three of twenty never come, and no book shows an order before it is half a minute old (1.5 s at
    this rate): so a look that comes quickly does not save a daemon that sends again. Trials of other numbers strike
    other calls."""
    more = 11 * (number % 8)
    return (
        *("--dial", "late,delay_s=0.15,calls=place"),
        *("--dial", f"arrives_late={LATE_PER_MILLE - more},delay_s=0.1"),
        *("--dial", f"answer_lost_after={LOST_PER_MILLE + more},calls=place"),
        *("--dial", "absent_then_present,hidden_for=30"),
    )


_POLL_S = 0.005
_never = threading.Event()

Intent = tuple[str, str, int]
"""Symbol, side and quantity of an order at the exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Folders to copy, and the orders that an evening which nobody disturbs places."""

    face: str
    folder: Path
    has_coids: bool
    intents: Counter[Intent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folders of one trial."""

    folder: Path
    face: str
    has_coids: bool

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def books(self) -> Path:
        return self.folder / "venue" / "books"

    @property
    def journal(self) -> Path:
        return self.home / "state" / "coid_registry.journal"

    def orders(self) -> Sequence[ExchangeOrder]:
        return read_exchange(self.books).orders

    def starts(self) -> int:
        """How often a daemon has compared its books with the broker's after a start, by what the logs say."""
        found: dict[str, int] = {}
        for path in (self.home / "logs").rglob("*.jsonl"):
            with suppress(FileNotFoundError):  # a start moves the logs before it to the archive: the next look has it
                found[path.name] = path.read_text(errors="replace").count('"RECONCILE_RESULT"')
        return sum(found.values())

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Nothing while the database is not there yet, or is busy."""
        path = self.home / "state" / "tradebot.db"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def set_stage(face: str, folder: Path, *, has_coids: bool) -> Stage:
    """A home that has seen its first start, books that stand after the placement was due; and a trial run."""
    data = small_market(_made(folder))
    place = Place(folder=_made(folder / "stage"), face=face, has_coids=has_coids)
    with exchange_at(place, data, "--rate", RATE, at=BEFORE, clock="scaled") as venue, daemon(place, venue, data) as it:
        wait_for(lambda: bool(place.ask("select 1 from job_runs where name = 'first_start'")), it)
        stop(place, it)
    with exchange_at(place, data, at=BEFORE, clock="driven") as venue:
        venue.advance(DUE)
    trial = copied(Stage(face=face, folder=folder, has_coids=has_coids, intents=Counter()), folder / "undisturbed")
    with exchange_at(trial, data, "--rate", RATE, clock="scaled") as venue:
        settle(trial, venue, data)
    return Stage(face=face, folder=folder, has_coids=has_coids, intents=intents_of(trial.orders()))


def copied(stage: Stage, folder: Path) -> Place:
    shutil.copytree(stage.folder / "stage", folder)
    return Place(folder=folder, face=stage.face, has_coids=stage.has_coids)


def intents_of(orders: Sequence[ExchangeOrder]) -> Counter[Intent]:
    return Counter((order.symbol, order.side, order.quantity) for order in orders)


def exchange_at(place: Place, data: Path, *options: str, at: str = DUE, clock: str):  # type: ignore[no-untyped-def]
    """The exchange process on the place's books."""
    more = ("--data", str(data), "--no-rate-limits", *options)
    return running_venue(place.folder / "venue", *more, at=at, clock=clock)


@contextmanager
def daemon(place: Place, venue: Venue, data: Path, before: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """`main.py` in live mode, with a login of its own, by itself or as the last words of another program; what still
    runs in the end is killed."""
    settings = credentials(place.face, venue.url) | {
        "DATA": str(data),
        "STRATEGIES": f'[{{ name = "generator", signals_per_day = {SIGNALS} }}]',
        "CAPITAL_PER_TRADE": "20000",
        "MAX_POSITIONS": "50",
        "MAX_TRADES_PER_DAY": "500",
        "MAX_EXPOSURE_PCT": "100",
        "MAX_SYMBOL_EXPOSURE_PCT": "50",
        "UI": "off",
        "ENABLE_HTTP_API": "false",
    }
    if not place.has_coids:
        settings |= {"ENABLE_COID_MANAGER": "false", "FORCE_UNSAFE_LIVE": "true"}
    if place.face == "kite":
        _log_in(place, venue)
    with (place.folder / "out.txt").open("ab") as out:
        process = subprocess.Popen(
            [*before, sys.executable, "main.py", "--yes-live", "--home", str(place.home)],
            cwd=ROOT,
            start_new_session=True,
            env=_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            kill(process)
        process.wait(WITHIN_S)


def kill(process: subprocess.Popen[bytes]) -> None:
    """With the program around it, if there is one."""
    os.killpg(process.pid, signal.SIGKILL)


def settle(place: Place, venue: Venue, data: Path) -> None:
    """The same command again until nothing is under way any more; then it is stopped in an orderly way."""
    before = place.starts()
    with daemon(place, venue, data) as process:
        wait_for(lambda: place.starts() > before, process)
        wait_for(lambda: is_settled(place), process)
        _never.wait(0.5)
        wait_for(lambda: is_settled(place), process)
        if place.has_coids:
            _wait_for_hidden(place, process)
        stop(place, process)


def is_settled(place: Place) -> bool:
    """The placement has been done, and of every order it is known where it stands, or that it is not known."""
    if not place.ask("select 1 from job_runs where name = 'amo_placement'"):
        return False
    waiting = place.ask("select 1 from attempts where status = 'pending' and broker_order_id is null")
    return not waiting


def _wait_for_hidden(place: Place, process: subprocess.Popen[bytes]) -> None:
    """Until what no book showed at first has been found; not for ever: what stays unknown is for the audit to tell."""
    clock = RealClock()
    until = clock.monotonic() + FOUND_WITHIN_S
    wait_for(lambda: is_known(place) or clock.monotonic() >= until, process)


def is_known(place: Place) -> bool:
    """How each order stands, also of one whose number was kept and which no book showed after the restart."""
    known = {name for (name,) in place.ask("select broker_order_id from attempts where status <> 'unknown'")}
    return all(order.order_id in known for order in place.orders())


def wait_for(is_so: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """AssertionError when it does not become so in time, or when the process has ended before."""
    clock = RealClock()
    until = clock.monotonic() + WITHIN_S
    while not is_so():
        assert process is None or process.poll() is None, f"the daemon ended with {process.poll() if process else 0}"
        assert clock.monotonic() < until, "it did not come to that in time"
        _never.wait(_POLL_S)


def stop(place: Place, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    code = process.wait(WITHIN_S)
    assert code == 0, f"it ended with {code}: {(place.folder / 'out.txt').read_text()[-2000:]}"


def _log_in(place: Place, venue: Venue) -> None:
    """As `main.py login` does."""
    disk, http = RealDisk(durability="process"), Http()
    session = kite_session(live_settings("kite", venue.url), disk, place.home, RealClock(), http)
    session.login(venue.admin("POST", "/kite/request-token")["request_token"])
    http.close()
    disk.close()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TRADEBOT_")}
    return ours | {f"TRADEBOT_{name}": value for name, value in settings.items()}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
