"""A day of the real process, which can be killed before any of its effects and started again on what it left."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.auditor.audit import audit
from tests.auditor.findings import Finding
from tests.simulator.killing import Command, busy_day, outcome, write_market

OPENING_CASH = {"primary": Decimal(1_000_000)}
KILLED = -signal.SIGKILL
SYSTEM_CALLS = ("write", "pwrite64", "fdatasync", "fsync", "rename")
"""Each changes what a restart finds; the interpreter's own start-up does none of them, except writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The command, the books of a run that nobody disturbed, and the names of its effects, in order."""

    command: Command
    unbroken: Mapping[str, object]
    effects: Sequence[str]


def live_through(folder: Path, seed: int = 1) -> Day:
    """One day undisturbed, and once more watched. Raises AssertionError when watching changes what happens."""
    data = write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 14), seed=seed)
    command = busy_day(folder / "unbroken", data)
    ended = command.run()
    assert ended.returncode == 0, ended.stderr
    watched = command.in_home(folder / "watched")
    effects = [line.split(" ", 1)[1] for line in watched.run_watched().stdout.splitlines()]
    unbroken = outcome(command.home)
    assert outcome(watched.home) == unbroken, "watching it changes what happens"
    return Day(command=command, unbroken=unbroken, effects=effects)


def die_at_call(day: Day, home: Path, name: str, number: int) -> list[str]:
    """The same, killed by the system at a call of its own."""
    command = day.command.in_home(home)
    died = command.run(*strace(), "-e", f"trace={name}", "-e", f"inject={name}:signal=SIGKILL:when={number}")
    if died.returncode != KILLED:
        return [f"it did not die at {name} {number}: {died.stderr}"]
    wrong = settle(command, day)
    if not wrong:
        shutil.rmtree(home)
    return wrong


def can_trace() -> bool:
    """Whether strace is there, and may trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run([*strace(), "true"], capture_output=True, check=False).returncode == 0


def strace() -> list[str]:
    return ["strace", "--follow-forks", "--quiet=all", "--output", "/dev/null"]


def system_calls(day: Day) -> Counter[str]:
    """How often the main thread of an unbroken run makes each of SYSTEM_CALLS."""
    traced = day.command.in_home(day.command.home.with_name("traced"))
    trace = traced.home.with_suffix(".txt")
    if not trace.exists():
        words = ["strace", "--follow-forks", "--quiet=all", "--output", str(trace)]
        ended = traced.run(*words, "-e", f"trace={','.join(SYSTEM_CALLS)}")
        assert ended.returncode == 0, ended.stderr
    calls = [match.groups() for line in trace.read_text().splitlines() if (match := re.match(r"(\d+) +(\w+)\(", line))]
    main_thread = calls[0][0]
    return Counter(name for thread, name in calls if thread == main_thread)


def die_at(day: Day, home: Path, number: int) -> list[str]:
    """Killed before the effect of that number, started again, and compared; the home is removed when all is well."""
    command = day.command.in_home(home)
    died = command.run_watched(kill_at=number)
    if died.returncode != KILLED:
        return [f"it did not die at effect {number}: {died.stderr}"]
    wrong = settle(command, day)
    if not wrong:
        shutil.rmtree(home)
    return wrong


def settle(command: Command, day: Day) -> list[str]:
    """The same command again on the home of a dead process: what is not as it should be.

    A registry that lags has a test of its own, which says why.
    """
    was_begun = has_begun(command.home)
    again = command.run()
    if again.returncode != 0:
        return [f"the restart ends with {again.returncode}: {again.stderr[-500:]}"]
    says_so = re.search(r"^went on from ", again.stdout, re.MULTILINE) is not None
    wrong = [] if says_so is was_begun else [f"it was {was_begun} that it had begun, and it says {says_so}"]
    found = outcome(command.home)
    wrong += [str(finding) for finding in findings(command.home)]
    wrong += [f"{name} differ" for name, value in day.unbroken.items() if found[name] != value]
    return wrong


def has_begun(home: Path) -> bool:
    """Whether a replay stands there that is not finished: one that was never marked as begun begins anew."""
    marker = home / "state" / "replay.json"
    return marker.exists() and not json.loads(marker.read_bytes())["is_finished"]


def findings(home: Path) -> Sequence[Finding]:
    return audit(home, opening_cash=OPENING_CASH, stopped_cleanly=True).findings
