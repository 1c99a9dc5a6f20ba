"""What a campaign has done on one commit, in a file that the next run of it goes on from, and the line that it adds up
to."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.simulator.killing import ROOT

_LOST = ("lost order", "unregistered order", "forgotten fill", "sent without")
_INVENTED = ("invented",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What went wrong, in words, and the command that does the same again."""

    text: str
    again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One piece of work: simulated points or real kills, by kind of effect, and the faults met on the way, by dial.
    `seed` is the one its day is made from."""

    name: str
    seed: int
    points: int = 0
    kills: int = 0
    seconds: float = 0.0
    effects: Mapping[str, int] = field(default_factory=dict)
    incidents: Mapping[str, int] = field(default_factory=dict)
    failures: list[Failed] = field(default_factory=list)

    @classmethod
    def read(cls, line: str) -> Done:
        kept = json.loads(line)
        return cls(**kept | {"failures": [Failed(**failed) for failed in kept["failures"]]})


@dataclass(slots=True)
class Ledger:
    """What was done on one commit, in a file; without one, in memory only."""

    path: Path | None
    done: dict[str, Done] = field(default_factory=dict)

    @classmethod
    def of_this_commit(cls) -> Ledger:
        if git("status", "--porcelain", "--untracked-files=no"):
            return cls(None)
        return cls.at(ROOT / ".prove" / f"{git('rev-parse', 'HEAD')}.jsonl")

    @classmethod
    def at(cls, path: Path) -> Ledger:
        """A line may be half of one: the campaign itself may be killed. Its piece is then done again."""
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found: list[Done] = []
        for line in lines:
            with suppress(ValueError):
                found.append(Done.read(line))
        return cls(path, {piece.name: piece for piece in found})

    def add(self, piece: Done) -> None:
        self.done[piece.name] = piece
        if self.path is None:
            return
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(asdict(piece)) + "\n")

    def line(self) -> str:
        """`N crash points, M kills, K seeds: 0 duplicates, 0 lost, 0 invented`, and how many other failures."""
        pieces = self.done.values()
        found = [failed.text for piece in pieces for failed in piece.failures]
        duplicates = sum("duplicate" in text for text in found)
        lost = sum(any(word in text for word in _LOST) for text in found)
        invented = sum(any(word in text for word in _INVENTED) for text in found)
        text = (
            f"{sum(p.points for p in pieces):,} crash points, {sum(p.kills for p in pieces):,} kills,"
            f" {len({p.seed for p in pieces}):,} seeds: {duplicates} duplicates, {lost} lost, {invented} invented"
        )
        return text + (f"; {len(found)} failures in all" if found else "")

    def table(self) -> str:
        """How many points and kills each day, each set of faults, and each kind of effect had; and the faults met."""
        pieces = self.done.values()
        days, faults, effects, incidents = (Counter[str]() for _ in range(4))
        for piece in pieces:
            day, _, rest = piece.name.partition(":")
            days[f"kills: {rest.partition(':')[0]}" if piece.kills else day] += piece.points + piece.kills
            if piece.points:
                faults[rest.partition(":")[0]] += piece.points
            effects.update(piece.effects)
            incidents.update(piece.incidents)
        simulated = sum(piece.seconds for piece in pieces if piece.points)
        rate = sum(piece.points for piece in pieces) / simulated if simulated else 0.0
        tables = {
            "points and kills by day": days,
            "points by faults": faults,
            "points and kills by what was about to happen": effects,
            "faults that struck after a death": incidents,
        }
        lines = [line for title, counts in tables.items() for line in _rows(title, counts)]
        return "\n".join([*lines, "", f"{rate:.0f} points a second and worker"])


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _rows(title: str, counts: Counter[str]) -> Iterator[str]:
    yield f"\n{title}"
    yield from (f"  {name:<44}{count:>12,}" for name, count in counts.most_common())
