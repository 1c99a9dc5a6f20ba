"""Signals at the stages of a start and of a stop: it ends in words or by the signal, nothing goes out, and the next
start on the same folders goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.running import (
    WITHIN_S,
    Daemon,
    daemon,
    findings,
    in_session,
    is_ready,
    log_in,
    price_below,
    said,
    start,
)
from tests.venue import Venue

Stage = Callable[[Daemon], object]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signals")


@pytest.fixture(scope="module")
def venue(folder: Path) -> Iterator[Venue]:
    with in_session(folder) as running:
        yield running


def _imports(it: Daemon) -> object:
    """Python is there, and nothing of the home but the session of the login."""
    return "python" in Path(f"/proc/{it.process.pid}/maps").read_text()


def _has_the_folder(it: Daemon) -> object:
    return (it.home / "state" / "tradebot.db").exists()


def _has_a_session(it: Daemon) -> object:
    return list((it.home / "sessions").glob("*"))


STAGES: tuple[tuple[str, Stage, signal.Signals], ...] = (
    ("it imports", _imports, signal.SIGINT),
    ("it opens its books", _has_the_folder, signal.SIGTERM),
    ("it puts its parts together", _has_a_session, signal.SIGINT),
    ("it trades", is_ready, signal.SIGTERM),
)


def test_a_signal_at_any_stage_of_a_start_ends_it_and_places_nothing(folder: Path, venue: Venue) -> None:
    """All at once, each on a home of its own; afterwards one of them is started again."""
    with ExitStack() as stack:
        started: list[Daemon] = []
        for name, _, _ in STAGES:
            it = start(folder, venue, home=folder / name.replace(" ", "-"))
            stack.callback(it.kill)
            stack.callback(it.api.close)
            started.append(it)
        for it, (_, has_come, number) in zip(started, STAGES, strict=True):
            it.until(lambda it=it, has_come=has_come: has_come(it))  # type: ignore[misc]
            it.process.send_signal(number)
        ends = [it.process.wait(WITHIN_S) for it in started]
    assert all(end in (0, -number) for end, (_, _, number) in zip(ends, STAGES, strict=True)), ends
    assert ends[-1] == 0
    assert "Traceback" not in said(folder)
    assert venue.books() == []

    log_in(started[1].home, venue)  # the broker knows the newest session only
    with daemon(folder, venue, home=started[1].home) as it:
        it.takes("INFY", price_below(venue, "INFY"))
        it.until(lambda: len(venue.books()) == 1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
            it.process.send_signal(number)
        assert it.process.wait(WITHIN_S) == 0
        assert findings(it) == []
