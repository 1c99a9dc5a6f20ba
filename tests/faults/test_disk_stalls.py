"""A disk that stalls below the live daemon, for as long as nobody notices and for longer than the watchdog allows: an
order waits for it and goes out once, reads are answered, and what is too long is told and stops entries."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.running import WITHIN_S, Daemon, daemon, findings, in_session, price_below, said, wait, wait_until
from tests.faults.test_ways_back import commands_of
from tests.simulator.killing import run_main
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.alerts import AlertName

JOURNAL, DATABASE = "coid_registry.journal", "tradebot.db-wal"
WATCHDOG_S, SLOW_S = 10.0, 1.0
"""As in docs/MONITORING.md."""
LOOKS_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """`call` on the file takes so long, once."""

    symbol: str
    call: str
    file: str
    lasts_s: float

    def __str__(self) -> str:
        return f"{self.call} of {self.file} for {self.lasts_s} s"


STALLS = (
    Stall(symbol="SBIN", call="fdatasync", file=JOURNAL, lasts_s=0.05),
    Stall(symbol="LT", call="pwrite64", file=DATABASE, lasts_s=0.3),
    Stall(symbol="BEL", call="fdatasync", file=DATABASE, lasts_s=1.5),
)


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("stalls")
    with in_session(folder) as venue, daemon(folder, venue) as running:
        yield running
        assert running.stop() == 0
        assert findings(running) == []
        assert "Traceback" not in said(folder)


@pytest.mark.parametrize("stall", STALLS, ids=str)
def test_an_order_waits_for_the_disk_and_goes_out_once(stall: Stall, it: Daemon) -> None:
    clock, before = RealClock(), len(it.venue.books())
    with stalled(it, stall), ThreadPoolExecutor(1) as pool:
        began = clock.monotonic()
        placed = pool.submit(it.takes, stall.symbol, price_below(it.venue, stall.symbol))
        placed.result(WITHIN_S)
        assert clock.monotonic() - began >= stall.lasts_s
    it.until(lambda: len(it.venue.books()) == before + 1)
    if stall.lasts_s > SLOW_S:
        it.until(lambda: alerts(it, "ALERT_FIRING", AlertName.SLOW_QUERY))
    assert it.events("ENTRIES_PAUSED") == []


def test_beyond_the_watchdogs_limit_it_is_told_at_once_and_entries_stop_until_somebody_resumes_them(it: Daemon) -> None:
    """What was given before the stall is saved and goes out; what came in meanwhile does not."""
    before, home = len(it.venue.books()), it.home
    stall = Stall(symbol="GAIL", call="fdatasync", file=JOURNAL, lasts_s=WATCHDOG_S + 1.0)
    with stalled(it, stall), ThreadPoolExecutor(2) as pool:
        first = pool.submit(give, it, stall.symbol)
        it.until(lambda: alerts(it, "ALERT_FIRING", AlertName.SILENT_ENGINE))
        later = pool.submit(it.place, "NTPC", price_below(it.venue, "NTPC"))
        assert it.api.get("/orders").status_code == 200
        assert len(it.venue.books()) == before, "sent before it was durable, or told only afterwards"
        assert first.result(WITHIN_S) in (201, 504)
        assert later.result(WITHIN_S).status_code != 201
    it.until(lambda: it.events("ENTRIES_PAUSED"))
    it.until(lambda: alerts(it, "ALERT_RESOLVED", AlertName.SILENT_ENGINE))
    assert give(it, stall.symbol) == 201
    it.until(lambda: len(it.venue.books()) == before + 1)

    for command in commands_of("The disk stalls"):
        assert run_main(*command.split()[2:], "--home", home).returncode == 0
    it.until(lambda: it.events("ENTRIES_RESUMED"))
    it.takes("TITAN", price_below(it.venue, "TITAN"))


def give(it: Daemon, symbol: str) -> int:
    """The same order each time, until the book of the moment is not too thin for it."""
    codes: list[int] = []

    def is_heard() -> bool:
        codes.append(it.place(symbol, price_below(it.venue, symbol), key=f"key-{symbol}").status_code)
        return codes[-1] != 422

    it.until(is_heard)
    return codes[-1]


def alerts(it: Daemon, event: str, name: AlertName) -> Sequence[object]:
    return [found for found in it.events(event) if found["alert"] == name]


@contextmanager
def stalled(it: Daemon, stall: Stall) -> Iterator[None]:
    """The next such call of the process takes its time."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not there: stalls at system calls are not tested")
    inject = f"inject={stall.call}:delay_enter={int(stall.lasts_s * 1_000_000)}:when=1"
    pid, path = it.process.pid, it.home / "state" / stall.file
    words = ["strace", "--follow-forks", "--quiet=all", "--output", "/dev/null", "--attach", str(pid)]
    tracer = subprocess.Popen([*words, "--trace-path", str(path), "-e", f"trace={stall.call}", "-e", inject])
    try:
        wait_until(lambda: "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text())
        wait(LOOKS_S)
        yield
    finally:
        tracer.terminate()
        tracer.wait(WITHIN_S)
