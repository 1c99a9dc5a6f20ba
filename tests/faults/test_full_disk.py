"""A disk that is full below the running daemon: entries are refused with the reason, and the ways out still work."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.running import Daemon, daemon, findings, in_session, price_below, said
from tests.faults.small_disk import fill, small_disk
from tests.simulator.killing import environment
from tests.venue import ROOT, Venue
from tradebot.adapters.space_reserve import FILE, MARGIN, SIZE

MEGABYTES = 48


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("full")
    with small_disk(folder / "home", MEGABYTES):
        yield folder


def test_on_a_full_disk_entries_are_refused_and_cancels_reads_and_the_kill_switch_work(place: Path) -> None:
    home = place / "home"
    with in_session(place) as venue, daemon(place, venue) as it:
        standing = it.takes("INFY", price_below(venue, "INFY"))
        it.until(lambda: status_at(venue, "INFY") == "OPEN")
        ballast = fill(home)

        refused = it.place("TCS", price_below(venue, "TCS"))
        cancelled = it.api.delete(f"/orders/{standing}")

        assert (refused.status_code, refused.json()["error"]["message"]) == (422, "NO_ENTRIES")
        assert "the disk is full" in str(refused.json()["error"]["details"])
        assert cancelled.status_code == 202
        it.until(lambda: status_at(venue, "INFY") == "CANCELLED")
        assert it.api.get("/orders").status_code == 200
        assert len(venue.books()) == 1
        assert [event["level"] for event in it.events("SPACE_SHORT")] == ["CRITICAL"]
        _kill_switch_works(it, home)

        ballast.unlink()
        it.until(lambda: it.events("SPACE_BACK"))
        it.takes("TCS", price_below(venue, "TCS"))
        assert (home / "state" / FILE).stat().st_size == SIZE
        it.until(lambda: status_at(venue, "TCS") == "OPEN")
        assert it.stop() == 0
        assert findings(it) == []
    assert "Traceback" not in said(place)


def test_a_start_without_room_for_the_reserve_takes_no_entries_and_says_so(place: Path) -> None:
    with in_session(place / "other") as venue:
        home = place / "home" / "other"
        ballast = fill(place / "home")
        with ballast.open("r+b") as file:
            file.truncate(ballast.stat().st_size - (SIZE + MARGIN) // 2)
        with daemon(place / "other", venue, home=home) as it:
            refused = it.place("TCS", price_below(venue, "TCS"))
            assert "the disk is full" in str(refused.json()["error"]["details"])
            assert it.events("SPACE_SHORT")
            assert it.stop() == 0
        ballast.unlink()


def test_with_the_disk_full_and_the_broker_silent_the_kill_switch_holds_and_cancels_what_stood_later(
    place: Path,
) -> None:
    """The exchange process is stopped like a machine that hangs: it takes calls and answers none."""
    folder, home = place / "silent", place / "home" / "silent"
    with in_session(folder) as venue, daemon(folder, venue, home=home) as it:
        it.takes("INFY", price_below(venue, "INFY"))
        it.until(lambda: status_at(venue, "INFY") == "OPEN")
        with silent(venue):
            ballast = fill(place / "home")
            types(it, "kill", "cancel_entries")
            it.until(lambda: it.events("KILL_LATCHED"))
            refused = it.api.post("/orders", json={"symbol": "TCS", "side": "BUY", "quantity": 1, "price": "1"})
            assert refused.status_code != 201
            assert it.api.get("/orders").status_code == 200
            ballast.unlink()
        it.until(lambda: status_at(venue, "INFY") == "CANCELLED")
        types(it, "release")
        it.until(lambda: it.events("KILL_RELEASED"))
        it.takes("TCS", price_below(venue, "TCS"))
        it.until(lambda: status_at(venue, "TCS") == "OPEN")
        assert it.stop() == 0
        assert findings(it) == []
        assert len(venue.books()) == 2


@contextmanager
def silent(venue: Venue) -> Iterator[None]:
    assert venue.process is not None
    venue.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        venue.process.send_signal(signal.SIGCONT)


def _kill_switch_works(it: Daemon, home: Path) -> None:
    """Also when the daemon has given back its room and that is used up too."""
    again = fill(home, "more-ballast")
    for words, event in ((("kill", "stop"), "KILL_LATCHED"), (("release",), "KILL_RELEASED")):
        types(it, *words)
        again.unlink(missing_ok=True)
        it.until(lambda event=event: it.events(event))  # type: ignore[misc]


def types(it: Daemon, *words: str) -> None:
    """A command in a second process."""
    done = subprocess.run(
        [sys.executable, "main.py", *words, "--home", str(it.home)],
        cwd=ROOT,
        env=environment(it.settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def status_at(venue: Venue, symbol: str) -> Any:
    return next((row["order"]["status"] for row in venue.books() if row["order"]["symbol"] == symbol), None)
