"""The pieces of a campaign, for workers: a shard of simulated deaths, a migration that dies, a handful of kills."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from tests.simulator.campaign import Failure
from tests.simulator.case import Case, Point
from tests.simulator.ledger import Done, Failed
from tests.simulator.migrating import migrate_once, settle
from tests.simulator.real_kills import Handful, carry_out, draw, kind_of
from tests.simulator.shards import Shard, run_shard, shards
from tradebot.adapters.timekeeping.real import RealClock

SHARDS_TO_A_MIGRATION = 40
_STATEMENTS_APART = 8
_COMMAND = f"{sys.executable} -m tests.simulator.prove --again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Every eighth statement of a migration of the old software's orders, made from `seed`, from the `part`-th on."""

    seed: int
    part: int

    def __str__(self) -> str:
        return f"migrate:none:{self.seed}:{self.part}"

    @classmethod
    def named(cls, text: str) -> Migration:
        """Raises ValueError for a text that names none."""
        *name, seed, part = text.split(":") if text.count(":") == 3 else ("", "", "")
        if name != ["migrate", "none"] or not seed.isdigit() or not part.isdigit():
            raise ValueError(f"{text}: migrate:none:SEED:PART")
        return cls(seed=int(seed), part=int(part))


Work = Shard | Migration | Handful


def simulated() -> Iterator[Shard | Migration]:
    """All of it, for ever."""
    of_shards = shards()
    for number in count():
        yield Migration(seed=1 + number // _STATEMENTS_APART, part=number % _STATEMENTS_APART)
        for _ in range(SHARDS_TO_A_MIGRATION):
            yield next(of_shards)


def prepare_worker() -> None:
    """Ctrl-C is for the campaign, which takes its workers with it. A life leaves little in cycles: looking for them as
    often as usual costs a tenth of the time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def do(work: Work, folder: Path) -> Done:
    """A piece that cannot be carried out is a failure like any other."""
    began = RealClock().monotonic()
    try:
        done = _carried_out(work, folder)
    except Exception as error:
        text = f"{work} could not be carried out: {type(error).__name__}: {error}"
        done = Done(
            name=str(work), seed=0, failures=[Failed(text=text, again=f"see {work} in tests/simulator/work.py")]
        )
    return replace(done, seconds=RealClock().monotonic() - began)


def _carried_out(work: Work, folder: Path) -> Done:
    match work:
        case Shard():
            return _die(work)
        case Migration():
            return _migrate(work, folder)
        case Handful():
            return _kill(work, folder)


def _die(shard: Shard) -> Done:
    report = run_shard(shard)
    return Done(
        name=str(shard),
        seed=shard.case.seed,
        points=report.points,
        effects=dict(report.effects),
        incidents=dict(report.incidents),
        failures=[failed(shard.case, failure) for failure in report.found],
    )


def failed(case: Case, failure: Failure) -> Failed:
    return Failed(text=str(failure), again=f"{_COMMAND} '{Point(case=case, death=failure.death)}'")


def _migrate(migration: Migration, folder: Path) -> Done:
    own = folder / f"migration-{migration.seed}-{migration.part}-{os.getpid()}"
    migrated = migrate_once(own, migration.seed, _STATEMENTS_APART, migration.part)
    failures = [
        Failed(
            text=f"killed before statement {copy.number} ({copy.statement}): {text}", again=f"{_COMMAND} {migration}"
        )
        for copy in migrated.copies
        for text in settle(copy, migrated.end)
    ]
    points = len(migrated.copies)
    return Done(
        name=str(migration),
        seed=migration.seed,
        points=points,
        effects={"migration statement": points},
        failures=failures,
    )


def _kill(handful: Handful, folder: Path) -> Done:
    kills = draw(handful, folder)
    failures = [
        Failed(text=f"{kill}: {text}", again=f"{_COMMAND} {kill}") for kill in kills for text in carry_out(kill, folder)
    ]
    kinds = Counter(kind_of(kill, folder) for kill in kills)
    return Done(name=str(handful), seed=handful.seed, kills=len(kills), effects=dict(kinds), failures=failures)
