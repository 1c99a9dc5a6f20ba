"""The registry after power cuts: what was promised is there, and nothing is there that never was.

Model: the list of states that the registry went through, one for each line written, and the index of the last one
that was promised to be durable. After a crash of any kind the registry must be exactly one of the states from there
on: so no promised entry is gone, none is torn, and no later line stands without the ones before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.simulator.disk import CRASH_KINDS, CrashKind, LeavesOut, PowerCut, SimDisk, seeded
from tests.unit.registry_builders import FOLDER, NOW, an_entry
from tradebot.adapters.disk import DiskRefused
from tradebot.adapters.registry import JOURNAL, CoidRegistry, Limits
from tradebot.domain.errors import SaveFailed, StateCorrupt
from tradebot.domain.orders import AttemptStatus, Coid
from tradebot.domain.registry_entries import RegistryEntry

State = Mapping[Coid, RegistryEntry]

SMALL = Limits(fold_every=4, journal_lines_max=9, entries_max=1_000)
BEFORE_ALL = NOW - timedelta(days=1)
AFTER_ALL = datetime.max.replace(tzinfo=UTC)
ENTRIES = tuple(an_entry(f"signal-{number}", symbol="INFY" * (number % 3 + 1)) for number in range(12))
COIDS = tuple(entry.coid for entry in ENTRIES)
# A kill and a loss of everything have one outcome each.
SEEDS: Mapping[CrashKind, int] = {"process": 1, "lost": 1, "torn": 6, "reordered": 8}
FEWER_SEEDS: Mapping[CrashKind, int] = {"process": 1, "lost": 1, "torn": 1, "reordered": 4}


def opened(disk: SimDisk) -> CoidRegistry:
    return CoidRegistry.open(disk, FOLDER, NOW, limits=SMALL)


def state_of(registry: CoidRegistry) -> State:
    found = {coid: registry.get(coid) for coid in COIDS}
    return {coid: entry for coid, entry in found.items() if entry is not None}


def pruned(state: State) -> State:
    return {coid: entry for coid, entry in state.items() if entry.status.is_open}


@dataclass
class Promise:
    """The states that a crash may leave: those from the last one promised on."""

    states: list[State]
    durable: int = 0

    @property
    def latest(self) -> State:
        return self.states[-1]

    def allowed(self) -> list[State]:
        return self.states[self.durable :]

    def will_write(self, entries: Sequence[RegistryEntry]) -> None:
        for entry in entries:
            self.states.append({**self.latest, entry.coid: entry})

    def is_durable(self) -> None:
        self.durable = len(self.states) - 1


def a_life(registry: CoidRegistry, promise: Promise) -> None:
    """Every kind of effect at least once, in a life of three folds, one of which the journal's limit forces."""
    reserve(registry, promise, ENTRIES[:1])
    reserve(registry, promise, ENTRIES[1:4])
    note(registry, promise, [filled(ENTRIES[0]), filled(ENTRIES[1])])
    note(registry, promise, [replace(ENTRIES[2], status=AttemptStatus.UNKNOWN)])
    fold(registry, promise, prunes=True)
    reserve(registry, promise, ENTRIES[4:8])
    note(registry, promise, [filled(ENTRIES[4])])
    registry.sync()
    promise.is_durable()
    reserve(registry, promise, ENTRIES[8:11])
    note(registry, promise, [filled(ENTRIES[8]), filled(ENTRIES[9])])
    reserve(registry, promise, ENTRIES[11:])
    fold(registry, promise, prunes=False)
    note(registry, promise, [filled(ENTRIES[11])])


def reserve(registry: CoidRegistry, promise: Promise, entries: Sequence[RegistryEntry]) -> None:
    promise.will_write(entries)
    registry.reserve(entries)
    promise.is_durable()


def note(registry: CoidRegistry, promise: Promise, entries: Sequence[RegistryEntry]) -> None:
    promise.will_write(entries)
    registry.note(entries)


def fold(registry: CoidRegistry, promise: Promise, *, prunes: bool) -> None:
    if prunes:
        promise.states.append(pruned(promise.latest))
    registry.fold(AFTER_ALL if prunes else BEFORE_ALL)
    promise.is_durable()


def filled(entry: RegistryEntry) -> RegistryEntry:
    return replace(entry, status=AttemptStatus.FILLED, filled_qty=entry.filled_qty + 1)


@dataclass(frozen=True)
class Point:
    """The disk just before an effect, and what a crash there may leave."""

    disk: SimDisk
    allowed: Sequence[State]


def crash_points(disk: SimDisk) -> list[Point]:
    points: list[Point] = []
    promise = Promise([{}])
    disk.on_effect = lambda _name, _path: points.append(Point(disk.clone(), promise.allowed()))
    a_life(opened(disk), promise)
    disk.on_effect = None
    points.append(Point(disk.clone(), promise.allowed()))
    return points


def recovery_points(point: Point, disk_after: SimDisk) -> list[Point]:
    """The effects of the start after a crash; once it is through, what it has read is promised."""
    points: list[Point] = []
    disk_after.on_effect = lambda _name, _path: points.append(Point(disk_after.clone(), point.allowed))
    found = state_of(opened(disk_after))
    disk_after.on_effect = None
    return [*points, Point(disk_after, [found])]


def broken_promises(points: Sequence[Point], seeds: Mapping[CrashKind, int] = SEEDS) -> list[str]:
    found = []
    for number, point in enumerate(points):
        for kind in CRASH_KINDS:
            for seed in range(seeds[kind]):
                problem = problem_after(point.disk.crash(kind, seeded(seed)), point.allowed)
                if problem:
                    found.append(f"before effect {number}, {kind}, seed {seed}: {problem}")
    return found


def problem_after(disk: SimDisk, allowed: Sequence[State]) -> str | None:
    try:
        first, second = state_of(opened(disk)), state_of(opened(disk.clone()))
    except StateCorrupt as e:
        return str(e)
    if first not in allowed:
        return f"{sorted(first)} is none of the {len(allowed)} states"
    return None if first == second else "the second start reads something else"


def test_a_crash_before_any_effect_keeps_every_promise() -> None:
    points = crash_points(SimDisk())

    assert len(points) > 40
    assert broken_promises(points) == []


def test_a_crash_within_the_start_after_a_crash_keeps_every_promise() -> None:
    for point in crash_points(SimDisk()):
        for kind in CRASH_KINDS:
            after = point.disk.crash(kind, seeded(1))
            assert broken_promises(recovery_points(point, after), FEWER_SEEDS) == []


@pytest.mark.parametrize(
    "leaves_out",
    [
        pytest.param(lambda name, path: (name, path.name) == ("sync", JOURNAL), id="a reservation's sync"),
        pytest.param(lambda name, path: (name, path.suffix) == ("sync", ".tmp"), id="a new file's sync"),
        pytest.param(lambda name, _path: name == "sync_dir", id="the folder's sync"),
    ],
)
def test_the_check_sees_a_sync_that_is_left_out(leaves_out: LeavesOut) -> None:
    disk = SimDisk()
    disk.leaves_out = leaves_out

    assert broken_promises(crash_points(disk))


@pytest.mark.parametrize("left_out", ["sync", "sync_dir"])
def test_the_check_sees_a_sync_that_the_start_leaves_out(left_out: str) -> None:
    found: list[str] = []
    for point in crash_points(SimDisk()):
        killed = point.disk.crash("process", seeded(0))
        killed.leaves_out = lambda name, _path: name == left_out
        found += broken_promises(recovery_points(point, killed)[-1:])
    assert found


class RegistryLife(RuleBasedStateMachine):
    """Any order of calls, with a crash of any kind or a full disk at any effect of any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = SimDisk()
        self.registry = opened(self.disk)
        self.promise = Promise([{}])
        self.fills = 0

    @rule(
        count=st.integers(1, 4),
        crash_at=st.none() | st.integers(0, 12),
        kind=st.sampled_from(CRASH_KINDS),
        seed=st.integers(0, 2**16),
    )
    def reserve(self, count: int, crash_at: int | None, kind: CrashKind, seed: int) -> None:
        free = [entry for entry in ENTRIES if entry.coid not in self.promise.latest][:count]
        self._until_crash(lambda: reserve(self.registry, self.promise, free), crash_at, kind, seed)

    @rule(
        chosen=st.lists(st.integers(0, len(ENTRIES) - 1), min_size=1, max_size=3, unique=True),
        status=st.sampled_from(AttemptStatus),
        crash_at=st.none() | st.integers(0, 12),
        kind=st.sampled_from(CRASH_KINDS),
        seed=st.integers(0, 2**16),
    )
    def note(
        self, chosen: Sequence[int], status: AttemptStatus, crash_at: int | None, kind: CrashKind, seed: int
    ) -> None:
        self.fills += 1
        noted = [
            replace(ENTRIES[n], status=status, filled_qty=self.fills) for n in chosen if COIDS[n] in self.promise.latest
        ]
        self._until_crash(lambda: note(self.registry, self.promise, noted), crash_at, kind, seed)

    @rule()
    def sync(self) -> None:
        self.registry.sync()
        self.promise.is_durable()

    @rule(
        prunes=st.booleans(),
        crash_at=st.none() | st.integers(0, 12),
        kind=st.sampled_from(CRASH_KINDS),
        seed=st.integers(0, 2**16),
    )
    def fold(self, prunes: bool, crash_at: int | None, kind: CrashKind, seed: int) -> None:
        self._until_crash(lambda: fold(self.registry, self.promise, prunes=prunes), crash_at, kind, seed)

    @rule(
        count=st.integers(1, 4),
        appends_left=st.integers(0, 2),
    )
    def reserve_on_a_disk_that_fills_up(self, count: int, appends_left: int) -> None:
        before = self.promise.latest
        free = [entry for entry in ENTRIES if entry.coid not in before][:count]
        self.disk.on_effect = full_after(appends_left)
        try:
            reserve(self.registry, self.promise, free)
        except SaveFailed:
            # Refused: nothing was written, and nothing may show later.
            del self.promise.states[len(self.promise.states) - len(free) :]
        self.disk.on_effect = None

    @rule(appends_left=st.integers(0, 2), prunes=st.booleans())
    def fold_on_a_disk_that_fills_up(self, appends_left: int, prunes: bool) -> None:
        before = self.promise.latest
        self.disk.on_effect = full_after(appends_left)
        with suppress(SaveFailed):
            fold(self.registry, self.promise, prunes=prunes)
        self.disk.on_effect = None
        # The snapshot was replaced or it was not; either way the registry says what it holds.
        assert state_of(self.registry) in (before, pruned(before) if prunes else before)
        self.promise.states.append(state_of(self.registry))

    @rule(kind=st.sampled_from(CRASH_KINDS), seed=st.integers(0, 2**16), during=st.integers(0, 8))
    def crash_twice(self, kind: CrashKind, seed: int, during: int) -> None:
        self.disk = self.disk.crash(kind, seeded(seed))
        self.disk.on_effect = power_cut_after(during)
        with suppress(PowerCut):
            opened(self.disk)
        self._start_again(kind, seed)

    @invariant()
    def memory_says_what_was_done(self) -> None:
        assert state_of(self.registry) == self.promise.latest
        assert {e.coid for e in self.registry.open_entries()} == set(pruned(self.promise.latest))

    def _until_crash(self, act: Callable[[], None], crash_at: int | None, kind: CrashKind, seed: int) -> None:
        if crash_at is None:
            act()
            return
        self.disk.on_effect = power_cut_after(crash_at)
        with suppress(PowerCut):
            act()
        self._start_again(kind, seed)

    def _start_again(self, kind: CrashKind, seed: int) -> None:
        self.disk = self.disk.crash(kind, seeded(seed))
        self.registry = opened(self.disk)
        found = state_of(self.registry)
        assert found in self.promise.allowed()
        assert state_of(opened(self.disk.crash("lost", seeded(0)))) == found
        self.promise = Promise([found])


def power_cut_after(effects: int) -> Callable[[str, Path], None]:
    left = iter(range(effects))

    def hook(_name: str, _path: Path) -> None:
        if next(left, None) is None:
            raise PowerCut

    return hook


def full_after(appends: int) -> Callable[[str, Path], None]:
    left = iter(range(appends))

    def hook(name: str, path: Path) -> None:
        if name == "append" and next(left, None) is None:
            raise DiskRefused(str(path), "No space left on device", mend="free some space")

    return hook


TestRegistryLife = RegistryLife.TestCase
TestRegistryLife.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
