"""A disk in memory that can lose its power: what was not synced may be gone, torn or reordered afterwards.

The model is a journaling file system as it is found after a power cut.

- A file is an inode: its durable bytes, and the writes (appends, cuts) since its last `sync`. A name is an
  entry of a folder that points to an inode; creating, renaming and removing change the folder, and are
  durable only with `sync_dir`. Syncing a file does not sync its name, syncing a folder does not sync the data
  of its files.
- A single write may be torn at any byte. Two writes to one file never survive in the wrong order, and a name
  never points to half of a rename. Everything else may survive in any order: a rename without the data it was
  meant to publish (an empty file), an append to one file without an earlier one to another.
- `crash` returns the disk as the next process finds it; nobody holds its locks.
  "process": a kill. Nothing is lost, and what was not synced still is not: the next power cut can take it.
  "lost": all that was not synced is gone.
  "torn": things happened in order up to the last append that was not synced, of which a part is there.
  "reordered": of each file any number of its first writes and a part of the next, and any choice of the
  changes of names.
- Not in the model: folders (they always exist), bytes that go bad by themselves (tests flip those), and data
  blocks of one file that reach the disk in the wrong order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Literal

from tradebot.adapters.disk import DiskRefused
from tradebot.domain.errors import AlreadyRunning

CrashKind = Literal["process", "lost", "torn", "reordered"]
CRASH_KINDS: tuple[CrashKind, ...] = ("process", "lost", "torn", "reordered")

Choose = Callable[[int], int]
"""Chance: `choose(n)` is one of 0 to n - 1."""


def seeded(seed: int) -> Choose:
    """The same choices for the same seed."""
    index = count()

    def choose(n: int) -> int:
        chance = blake2b(f"{seed}/{next(index)}".encode(), digest_size=8).digest()
        return int.from_bytes(chance, "big") % n

    return choose


LeavesOut = Callable[[str, Path], bool]

EffectHook = Callable[[str, Path], None]
"""Told the name and the path of an effect before it happens; what it raises keeps it from happening."""


class PowerCut(BaseException):
    """The machine is off. No `except Exception` may catch it, and after it no `finally` should write."""


@dataclass(frozen=True, slots=True)
class _Append:
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Cut:
    at: int
    size: int


@dataclass(frozen=True, slots=True)
class _Inode:
    durable: bytes = b""
    pending: tuple[_Append | _Cut, ...] = ()

    def content(self) -> bytes:
        return _written(self.durable, self.pending)


@dataclass(frozen=True, slots=True)
class _Rename:
    """A change of names: `target` gets the inode, or goes away for None; `source`, where there is one, goes
    away."""

    at: int
    target: Path
    inode: int | None
    source: Path | None = None

    def applied_to(self, names: dict[Path, int]) -> None:
        if self.source is not None:
            names.pop(self.source, None)
        if self.inode is None:
            names.pop(self.target, None)
        else:
            names[self.target] = self.inode


class SimDisk:
    """`ports.Disk` in memory. `on_effect` sees every effect just before it happens, and may raise in its
    place. A sync for which `leaves_out` says True does not happen, and seems to: so a check shows that it can
    fail.
    """

    def __init__(self, on_effect: EffectHook | None = None) -> None:
        self.on_effect = on_effect
        self.leaves_out: LeavesOut = lambda _name, _path: False
        self._inodes: dict[int, _Inode] = {}
        self._names: dict[Path, int] = {}
        self._durable_names: dict[Path, int] = {}
        self._renames: tuple[_Rename, ...] = ()
        self._locked: set[Path] = set()
        self._count = 0

    def append(self, path: Path, data: bytes) -> None:
        self._effect("append", path)
        if path not in self._names:
            self._rename(_Rename(self._next(), path, self._new_inode()))
        self._write(path, _Append(self._next(), data))

    def sync(self, path: Path) -> None:
        self._effect("sync", path)
        if self.leaves_out("sync", path):
            return
        number = self._number(path)
        self._inodes[number] = _Inode(self._inodes[number].content())

    def replace(self, source: Path, target: Path) -> None:
        self._effect("replace", target)
        self._rename(_Rename(self._next(), target, self._number(source), source))

    def sync_dir(self, folder: Path) -> None:
        self._effect("sync_dir", folder)
        if self.leaves_out("sync_dir", folder):
            return
        for rename in self._renames:
            if rename.target.parent == folder:
                rename.applied_to(self._durable_names)
        self._renames = tuple(r for r in self._renames if r.target.parent != folder)
        self._forget_unnamed()

    def truncate(self, path: Path, size: int) -> None:
        self._effect("truncate", path)
        if size > len(self._inodes[self._number(path)].content()):
            raise ValueError(f"{path} has fewer than {size} bytes")
        self._write(path, _Cut(self._next(), size))

    def remove(self, path: Path) -> None:
        self._effect("remove", path)
        if path in self._names:
            self._rename(_Rename(self._next(), path, None))

    def read(self, path: Path) -> bytes | None:
        number = self._names.get(path)
        return None if number is None else self._inodes[number].content()

    def names(self, folder: Path) -> Sequence[str]:
        return sorted(path.name for path in self._names if path.parent == folder)

    @contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        if path in self._locked:
            raise AlreadyRunning(str(path), "this very disk")
        self._locked.add(path)
        try:
            yield
        finally:
            self._locked.discard(path)

    def clone(self) -> SimDisk:
        """A copy that goes its own way, without locks, hook and lies; the bytes are shared."""
        copy = SimDisk()
        copy._inodes = self._inodes.copy()
        copy._names = self._names.copy()
        copy._durable_names = self._durable_names.copy()
        copy._renames = self._renames
        copy._count = self._count
        return copy

    def state(self) -> tuple[object, ...]:
        """All that the next process, or the next power cut, could see of it."""
        files = tuple((path, self._inodes[number]) for path, number in self._names.items())
        durable = tuple((path, self._inodes[number].durable) for path, number in self._durable_names.items())
        return (files, durable, self._renames)

    def crash(self, kind: CrashKind, choose: Choose) -> SimDisk:
        """The disk that the next start finds; this one stays as it is."""
        match kind:
            case "process":
                return self.clone()
            case "lost":
                return self._after(lambda _inode: (), ())
            case "torn":
                return self._torn(choose)
            case "reordered":
                return self._after(
                    lambda inode: _prefix(inode.pending, choose),
                    [rename for rename in self._renames if choose(2)],
                )

    def _torn(self, choose: Choose) -> SimDisk:
        appends = [w for inode in self._inodes.values() for w in inode.pending if isinstance(w, _Append)]
        last = max(appends, key=lambda write: write.at, default=_Append(self._count + 1, b""))
        part = replace(last, data=last.data[: choose(len(last.data) + 1)])
        return self._after(
            lambda inode: [part if w is last else w for w in inode.pending if w.at <= last.at],
            [rename for rename in self._renames if rename.at <= last.at],
        )

    def _after(self, survivors: Callable[[_Inode], Sequence[_Append | _Cut]], renames: Sequence[_Rename]) -> SimDisk:
        disk = SimDisk()
        disk._count = self._count
        disk._names = self._durable_names.copy()
        for rename in renames:
            rename.applied_to(disk._names)
        disk._durable_names = disk._names.copy()
        disk._inodes = {
            number: _Inode(_written(self._inodes[number].durable, survivors(self._inodes[number])))
            for number in sorted(set(disk._names.values()))
        }
        return disk

    def _effect(self, name: str, path: Path) -> None:
        if self.on_effect is not None:
            self.on_effect(name, path)

    def _number(self, path: Path) -> int:
        number = self._names.get(path)
        if number is None:
            raise DiskRefused(str(path), "No such file or directory", mend="make it first")
        return number

    def _new_inode(self) -> int:
        number = self._next()
        self._inodes[number] = _Inode()
        return number

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _write(self, path: Path, write: _Append | _Cut) -> None:
        number = self._number(path)
        inode = self._inodes[number]
        self._inodes[number] = _Inode(inode.durable, (*inode.pending, write))

    def _rename(self, rename: _Rename) -> None:
        rename.applied_to(self._names)
        self._renames = (*self._renames, rename)

    def _forget_unnamed(self) -> None:
        waiting = {rename.inode for rename in self._renames}
        named = {*self._names.values(), *self._durable_names.values(), *waiting}
        self._inodes = {number: inode for number, inode in self._inodes.items() if number in named}


def _written(content: bytes, writes: Sequence[_Append | _Cut]) -> bytes:
    for write in writes:
        match write:
            case _Append():
                content += write.data
            case _Cut():
                content = content[: write.size]
    return content


def _prefix(writes: tuple[_Append | _Cut, ...], choose: Choose) -> Sequence[_Append | _Cut]:
    if not writes:
        return ()
    whole = choose(len(writes) + 1)
    match writes[whole : whole + 1]:
        case (_Append() as torn,):
            return (*writes[:whole], replace(torn, data=torn.data[: choose(len(torn.data) + 1)]))
        case _:
            return writes[:whole]
