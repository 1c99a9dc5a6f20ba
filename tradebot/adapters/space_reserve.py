"""Room on the disk that is kept for the day when it is full, as a file beside the books."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

FILE = "reserve"
SIZE = 8 * 1024 * 1024
MARGIN = SIZE
"""Bytes that must be free beside the reserve before it is taken again: else it would come and go with each save."""

_MODE = 0o600
# Darwin has none; there the bytes are written.
_allocate: Callable[[int, int, int], None] | None = getattr(os, "posix_fallocate", None)


class FileReserve:
    """`ports.SpaceReserve` in a state folder. Never raises: what cannot be kept is not there."""

    def __init__(self, folder: Path, size: int = SIZE, margin: int = MARGIN) -> None:
        self._path = folder / FILE
        self._size = size
        self._margin = margin

    def give_back(self) -> bool:
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def take(self) -> bool:
        try:
            if self._path.exists() and self._path.stat().st_size == self._size:
                return True
            return self._is_room() and self._make()
        except OSError:
            self.give_back()
            return False

    def _is_room(self) -> bool:
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize >= self._size + self._margin

    def _make(self) -> bool:
        with suppress(FileNotFoundError):
            self._path.unlink()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            self._fill(descriptor)
        finally:
            os.close(descriptor)
        return True

    def _fill(self, descriptor: int) -> None:
        if _allocate is not None:
            _allocate(descriptor, 0, self._size)
            return
        rest = self._size
        while rest:
            rest -= os.write(descriptor, bytes(min(rest, 65_536)))
