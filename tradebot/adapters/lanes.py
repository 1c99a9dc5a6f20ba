"""Where slow calls run: at once in a replay, in threads in production, in a seeded order in a simulation."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from hashlib import blake2b

from tradebot.domain.errors import BrokerUnavailable

THREADS_MAX = 12

Work = Callable[[], None]
OnFault = Callable[[str, BaseException], None]
"""Told the lane and the exception that escaped from its work."""


class LaneFull(BrokerUnavailable):
    """Too much waits in the lane, or in all of them: this work was not taken, so nothing of it was sent."""


class LanesClosed(BrokerUnavailable):
    """No more work is taken: nothing of this one was sent."""


class DiedAtHandOver(BaseException):
    """A simulated crash between commit and send. No `except Exception` may catch it."""


class InlineLanes:
    """`ports.Lanes` that run the work in the caller's thread before `hand_over` returns; what it raises goes to the
    caller."""

    def __init__(self) -> None:
        self._is_closed = False

    def hand_over(self, lane: str, work: Work) -> None:
        """Raises LanesClosed."""
        if self._is_closed:
            raise LanesClosed(f"{lane}: the lanes are closed")
        work()

    def close(self, timeout_s: float) -> bool:  # noqa: ARG002 - nothing is ever in flight here
        self._is_closed = True
        return True


class ThreadLanes:
    """`ports.Lanes` on at most `threads_max` threads, started when they are needed and named by the lane they serve.

    Lanes take turns: after each work the next lane that has some gets the thread. `waiting_per_lane` and
    `waiting_max` count what has not started yet; at either bound `hand_over` raises. An exception that escapes from
    work goes to `on_fault`, in the lane's thread, and the lane goes on.
    """

    def __init__(
        self,
        *,
        on_fault: OnFault,
        threads_max: int = THREADS_MAX,
        threads_ahead: int = 0,
        waiting_per_lane: int = 100,
        waiting_max: int = 2_000,
        start: Callable[[threading.Thread], None] = threading.Thread.start,
    ) -> None:
        """`start` starts a thread, and raises RuntimeError when the machine gives none. `threads_ahead` are started at
        once: whoever hands over need not start one then, which may fail, or hang, where memory is short."""
        self._on_fault = on_fault
        self._start = start
        self._threads_max = threads_max
        self._waiting_per_lane = waiting_per_lane
        self._waiting_max = waiting_max
        self._lanes: dict[str, deque[Work]] = {}
        self._ready: deque[str] = deque()
        self._waiting = 0
        self._threads = 0
        self._idle = 0
        self._busy = 0
        self._is_closed = False
        self._change = threading.Condition()
        for _ in range(threads_ahead):
            self._start(threading.Thread(target=self._serve, name="lane", daemon=True))
            with self._change:
                self._threads += 1
                self._idle += 1

    def hand_over(self, lane: str, work: Work) -> None:
        """Raises LaneFull or LanesClosed, with the work not taken."""
        with self._change:
            self._refuse(lane)
            is_new = lane not in self._lanes
            if len(self._ready) + is_new > self._idle and self._threads < self._threads_max:
                self._start_thread(lane)
            if is_new:
                self._lanes[lane] = deque()
                self._ready.append(lane)
            self._lanes[lane].append(work)
            self._waiting += 1
            self._change.notify()

    def close(self, timeout_s: float) -> bool:
        """What has not started is dropped, as if the process had died before: nothing of it was sent."""
        with self._change:
            self._is_closed = True
            self._ready.clear()
            for waiting in self._lanes.values():
                waiting.clear()
            self._waiting = 0
            self._change.notify_all()
            return self._change.wait_for(lambda: self._busy == 0, timeout_s)

    def _refuse(self, lane: str) -> None:
        if self._is_closed:
            raise LanesClosed(f"{lane}: the lanes are closed")
        if len(self._lanes.get(lane, ())) >= self._waiting_per_lane:
            raise LaneFull(f"{lane}: {self._waiting_per_lane} calls wait already")
        if self._waiting >= self._waiting_max:
            raise LaneFull(f"{lane}: {self._waiting_max} calls wait already in all lanes")

    def _start_thread(self, lane: str) -> None:
        # A daemon thread, so that a call that hangs cannot keep the process from ending. It is started before the work
        # is taken: work that was refused must never run.
        try:
            self._start(threading.Thread(target=self._serve, name="lane", daemon=True))
        except RuntimeError as e:
            if self._threads == 0:
                raise LaneFull(f"{lane}: no thread for it can be started") from e
            return
        self._threads += 1
        self._idle += 1

    def _serve(self) -> None:
        thread = threading.current_thread()
        while (taken := self._take()) is not None:
            lane, work = taken
            thread.name = f"lane {lane}"
            self._run(lane, work)
            thread.name = "lane"
            self._give_back(lane)

    def _take(self) -> tuple[str, Work] | None:
        with self._change:
            self._change.wait_for(lambda: self._ready or self._is_closed)
            self._idle -= 1
            if not self._ready:
                return None
            lane = self._ready.popleft()
            self._waiting -= 1
            self._busy += 1
            return lane, self._lanes[lane].popleft()

    def _run(self, lane: str, work: Work) -> None:
        try:
            work()
        except BaseException as fault:
            # Whatever one call raises, the lane goes on.
            try:
                self._on_fault(lane, fault)
            except Exception:
                logging.getLogger(__name__).exception("nobody took the fault in lane %s", lane)

    def _give_back(self, lane: str) -> None:
        with self._change:
            self._busy -= 1
            self._idle += 1
            if self._lanes[lane]:
                self._ready.append(lane)
            else:
                # A lane that is empty is forgotten: there are as many as symbols ever traded.
                del self._lanes[lane]
            self._change.notify_all()


class SeededLanes:
    """`ports.Lanes` for simulations: work waits until it is told to run, and then a lane is drawn by the seed.

    Within a lane the order stays; across lanes every order can come up, and the same seed gives the same one. With
    `dies_at_hand_over=n` the n-th hand-over (the first is 0) raises DiedAtHandOver: its work and all that waits is
    lost, and everything afterwards raises the same. At `waiting_max` a hand-over raises LaneFull.
    """

    def __init__(self, seed: int, *, dies_at_hand_over: int | None = None, waiting_max: int = 10_000) -> None:
        self._seed = seed
        self._dies_at_hand_over = dies_at_hand_over
        self._waiting_max = waiting_max
        self._lanes: dict[str, deque[Work]] = {}
        self._handed_over = 0
        self._drawn = 0
        self._is_dead = False
        self._is_closed = False

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lanes.values()))

    def hand_over(self, lane: str, work: Work) -> None:
        """Raises LaneFull, LanesClosed or DiedAtHandOver, with the work not taken."""
        self._refuse_dead()
        if self._is_closed:
            raise LanesClosed(f"{lane}: the lanes are closed")
        if self.waiting >= self._waiting_max:
            raise LaneFull(f"{lane}: {self._waiting_max} calls wait already in all lanes")
        if self._handed_over == self._dies_at_hand_over:
            self.die()
        self._refuse_dead()
        self._handed_over += 1
        self._lanes.setdefault(lane, deque()).append(work)

    def run_one(self) -> bool:
        """Run the first work of a drawn lane; False when nothing waits. What it raises goes to the caller."""
        self._refuse_dead()
        if not self._lanes:
            return False
        lane = list(self._lanes)[self._draw(len(self._lanes))]
        work = self._lanes[lane].popleft()
        if not self._lanes[lane]:
            del self._lanes[lane]
        work()
        return True

    def run_all(self) -> int:
        """Run until nothing waits, also what the work itself hands over; returns how many there were."""
        ran = 0
        while self.run_one():
            ran += 1
        return ran

    def die(self) -> None:
        """Lose all that waits; from now on every use raises DiedAtHandOver."""
        self._is_dead = True
        self._lanes.clear()

    def close(self, timeout_s: float) -> bool:  # noqa: ARG002 - nothing is ever in flight between two calls
        """What waits is dropped."""
        self._is_closed = True
        self._lanes.clear()
        return True

    def _refuse_dead(self) -> None:
        if self._is_dead:
            raise DiedAtHandOver

    def _draw(self, count: int) -> int:
        chance = blake2b(f"{self._seed}/{self._drawn}".encode(), digest_size=8).digest()
        self._drawn += 1
        return int.from_bytes(chance, "big") % count
