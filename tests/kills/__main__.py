"""`python -m tests.kills --kills 200`: kill -9 of the live daemon in the middle of its placements, again and again.

Both faces take turns; each kill is followed by a restart, and by an audit of the daemon's books and the exchange's.
Ends with 1 when an order stands twice, is not known to the daemon, or the books do not agree.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.desks import FACES
from tests.kills.stage import Stage, set_stage
from tests.kills.trial import BURST_MS, Outcome, try_kill
from tests.simulator.disk import seeded


def kill_many(
    kills: int, folder: Path, *, faces: Sequence[str], seed: int, jobs: int, has_coids: bool
) -> list[Outcome]:
    """`jobs` at once; the moments are drawn from the seed."""
    stages = [set_stage(face, folder / face, has_coids=has_coids) for face in faces]
    choose = seeded(seed)
    moments = [choose(BURST_MS) for _ in range(kills)]

    def one(number: int) -> Outcome:
        stage: Stage = stages[number % len(stages)]
        outcome = try_kill(stage, number, moments[number])
        print(outcome, flush=True)
        return outcome

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, range(kills)))


def summary(outcomes: Sequence[Outcome]) -> str:
    duplicates = sum(outcome.duplicates for outcome in outcomes)
    unknown = sum(outcome.unknown for outcome in outcomes)
    return f"{len(outcomes)} kills: {duplicates} duplicates, {unknown} unknown to the daemon"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description="kill the live daemon, and count")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    parser.add_argument("--face", action="append", choices=FACES, help="without it, all of them")
    parser.add_argument("--without-coid-manager", action="store_true", help="ENABLE_COID_MANAGER = false: see it fail")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="tradebot-kills-", ignore_cleanup_errors=True) as folder:
        outcomes = kill_many(
            options.kills,
            Path(folder),
            faces=options.face or FACES,
            seed=options.seed,
            jobs=options.jobs,
            has_coids=not options.without_coid_manager,
        )
    wrong = [outcome for outcome in outcomes if outcome.findings or outcome.duplicates or outcome.unknown]
    for outcome in wrong:
        print(outcome, file=sys.stderr)
    print(summary(outcomes))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
