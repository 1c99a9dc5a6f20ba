"""A scheduler on a clock that runs faster than the machine's, on real threads."""

from __future__ import annotations

from datetime import timedelta
from queue import Queue

from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.timekeeping.scaled import ScaledClock
from tradebot.adapters.timekeeping.scaled_scheduler import ScaledScheduler
from tradebot.ports import PlannedJob

RATE = 600.0


def test_jobs_come_in_order_at_the_clocks_own_pace_and_none_after_a_stop() -> None:
    clock: ScaledClock = ScaledClock(RealClock(), offset=timedelta(0), rate=RATE)
    due: Queue[tuple[str, bool]] = Queue()
    scheduler = ScaledScheduler(clock, RATE, lambda name, at: due.put((name, clock.now() >= at)))
    start = clock.now()
    scheduler.plan([PlannedJob(name="second", at=start + timedelta(minutes=2))])
    scheduler.start()
    scheduler.once("first", start + timedelta(minutes=1))

    assert due.get(timeout=30) == ("first", True)
    assert due.get(timeout=30) == ("second", True)

    scheduler.stop()
    scheduler.once("never", start)
    assert due.empty()
    assert scheduler.beat() is None
