"""A campaign that is interrupted or killed leaves nothing behind: no process, no folder, no failure that is none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import psutil
import pytest

from tests.simulator.prove import INTERRUPTED
from tests.simulator.warden import MARK
from tests.venue import ROOT
from tradebot.adapters.timekeeping.real import RealClock

WITHIN_S = 120.0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, INTERRUPTED), (signal.SIGKILL, -signal.SIGKILL)])
def test_nothing_that_it_started_outlives_it(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Ctrl-C goes to all of its group, a kill to the campaign alone."""
    ledger, folder = tmp_path / "done.jsonl", tmp_path / "tmp"
    folder.mkdir()
    words = ["--minutes", "5", "--workers", "1", "--kills-a-minute", "600", "--ledger", str(ledger)]
    campaign = subprocess.Popen(
        [sys.executable, "-m", "tests.simulator.prove", *words],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _until(lambda: _is_at_work(campaign.pid))
        started = psutil.Process(campaign.pid).children(recursive=True)
        if number is signal.SIGINT:
            os.killpg(campaign.pid, number)
        else:
            os.kill(campaign.pid, number)
        assert campaign.wait(WITHIN_S) == code
        _until(lambda: not _alive(started) and not list(folder.iterdir()))
        assert not _alive(_of_campaigns_in(folder))
    finally:
        if campaign.poll() is None:
            campaign.kill()
            campaign.wait(WITHIN_S)
    assert "could not be carried out" not in (ledger.read_text() if ledger.exists() else "")


def _is_at_work(pid: int) -> bool:
    """A worker dies at effects, and the real process is being killed beside it."""
    words = [" ".join(child.cmdline()) for child in _alive(psutil.Process(pid).children(recursive=True))]
    return any("spawn_main" in each for each in words) and any("main.py" in each for each in words)


def _alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def _of_campaigns_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            environ = process.environ()
        except psutil.Error:
            continue
        if MARK in environ and environ.get("TMPDIR") == str(folder):
            found.append(process)
    return found


def _until(is_so: Callable[[], object]) -> None:
    clock = RealClock()
    until = clock.monotonic() + WITHIN_S
    while True:
        try:
            if is_so():
                return
        except psutil.NoSuchProcess:
            pass
        assert clock.monotonic() < until, "it did not come to that in time"
        Event().wait(0.05)
