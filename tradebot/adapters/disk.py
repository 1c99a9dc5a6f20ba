"""Files on a real disk: appended, synced and replaced so that a crash leaves the old or the new state."""

from __future__ import annotations

import errno
import os
import platform
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import psutil
from filelock import FileLock, Timeout

from tradebot.domain.errors import AlreadyRunning, NoRoom, RestartNeeded, SaveFailed
from tradebot.ports import Disk

OPEN_FILES_MAX = 16
READ_BYTES_MAX = 256 * 1024 * 1024

Durability = Literal["power", "process"]

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH
_FULL = (errno.ENOSPC, errno.EDQUOT)
_IST = ZoneInfo("Asia/Kolkata")
_LOOK = "look at the disk and at the kernel's log (dmesg)"


class DiskRefused(SaveFailed):
    """A file operation that did not happen: the file is as it was, and the same call may be made again.

    `place` is the file, `problem` what the system said, `mend` what the operator can do.
    """

    def __init__(self, place: str, problem: str, *, mend: str) -> None:
        super().__init__(f"{place}: {problem}. To mend it: {mend}")
        self.place = place
        self.problem = problem
        self.mend = mend


class DiskFull(DiskRefused, NoRoom):
    """There is no space left, or the user's share of it is used up."""


class DiskFailed(RestartNeeded):
    """Nobody knows what of a file is on the disk: it takes no more until a restart has read it again.

    After a failed sync the kernel counts the lost pages as clean, so that a second sync would say yes to data
    that is gone. Never tried again, therefore.
    """

    def __init__(self, place: str, problem: str) -> None:
        mend = f"{_LOOK}, then restart; start-up reads what is really there"
        super().__init__(f"{place}: {problem}; nothing more is written to it. To mend it: {mend}")
        self.place = place
        self.problem = problem
        self.mend = mend


# Darwin has no fdatasync.
_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The system calls that can fail in a way a test has to see; os.write goes on by itself after a
    signal."""

    write: Callable[[int, memoryview], int] = os.write
    sync_data: Callable[[int], None] = _sync_data
    sync_all: Callable[[int], None] = os.fsync
    truncate: Callable[[int, int], None] = os.ftruncate


@dataclass(slots=True)
class _OpenFile:
    descriptor: int
    is_synced: bool = True


class RealDisk:
    """`ports.Disk` on the machine's file system; for one thread at a time.

    Files of this class are private to the user (0600, new folders 0700). At most `OPEN_FILES_MAX` appended
    files are kept open; the one that was used longest ago is synced, where it has to be, and closed for
    another. A path should always be spelled the same way: two spellings are two descriptors. With durability
    "process" nothing is synced: a kill loses nothing, a power cut may.
    """

    def __init__(self, *, durability: Durability = "power", calls: Calls | None = None) -> None:
        self._syncs = durability == "power"
        self._calls = calls or Calls()
        self._open: dict[Path, _OpenFile] = {}
        self._failed: dict[Path, str] = {}

    def append(self, path: Path, data: bytes) -> None:
        """Raises DiskRefused when nothing was added, DiskFailed when a torn end could not be taken back."""
        file = self._opened(path, os.O_CREAT)
        status = os.fstat(file.descriptor)
        if status.st_nlink == 0:
            raise self._fail(path, "it was removed or replaced by somebody else while it was open")
        file.is_synced = False
        try:
            self._write_all(file.descriptor, data)
        except OSError as e:
            self._take_back(path, file, status.st_size)
            raise _refused(path, e) from e

    def sync(self, path: Path) -> None:
        """Raises DiskFailed, and from then on every use of the file does."""
        file = self._opened(path, 0)
        if self._syncs:
            try:
                self._calls.sync_data(file.descriptor)
            except OSError as e:
                raise self._fail(path, f"its data could not be synced ({_words(e)})") from e
        file.is_synced = True

    def replace(self, source: Path, target: Path) -> None:
        for path in (source, target, target.parent):
            self._refuse_failed(path)
        try:
            source.replace(target)
        except OSError as e:
            raise _refused(target, e) from e
        self._close(target)
        if source in self._open:
            self._open[target] = self._open.pop(source)

    def sync_dir(self, folder: Path) -> None:
        """Raises DiskFailed, and from then on nothing is replaced in the folder."""
        self._refuse_failed(folder)
        if not self._syncs:
            return
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._calls.sync_all(descriptor)
            finally:
                os.close(descriptor)
        except OSError as e:
            raise self._fail(folder, f"the folder could not be synced ({_words(e)})") from e

    def truncate(self, path: Path, size: int) -> None:
        """Cut the file to its first `size` bytes; ValueError when it has fewer."""
        file = self._opened(path, 0)
        if size > os.fstat(file.descriptor).st_size:
            raise ValueError(f"{path} has fewer than {size} bytes")
        file.is_synced = False
        try:
            self._calls.truncate(file.descriptor, size)
        except OSError as e:
            raise _refused(path, e) from e

    def remove(self, path: Path) -> None:
        """Nothing happens when there is no such file."""
        self._close(path)
        try:
            path.unlink(missing_ok=True)
        except OSError as e:
            raise _refused(path, e) from e

    def read(self, path: Path) -> bytes | None:
        """Raises DiskRefused for what cannot be a file of ours: unreadable, another user's, over
        `READ_BYTES_MAX`."""
        try:
            status = path.stat()
            _refuse_foreign(path, status)
            _refuse_huge(path, status.st_size)
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise _refused(path, e) from e

    def names(self, folder: Path) -> Sequence[str]:
        try:
            return sorted(entry.name for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))
        except FileNotFoundError:
            return ()
        except OSError as e:
            raise _refused(folder, e) from e

    @contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        """A lock of the system, so that it ends with its process; `<path>.holder` says in words who has
        it."""
        holder = path.with_name(path.name + ".holder")
        self._make_folder(path.parent)
        lock = FileLock(path, mode=_FILE_MODE, blocking=False, thread_local=False)
        try:
            lock.acquire()
        except Timeout as e:
            raise AlreadyRunning(str(path), self._words_of(holder)) from e
        except OSError as e:
            raise _refused(path, e) from e
        try:
            write_file(self, holder, _this_process().encode())
            yield
        finally:
            with suppress(DiskRefused):
                self.remove(holder)
            lock.release()

    def close(self) -> None:
        """Close every descriptor; what was not synced stays so."""
        for path in list(self._open):
            self._close(path)

    def _opened(self, path: Path, flags: int) -> _OpenFile:
        self._refuse_failed(path)
        file = self._open.pop(path, None)
        if file is None:
            self._close_oldest()
            file = _OpenFile(self._open_descriptor(path, flags))
        self._open[path] = file
        return file

    def _open_descriptor(self, path: Path, flags: int) -> int:
        if flags & os.O_CREAT and not path.parent.is_dir():
            self._make_folder(path.parent)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | flags, _FILE_MODE)
        except OSError as e:
            raise _refused(path, e) from e
        try:
            _refuse_foreign(path, os.fstat(descriptor))
        except DiskRefused:
            os.close(descriptor)
            raise
        return descriptor

    def _close_oldest(self) -> None:
        while len(self._open) >= OPEN_FILES_MAX:
            path, file = next(iter(self._open.items()))
            if not file.is_synced:
                # An error of the delayed write would have nobody left to be told to.
                self.sync(path)
            self._close(path)

    def _write_all(self, descriptor: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = self._calls.write(descriptor, rest)
            if written == 0:
                raise OSError(errno.EIO, "the system wrote nothing and gave no reason")
            rest = rest[written:]

    def _take_back(self, path: Path, file: _OpenFile, size: int) -> None:
        try:
            self._calls.truncate(file.descriptor, size)
        except OSError as e:
            raise self._fail(path, f"a torn line could not be cut off again ({_words(e)})") from e

    def _make_folder(self, folder: Path) -> None:
        missing = [folder, *folder.parents]
        missing = missing[: next(i for i, each in enumerate(missing) if each.is_dir())]
        for each in reversed(missing):
            try:
                each.mkdir(_FOLDER_MODE, exist_ok=True)
            except OSError as e:
                raise _refused(each, e) from e
            self.sync_dir(each.parent)

    def _words_of(self, holder: Path) -> str:
        with suppress(DiskRefused):
            text = self.read(holder)
            if text:
                return text.decode(errors="replace").strip()
        return "another process that has not said which"

    def _close(self, path: Path) -> None:
        file = self._open.pop(path, None)
        if file is not None:
            os.close(file.descriptor)

    def _refuse_failed(self, path: Path) -> None:
        if path in self._failed:
            raise DiskFailed(str(path), self._failed[path])

    def _fail(self, path: Path, problem: str) -> DiskFailed:
        self._failed[path] = problem
        self._close(path)
        return DiskFailed(str(path), problem)


def write_file(disk: Disk, path: Path, data: bytes) -> None:
    """Write a whole file: afterwards, and after a crash at any point, it is the old one or the new one.

    Raises DiskRefused when the old file stands, DiskFailed when it is not known which of the two does.
    """
    temporary = path.with_name(path.name + ".tmp")
    disk.remove(temporary)
    try:
        disk.append(temporary, data)
        disk.sync(temporary)
        if disk.read(temporary) != data:
            raise DiskFailed(str(temporary), "what was written does not read back the same")
        disk.replace(temporary, path)
    except DiskRefused:
        with suppress(DiskRefused):
            disk.remove(temporary)
        raise
    disk.sync_dir(path.parent)


def _refused(path: Path, error: OSError) -> DiskRefused:
    kind = DiskFull if error.errno in _FULL else DiskRefused
    return kind(str(path), _words(error), mend=_mend(path, error.errno))


def _mend(path: Path, number: int | None) -> str:
    match number:
        case number if number in _FULL:
            return f"free some space on the file system of {path.parent}; a restart is not needed"
        case errno.EROFS:
            return "the file system is read-only, often after a fault: " + _LOOK + ", and mount it writable again"
        case errno.EACCES | errno.EPERM:
            return f"give {path} and its folder to the user who runs tradebot"
        case errno.EMFILE | errno.ENFILE:
            return "raise the limit of open files (ulimit -n) and restart"
        case _:
            return _LOOK


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise DiskRefused(str(path), "it is not an ordinary file", mend="move away what stands there")
    # Root could read and write it, and would leave behind files that the owner's next run cannot open.
    if status.st_uid != os.geteuid() and not status.st_mode & _READABLE_BY_OTHERS:
        problem = f"it belongs to user {status.st_uid}, and this process runs as user {os.geteuid()}"
        raise DiskRefused(str(path), problem, mend="run tradebot as that user, or give the file to the one who runs it")


def _refuse_huge(path: Path, size: int) -> None:
    if size > READ_BYTES_MAX:
        problem = f"it has {size:,} bytes, more than the {READ_BYTES_MAX:,} that such a file may have"
        raise DiskRefused(str(path), problem, mend="look at what wrote it, and move it away")


def _this_process() -> str:
    started = datetime.fromtimestamp(psutil.Process().create_time(), tz=_IST)
    return f"process {os.getpid()} on {platform.node()}, started {started:%Y-%m-%d %H:%M:%S} IST\n"
