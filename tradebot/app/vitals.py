"""What the machine and the doors to the broker say of themselves, for the screens."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tradebot.adapters.process_figures import ProcessFigures
from tradebot.adapters.rollout_file import RolloutFile
from tradebot.app.calls import Calls
from tradebot.domain.errors import StateCorrupt
from tradebot.engine.figures_view import Vitals
from tradebot.ports import Clock, Disk


def vitals_of(doors: Calls, home: Path, disk: Disk, clock: Clock) -> Callable[[], Vitals]:
    """A few questions to the system and one small file, none to anybody outside. `clock` is the machine's."""
    figures, turnstiles, rollout = ProcessFigures(clock), doors.turnstiles, RolloutFile(disk, home / "state")

    def vitals() -> Vitals:
        used = shutil.disk_usage(home)
        return Vitals(
            memory_mb=figures.memory_mb(),
            cpu_pct=figures.cpu_pct(),
            disk_pct=Decimal(100 * used.used // used.total),
            calls=turnstiles.calls if turnstiles is not None else None,
            delayed=turnstiles.delayed if turnstiles is not None else None,
            rollout_phase=phase_in(rollout),
        )

    return vitals


def phase_in(rollout: RolloutFile) -> int | None:
    """None where no rollout was begun, or where its file makes no sense: `main.py rollout` says what is wrong."""
    try:
        standing = rollout.read()
    except (StateCorrupt, OSError):
        return None
    return standing.phase if standing is not None else None
