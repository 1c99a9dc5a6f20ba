"""Kills of the real process, each by a name that makes the same again: on paper, and live on both faces of the broker.

paper:3:217               before effect 217 of the day that is made from seed 3
paper:3:fdatasync.12      by the system, at its 12th fdatasync
kite:5:830                the live daemon, 830 ms into its placements; 5 is the seed of the faults
kotak:5:sendto.3          the live daemon, by the system, where one of its threads sends for the third time
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock

from tests.desks import FACES
from tests.kills.stage import Stage, set_stage
from tests.kills.trial import BURST_MS, LIVE_CALLS, SystemCall, try_kill
from tests.simulator import real_day
from tests.simulator.disk import Choose, seeded

DAYS = 6
"""Real days are made from so many seeds: one takes some seconds to make."""

TARGETS = ("paper", *FACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """`at` is the number of an effect (paper), milliseconds after the first order (live), or `CALL.K`."""

    target: str
    seed: int
    at: str

    def __str__(self) -> str:
        return f"{self.target}:{self.seed}:{self.at}"

    @classmethod
    def named(cls, text: str) -> Kill:
        """Raises ValueError for a text that names none."""
        target, seed, at = (*text.split(":"), "", "", "")[:3]
        if target not in TARGETS or not seed.isdigit() or not at.replace(".", "").isalnum():
            raise ValueError(f"{text}: TARGET:SEED:AT, one of {', '.join(TARGETS)}")
        return cls(target=target, seed=int(seed), at=at)

    @property
    def call(self) -> SystemCall | None:
        name, _, number = self.at.partition(".")
        return SystemCall(name=name, number=int(number)) if number else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handful:
    """Some kills of one target, by lot; of three on paper one is by the system, and of three live ones too."""

    target: str
    number: int

    KILLS = 3

    def __str__(self) -> str:
        return f"kills:{self.target}:{self.number}"

    @property
    def seed(self) -> int:
        return 1 + self.number % DAYS

    @property
    def chance(self) -> Choose:
        return seeded(1_000_003 * (1 + TARGETS.index(self.target)) + self.number)


def handfuls() -> Iterator[Handful]:
    """All of them, for ever: on paper every second one, and on the faces in turn."""
    for number in count():
        yield Handful(target="paper", number=number)
        yield Handful(target=FACES[number % len(FACES)], number=number)


def draw(handful: Handful, folder: Path) -> list[Kill]:
    """What a handful is made of; on paper the day says how many effects there are to choose from."""
    choose = handful.chance
    if handful.target != "paper":
        name, most = LIVE_CALLS[choose(len(LIVE_CALLS))]
        numbers = [handful.number * Handful.KILLS + place for place in range(Handful.KILLS)]
        moments = [str(choose(BURST_MS)), str(choose(BURST_MS)), f"{name}.{1 + choose(most)}"]
        return [Kill(target=handful.target, seed=n, at=at) for n, at in zip(numbers, moments, strict=True)]
    day = _day(folder, handful.seed)
    at = [str(choose(len(day.effects))) for _ in range(Handful.KILLS - 1)]
    calls = real_day.system_calls(day)
    name = real_day.SYSTEM_CALLS[choose(len(real_day.SYSTEM_CALLS))]
    at.append(f"{name}.{1 + choose(calls[name])}" if calls[name] else str(choose(len(day.effects))))
    return [Kill(target="paper", seed=handful.seed, at=number) for number in at]


def kind_of(kill: Kill, folder: Path) -> str:
    """What was about to happen."""
    if kill.call is not None:
        return f"{kill.target}: {kill.call.name}"
    if kill.target != "paper":
        return f"{kill.target}: any instant of the placements"
    return f"paper: {' '.join(_day(folder, kill.seed).effects[int(kill.at)].split(' ')[:2])}"


def carry_out(kill: Kill, folder: Path) -> list[str]:
    """What was not as it should be after the restart."""
    home = Path(mkdtemp(prefix=f"{kill}-".replace(":", "-"), dir=folder)) / "home"
    if kill.target == "paper":
        day = _day(folder, kill.seed)
        if kill.call is not None:
            return real_day.die_at_call(day, home, kill.call.name, kill.call.number)
        return real_day.die_at(day, home, int(kill.at))
    moment = kill.call or int(kill.at)
    outcome = try_kill(_stage(folder, kill.target), kill.seed, moment)
    wrong = [f"{outcome.duplicates} duplicates"] if outcome.duplicates else []
    wrong += [f"lost order: {outcome.unknown} are not known to the daemon"] if outcome.unknown else []
    return [*wrong, *outcome.findings]


_days: dict[int, real_day.Day] = {}
_stages: dict[str, Stage] = {}
_making = Lock()
"""Days and stages are made when first needed, one at a time, and shared by all threads that kill."""


def _day(folder: Path, seed: int) -> real_day.Day:
    with _making:
        if seed not in _days:
            _days[seed] = real_day.live_through(_made(folder / f"day-{seed}"), seed)
        return _days[seed]


def _stage(folder: Path, face: str) -> Stage:
    with _making:
        if face not in _stages:
            _stages[face] = set_stage(face, _made(folder / face), has_coids=True)
        return _stages[face]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
