"""A campaign in pieces: each shard is a part of one day's deaths, by its name the same on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.simulator.campaign import (
    Report,
    Unbroken,
    alternating,
    busy_day,
    die_at,
    die_twice,
    live_through,
    meddled_day,
)
from tests.simulator.disk import CRASH_KINDS
from tests.simulator.faults import FAULTS, NO_FAULTS
from tests.simulator.world import Moment, Scenario

PARTS = 8
"""A day's effects are dealt to so many shards."""

_NESTED_EVERY = 24
_UNDER_FAULTS_EVERY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The effects `part`, `part` + PARTS, ... of the day that is made from `seed`, under the faults of that name. On
    days with an even seed an operator gives commands."""

    faults: str
    seed: int
    part: int

    def __str__(self) -> str:
        return f"{self.faults}:{self.seed}:{self.part}"

    @classmethod
    def named(cls, name: str) -> Shard:
        """Raises ValueError, with what is allowed, for a text that names none."""
        faults, _, numbers = name.partition(":")
        seed, _, part = numbers.partition(":")
        if faults not in FAULTS or not seed.isdigit() or not part.isdigit() or int(part) >= PARTS:
            allowed = ", ".join(FAULTS)
            raise ValueError(f"{name}: a shard is faults:seed:part, part 0 to {PARTS - 1}, faults one of {allowed}")
        return cls(faults=faults, seed=int(seed), part=int(part))

    @property
    def scenario(self) -> Scenario:
        make = busy_day if self.seed % 2 else meddled_day
        return make(self.seed, FAULTS[self.faults])


@dataclass(slots=True)
class Tally:
    """What a shard came to; `failures` are (effect, kind, again or None, what was found)."""

    shard: str
    points: int = 0
    nested: int = 0
    failures: list[str] = field(default_factory=list)


def shards() -> Iterator[Shard]:
    """All of them, for ever: deaths alone, where the whole outcome is compared, in turn with deaths under faults."""
    alone = (Shard(faults=NO_FAULTS.name, seed=seed, part=part) for seed in count(1) for part in range(PARTS))
    names = [name for name in FAULTS if name != NO_FAULTS.name]
    struck = (Shard(faults=name, seed=seed, part=part) for seed in count(1) for part in range(PARTS) for name in names)
    for pair in zip(alone, struck, strict=False):
        yield from pair


def run_shard(shard: Shard) -> Tally:
    scenario = shard.scenario
    unbroken, moments = live_through(scenario, lambda index: index % PARTS == shard.part)
    if scenario.faults is not NO_FAULTS:
        moments = moments[::_UNDER_FAULTS_EVERY]
    tally = Tally(shard=str(shard))
    for moment in moments:
        kinds = CRASH_KINDS if scenario.faults is NO_FAULTS else alternating(moment.index // PARTS)
        _add(tally, die_at(scenario, [moment], unbroken, kinds))
    if scenario.faults is NO_FAULTS:
        _add_nested(tally, scenario, moments, unbroken)
    return tally


def die_again(shard: Shard, effect: int) -> Report:
    """One effect's deaths once more, all kinds of them, for whoever looks for the cause."""
    scenario = shard.scenario
    unbroken, moments = live_through(scenario, lambda index: index == effect)
    return die_at(scenario, moments, unbroken, CRASH_KINDS)


def _add(tally: Tally, report: Report) -> None:
    tally.points += report.points
    tally.failures += report.failures


def _add_nested(tally: Tally, scenario: Scenario, moments: list[Moment], unbroken: Unbroken) -> None:
    report = die_twice(scenario, moments[::_NESTED_EVERY], unbroken, "lost", again_every=4)
    tally.nested += report.points
    tally.failures += report.failures
