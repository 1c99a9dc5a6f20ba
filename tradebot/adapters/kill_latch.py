"""The kill switch's latch as a file that anybody can write, also while the daemon is stuck."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from tradebot.adapters.space_reserve import FileReserve
from tradebot.domain.kill import UNREADABLE, KillMode, Latch, read_latch, written

FILE = "kill"
_MODE = 0o600


class FileLatch:
    """`ports.KillLatch` in a state folder. For any thread and any process: a look is one question to the system.

    It fails closed: a file that is there and cannot be read is a latch.
    """

    def __init__(self, folder: Path, name: str = FILE) -> None:
        self._path = folder / name

    def read(self) -> Latch | None:
        try:
            return read_latch(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError:
            return UNREADABLE

    def latch(self, latch: Latch) -> None:
        """Durable on return; the old or the new latch is there at every instant. On a full disk it takes the room that
        is kept for such a day. Raises OSError; when it does for want of room, entries are stopped all the same."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._write(latch)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            FileReserve(self._path.parent).give_back()
            self._write_in_the_last_room(latch)

    def _write_in_the_last_room(self, latch: Latch) -> None:
        """An empty file needs none, and what cannot be read stops entries: all that the mode `stop` does."""
        try:
            self._write(latch)
        except OSError:
            self._path.touch(_MODE)
            if latch.mode is not KillMode.STOP:
                raise

    def _write(self, latch: Latch) -> None:
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        try:
            _write_whole(descriptor, written(latch))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.replace(self._path)
        self._sync_folder()

    def release(self) -> None:
        """Durable on return. Raises OSError where the file stays, and then the latch does too."""
        with suppress(FileNotFoundError):
            self._path.unlink()
        self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_whole(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class MemoryLatch:
    """`ports.KillLatch` of a run that nobody can reach from outside: a replay, a test."""

    def __init__(self, latch: Latch | None = None) -> None:
        self._latch = latch

    def read(self) -> Latch | None:
        return self._latch

    def latch(self, latch: Latch) -> None:
        self._latch = latch

    def release(self) -> None:
        self._latch = None
