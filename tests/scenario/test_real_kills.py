"""The real process, killed for real: the same command again goes on, and ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.simulator.disk import seeded
from tests.simulator.killing import Command, outcome
from tests.simulator.real_day import (
    KILLED,
    SYSTEM_CALLS,
    Day,
    can_trace,
    die_at,
    die_at_call,
    findings,
    has_begun,
    live_through,
    settle,
    system_calls,
)

SEED = 20_261_121
POINTS = 20


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return live_through(tmp_path_factory.mktemp("killed"))


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
        wrong = die_at(day, tmp_path / str(number), number)
        _tell(say, f"before effect {number} of {len(day.effects)}, {day.effects[number]}", wrong)
        failures += [f"effect {number}: {text}" for text in wrong]
    assert not failures, "\n".join(failures)


def test_killed_by_the_system_at_its_own_calls_it_ends_like_an_unbroken_day(
    day: Day, tmp_path: Path, say: Callable[[str], None]
) -> None:
    if not can_trace():
        pytest.skip("strace is not there, or may not trace here")
    failures: list[str] = []
    counts, choose = system_calls(day), seeded(SEED)
    for name in SYSTEM_CALLS:
        at = choose(counts[name]) + 1
        wrong = die_at_call(day, tmp_path / f"{name}{at}", name, at)
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
    assert not findings(home)


def test_killed_before_it_has_begun_it_begins(day: Day, tmp_path: Path) -> None:
    command = day.command.in_home(tmp_path / "home")
    assert command.run_watched(kill_at=day.effects.index("replace replay.json")).returncode == KILLED
    assert not has_begun(command.home)
    assert not settle(command, day)


def test_killed_after_its_last_order_it_trades_nothing_more(day: Day, tmp_path: Path) -> None:
    command = day.command.in_home(tmp_path / "home")
    last = max(number for number, effect in enumerate(day.effects) if effect == "replace replay.json")
    assert command.run_watched(kill_at=last).returncode == KILLED
    before = outcome(command.home)
    assert not settle(command, day)
    assert outcome(command.home) == before


def _die_and_settle(day: Day, home: Path, number: int) -> Command:
    """As `die_at`, with a home that stays for a closer look."""
    command = day.command.in_home(home)
    assert command.run_watched(kill_at=number).returncode == KILLED
    assert settle(command, day) == []
    return command


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


def _tell(say: Callable[[str], None], point: str, wrong: Sequence[str]) -> None:
    say(f"killed {point}: {'; '.join(wrong) or 'as if nothing had happened'}")
