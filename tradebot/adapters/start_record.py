"""The starts since the last orderly end, as a small file beside the books: `{"starts": [instant, ...], "told": bool}`.

It is there to count deaths, and no book: a file that cannot be read is none, and one that cannot be written keeps
nobody from starting. It is replaced as a whole, so that a death while it is written leaves the old or the new one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tradebot.adapters.disk import write_file
from tradebot.domain.errors import SaveFailed
from tradebot.domain.starts import Starts, in_a_row
from tradebot.ports import Disk

FILE = "starts.json"
STARTS_MAX = 20
"""So many are kept: enough to tell a few from many."""


class StartRecord:
    """For the process that owns the folder. Nothing here raises; `problem` says why the file is not what it should
    be, and is empty where it is."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._path = folder / FILE
        self._starts = Starts()
        self.problem = ""

    def begin(self, now: datetime) -> Starts:
        """This process starts: durable on return. The starts before it that ended in deaths, in a row."""
        before = in_a_row(self._read(), now)
        self._write(Starts(at=(*before.at, now)[-STARTS_MAX:], is_told=before.is_told))
        return before

    def told(self) -> None:
        """People were told of this series: durable on return."""
        if not self._starts.is_told:
            self._write(replace(self._starts, is_told=True))

    def end(self) -> None:
        """This process ends in an orderly way, and with it the series."""
        try:
            self._disk.remove(self._path)
            self._disk.sync_dir(self._path.parent)
        except (SaveFailed, OSError) as cause:
            self.problem = str(cause)

    def _read(self) -> Starts:
        try:
            return _understood(self._disk.read(self._path))
        except (SaveFailed, OSError, ValueError, TypeError, KeyError, RecursionError) as cause:
            self.problem = f"{self._path} cannot be read: {cause}"
            return Starts()

    def _write(self, starts: Starts) -> None:
        self._starts = starts
        kept = {"starts": [at.isoformat() for at in starts.at], "told": starts.is_told}
        try:
            write_file(self._disk, self._path, json.dumps(kept).encode() + b"\n")
        except (SaveFailed, OSError) as cause:
            self.problem = str(cause)


def _understood(data: bytes | None) -> Starts:
    """Raises ValueError, TypeError or KeyError for a file that is no record."""
    if data is None:
        return Starts()
    found = json.loads(data)
    at = tuple(datetime.fromisoformat(text) for text in found["starts"])
    if any(instant.tzinfo is None for instant in at):
        raise ValueError("an instant without its zone")
    return Starts(at=at[-STARTS_MAX:], is_told=found["told"] is True)
