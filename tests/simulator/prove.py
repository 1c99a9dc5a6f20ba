"""`make prove MINUTES=N`: never twice, never lost, never invented, for as long as there is time, and one line of it.

Two kinds of work go on in turn on every core: shards of simulated deaths, and kills of the real process. What was done
is written down in `.prove/COMMIT.jsonl`: the same command on the same commit goes on where it stopped, and the line
counts all that was done on that commit. With changes that are not committed nothing is kept.

    python -m tests.simulator.prove --minutes 10
    python -m tests.simulator.prove --again stale_book:3:5 --effect 117
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from itertools import count
from multiprocessing import get_context
from pathlib import Path

from tests.simulator import real_day
from tests.simulator.disk import seeded
from tests.simulator.killing import ROOT
from tests.simulator.shards import Shard, die_again, run_shard, shards

KILL_DAYS = 6
"""Real days are made from so many seeds; a day takes some seconds to make."""

_KILLS_AT_ONCE = 4
_LOST = ("lost order", "unregistered order", "forgotten fill", "sent without")
_INVENTED = ("invented",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One piece of work: simulated points or real kills, the seed of its day, and what went wrong, in words."""

    name: str
    seed: int
    points: int = 0
    kills: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """What was done on one commit, in a file; without one, in memory only."""

    path: Path | None
    done: dict[str, Done] = field(default_factory=dict)

    @classmethod
    def of_this_commit(cls) -> Ledger:
        if _git("status", "--porcelain"):
            return cls(None)
        return cls.at(ROOT / ".prove" / f"{_git('rev-parse', 'HEAD')}.jsonl")

    @classmethod
    def at(cls, path: Path) -> Ledger:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found = [Done(**json.loads(line)) for line in lines if line.endswith("}")]
        return cls(path, {piece.name: piece for piece in found})

    def add(self, piece: Done) -> None:
        self.done[piece.name] = piece
        if self.path is None:
            return
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(piece)) + "\n")

    def line(self) -> str:
        """`N crash points, M kills, K seeds: 0 duplicates, 0 lost, 0 invented`, and how many other failures."""
        pieces = self.done.values()
        found = [failure for piece in pieces for failure in piece.failures]
        duplicates = sum("duplicate" in text for text in found)
        lost = sum(any(word in text for word in _LOST) for text in found)
        invented = sum(any(word in text for word in _INVENTED) for text in found)
        text = (
            f"{sum(p.points for p in pieces):,} crash points, {sum(p.kills for p in pieces):,} kills,"
            f" {len({p.seed for p in pieces}):,} seeds: {duplicates} duplicates, {lost} lost, {invented} invented"
        )
        return text + (f"; {len(found)} failures in all" if found else "")


def main() -> int:
    options = _options()
    if options.again:
        report = die_again(Shard.named(options.again), options.effect)
        print("\n".join(report.failures) or f"{report.points} points, nothing found")
        return bool(report.failures)
    ledger = Ledger.of_this_commit()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tradebot-prove-") as folder:
        _work(ledger, began + 60 * options.minutes, options.workers, Path(folder))
    took = time.monotonic() - began
    print(f"{took / 60:.1f} minutes on {options.workers} cores, commit {_git('rev-parse', '--short', 'HEAD')}")
    if ledger.path is None:
        print("there are changes that are not committed: the figures are not kept")
    print(ledger.line())
    return any(piece.failures for piece in ledger.done.values())


def _work(ledger: Ledger, until: float, workers: int, folder: Path) -> None:
    """Keep every worker busy until the time is over; what has begun then is finished."""
    todo = (work for work in _pieces() if _name(work) not in ledger.done)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: set[Future[Done]] = set()
        while time.monotonic() < until or running:
            while time.monotonic() < until and len(running) < workers:
                running.add(pool.submit(_carry_out, next(todo), folder))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                _tell(ledger, future.result())


def _tell(ledger: Ledger, piece: Done) -> None:
    ledger.add(piece)
    what = f"{piece.points:>5} points" if piece.points else f"{piece.kills:>5} kills "
    print(f"{piece.name:<36} {what} in {piece.seconds:5.1f} s   {ledger.line()}", flush=True)
    for failure in piece.failures:
        print(f"    {failure}")
        print(f"    again: {_command_of(piece.name, failure)}", flush=True)


def _command_of(name: str, failure: str) -> str:
    effect = next((word for word in failure.split() if word.isdigit()), "?")
    if name.startswith("kills:"):
        return f"{sys.executable} -m tests.simulator.killing --kill-at {effect} (in a home of {name})"
    return f"{sys.executable} -m tests.simulator.prove --again {name} --effect {effect}"


Work = Shard | tuple[int, int]
"""A shard, or a handful of kills: the seed of the day, and which handful."""


def _pieces() -> Iterator[Work]:
    """One handful of kills to every second shard."""
    simulated = shards()
    for number in count():
        yield next(simulated)
        yield next(simulated)
        yield (1 + number % KILL_DAYS, number // KILL_DAYS)


def _name(work: Work) -> str:
    return str(work) if isinstance(work, Shard) else f"kills:{work[0]}:{work[1]}"


def _carry_out(work: Work, folder: Path) -> Done:
    began = time.monotonic()
    if isinstance(work, Shard):
        tally = run_shard(work)
        return Done(
            name=str(work),
            seed=work.seed,
            points=tally.points + tally.nested,
            seconds=time.monotonic() - began,
            failures=tally.failures,
        )
    seed, handful = work
    day = _day(folder, seed)
    choose = seeded(1_000 * seed + handful)
    numbers = [choose(len(day.effects)) for _ in range(_KILLS_AT_ONCE)]
    failures = [
        f"killed before effect {number} ({day.effects[number]}): {text}"
        for number in numbers
        for text in real_day.die_at(day, folder / f"{os.getpid()}-{seed}-{handful}-{number}", number)
    ]
    return Done(name=_name(work), seed=seed, kills=len(numbers), seconds=time.monotonic() - began, failures=failures)


_days: dict[int, real_day.Day] = {}
"""A worker's own: made when first needed."""


def _day(folder: Path, seed: int) -> real_day.Day:
    if seed not in _days:
        own = folder / f"day-{seed}-{os.getpid()}"
        own.mkdir()
        _days[seed] = real_day.live_through(own, seed)
    return _days[seed]


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="kill tradebot for as long as there is time")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", metavar="SHARD", help="one effect of a shard once more")
    parser.add_argument("--effect", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
