"""A scheduler for time at another rate: the virtual one, asked by a thread that sleeps until something is due."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from tradebot.adapters.timekeeping.virtual import VirtualScheduler
from tradebot.ports import Clock, PlannedJob

_LONGEST_WAIT_S = 5.0
_STOP_S = 2.0


class ScaledScheduler:
    """`ports.Scheduler` on a clock that runs `rate` times as fast as the machine's. Threads may plan at any time."""

    def __init__(self, clock: Clock, rate: float, deliver: Callable[[str, datetime], None]) -> None:
        """`deliver` must not block: it is called with the lock that planning needs."""
        self._clock = clock
        self._rate = rate
        self._inner = VirtualScheduler(clock, deliver)
        self._change = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is delivered afterwards."""
        with self._change:
            self._is_over = True
            self._change.notify_all()
        self._thread.join(_STOP_S)

    def beat(self) -> float | None:
        """The clock follows monotonic time and cannot step."""
        return None

    def plan(self, jobs: Sequence[PlannedJob]) -> None:
        with self._change:
            self._inner.plan(jobs)
            self._change.notify_all()

    def once(self, name: str, at: datetime) -> None:
        with self._change:
            self._inner.once(name, at)
            self._change.notify_all()

    def _run(self) -> None:
        with self._change:
            while not self._is_over:
                now = self._clock.now()
                self._inner.fire_due(now)
                due = self._inner.next_due()
                wait_s = (due - now).total_seconds() / self._rate if due is not None else _LONGEST_WAIT_S
                self._change.wait(min(max(wait_s, 0.0), _LONGEST_WAIT_S))
