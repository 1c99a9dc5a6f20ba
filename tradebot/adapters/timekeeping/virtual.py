"""Virtual time: a clock that is set, and a scheduler that is asked, for replays and simulations in one thread."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from tradebot.adapters.timekeeping.triggers import next_instant
from tradebot.ports import Clock, PlannedJob

ONE_SHOTS_MAX = 10_000

_INSTANT = timedelta(microseconds=1)


class VirtualClock:
    """`ports.Clock` that stands still until it is set."""

    def __init__(self, start: datetime) -> None:
        """`start` is aware UTC."""
        self._start = start
        self._now = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        """Virtual seconds since the start."""
        return (self._now - self._start).total_seconds()

    def set(self, at: datetime) -> None:
        """ValueError when `at` is before now."""
        if at < self._now:
            raise ValueError(f"the clock cannot go back from {self._now} to {at}")
        self._now = at


class VirtualScheduler:
    """`ports.Scheduler` that delivers when `fire_due` says so; for one thread.

    Order: by instant, then planned jobs in the order in which they were planned, then one-shot jobs in the order in
    which they were asked for. An instant of a planned job that was delivered is not delivered again when the day is
    planned anew. The same one-shot (name and instant) asked for twice is one. At `ONE_SHOTS_MAX` waiting ones a
    further one is delivered at once: too early is a needless look, never is a missed one.
    """

    def __init__(self, clock: Clock, deliver: Callable[[str, datetime], None]) -> None:
        self._clock = clock
        self._deliver = deliver
        self._jobs: Sequence[PlannedJob] = ()
        self._planned: list[tuple[datetime, int]] = []
        self._one_shots: list[tuple[datetime, int, str]] = []
        self._waiting: set[tuple[str, datetime]] = set()
        self._delivered: dict[str, datetime] = {}
        self._asked = 0

    def plan(self, jobs: Sequence[PlannedJob]) -> None:
        now = self._clock.now()
        self._jobs = tuple(jobs)
        self._planned = []
        for index, job in enumerate(self._jobs):
            delivered = self._delivered.get(job.name)
            self._push(index, now if delivered is None else max(now, delivered + _INSTANT))
        names = {job.name for job in self._jobs}
        self._delivered = {name: at for name, at in self._delivered.items() if name in names}

    def once(self, name: str, at: datetime) -> None:
        """An instant that has passed is due at the next `fire_due`."""
        if (name, at) in self._waiting:
            return
        if len(self._one_shots) >= ONE_SHOTS_MAX:
            self._deliver(name, at)
            return
        self._waiting.add((name, at))
        self._asked += 1
        heapq.heappush(self._one_shots, (at, self._asked, name))

    def next_due(self) -> datetime | None:
        planned = self._planned[0][0] if self._planned else None
        one_shot = self._one_shots[0][0] if self._one_shots else None
        if planned is None or one_shot is None:
            return one_shot if planned is None else planned
        return min(planned, one_shot)

    def fire_due(self, now: datetime) -> None:
        """Deliver everything that is due at or before `now`, with the instant for which it was planned."""
        while (due := self.next_due()) is not None and due <= now:
            is_planned = bool(self._planned) and self._planned[0][0] == due
            self._deliver(self._take_planned() if is_planned else self._take_one_shot(), due)

    def _push(self, index: int, earliest: datetime) -> None:
        at = next_instant(self._jobs[index], earliest)
        if at is not None:
            heapq.heappush(self._planned, (at, index))

    def _take_planned(self) -> str:
        at, index = heapq.heappop(self._planned)
        self._push(index, at + _INSTANT)
        name = self._jobs[index].name
        self._delivered[name] = at
        return name

    def _take_one_shot(self) -> str:
        at, _, name = heapq.heappop(self._one_shots)
        self._waiting.discard((name, at))
        return name
