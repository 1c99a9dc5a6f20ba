"""What the figures were taken on, in general terms: nothing that names a machine or its owner."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from importlib.metadata import version

_LIBRARIES = ("sqlalchemy", "requests")


def described() -> Sequence[str]:
    """Date, processor, system and versions, a line each; the load says how quiet it was."""
    cores = os.cpu_count() or 1
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{_today()}: {platform.system()} on {platform.machine()}, {cores} cores, load {load} when it began",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}",
    )


def _today() -> date:
    return datetime.now().astimezone().date()
