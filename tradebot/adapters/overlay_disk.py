"""A disk that can be looked at as if it were written to: every change stays in memory, no file is touched."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tradebot.ports import Disk


class OverlayDisk:
    """`ports.Disk` over another one, of which only `read` and `names` are used: what a start would
    do to its files can be tried."""

    def __init__(self, below: Disk) -> None:
        self._below = below
        self._changed: dict[Path, bytes | None] = {}

    def append(self, path: Path, data: bytes) -> None:
        self._changed[path] = (self.read(path) or b"") + data

    def sync(self, path: Path) -> None:
        """Nothing here can be lost."""

    def replace(self, source: Path, target: Path) -> None:
        self._changed[target] = self.read(source)
        self._changed[source] = None

    def sync_dir(self, folder: Path) -> None:
        """Nothing here can be lost."""

    def truncate(self, path: Path, size: int) -> None:
        self._changed[path] = (self.read(path) or b"")[:size]

    def remove(self, path: Path) -> None:
        self._changed[path] = None

    def read(self, path: Path) -> bytes | None:
        return self._changed[path] if path in self._changed else self._below.read(path)

    def names(self, folder: Path) -> Sequence[str]:
        changed = {path.name: data for path, data in self._changed.items() if path.parent == folder}
        found = {*self._below.names(folder), *changed}
        return sorted(name for name in found if changed.get(name, b"") is not None)

    def lock(self, path: Path) -> AbstractContextManager[None]:  # noqa: ARG002 (nobody else can see this disk)
        return nullcontext()
