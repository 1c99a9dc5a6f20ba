"""The real process, killed for real: the same command again goes on, and ends as if nothing had happened."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.auditor.audit import audit
from tests.auditor.findings import Finding
from tests.simulator.disk import seeded
from tests.simulator.killing import Command, busy_day, outcome, write_market

SEED = 20_261_121
POINTS = 20
OPENING_CASH = {"primary": Decimal(1_000_000)}
# Each changes what a restart finds; the interpreter's own start-up does none of them, except writing.
SYSTEM_CALLS = ("write", "pwrite64", "fdatasync", "fsync", "rename")
KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The command, the books of a run that nobody disturbed, and the names of its effects, in order."""

    command: Command
    unbroken: Mapping[str, object]
    effects: Sequence[str]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("killed")
    data = write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 14))
    command = busy_day(folder / "unbroken", data)
    ended = command.run()
    assert ended.returncode == 0, ended.stderr
    watched = command.in_home(folder / "watched")
    effects = [line.split(" ", 1)[1] for line in watched.run_watched().stdout.splitlines()]
    unbroken = outcome(command.home)
    assert outcome(watched.home) == unbroken, "watching it changes what happens"
    return Day(command=command, unbroken=unbroken, effects=effects)


def test_the_day_is_busy_enough_to_prove_something(day: Day) -> None:
    tags = [row[0] for row in day.unbroken["exchange orders"]]  # type: ignore[attr-defined]
    assert len(tags) == len(set(tags)) >= 30
    assert len(day.unbroken["fills"]) >= 10  # type: ignore[arg-type]
    kinds = {_kind(effect) for effect in day.effects}
    assert {"append coid_registry.journal", "sync coid_registry.journal", "commit", "committed"} <= kinds
    assert {"hand over", "call place", "answer place", "call modify", "answer modify", "replace replay.json"} <= kinds


def test_killed_at_effects_drawn_by_lot_it_ends_like_an_unbroken_day(
    day: Day, tmp_path: Path, say: Callable[[str], None]
) -> None:
    failures: list[str] = []
    for number in _points(day.effects):
        command = day.command.in_home(tmp_path / str(number))
        died = command.run_watched(kill_at=number)
        assert died.returncode == KILLED, f"it did not die at effect {number}: {died.stderr}"
        wrong = _settle(command, day)
        _tell(say, f"before effect {number} of {len(day.effects)}, {day.effects[number]}", wrong)
        failures += [f"effect {number}: {text}" for text in wrong]
        shutil.rmtree(command.home)
    assert not failures, "\n".join(failures)


def test_killed_by_the_system_at_its_own_calls_it_ends_like_an_unbroken_day(
    day: Day, tmp_path: Path, say: Callable[[str], None]
) -> None:
    _skip_without_strace()
    failures: list[str] = []
    counts = _system_calls(day.command.in_home(tmp_path / "traced"), tmp_path / "trace.txt")
    choose = seeded(SEED)
    for name in SYSTEM_CALLS:
        at = choose(counts[name]) + 1
        command = day.command.in_home(tmp_path / f"{name}{at}")
        died = command.run(*_strace(), "-e", f"trace={name}", "-e", f"inject={name}:signal=SIGKILL:when={at}")
        assert died.returncode == KILLED, f"it did not die at {name} {at}: {died.stderr}"
        wrong = _settle(command, day)
        _tell(say, f"at {name} {at} of {counts[name]}", wrong)
        failures += [f"{name} {at}: {text}" for text in wrong]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("call", ["place", "modify"])
def test_a_request_whose_answer_died_with_the_process_is_settled(call: str, day: Day, tmp_path: Path) -> None:
    number = next(n for n, effect in enumerate(day.effects) if effect.startswith(f"answer {call}"))
    _die_and_settle(day, tmp_path / "home", number)


def test_an_end_that_was_saved_and_not_yet_noted_is_noted_by_the_restart(day: Day, tmp_path: Path) -> None:
    after_commit = [n for n, effect in enumerate(day.effects) if effect == "committed"]
    filled = [n + 1 for n in after_commit if day.effects[n + 1] == "append coid_registry.journal"]
    home = tmp_path / "home"
    # The fourth such commit is the first with fills: the opening auction's.
    _die_and_settle(day, home, filled[3])
    assert not _findings(home)


def test_killed_before_it_has_begun_it_begins(day: Day, tmp_path: Path) -> None:
    command = day.command.in_home(tmp_path / "home")
    assert command.run_watched(kill_at=day.effects.index("replace replay.json")).returncode == KILLED
    assert not _has_begun(command.home)
    assert not _settle(command, day)


def test_killed_after_its_last_order_it_trades_nothing_more(day: Day, tmp_path: Path) -> None:
    command = day.command.in_home(tmp_path / "home")
    last = max(number for number, effect in enumerate(day.effects) if effect == "replace replay.json")
    assert command.run_watched(kill_at=last).returncode == KILLED
    before = outcome(command.home)
    assert not _settle(command, day)
    assert outcome(command.home) == before


def _die_and_settle(day: Day, home: Path, number: int) -> None:
    command = day.command.in_home(home)
    died = command.run_watched(kill_at=number)
    wrong = _settle(command, day) if died.returncode == KILLED else [f"it did not die: {died.stderr}"]
    if wrong:
        pytest.fail("; ".join(wrong))


def _points(effects: Sequence[str]) -> list[int]:
    """Kinds of effects by lot, then one of each kind by lot: two of three effects are looks at the order book."""
    by_kind: dict[str, list[int]] = {}
    for number, effect in enumerate(effects):
        by_kind.setdefault(_kind(effect), []).append(number)
    choose, kinds = seeded(SEED), sorted(by_kind)
    must = [kind for kind in kinds if kind in ("commit", "committed", "call place", "answer place", "hand over")]
    drawn = [kinds.pop(choose(len(kinds))) for _ in range(min(POINTS - len(must), len(kinds)))]
    points = {by_kind[kind][choose(len(by_kind[kind]))] for kind in sorted({*must, *drawn})}
    while len(points) < POINTS:  # one of each kind, and any for the rest
        points.add(choose(len(effects)))
    return sorted(points)


def _kind(effect: str) -> str:
    return " ".join(effect.split(" ")[:2])


def _settle(command: Command, day: Day) -> list[str]:
    """The same command again on the home of a dead process: what is not as it should be.

    A registry that lags has a test of its own, which says why.
    """
    has_begun = _has_begun(command.home)
    again = command.run()
    if again.returncode != 0:
        return [f"the restart ends with {again.returncode}: {again.stderr[-500:]}"]
    says_so = re.search(r"^went on from ", again.stdout, re.MULTILINE) is not None
    wrong = [] if says_so is has_begun else [f"it was {has_begun} that it had begun, and it says {says_so}"]
    found = outcome(command.home)
    wrong += [str(finding) for finding in _findings(command.home)]
    wrong += [f"{name} differ" for name, value in day.unbroken.items() if found[name] != value]
    return wrong


def _has_begun(home: Path) -> bool:
    """Whether a replay stands there that is not finished: one that was never marked as begun begins anew."""
    marker = home / "state" / "replay.json"
    return marker.exists() and not json.loads(marker.read_bytes())["is_finished"]


def _findings(home: Path) -> Sequence[Finding]:
    return audit(home, opening_cash=OPENING_CASH, stopped_cleanly=True).findings


def _skip_without_strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not there")
    if subprocess.run([*_strace(), "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace may not trace here")


def _strace() -> list[str]:
    return ["strace", "--follow-forks", "--quiet=all", "--output", "/dev/null"]


def _system_calls(command: Command, trace: Path) -> Counter[str]:
    """How often the main thread of an unbroken run makes each of the calls."""
    words = ["strace", "--follow-forks", "--quiet=all", "--output", str(trace)]
    ended = command.run(*words, "-e", f"trace={','.join(SYSTEM_CALLS)}")
    assert ended.returncode == 0, ended.stderr
    calls = [match.groups() for line in trace.read_text().splitlines() if (match := re.match(r"(\d+) +(\w+)\(", line))]
    main_thread = calls[0][0]
    return Counter(name for thread, name in calls if thread == main_thread)


def _tell(say: Callable[[str], None], point: str, wrong: Sequence[str]) -> None:
    say(f"killed {point}: {'; '.join(wrong) or 'as if nothing had happened'}")
