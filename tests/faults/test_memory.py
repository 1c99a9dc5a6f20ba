"""A daemon that gets no more memory: at its start, and while it runs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.faults.running import WITHIN_S, daemon, findings, in_session, price_below, said, start
from tradebot.cli.exit_codes import ExitCode

STARTS_WITHOUT = 100 * 1024 * 1024
"""Bytes of data; a daemon of a small market has about three times as many, most of them never touched."""


def test_without_memory_a_start_says_so_and_a_running_daemon_sends_nothing_and_comes_back(tmp_path: Path) -> None:
    """What is limited is what a process may write to, stacks of threads included: calls to the broker get no thread."""
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not there")
    with in_session(tmp_path) as venue:
        small = start(tmp_path, venue, "prlimit", f"--data={STARTS_WITHOUT}")
        assert small.process.wait(WITHIN_S) == ExitCode.MEMORY
        small.api.close()
        assert said(tmp_path).strip().splitlines()[-1].startswith("tradebot: the system gives no more memory")
        with daemon(tmp_path, venue) as it:
            it.takes("TCS", price_below(venue, "TCS"))
            it.until(lambda: len(venue.books()) == 1)
            with _no_more_memory(it.process.pid), httpx.Client(base_url=it.api.base_url, timeout=2.0) as impatient:
                body = {"symbol": "ITC", "side": "BUY", "quantity": 5, "price": price_below(venue, "ITC")}
                with suppress(httpx.TransportError):
                    impatient.post("/orders", json=body)
                it.until(lambda: it.events("BROKER_UNREACHABLE"))
                assert {event["error"] for event in it.events("BROKER_UNREACHABLE")} == {"NotSent"}
                assert len(venue.books()) == 1
            it.takes("LT", price_below(venue, "LT"))
            it.until(lambda: len(venue.books()) > 1)
            assert it.stop() == 0
            assert findings(it) == []
    assert "Traceback" not in said(tmp_path)


@contextmanager
def _no_more_memory(pid: int) -> Iterator[None]:
    """The process gets nothing beyond what it has, and then as much as it wants again."""
    has = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmData"))
    limits = (str(int(has.split()[1]) * 1024), "unlimited")
    subprocess.run(["prlimit", "--pid", str(pid), f"--data={limits[0]}:unlimited"], check=True)
    try:
        yield
    finally:
        subprocess.run(["prlimit", "--pid", str(pid), f"--data={limits[1]}:unlimited"], check=True)
