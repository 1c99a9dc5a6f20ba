"""`make prove MINUTES=N`: never twice, never lost, never invented, for as long as there is time, and one line of it.

Shards of simulated deaths keep every core busy; beside them the real process is killed again and again, so many times a
minute. What was done is written down in `.prove/COMMIT.jsonl`: the same command on the same commit goes on where it
stopped, and the line counts all that was done on that commit. With changes that are not committed nothing is kept.
Ctrl-C ends it at once; what was under way then is neither counted nor kept. However it ends, nothing that it has
started outlives it (`warden.py`).

    python -m tests.simulator.prove --minutes 10 --verbose
    python -m tests.simulator.prove --report
    python -m tests.simulator.prove --again 'busy:stale_book:3 effect=117 kind=torn' --shrink
    python -m tests.simulator.prove --again paper:3:fdatasync.12
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from tests.simulator.case import Point
from tests.simulator.ledger import Done, Ledger, git
from tests.simulator.real_kills import Handful, Kill, carry_out, handfuls
from tests.simulator.shrink import shrink
from tests.simulator.warden import warden
from tests.simulator.work import Migration, Work, do, prepare_worker, simulated

KILL_LANES = 4
"""So many handfuls of kills go on at once, beside the points: the work is in processes of their own, which wait."""

KILLS_A_MINUTE = 16.0
INTERRUPTED = 130
"""As a shell says it of a program that Ctrl-C has ended."""


def main() -> int:
    options = _options()
    if options.again:
        return _again(options.again, shrinks=options.shrink)
    ledger = Ledger.at(options.ledger) if options.ledger else Ledger.of_this_commit()
    began = time.monotonic()
    if not options.report:
        _run(ledger, options)
    minutes = (time.monotonic() - began) / 60
    if ledger.path is None:
        print("there are changes that are not committed: the figures are not kept")
    if options.verbose or options.report:
        print(ledger.table())
    if not options.report:
        commit = git("rev-parse", "--short", "HEAD")
        print(f"{datetime.now(UTC):%Y-%m-%d}, {minutes:.1f} minutes on {options.workers} cores, commit {commit}")
    print(ledger.line())
    return any(piece.failures for piece in ledger.done.values())


def _run(ledger: Ledger, options: argparse.Namespace) -> None:
    """Ends the process when it does not come to its end: threads that kill would go on with processes that are gone."""
    folder = Path(tempfile.mkdtemp(prefix="tradebot-prove-"))
    with warden(folder):
        try:
            _Campaign(ledger, folder, options.kills_a_minute).run(60 * options.minutes, options.workers)
        except KeyboardInterrupt:
            print(f"\ninterrupted; the same command goes on from here\n{ledger.line()}", flush=True)
            os._exit(INTERRUPTED)
        except Exception:
            traceback.print_exc()
            os._exit(1)


class _Campaign:
    """Keeps all workers busy until the time is over; what has begun then is finished."""

    def __init__(self, ledger: Ledger, folder: Path, kills_a_minute: float) -> None:
        self._ledger = ledger
        self._folder = folder
        self._kills_a_minute = kills_a_minute
        self._kills = 0
        self._simulated = self._left(simulated())
        self._handfuls = self._left(handfuls())

    def run(self, seconds: float, workers: int) -> None:
        began = time.monotonic()
        points = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=prepare_worker)
        kills = ThreadPoolExecutor(KILL_LANES)
        running: dict[Future[Done], Work] = {}
        while (passed := time.monotonic() - began) < seconds or running:
            if passed < seconds:
                self._fill(running, points, kills, workers, passed)
            finished, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in finished:
                del running[future]
                _tell(self._ledger, future.result())
        points.shutdown()
        kills.shutdown()

    def _fill(
        self, running: dict[Future[Done], Work], points: Executor, kills: Executor, workers: int, passed: float
    ) -> None:
        at_kills = sum(isinstance(work, Handful) for work in running.values())
        while len(running) - at_kills < workers:
            work = next(self._simulated)
            running[points.submit(do, work, self._folder)] = work
        while at_kills < KILL_LANES and self._kills < self._kills_a_minute * passed / 60:
            work = next(self._handfuls)
            running[kills.submit(do, work, self._folder)] = work
            self._kills += Handful.KILLS
            at_kills += 1

    def _left(self, works: Iterator[Work]) -> Iterator[Work]:
        return (work for work in works if str(work) not in self._ledger.done)


def _tell(ledger: Ledger, piece: Done) -> None:
    ledger.add(piece)
    what = f"{piece.points:>5} points" if piece.points else f"{piece.kills:>5} kills "
    print(f"{piece.name:<44} {what} in {piece.seconds:5.1f} s   {ledger.line()}", flush=True)
    for failed in piece.failures:
        print(f"    {failed.text}")
        print(f"    again: {failed.again}", flush=True)


def _again(name: str, *, shrinks: bool) -> int:
    """One death, one kill, or the deaths of one migration once more; 1 when something is wrong."""
    with tempfile.TemporaryDirectory(prefix="tradebot-prove-", ignore_cleanup_errors=True) as folder:
        with suppress(ValueError):
            return _say(carry_out(Kill.named(name), Path(folder)))
        with suppress(ValueError):
            return _say([failed.text for failed in do(Migration.named(name), Path(folder)).failures])
    point = Point.named(name)
    failures = point.die().failures
    if failures and shrinks:
        print(shrink(point, say=print))
    return _say(failures)


def _say(failures: Sequence[str]) -> int:
    print("\n".join(failures) or "nothing found")
    return bool(failures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="kill tradebot for as long as there is time")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kills-a-minute", type=float, default=KILLS_A_MINUTE, help="of the real process")
    parser.add_argument("--verbose", action="store_true", help="a table of what was met, before the line")
    parser.add_argument("--report", action="store_true", help="run nothing: the table and the line of this commit")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="keep the figures there, whatever the commit is")
    parser.add_argument("--again", metavar="POINT", help="one death or kill once more, by its name")
    parser.add_argument("--shrink", action="store_true", help="and look for a smaller day on which it fails as well")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
