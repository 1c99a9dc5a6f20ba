"""What the machine and the doors to the broker say of themselves, for the screens."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tradebot.adapters.process_figures import ProcessFigures
from tradebot.app.calls import Calls
from tradebot.engine.figures_view import Vitals
from tradebot.ports import Clock


def vitals_of(doors: Calls, home: Path, clock: Clock) -> Callable[[], Vitals]:
    """A source for the engine's thread: a few questions to the system, none to anybody outside. `clock` is the
    machine's."""
    figures, turnstiles = ProcessFigures(clock), doors.turnstiles

    def vitals() -> Vitals:
        disk = shutil.disk_usage(home)
        return Vitals(
            memory_mb=figures.memory_mb(),
            cpu_pct=figures.cpu_pct(),
            disk_pct=Decimal(100 * disk.used // disk.total),
            calls=turnstiles.calls if turnstiles is not None else None,
            delayed=turnstiles.delayed if turnstiles is not None else None,
        )

    return vitals
