"""Real time: one thread is the engine's; it also moves the embedded exchange on and watches the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event
from typing import Protocol

from tradebot.domain.orders import BrokerOrderId
from tradebot.engine.engine import Engine
from tradebot.engine.messages import Job, JobDue, OrderPushed
from tradebot.ports import Clock, Lanes
from tradebot.runtime.interpreter import set_for_a_run

BEAT_S = 1.0
_POLL_S = 0.2
_BATCHES_A_TURN = 20
"""While the market never pauses, the inbox is never empty: the beat and whoever watches get their turn all the same."""
STOP_S = 4.0
"""How long a stop waits for calls in flight; what has not ended by then is looked up at the next start."""


class Timetable(Protocol):
    """The scheduler of real time."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def beat(self) -> float | None:
        """None when all is well; else the seconds by which the wall clock has stepped, 0.0 for a silent scheduler."""
        ...


class Venue(Protocol):
    """The embedded exchange; a daemon at a real broker has none."""

    def advance_to(self, limit: datetime) -> Sequence[BrokerOrderId]: ...

    def reaches(self, at: datetime) -> bool:
        """Whether it can go on to there at all."""
        ...

    @property
    def now(self) -> datetime: ...


class LiveLoop:
    """Runs until it is stopped; `stop` may be called from any thread and from a signal handler."""

    def __init__(
        self,
        *,
        engine: Engine,
        timetable: Timetable,
        lanes: Lanes,
        clock: Clock,
        on_beat: Callable[[], object],
        venue: Venue | None = None,
        on_turn: Callable[[], object] = lambda: None,
        on_step: Callable[[float], object] | None = None,
    ) -> None:
        """`on_beat` is called about every second by the engine's thread, for files that are to be flushed; `on_turn`
        after every batch, and at least every _POLL_S seconds, for whoever shows what is going on; `on_step` when the
        day was planned anew, with the seconds of the step: it sees to it that what was missed is caught up with, which
        without it is done at once."""
        self._engine = engine
        self._timetable = timetable
        self._lanes = lanes
        self._clock = clock
        self._venue = venue
        self._on_beat = on_beat
        self._on_turn = on_turn
        self._on_step = on_step or self._catch_up
        self._stopping = Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> bool:
        """Recover, trade, and end in an orderly way; True when every call in flight had ended in time."""
        self._timetable.start()
        self._engine.start()
        with set_for_a_run():
            self._turn_until_stopped()
        self._timetable.stop()
        is_clean = self._lanes.close(STOP_S)
        self._engine.run_pending()
        if not is_clean:
            self._engine.give_up_waiting()
        return is_clean

    def _turn_until_stopped(self) -> None:
        beat_at = self._clock.monotonic()
        while not self._stopping.is_set():
            self._engine.run_pending(_POLL_S, _BATCHES_A_TURN)
            if self._clock.monotonic() - beat_at >= BEAT_S:
                beat_at = self._clock.monotonic()
                self._beat()
            self._on_turn()

    def _beat(self) -> None:
        step_s = self._timetable.beat()
        if step_s is not None:
            self._engine.clock_stepped(step_s)
            self._on_step(step_s)
        self._on_beat()
        now = self._clock.now()
        venue = self._venue
        while venue is not None and venue.now < now and venue.reaches(now):
            for broker_order_id in venue.advance_to(now):
                self._engine.inbox.put(OrderPushed(broker_order_id=broker_order_id))

    def _catch_up(self, _step_s: float) -> None:
        self._engine.inbox.put(JobDue(name=Job.CATCH_UP, at=self._clock.now()))
