"""The log's files: the one that grows, and the finished ones in its archive, bounded in count and size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tradebot.adapters.disk import DiskFailed, RealDisk, write_file
from tradebot.domain.errors import SaveFailed
from tradebot.ports import Disk

ARCHIVE = "archive"


class LogFile:
    """The one file that grows. Nothing raises: `append` says whether the lines are in the file.

    A disk that says it can no longer be trusted is let go for a new one: an account must not go on after such a fault,
    a log must. A file of `rotate_bytes` is copied to the archive; where the archive does not take it, it is tried
    again each time a tenth has been added, and at twice the size the file is emptied all the same.
    """

    def __init__(self, path: Path, archive: LogArchive, *, rotate_bytes: int, new_disk: Callable[[], RealDisk]) -> None:
        self._path = path
        self._archive = archive
        self._rotate_bytes = rotate_bytes
        self._rotate_at = rotate_bytes
        self._new_disk = new_disk
        self._disk = new_disk()
        self._size = 0
        self._lines = 0
        self._is_torn = False
        self.lines_cut = 0
        """Lines that went because the archive took no more."""

    def open(self) -> None:
        """Archive what earlier runs have left, and begin."""
        with suppress(SaveFailed, OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._archive.take_in(self._disk)
        self._try(lambda: self._disk.append(self._path, b""))

    def append(self, lines: Sequence[str]) -> bool:
        """All of the lines, or (False) none that a reader would take for one."""
        text = "".join([line + "\n" for line in lines])
        # After a fault the last line may be a torn one: an empty line more keeps it from taking ours with it.
        data = f"\n{text}".encode() if self._is_torn else text.encode()
        if not self._try(lambda: self._disk.append(self._path, data)):
            return False
        self._is_torn = False
        self._size += len(data)
        self._lines += len(lines)
        if self._size >= self._rotate_at:
            self._rotate()
        return True

    def close(self) -> None:
        self._disk.close()

    def _rotate(self) -> None:
        if self._try(lambda: self._archive.copy(self._disk, self._path)):
            self._begin_again()
            return
        self._rotate_at = self._size + self._rotate_bytes // 10
        if self._size >= 2 * self._rotate_bytes and self._try(lambda: self._disk.truncate(self._path, 0)):
            self.lines_cut += self._lines
            self._begin_again()

    def _begin_again(self) -> None:
        self._size = 0
        self._lines = 0
        self._rotate_at = self._rotate_bytes

    def _try(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except DiskFailed:
            self._renew_disk()
            return False
        except (SaveFailed, OSError):
            return False
        return True

    def _renew_disk(self) -> None:
        self._disk.close()
        self._disk = self._new_disk()
        try:
            self._size = self._path.stat().st_size
        except OSError:
            # Somebody has removed the file: it is made anew, and what stood in it is not ours to count.
            self._begin_again()
        self._is_torn = self._size > 0


class LogArchive:
    """The folder `archive` beside the log files. Every method may raise SaveFailed or OSError."""

    def __init__(self, folder: Path, *, files_max: int, bytes_max: int) -> None:
        self._folder = folder
        self._files_max = files_max
        self._bytes_max = bytes_max

    def take_in(self, disk: Disk) -> None:
        """Move every log file here, and keep to the bounds."""
        for path in sorted(self._folder.glob("*.jsonl")):
            archived = self._next_name(path)
            archived.parent.mkdir(0o700, exist_ok=True)
            disk.replace(path, archived)
            disk.sync_dir(archived.parent)
        self.prune(disk)

    def copy(self, disk: Disk, path: Path) -> None:
        """Copy a log file here and empty it in its place, so that whoever follows it (`tail -f`) goes on reading."""
        data = disk.read(path)
        if data:
            write_file(disk, self._next_name(path), data)
            disk.truncate(path, 0)
            self.prune(disk)

    def prune(self, disk: Disk) -> None:
        """Remove the oldest files until both bounds hold."""
        files = sorted((path.stat().st_mtime_ns, path.name, path.stat().st_size, path) for path in self._files())
        size = sum(each[2] for each in files)
        count = len(files)
        for _, _, file_size, path in files:
            if count <= self._files_max and size <= self._bytes_max:
                return
            disk.remove(path)
            count -= 1
            size -= file_size

    def _files(self) -> Iterator[Path]:
        return (self._folder / ARCHIVE).glob("*.jsonl")

    def _next_name(self, path: Path) -> Path:
        taken = (self._folder / ARCHIVE).glob(f"{path.stem}.*.jsonl")
        numbers = [int(each.suffixes[-2][1:]) for each in taken if each.suffixes[-2][1:].isdecimal()]
        return self._folder / ARCHIVE / f"{path.stem}.{max(numbers, default=0) + 1:04}.jsonl"
