"""A wall clock that can be set below a real process, while its steady clocks go on: see wall_clock.c."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.calendar import IST

_SOURCE = Path(__file__).with_name("wall_clock.c")
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class WallClock:
    """One clock; the processes that are started behind its `words` read it. A text without a zone is IST."""

    library: Path
    file: Path

    @property
    def words(self) -> Sequence[str]:
        """Before a command."""
        return ("env", f"LD_PRELOAD={self.library}", f"WALL_CLOCK_FILE={self.file}")

    def set(self, at: str) -> None:
        wanted = datetime.fromisoformat(at).replace(tzinfo=IST)
        self._write((wanted - RealClock().now()) // _MILLISECOND)

    def step(self, by: timedelta) -> None:
        (off_ms,) = struct.unpack("=q", self.file.read_bytes())
        self._write(off_ms + by // _MILLISECOND)

    def _write(self, off_ms: int) -> None:
        with self.file.open("r+b" if self.file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("=q", off_ms))


def wall_clock(folder: Path, name: str, at: str) -> WallClock:
    """Skips where nothing can be compiled or preloaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler is there: steps of the clock below a process are not tested")
    library = folder / "wall_clock.so"
    if not library.exists():
        words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl"]
        subprocess.run(words, check=True, capture_output=True)
    clock = WallClock(library, folder / name)
    clock.set(at)
    told = subprocess.run([*clock.words, "date", "+%Y"], capture_output=True, text=True, check=True).stdout.strip()
    if told != at[:4]:
        pytest.skip("nothing can be preloaded here: steps of the clock below a process are not tested")
    return clock
