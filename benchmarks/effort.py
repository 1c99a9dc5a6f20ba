"""How much is measured: runs, rounds and spans, as the command line gives them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """`runs`, of which the median counts; `rounds` of one run; `seconds` that a rate is tried; the replay's last day;
    `load_s` of each load; `days` of the soak; `ticks_s`, after which the day of ticks ends (None: its close);
    `folder`, where the temporary files go; `peers`, an interpreter that has one."""

    runs: int = 3
    rounds: int = 200
    seconds: float = 6.0
    last_day: date = date(2026, 9, 7)
    load_s: float = 30.0
    days: int = 30
    ticks_s: int | None = None
    folder: Path = Path(tempfile.gettempdir())
    peers: str | None = None

    @contextmanager
    def place(self) -> Iterator[Path]:
        """A folder on the disk that is to be measured, gone at the end."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)


WHOLE = Effort()
QUICK = Effort(runs=1, rounds=20, seconds=2.0, last_day=date(2026, 9, 2), load_s=8.0, days=3, ticks_s=1_200)
