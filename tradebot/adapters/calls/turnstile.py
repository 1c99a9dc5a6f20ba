"""A turnstile for one class of calls to one broker: so many in any second, and whoever is urgent goes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush
from itertools import count
from threading import Condition
from typing import Protocol

from pyrate_limiter import InMemoryBucket, Rate, RateItem

from tradebot.domain.call_limits import WAIT_S_MAX, CallLimit
from tradebot.domain.errors import RateLimited
from tradebot.ports import Clock

_SECOND_US = 1_000_000
_MINUTE_US = 60 * _SECOND_US
_TINY_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """How one call came through: after how long, and whether that was a wait of real time."""

    waited_s: float
    is_urgent: bool


OnDelay = Callable[[Passage], None]
Pause = Callable[[Condition, float], object]


class Turnstile(Protocol):
    """`calls` and `delayed` count since the start; `per_s` calls may be made in any second."""

    calls: int
    delayed: int
    per_s: int

    def in_second(self) -> int:
        """Calls in the second of the wall clock that is on."""
        ...

    def enter(self, *, is_urgent: bool = False) -> None:
        """Come back when the call may be made. Raises RateLimited when that takes too long."""
        ...


class Windows:
    """The windows that a call must fit into: any second and minute on the steady clock, and the second of the wall
    clock, which is what brokers count in."""

    def __init__(self, limit: CallLimit) -> None:
        rates = [Rate(limit.per_s, _SECOND_US)]
        if limit.per_min is not None and limit.per_min < 60 * limit.per_s:
            rates.append(Rate(limit.per_min, _MINUTE_US))
        # The bucket is given microseconds where its documents say milliseconds: it only compares them.
        self._rolling = InMemoryBucket(rates)
        self._per_s = limit.per_s
        self._second = 0
        self._in_second = 0

    def in_second(self, wall: datetime) -> int:
        return self._in_second if int(wall.timestamp()) == self._second else 0

    def take(self, steady_s: float, wall: datetime) -> float:
        """0.0 when the call is counted and may be made; else the seconds after which it is worth another try."""
        second = int(wall.timestamp())
        if second == self._second and self._in_second >= self._per_s:
            return max(1.0 - wall.microsecond / _SECOND_US, _TINY_S)
        item = RateItem("call", int(steady_s * _SECOND_US))
        self._rolling.leak(item.timestamp)
        if not self._rolling.put(item):
            wait = self._rolling.waiting(item)
            assert isinstance(wait, int)
            return max(wait / _SECOND_US, _TINY_S)
        self._in_second = self._in_second + 1 if second == self._second else 1
        self._second = second
        return 0.0


class WaitingTurnstile:
    """For threads on real time: a call waits until it fits, at most `wait_s_max`; urgent ones first, then by arrival.

    While an urgent call waits no other one passes. `on_delay` is told of each call that had to wait, in its thread.
    """

    def __init__(
        self,
        limit: CallLimit,
        clock: Clock,
        on_delay: OnDelay,
        *,
        wait_s_max: float = WAIT_S_MAX,
        pause: Pause = Condition.wait,
    ) -> None:
        """`pause` waits on a condition that is held, for at most so many seconds."""
        self._windows = Windows(limit)
        self._limit = limit
        self._clock = clock
        self._on_delay = on_delay
        self._wait_s_max = wait_s_max
        self._pause = pause
        self._change = Condition()
        self._queue: list[tuple[bool, int]] = []
        self._numbers = count()
        self.calls = 0
        self.delayed = 0
        self.per_s = limit.per_s

    def in_second(self) -> int:
        return self._windows.in_second(self._clock.now())

    def enter(self, *, is_urgent: bool = False) -> None:
        began = self._clock.monotonic()
        with self._change:
            self.calls += 1
            place = (not is_urgent, next(self._numbers))
            heappush(self._queue, place)
            try:
                has_waited = self._wait_for_turn(place, began + self._wait_s_max)
            finally:
                self._leave(place)
        if has_waited:
            self._on_delay(Passage(waited_s=self._clock.monotonic() - began, is_urgent=is_urgent))

    def _wait_for_turn(self, place: tuple[bool, int], deadline: float) -> bool:
        has_waited = False
        while True:
            now = self._clock.monotonic()
            is_first = self._queue[0] == place
            wait_s = self._windows.take(now, self._clock.now()) if is_first else self._wait_s_max
            if not wait_s:
                return has_waited
            if now >= deadline:
                raise RateLimited(
                    f"no turn within {self._wait_s_max:g} s: {self._limit.per_s} calls a second are allowed",
                    retry_after_s=wait_s,
                )
            if not has_waited:
                has_waited = True
                self.delayed += 1
            self._pause(self._change, min(wait_s, deadline - now))

    def _leave(self, place: tuple[bool, int]) -> None:
        if self._queue[0] == place:
            heappop(self._queue)
        else:
            self._queue.remove(place)
            heapify(self._queue)
        self._change.notify_all()


class CountingTurnstile:
    """For virtual time, which stands still during a call: nothing waits. A call that would have had to wait for its
    turn takes the next free one, and `on_delay` is told after how long that would have been."""

    def __init__(self, limit: CallLimit, clock: Clock, on_delay: OnDelay) -> None:
        self._windows = Windows(limit)
        self._clock = clock
        self._on_delay = on_delay
        self._free_at = 0.0
        self.calls = 0
        self.delayed = 0
        self.per_s = limit.per_s

    def in_second(self) -> int:
        return self._windows.in_second(self._clock.now())

    def enter(self, *, is_urgent: bool = False) -> None:
        self.calls += 1
        now = self._clock.now().timestamp()
        at = max(now, self._free_at)
        while wait_s := self._windows.take(at, datetime.fromtimestamp(at, tz=self._clock.now().tzinfo)):
            at += wait_s
        self._free_at = at
        if at > now:
            self.delayed += 1
            self._on_delay(Passage(waited_s=at - now, is_urgent=is_urgent))
