"""What the machine and the doors to the broker say of themselves, for the screens."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from tradebot.adapters.process_figures import ProcessFigures
from tradebot.app.calls import Calls
from tradebot.app.rollout_watch import RolloutWatch
from tradebot.engine.figures_view import Vitals
from tradebot.ports import Clock, Disk


def vitals_of(doors: Calls, home: Path, disk: Disk, clock: Clock, now: Callable[[], datetime]) -> Callable[[], Vitals]:
    """A few questions to the system and one small file, none to anybody outside. `clock` is the machine's, `now` the
    daemon's."""
    figures, turnstiles, rollout = ProcessFigures(clock), doors.turnstiles, RolloutWatch(home, disk, clock, now)

    def vitals() -> Vitals:
        used, standing = shutil.disk_usage(home), rollout.look()
        return Vitals(
            memory_mb=figures.memory_mb(),
            cpu_pct=figures.cpu_pct(),
            disk_pct=Decimal(100 * used.used // used.total),
            calls=turnstiles.calls if turnstiles is not None else None,
            delayed=turnstiles.delayed if turnstiles is not None else None,
            orders_in_second=turnstiles.orders.in_second() if turnstiles is not None else None,
            orders_per_second=turnstiles.orders.per_s if turnstiles is not None else None,
            joined=doors.coalesced.joined if doors.coalesced is not None else None,
            rollout_phase=standing.phase if standing is not None else None,
            rollout=standing,
        )

    return vitals
