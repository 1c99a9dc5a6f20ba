"""Deaths at every effect of a day: each one restored, restarted, settled and compared with the unbroken day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tests.simulator.audited import findings
from tests.simulator.disk import CRASH_KINDS, CrashKind, seeded
from tests.simulator.outcome import Outcome, outcome
from tests.simulator.standing import Standings
from tests.simulator.witness import missing_witnesses
from tests.simulator.world import Moment, Scenario, Tracer, World

TO_THE_END_EVERY = 64
"""Every so many points one lives to the end of the day, even where it stands like the unbroken one."""

RECOVERY_EFFECTS = 40
"""A recovery is killed at one of so many first effects of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A point: where the process died, what the power cut did to the disk, and where its recoveries died again."""

    effect: int
    kind: CrashKind
    again: tuple[int, ...] = ()

    def __str__(self) -> str:
        again = "".join(f", again at effect {number} of the recovery" for number in self.again)
        return f"death at effect {self.effect} ({self.kind}){again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbroken:
    """The day without a death: how it ends, what the auditor says of that, and how it stands on the way."""

    outcome: Outcome
    findings: Sequence[str]
    standings: Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What was not as it should be after a death, and before which effect it fell."""

    death: Death
    effect: str
    differences: Sequence[str]

    def __str__(self) -> str:
        return f"{self.death}, before '{self.effect}': " + " | ".join(self.differences)


@dataclass(slots=True)
class Report:
    """How many points were tried, of each kind of effect, and what went wrong at which."""

    points: int = 0
    found: list[Failure] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    incidents: Counter[str] = field(default_factory=Counter)

    @property
    def failures(self) -> list[str]:
        return [str(failure) for failure in self.found]

    def add(self, death: Death, effect: str, differences: Sequence[str]) -> None:
        self.points += 1
        self.effects[kind_of(effect)] += 1
        if differences:
            self.found.append(Failure(death=death, effect=effect, differences=differences))

    def include(self, other: Report) -> None:
        self.points += other.points
        self.found += other.found
        self.effects += other.effects
        self.incidents += other.incidents


def kind_of(effect: str) -> str:
    """An effect without what it is about: `call place`, `sync coid_registry.journal`, `hand over`."""
    words = effect.split(" ")
    return " ".join(words[:3] if words[1:2] == ["order"] else words[:2])


def live_through(scenario: Scenario, wants: Callable[[int], bool] = lambda _: True) -> tuple[Unbroken, list[Moment]]:
    """The unbroken day, and the moment before each effect that is wanted."""
    tracer = Tracer(wants)
    standings = Standings()
    world = World(scenario, tracer, keeps_standings=True, catalog=standings.catalog)
    world.run()
    found = findings(world)
    if not found:
        standings.add(world.standings)
    return Unbroken(outcome=outcome(world), findings=found, standings=standings), tracer.moments


def die_at(
    scenario: Scenario,
    moments: Sequence[Moment],
    unbroken: Unbroken,
    kinds: Callable[[int], Sequence[CrashKind]],
) -> Report:
    """Every moment with its kinds of power cut: checked as it lies there, then restarted and settled.

    Where a death leaves the very same behind as one before it, nothing is tried, and nothing counted."""
    report, seen = Report(), set[object]()
    for moment in moments:
        for kind in kinds(moment.index):
            state = _left_behind(scenario, _cut(moment, kind))
            if state not in seen:
                seen.add(state)
                die_so(scenario, moment, unbroken, Death(effect=moment.index, kind=kind), report)
    return report


def die_so(scenario: Scenario, moment: Moment, unbroken: Unbroken, death: Death, report: Report) -> None:
    """One death; where it dies again, each recovery but the last one is only lived up to its own end."""
    restored = _cut(moment, death.kind)
    for number in death.again:
        tracer = Tracer(lambda index, wanted=number: index == wanted)  # type: ignore[misc]
        _recover(World(scenario, tracer, restored, catalog=unbroken.standings.catalog), unbroken)
        if not tracer.moments:
            return
        restored = _cut(tracer.moments[0], death.kind)
    differences = missing_witnesses(restored) + _settle(scenario, restored, unbroken, death, report)
    report.add(death, restored.effect, differences)


def die_twice(
    scenario: Scenario,
    moments: Sequence[Moment],
    unbroken: Unbroken,
    kind: CrashKind,
    again_every: int,
    depth: int = 1,
) -> Report:
    """The same, and the restarted process dies too, at each `again_every`-th of its first effects; with more `depth`
    one of those recoveries, by lot, dies again in the same way."""
    report = Report()
    for moment in moments:
        for death, restored in _nested(scenario, moment, unbroken, kind, again_every, depth):
            differences = missing_witnesses(restored) + _settle(scenario, restored, unbroken, death, report)
            report.add(death, restored.effect, differences)
    return report


def _nested(
    scenario: Scenario, moment: Moment, unbroken: Unbroken, kind: CrashKind, again_every: int, depth: int
) -> Iterator[tuple[Death, Moment]]:
    """Deaths of recoveries, and what each leaves behind."""
    died, choose = Death(effect=moment.index, kind=kind), seeded(moment.index)
    for _ in range(depth):
        tracer = Tracer(lambda index: index < RECOVERY_EFFECTS and index % again_every == 0)
        _recover(World(scenario, tracer, _cut(moment, kind), catalog=unbroken.standings.catalog), unbroken)
        if not tracer.moments:
            return
        for second in tracer.moments:
            yield replace(died, again=(*died.again, second.index)), _cut(second, kind)
        moment = tracer.moments[choose(len(tracer.moments))]
        died = replace(died, again=(*died.again, moment.index))


def _recover(world: World, unbroken: Unbroken) -> None:
    """A recovery that fails by itself is found where it is the last one; here it dies all the same."""
    with suppress(Exception):
        world.run(unbroken.standings)


def all_kinds(_: int) -> tuple[CrashKind, ...]:
    return CRASH_KINDS


def alternating(index: int) -> tuple[CrashKind, ...]:
    """A kill, and one kind of power cut that differs from effect to effect: for runs that have little time."""
    cuts = CRASH_KINDS[1:]
    return ("process", cuts[index % len(cuts)])


def _cut(moment: Moment, kind: CrashKind) -> Moment:
    return replace(moment, disk=moment.disk.crash(kind, seeded(moment.index)))


def _left_behind(scenario: Scenario, moment: Moment) -> object:
    """Under faults each moment's next life meets other ones."""
    return (moment.state(), moment.index if scenario.faults.dials else None)


def _settle(scenario: Scenario, moment: Moment, unbroken: Unbroken, death: Death, report: Report) -> list[str]:
    """What differs at the end of the day. A life that stands as one stood that ended well ends there, if there is
    nothing open that the auditor could object to.

    A day that is not exact need not end like the unbroken one: there the auditor alone judges."""
    lives_on = (death.effect + sum(death.again)) % TO_THE_END_EVERY == 0
    world = World(scenario, Tracer(), moment, catalog=unbroken.standings.catalog)
    try:
        is_at_end = world.run(None if lives_on else unbroken.standings, _is_clean)
    except Exception as error:
        return [f"the restart fails: {type(error).__name__}: {error}"]
    report.incidents.update(world.incidents)
    found = findings(world) if is_at_end else []
    found += outcome(world).differences(unbroken.outcome) if is_at_end and scenario.is_exact else []
    if not found:
        unbroken.standings.add(world.standings)
    return found


def _is_clean(world: World) -> bool:
    return not findings(world)
