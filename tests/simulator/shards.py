"""A campaign in pieces: each shard is a part of one day's deaths, by its name the same on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

from tests.simulator.campaign import Death, Failure, Report, all_kinds, alternating, die_at, die_twice, live_through
from tests.simulator.case import Case
from tests.simulator.days import DAYS
from tests.simulator.disk import CRASH_KINDS
from tests.simulator.faults import FAULTS, NO_FAULTS
from tests.simulator.world import Moment

PARTS = 4
"""A day's effects are dealt to so many shards, each a stretch of the day."""

STRUCK_EVERY = 6
"""Of so many pairs of a day and a set of faults one is tried with each seed."""

NESTED_EVERY = 16
AGAIN_EVERY = 8
NESTED_DEPTH = 4
"""Of so many effects one is followed by deaths of the recovery, at every eighth effect of that; up to four in a row."""

NO_DEATH = Death(effect=0, kind="process")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The `part`-th stretch of the effects of a case's day."""

    case: Case
    part: int

    def __str__(self) -> str:
        return f"{self.case}:{self.part}"

    def of(self, moments: list[Moment]) -> list[Moment]:
        return moments[len(moments) * self.part // PARTS : len(moments) * (self.part + 1) // PARTS]


def shards() -> Iterator[Shard]:
    """All of them, for ever, seed by seed. Each seed's days are gone through completely without faults, where the whole
    outcome is compared. Between these one day in six meets each of the faults, in one stretch of it: with other seeds
    other days, and other stretches."""
    for seed in count(1):
        struck = iter(_struck(seed))
        for part in range(PARTS):
            for day in DAYS:
                yield Shard(case=Case(day=day, faults=NO_FAULTS.name, seed=seed), part=part)
                yield from islice(struck, 1)
        yield from struck


def _struck(seed: int) -> list[Shard]:
    pairs = [(day, name) for name, faults in FAULTS.items() if faults.dials for day in faults.days or DAYS]
    return [
        Shard(case=Case(day=day, faults=faults, seed=seed), part=(seed // STRUCK_EVERY + number) % PARTS)
        for number, (day, faults) in enumerate(pairs)
        if (seed + number) % STRUCK_EVERY == 0
    ]


def run_shard(shard: Shard) -> Report:
    scenario = shard.case.scenario
    unbroken, moments = live_through(scenario)
    if scenario.sabotage is not None:
        unbroken, _ = live_through(shard.case.unbroken, lambda _: False)
    moments = shard.of(moments)
    kinds = alternating if scenario.faults.dials else all_kinds
    report = die_at(scenario, moments, unbroken, kinds)
    for number, moment in enumerate(moments[::NESTED_EVERY]):
        kind, depth = CRASH_KINDS[number % len(CRASH_KINDS)], 1 + number % NESTED_DEPTH
        report.include(die_twice(scenario, [moment], unbroken, kind, AGAIN_EVERY, depth))
    if unbroken.findings:
        # A day that ends badly by itself proves nothing by its deaths.
        report.found.append(Failure(death=NO_DEATH, effect="nothing", differences=unbroken.findings))
    return report
