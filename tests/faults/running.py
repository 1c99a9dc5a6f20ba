"""The live daemon as an operator runs it, in the middle of a session, at an exchange process, with its HTTP face."""

from __future__ import annotations

import csv
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.auditor.audit import audit_books
from tests.auditor.database_view import read_database
from tests.auditor.exchange_view import read_exchange
from tests.auditor.registry_view import read_registry
from tests.desks import credentials, live_settings
from tests.simulator.killing import environment
from tests.venue import ROOT, Venue, running_venue, small_market
from tradebot.adapters.brokers.http import Http
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.brokers import kite_session

NOON, YESTERDAY = "2026-09-16T11:00:00", "2026-09-15"
"""In the middle of a session, with hours left."""

WITHIN_S = 60.0
"""Of real time, for anything that is waited for."""

TRIES, _POLL_S = 20, 0.02
_never = threading.Event()


@dataclass
class Daemon:
    """One process on one home. `prefix` are words before it (`strace ...`)."""

    home: Path
    venue: Venue
    settings: Mapping[str, str]
    port: int
    process: subprocess.Popen[str]
    api: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1/user", timeout=WITHIN_S)

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """What the log says, of one name or all."""
        logs = sorted((self.home / "logs").rglob("*.jsonl"))
        lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in found if not name or event["event"] == name]

    def place(self, symbol: str, price: str, *, key: str = "", quantity: int = 5) -> httpx.Response:
        body = {"symbol": symbol, "side": "BUY", "quantity": quantity, "price": price}
        return self.api.post("/orders", json=body, headers={"Idempotency-Key": key} if key else {})

    def takes(self, symbol: str, price: str) -> str:
        """The id of an order that it takes: now and then the book of the moment is too thin for one."""
        answers: list[httpx.Response] = []

        def is_taken() -> bool:
            answers.append(self.place(symbol, price))
            return answers[-1].status_code == 201

        for _ in range(TRIES):
            if is_taken():
                return str(answers[-1].json()["id"])
            wait(0.5)
        raise AssertionError(answers[-1].text)

    def until(self, is_so: Callable[[], object]) -> None:
        """AssertionError when it does not become so, or the process ends before."""
        wait_until(is_so, self.process)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WITHIN_S)


@contextmanager
def in_session(folder: Path, *options: str, prefix: Sequence[str] = (), clock: str = "scaled") -> Iterator[Venue]:
    """The exchange at NOON, on a clock that runs. On a `real` one the words of `prefix` make it noon."""
    folder.mkdir(parents=True, exist_ok=True)
    data = ("--data", str(small_market(folder)), "--no-rate-limits", *options)
    with running_venue(folder / "venue", *data, at=NOON, clock=clock, prefix=prefix) as venue:
        yield venue


@contextmanager
def daemon(
    folder: Path,
    venue: Venue,
    *prefix: str,
    home: Path | None = None,
    root: Path = ROOT,
    options: Sequence[str] = (),
    **settings: str,
) -> Iterator[Daemon]:
    """Ready to take orders; what still runs in the end is killed. `settings` without TRADEBOT_; `root` is tradebot's
    folder, and the home where it is a copy; `options` are words behind `main.py`."""
    started = start(folder, venue, *prefix, home=home, root=root, options=options, **settings)
    try:
        started.until(lambda: is_ready(started))
        yield started
    finally:
        started.api.close()
        started.kill()


def start(
    folder: Path,
    venue: Venue,
    *prefix: str,
    home: Path | None = None,
    root: Path = ROOT,
    options: Sequence[str] = (),
    **settings: str,
) -> Daemon:
    home, port = home or (folder / "home" if root == ROOT else root), free_port()
    chosen = settings_of(folder, venue, port) | settings
    if not (home / "state" / "kite_session.json").exists():
        log_in(home, venue)
    with (folder / "out.txt").open("a") as out:
        process = subprocess.Popen(
            [*prefix, sys.executable, "main.py", "--yes-live", "--home", str(home), *options],
            cwd=root,
            env=environment(chosen),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Daemon(home=home, venue=venue, settings=chosen, port=port, process=process)


def settings_of(folder: Path, venue: Venue, port: int) -> dict[str, str]:
    return credentials("kite", venue.url) | {
        "DATA": str(folder / "market.csv"),
        "STRATEGIES": "[]",
        "CAPITAL_PER_TRADE": "20000",
        "MAX_POSITIONS": "50",
        "MAX_TRADES_PER_DAY": "500",
        "MAX_EXPOSURE_PCT": "100",
        "MAX_SYMBOL_EXPOSURE_PCT": "50",
        "UI": "off",
        "ENABLE_SPREAD_GUARD_ENTRY": "false",
        "ENABLE_DEPTH_GUARD_ENTRY": "false",
        "ENABLE_ENTRY_SLIPPAGE_GUARD": "false",
        "ENABLE_HTTP_API": "true",
        "HTTP_PORT": str(port),
    }


def is_ready(daemon: Daemon) -> bool:
    try:
        return daemon.api.get("/orders").status_code == 200 and bool(daemon.events("RECONCILE_RESULT"))
    except httpx.TransportError:
        return False


def said(folder: Path) -> str:
    """All that the daemons of a folder have printed."""
    return (folder / "out.txt").read_text()


def log_in(home: Path, venue: Venue) -> None:
    """As `main.py login` does."""
    disk, http = RealDisk(durability="process"), Http()
    session = kite_session(live_settings("kite", venue.url), disk, home, RealClock(), http)
    session.login(venue.admin("POST", "/kite/request-token")["request_token"])
    http.close()
    disk.close()


def price_below(venue: Venue, symbol: str, share: str = "0.94") -> str:
    """A price at which a buy stands and does not trade: six per cent below the close of the day before, or another
    share of it."""
    with (venue.state.parent / "market.csv").open(newline="") as file:
        closes = {row["date"]: row["close"] for row in csv.DictReader(file) if row["symbol"] == symbol}
    return str((Decimal(closes[YESTERDAY]) * Decimal(share)).quantize(Decimal(1)))


def findings(daemon: Daemon) -> Sequence[str]:
    """What the auditor finds wrong, after an orderly stop."""
    exchange = read_exchange(daemon.venue.state / "books")
    database = read_database(daemon.home / "state" / "tradebot.db")
    return [str(found) for found in audit_books(exchange, read_registry(daemon.home / "state"), database).findings]


def wait_until(is_so: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    clock = RealClock()
    until = clock.monotonic() + WITHIN_S
    while not is_so():
        assert process is None or process.poll() is None, f"it ended with {process.poll()}"
        assert clock.monotonic() < until, "it did not come to that in time"
        _never.wait(_POLL_S)


def wait(duration_s: float) -> None:
    _never.wait(duration_s)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
