"""Who is logged in, in a file: a restart of the exchange logs nobody out, as at a broker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tradebot.adapters.disk import write_file
from tradebot.domain.errors import StateCorrupt
from tradebot.ports import Disk


class Sessions(Protocol):
    def saved(self) -> dict[str, Any]: ...

    def restore(self, saved: Mapping[str, Any]) -> None: ...


class SessionFile:
    """Replaced whole when something changed. The tokens in it open a simulated account and nothing else."""

    def __init__(self, disk: Disk, path: Path, sessions: Mapping[str, Sessions]) -> None:
        """Restores the sessions. Raises StateCorrupt for a file that cannot be read."""
        self._disk = disk
        self._path = path
        self._sessions = sessions
        self._written = disk.read(path)
        if self._written is None:
            return
        try:
            data = json.loads(self._written)
            for name, each in sessions.items():
                each.restore(data[name])
        except (ValueError, KeyError, TypeError) as problem:
            mend = "remove the file: everybody has to log in again"
            raise StateCorrupt(str(path), f"cannot be read ({problem})", mend=mend) from problem

    def save(self) -> None:
        data = json.dumps({name: each.saved() for name, each in self._sessions.items()}).encode()
        if data != self._written:
            write_file(self._disk, self._path, data)
            self._written = data
