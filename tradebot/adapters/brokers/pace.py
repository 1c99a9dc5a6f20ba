"""A steady pace for questions that a broker takes only so often."""

from __future__ import annotations

import threading

from tradebot.ports import Clock


class Pace:
    """At most one call every `interval_s` seconds of the machine's clock; who is too early waits. 0 never waits."""

    def __init__(self, interval_s: float, clock: Clock) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()
        self._never = threading.Event()

    def wait(self) -> None:
        with self._lock:
            delay_s = self._next - self._clock.monotonic()
            self._next = max(self._next, self._clock.monotonic()) + self._interval_s
        if delay_s > 0:
            self._never.wait(delay_s)
