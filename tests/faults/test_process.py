"""Faults of process and time, below the live daemon: limits, stalls, signals, many starts at once, the kill switch."""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.faults.running import (
    WITHIN_S,
    Daemon,
    daemon,
    findings,
    in_session,
    is_ready,
    price_below,
    said,
    start,
    wait,
    wait_until,
)
from tests.simulator.killing import run_main
from tests.unit.notify.receivers import Received, a_webhook
from tests.venue import Venue
from tradebot.adapters.kill_latch import FileLatch
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.alerts import AlertName
from tradebot.domain.kill import KillMode, Latch
from tradebot.domain.starts import MANY

STARTS = 6
DESCRIPTORS = 96
STOPPED_S = 6.0
SETTLED_S = 0.5
"""Five times what the kill switch may take."""
SYMBOLS = ("INFY", "TCS", "ITC", "SBIN", "LT", "BEL", "CIPLA", "GAIL", "NTPC", "TITAN", "AXISBANK", "COALINDIA")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("process")


@pytest.fixture(scope="module")
def venue(folder: Path) -> Iterator[Venue]:
    with in_session(folder) as running:
        yield running


def test_of_many_starts_at_once_one_trades_and_the_others_say_who(folder: Path, venue: Venue) -> None:
    """The lock is the system's, so that no number of rounds makes it more or less sure."""
    started = [start(folder, venue) for _ in range(STARTS)]
    try:
        wait_until(lambda: sum(it.process.poll() is None for it in started) == 1)
        (winner,) = [it for it in started if it.process.poll() is None]
        winner.until(lambda: is_ready(winner))
        losers = [it.process.returncode for it in started if it is not winner]
        assert losers == [ExitCode.FOLDER] * (STARTS - 1)
        assert said(folder).count("is in use by") == STARTS - 1
        winner.takes("INFY", price_below(venue, "INFY"))
        assert winner.stop() == 0
        assert findings(winner) == []
    finally:
        for it in started:
            it.api.close()
            it.kill()


def test_clients_are_refused_before_files_and_the_broker_want_for_descriptors(folder: Path, venue: Venue) -> None:
    """Idle clients, more than there are descriptors: an order that comes over a connection of before goes out."""
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not there")
    with daemon(folder, venue, "prlimit", f"--nofile={DESCRIPTORS}") as it:
        before = len(venue.books())
        it.takes("TCS", price_below(venue, "TCS"))
        it.until(lambda: len(venue.books()) == before + 1)
        with ExitStack() as clients:
            for _ in range(DESCRIPTORS):
                idle = clients.enter_context(socket.socket())
                idle.settimeout(WITHIN_S)
                idle.connect(("127.0.0.1", it.port))
            it.until(lambda: any("further ones are refused" in event["message"] for event in it.events("LIBRARY")))
            with pytest.raises(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{it.port}/health")
            it.takes("ITC", price_below(venue, "ITC"))
            it.until(lambda: len(venue.books()) == before + 2)
        it.until(lambda: _answers(it.port))
        assert it.events("KILL_LATCHED") == []
        assert it.stop() == 0
        assert findings(it) == []
    assert "Traceback" not in said(folder)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.TransportError:
        return False


def test_stopped_and_continued_it_goes_on_and_places_nothing_twice(folder: Path, venue: Venue) -> None:
    """As a laptop that sleeps, a debugger, or a machine without a processor to spare."""
    before = len(venue.books())
    with daemon(folder, venue) as it, ThreadPoolExecutor(1) as pool:
        it.process.send_signal(signal.SIGSTOP)
        placed = pool.submit(it.place, "LT", price_below(venue, "LT"), key="asleep")
        wait(STOPPED_S)
        it.process.send_signal(signal.SIGCONT)
        answer = placed.result(WITHIN_S)
        it.until(lambda: is_ready(it))
        again = it.place("LT", price_below(venue, "LT"), key="asleep")
        assert again.status_code == answer.status_code
        if answer.status_code == 201:
            assert again.json()["id"] == answer.json()["id"]
            it.until(lambda: len(venue.books()) == before + 1)
        it.process.send_signal(signal.SIGHUP)
        it.until(lambda: is_ready(it))
        assert it.stop() == 0
        assert findings(it) == []


def test_killed_at_each_of_five_starts_it_places_nothing_and_says_so_before_it_asks_the_broker(
    tmp_path: Path,
) -> None:
    """Each start dies somewhat later: while it imports, opens its books, compares them, is ready. The one after the
    third death tells people first, and dies in its wait. The next one goes on, and takes entries when it is told to."""
    with in_session(tmp_path) as venue, a_webhook() as (address, received):
        told = {"ENABLE_NOTIFICATIONS": "true", "NOTIFY_URLS": address}
        with daemon(tmp_path, venue, **told) as it:
            it.takes("NTPC", price_below(venue, "NTPC"))
            it.until(lambda: len(venue.books()) == 1)
            it.kill()
        for number in range(4):
            _die(start(tmp_path, venue, **told), after_s=0.4 * (number + 1))
        while len(_starts(it.home)) < MANY:
            known = len(_starts(it.home))
            dying = start(tmp_path, venue, **told)
            dying.until(lambda known=known: len(_starts(it.home)) > known)  # type: ignore[misc]
            _die(dying)

        compared = len(it.events("RECONCILE_RESULT"))
        waiting = start(tmp_path, venue, **told)
        waiting.until(lambda: _waits(waiting))
        wait_until(lambda: _alarms(received))
        _die(waiting)
        assert len(it.events("RECONCILE_RESULT")) == compared
        assert "main.py resume" in said(tmp_path)

        with daemon(tmp_path, venue, options=["--now"], **told) as it:
            refused = it.place("LT", price_below(venue, "LT"))
            assert (refused.status_code, "PAUSED" in refused.text) == (422, True), refused.text
            assert len(venue.books()) == 1
            resumed = run_main("resume", "--home", it.home)
            assert (resumed.returncode, resumed.stdout) == (0, "entries go on\n"), resumed.stderr
            it.takes("LT", price_below(venue, "LT"))
            it.until(lambda: len(venue.books()) == 2)
            assert it.stop() == 0
            assert findings(it) == []
        assert len(_alarms(received)) == 1, "once for each series"
        assert _starts(it.home) == []


def _die(daemon: Daemon, after_s: float = 0.0) -> None:
    wait(after_s)
    daemon.kill()
    daemon.api.close()


def _starts(home: Path) -> list[str]:
    record = home / "state" / "starts.json"
    return list(json.loads(record.read_text())["starts"]) if record.exists() else []


def _waits(daemon: Daemon) -> bool:
    """Whether this very process holds itself back."""
    sessions = sorted(path.name for path in (daemon.home / "sessions").iterdir())
    return any(event["session_id"] == sessions[-1] for event in daemon.events("START_WAITS"))


def _alarms(received: Received) -> list[str]:
    return [title for title, _ in received.messages if AlertName.DEATHS_IN_A_ROW in title]


def test_once_the_kill_switch_is_latched_no_entry_leaves(folder: Path, venue: Venue) -> None:
    """Orders come from many clients at once; what is at the exchange soon after the latch is all that ever comes."""
    with daemon(folder, venue) as it, ThreadPoolExecutor(len(SYMBOLS)) as pool:
        answers = [pool.submit(_keep_placing, it, venue, symbol) for symbol in SYMBOLS]
        it.until(lambda: len(it.events("ORDER_ACCEPTED")) > len(SYMBOLS))
        FileLatch(it.home / "state").latch(Latch(mode=KillMode.STOP, reason="test", at=RealClock().now()))
        wait(SETTLED_S)
        stood = len(venue.books())
        codes = [answer.result(WITHIN_S) for answer in answers]
        wait(1.0)
        assert len(venue.books()) == stood
        assert {code[-1] for code in codes} == {422}
        FileLatch(it.home / "state").release()
        it.until(lambda: it.events("KILL_RELEASED"))
        assert it.stop() == 0
        assert findings(it) == []


def _keep_placing(it: Daemon, venue: Venue, symbol: str) -> list[int]:
    codes: list[int] = []
    while len(codes) < 25:
        codes.append(it.place(symbol, price_below(venue, symbol), quantity=1).status_code)
        if codes[-1] == 422 and it.events("KILL_LATCHED"):
            codes.append(it.place(symbol, price_below(venue, symbol), quantity=1).status_code)
            break
    return codes
