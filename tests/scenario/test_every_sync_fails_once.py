"""A short day on which one sync fails, for each sync that there is: nothing more is placed on what
nobody knows, the sync is not tried again, and after a restart all books agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tests.simulator.audited import findings
from tests.simulator.days import busy_day
from tests.simulator.disk import CrashKind, seeded
from tests.simulator.world import Moment, Tracer, World
from tradebot.adapters.disk import DiskFailed
from tradebot.adapters.registry import JOURNAL
from tradebot.domain.errors import TradebotError
from tradebot.exchange.exchange import Exchange

COMMITS = ("commit", "committed")
"""A commit that fails has left nothing behind, or all of it: nobody knows before the next start."""
LIVES_ON = 25
"""Steps of the day that the process goes on after the failure."""
SIGNALS, SYNCS_AT_LEAST = 5, 60


class Enough(BaseException):
    """The process is stopped."""


class FailingSync(Tracer):
    """Fails the sync with this number, and keeps what was tried afterwards. Like the database's adapter it refuses
    every commit after one that failed."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.failed = ""
        self.afterwards: list[str] = []
        self._number = number
        self._syncs = 0
        self._steps = 0

    def mark(self, effect: str) -> None:
        if self.failed:
            self.afterwards.append(effect)
        if self._fails(effect):
            self.failed = self.failed or effect
            raise DiskFailed(effect, "Input/output error")
        super().mark(effect)

    def step(self, _: Exchange) -> None:
        self._steps += bool(self.failed)
        if self._steps > LIVES_ON:
            raise Enough

    def left_behind(self, kind: CrashKind) -> Moment:
        assert self._take is not None
        moment = self._take(self.count, self.failed)
        return replace(moment, disk=moment.disk.crash(kind, seeded(self._number)))

    def _fails(self, effect: str) -> bool:
        if self.failed:
            return self._is_refused(effect)
        if effect not in COMMITS and not effect.startswith("sync"):
            return False
        self._syncs += 1
        return self._syncs - 1 == self._number

    def _is_refused(self, effect: str) -> bool:
        return self.failed in COMMITS and effect == "commit"


@dataclass
class Trials:
    syncs: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, number: int, tracer: FailingSync, problems: Iterator[str]) -> None:
        self.syncs += 1
        self.problems += [f"sync {number}, {tracer.failed}: {problem}" for problem in problems]


def test_whichever_sync_fails_nothing_is_placed_on_it_and_a_restart_makes_all_books_agree(
    say: Callable[[str], None],
) -> None:
    trials, number = Trials(), 0
    while (tracer := _lived(FailingSync(number))).failed:
        trials.add(number, tracer, _problems(number, tracer))
        number += 1

    say(f"{trials.syncs} syncs failed, one a day: {len(trials.problems)} problems")
    assert trials.syncs >= SYNCS_AT_LEAST
    assert trials.problems == []


def test_a_database_that_takes_the_next_commit_would_be_seen() -> None:
    """The check can fail."""
    lives = (_lived(Forgiving(number)) for number in range(SYNCS_AT_LEAST))

    assert any(list(_placed_afterwards(tracer)) for tracer in lives)


class Forgiving(FailingSync):
    """Says yes to the commit after one that failed."""

    def _is_refused(self, effect: str) -> bool:
        return False


def _lived(tracer: FailingSync) -> FailingSync:
    """A day up to some steps after its failure, or to its end where there is no such sync."""
    with suppress(Enough, TradebotError):
        World(busy_day(signals=SIGNALS), tracer, hand=tracer.step).run()
    return tracer


def _problems(number: int, tracer: FailingSync) -> Iterator[str]:
    yield from _placed_afterwards(tracer)
    if tracer.failed == f"sync {JOURNAL}" and tracer.failed in tracer.afterwards:
        yield "it was synced again"
    kind: CrashKind = ("process", "lost")[number % 2]  # type: ignore[assignment]
    restarted = World(busy_day(signals=SIGNALS), moment=tracer.left_behind(kind))
    restarted.run()
    yield from findings(restarted)


def _placed_afterwards(tracer: FailingSync) -> Iterator[str]:
    """Where it is the snapshot that failed, the journal still has everything, and the day goes on."""
    if tracer.failed in (*COMMITS, f"sync {JOURNAL}"):
        yield from (effect for effect in tracer.afterwards if effect.startswith("call place"))
