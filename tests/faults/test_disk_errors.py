"""Errors of the disk at the system calls of the real process: it says which file and what to do, nothing goes out
twice, no book is damaged, and the same command goes on afterwards."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.faults.small_disk import fault_at, fill, injected, small_disk
from tests.simulator.killing import Command, busy_day, outcome, write_market
from tests.simulator.real_day import findings
from tradebot.cli.exit_codes import ExitCode

SYNCS, WRITES = "fdatasync,fsync", "write,pwrite64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`path` is below the home; `words` are in what the process says of it; `ends` is how it may end."""

    path: str
    error: str
    when: str
    words: str
    ends: tuple[ExitCode, ...]

    @property
    def calls(self) -> str:
        return SYNCS if self.error == "EIO" else WRITES

    def __str__(self) -> str:
        return f"{self.error} at {self.path} {self.when}"


RESTART = "then restart; start-up reads what is really there"
FAULTS = (
    Fault(path="state/coid_registry.journal", error="EIO", when="2", words=RESTART, ends=(ExitCode.FOLDER,)),
    Fault(path="state/coid_registry.json.tmp", error="EIO", when="3", words=RESTART, ends=(ExitCode.FOLDER,)),
    Fault(path="state/tradebot.db-wal", error="EIO", when="12", words=RESTART, ends=(ExitCode.OK,)),
    Fault(path="state/exchange", error="EIO", when="3", words="then start again", ends=(ExitCode.FOLDER,)),
    Fault(path="state/coid_registry.journal", error="ENOSPC", when="3..5", words="some space", ends=(ExitCode.OK,)),
    Fault(path="state/tradebot.db-wal", error="ENOSPC", when="200..230", words="make room", ends=(ExitCode.OK,)),
)
LEFT = 50_000
"""Bytes that a log and a session's files find before their disk is full: both want more of this day."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A day of thirty orders that nobody disturbs."""
    folder = tmp_path_factory.mktemp("errors")
    data = write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 14))
    command = busy_day(folder / "undisturbed", data)
    assert command.run().returncode == 0
    return command


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_disk_that_fails_costs_entries_and_no_book(
    fault: Fault, day: Command, tmp_path: Path, say: Callable[[str], None]
) -> None:
    command, trace = day.in_home(tmp_path / "home"), tmp_path / "trace.txt"
    (command.home / "state" / "exchange").mkdir(parents=True)

    broken = command.run(*fault_at(command.home / fault.path, fault.calls, fault.error, fault.when, trace))

    assert injected(trace) > 0, "the fault did not happen"
    assert broken.returncode in fault.ends, broken.stderr
    assert "Traceback" not in broken.stderr
    assert fault.words in broken.stdout + broken.stderr
    say(f"{fault}: {injected(trace)} calls failed, it ended with {broken.returncode}")
    _nothing_after_an_unknown_outcome(fault, broken.stdout)
    again = command.run()
    assert again.returncode == 0, again.stderr
    assert [str(found) for found in findings(command.home)] == []
    assert tags(command) <= tags(day)


@pytest.mark.parametrize("name", ["logs", "sessions"])
def test_a_full_disk_below_what_is_only_told_costs_no_order(name: str, day: Command, tmp_path: Path) -> None:
    command = day.in_home(tmp_path / "home")
    with small_disk(command.home / name, 1) as folder:
        ballast = fill(folder)
        os.truncate(ballast, ballast.stat().st_size - LEFT)
        ended = command.run()
        assert ended.returncode == 0, ended.stderr
        assert tags(command) == tags(day)
        assert [str(found) for found in findings(command.home)] == []
        assert _told_in(folder) < _told_in(day.home / name), "it never was full"


def _told_in(folder: Path) -> int:
    """Bytes of its files, apart from what fills it."""
    return sum(path.stat().st_size for path in folder.rglob("*.*") if path.is_file())


def _nothing_after_an_unknown_outcome(fault: Fault, shown: str) -> None:
    """After a sync that failed no entry is accepted any more: no answer is given on what nobody knows."""
    if fault.error != "EIO" or fault.path.endswith(".tmp"):
        return
    _, stopped, rest = shown.partition("ENTRIES_STOPPED")
    if stopped:
        assert re.findall(r"ORDER_ACCEPTED +\w+ buy", rest) == []


def tags(command: Command) -> set[object]:
    """Of all orders that the exchange has ever had: an undisturbed day has each of them, and each once."""
    rows = outcome(command.home)["exchange orders"]
    found = [row[0] for row in rows]  # type: ignore[attr-defined]
    assert len(found) == len(set(found))
    return set(found)
