"""What is examined: a home and its configuration, with the machine's clock and disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tradebot.ports import Clock


def free_bytes(folder: Path) -> int:
    """What this user may still write on the folder's file system."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`folder` is the one that holds `config/` and `.env`; `environ` the variables that the settings may come from."""

    home: Path
    folder: Path
    environ: Mapping[str, str]
    clock: Clock
    free_bytes: Callable[[Path], int] = free_bytes

    @property
    def state(self) -> Path:
        return self.home / "state"
