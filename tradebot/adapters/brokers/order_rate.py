"""How often order calls may go out: under the broker's limits however they are counted, and cancellations first.

It stands behind the turnstiles (`tradebot/adapters/calls/turnstile.py`), at the socket, and is not one of them: they
are the operator's, for quotes and the rest too, and `ENABLE_RATE_LIMITING` takes them away. The limits of the exchange
and the regulator hold whatever is switched off, and for the calls of a day as well.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from dataclasses import dataclass
from datetime import date

from tradebot.domain.calendar import ist_date
from tradebot.domain.errors import RateLimited
from tradebot.ports import Clock

_SECOND_S = 1.0
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCaps:
    """Order calls (place, modify and cancel together) in any second and any calendar second, in any minute, and on an
    IST day. SEBI's line for a client without a registered algorithm is 10 a second for an exchange segment."""

    per_second: int
    per_minute: int
    per_day: int


class OrderRate:
    """A turn for each order call, by the machine's real clock. Threads that wait get theirs by urgency, then by age."""

    def __init__(self, caps: RateCaps, clock: Clock, *, patience_s: float = 20.0) -> None:
        """`patience_s`: who has not got a turn after so long is told so, with nothing sent."""
        self._caps = caps
        self._clock = clock
        self._patience_s = patience_s
        self._change = threading.Condition()
        self._queue: list[tuple[int, int]] = []
        self._asked = 0
        self._sent: deque[float] = deque()
        self._second = (0, 0)
        self._day: tuple[date, int] = (date.min, 0)

    def take_turn(self, *, is_urgent: bool = False) -> None:
        """Wait until one more call keeps all caps. Raises RateLimited when the day is used up or it takes too long."""
        with self._change:
            self._asked += 1
            place = (0 if is_urgent else 1, self._asked)
            heapq.heappush(self._queue, place)
            until = self._clock.monotonic() + self._patience_s
            try:
                self._wait(place, until)
                self._count()
            finally:
                self._queue.remove(place)
                heapq.heapify(self._queue)
                self._change.notify_all()

    def _wait(self, place: tuple[int, int], until: float) -> None:
        while True:
            if self._today() >= self._caps.per_day:
                raise RateLimited(f"{self._caps.per_day} order calls were made today: the account's cap for a day")
            delay_s = self._delay_s()
            is_first = self._queue[0] == place
            if is_first and delay_s <= 0:
                return
            left_s = until - self._clock.monotonic()
            if left_s <= 0:
                raise RateLimited(f"no turn for an order call within {self._patience_s:g} s", retry_after_s=delay_s)
            self._change.wait(min(left_s, delay_s) if is_first else left_s)

    def _delay_s(self) -> float:
        now = self._clock.monotonic()
        while self._sent and now - self._sent[0] >= _MINUTE_S:
            self._sent.popleft()
        delays = [0.0]
        for cap, span_s in ((self._caps.per_second, _SECOND_S), (self._caps.per_minute, _MINUTE_S)):
            if len(self._sent) >= cap:
                delays.append(self._sent[-cap] + span_s - now)
        wall = self._clock.now().timestamp()
        if self._second == (int(wall), self._caps.per_second):
            delays.append(int(wall) + 1 - wall)
        return max(delays)

    def _count(self) -> None:
        second = int(self._clock.now().timestamp())
        self._second = (second, self._second[1] + 1 if self._second[0] == second else 1)
        self._day = (ist_date(self._clock.now()), self._today() + 1)
        self._sent.append(self._clock.monotonic())

    def _today(self) -> int:
        day, count = self._day
        return count if day == ist_date(self._clock.now()) else 0
