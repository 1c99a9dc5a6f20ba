"""What the figures were taken on, in general terms: nothing that names a machine or its owner."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("sqlalchemy", "requests", "fastapi", "uvicorn")
_ROOT = Path(__file__).parents[1]


def described() -> Sequence[str]:
    """System, load and versions: the load says how quiet it was when this was asked."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count() or 1} cores, load {load} when it began",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}",
    )


def today() -> str:
    return datetime.now().astimezone().date().isoformat()


def commit() -> str:
    """Of the code that is measured, marked where files were changed since; `unknown` outside a repository."""
    try:
        name = _git("rev-parse", "--short", "HEAD")
        return f"{name}-changed" if _git("status", "--porcelain", "--untracked-files=no") else name
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()
