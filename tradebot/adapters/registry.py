"""The registry of client order ids: a snapshot and a journal beside it, written before each send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tradebot.adapters.disk import DiskRefused, write_file
from tradebot.adapters.registry_format import (
    MEND,
    Journal,
    Snapshot,
    decode_journal,
    decode_snapshot,
    encode_journal_head,
    encode_journal_line,
    encode_snapshot,
)
from tradebot.domain.coids import IntentKey
from tradebot.domain.errors import RestartNeeded, SaveFailed, StateCorrupt
from tradebot.domain.orders import Coid
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.ports import Disk

SNAPSHOT = "coid_registry.json"
JOURNAL = "coid_registry.journal"

_RESTART = "look at the disk and at the kernel's log (dmesg), then restart; start-up reads what is really there"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large the registry may grow.

    `fold_every`: entries in the journal after which a fold is asked for; so far the snapshot may lag behind.
    `journal_lines_max`: entries in the journal at which the next write folds by itself.
    `entries_max`: entries at which no more are reserved. Both together keep the files within what is read back.
    """

    fold_every: int = 5_000
    journal_lines_max: int = 100_000
    entries_max: int = 100_000


DEFAULT_LIMITS = Limits()


class CoidRegistry:
    """`ports.IdRegistry` in the two files of a folder. One thread, one process: the folder's lock is the
    caller's.

    The journal belongs to the snapshot of its own generation. A fold writes the next snapshot, which holds
    all that the journal says, then an empty journal of that generation; each replaces the old file in one
    step. So a crash leaves one of three pairs: both of one generation, a journal one behind (its lines are in
    the snapshot: left out), or, while the very first pair is made, an empty journal alone. Anything else was
    not a crash.

    A write that ended in any other way than well or DiskRefused leaves the file in doubt: this object then
    takes no more writes, and the next start reads what is there.
    """

    def __init__(self, disk: Disk, folder: Path, snapshot: Snapshot, limits: Limits) -> None:
        self._disk = disk
        self._snapshot_path = folder / SNAPSHOT
        self._journal_path = folder / JOURNAL
        self._created = snapshot.created
        self._generation = snapshot.generation
        self._limits = limits
        self._lines = 0
        self._head_due: bytes | None = None
        self._is_synced = True
        self._closed_for: str | None = None
        self._index = _Index(snapshot.entries)

    @classmethod
    def open(cls, disk: Disk, folder: Path, now: datetime, *, limits: Limits = DEFAULT_LIMITS) -> CoidRegistry:
        """Read the registry of a folder; with neither file there, begin a new one at `now`.

        What was read is durable on return, also where a crash had left it unsynced. Raises StateCorrupt, with
        nothing changed on the disk, when the files cannot be trusted; DiskRefused or DiskFailed when the disk
        refuses.
        """
        snapshot, journal = _read(disk, folder)
        if snapshot is None:
            snapshot = _begin(disk, folder, now)
            journal = None
        registry = cls(disk, folder, snapshot, limits)
        if journal is not None:
            registry._take_over(journal, snapshot)
        return registry

    @property
    def needs_fold(self) -> bool:
        """The journal has grown by `fold_every` entries: fold when there is nothing else to do."""
        return self._lines >= self._limits.fold_every

    def get(self, coid: Coid) -> RegistryEntry | None:
        return self._index.entries.get(coid)

    def attempts_of(self, key: IntentKey) -> Sequence[RegistryEntry]:
        return self._index.attempts_of(key)

    def open_entries(self) -> Sequence[RegistryEntry]:
        return self._index.open_entries()

    def entries(self) -> Sequence[RegistryEntry]:
        return list(self._index.entries.values())

    def reserve(self, entries: Sequence[RegistryEntry]) -> None:
        """One append and one sync for all. ValueError for an id that is there already, SaveFailed (with
        nothing reserved) when the registry is full or the disk does not take it."""
        self._refuse_taken(entries)
        self._write(entries)
        self.sync()
        self._remember(entries)

    def note(self, entries: Sequence[RegistryEntry]) -> None:
        """One append. ValueError for an id that was never reserved, SaveFailed when the disk does not take
        it."""
        for entry in entries:
            if entry.coid not in self._index.entries:
                raise ValueError(f"{entry.coid} was never reserved")
        self._write(entries)
        self._remember(entries)

    def sync(self) -> None:
        """Make the notes durable; nothing to do when they are."""
        self._refuse_closed()
        if not self._is_synced:
            self._closed_for = "its journal could not be synced"
            self._disk.sync(self._journal_path)
            self._closed_for = None
            self._is_synced = True

    def fold(self, prune_finished_before: datetime) -> None:
        """On DiskRefused nothing is lost, and the next fold tries again."""
        self._refuse_closed()
        self._finish_fold()
        kept = [e for e in self._index.entries.values() if e.status.is_open or e.updated >= prune_finished_before]
        if self._lines == 0 and len(kept) == len(self._index.entries):
            return
        self._replace_snapshot(kept)
        self._finish_fold()

    def close(self) -> None:
        """Make everything durable and take no more writes; a registry that failed is only left."""
        if self._closed_for is None:
            self.sync()
            self._closed_for = "it is closed"

    def _take_over(self, journal: Journal, snapshot: Snapshot) -> None:
        # A kill between a write and its sync leaves what the next power cut would take back: first of all the
        # names, or the new journal that is begun here could outlive the snapshot that it belongs to.
        self._disk.sync_dir(self._journal_path.parent)
        if journal.generation < snapshot.generation:
            self._head_due = encode_journal_head(snapshot.generation, snapshot.checksum)
            self._finish_fold()
            return
        for entry in journal.entries:
            self._index.put(entry)
        self._lines = len(journal.entries)
        if journal.is_torn:
            self._disk.truncate(self._journal_path, journal.size)
        self._disk.sync(self._journal_path)

    def _refuse_taken(self, entries: Sequence[RegistryEntry]) -> None:
        coids = {entry.coid for entry in entries}
        # Not isdisjoint: given a dictionary, it would walk all of it.
        if len(coids) < len(entries) or any(coid in self._index.entries for coid in coids):
            raise ValueError(f"reserved already or twice, one of {sorted(coids)}")
        if len(self._index.entries) + len(entries) > self._limits.entries_max:
            raise SaveFailed(f"{self._snapshot_path} is full: {len(self._index.entries):,} entries")

    def _write(self, entries: Sequence[RegistryEntry]) -> None:
        self._refuse_closed()
        if not entries:
            return
        self._finish_fold()
        if self._lines + len(entries) > self._limits.journal_lines_max:
            self.fold(_NEVER)
        first = self._lines + 1
        lines = [encode_journal_line(self._generation, n, entry) for n, entry in enumerate(entries, start=first)]
        self._append(b"".join(lines))
        self._lines += len(entries)
        self._is_synced = False

    def _remember(self, entries: Sequence[RegistryEntry]) -> None:
        for entry in entries:
            self._index.put(entry)

    def _append(self, lines: bytes) -> None:
        self._closed_for = "its journal could not be written"
        try:
            self._disk.append(self._journal_path, lines)
        except DiskRefused:
            self._closed_for = None
            raise
        self._closed_for = None

    def _replace_snapshot(self, kept: Sequence[RegistryEntry]) -> None:
        generation = self._generation + 1
        data, checksum = encode_snapshot(generation, self._created, kept)
        self._write_file(self._snapshot_path, data)
        # From here on the old journal counts for nothing: no line may be added to it.
        self._head_due = encode_journal_head(generation, checksum)
        self._generation = generation
        if len(kept) < len(self._index.entries):
            self._index = _Index(kept)

    def _finish_fold(self) -> None:
        if self._head_due is not None:
            self._write_file(self._journal_path, self._head_due)
            self._head_due = None
            self._lines = 0
            self._is_synced = True

    def _write_file(self, path: Path, data: bytes) -> None:
        self._closed_for = f"{path.name} could not be replaced"
        try:
            write_file(self._disk, path, data)
        except DiskRefused:
            self._closed_for = None
            raise
        self._closed_for = None

    def _refuse_closed(self) -> None:
        if self._closed_for is not None:
            place = self._snapshot_path.parent
            raise RestartNeeded(f"the registry in {place} takes no more: {self._closed_for}. To mend it: {_RESTART}")


class _Index:
    """The entries in memory, by id, by intent and those that are open; oldest first in each."""

    def __init__(self, entries: Iterable[RegistryEntry]) -> None:
        self.entries: dict[Coid, RegistryEntry] = {}
        self._by_key: dict[IntentKey, list[Coid]] = {}
        self._open: dict[Coid, None] = {}
        for entry in entries:
            self.put(entry)

    def put(self, entry: RegistryEntry) -> None:
        if entry.coid not in self.entries:
            self._by_key.setdefault(entry.key, []).append(entry.coid)
        self.entries[entry.coid] = entry
        if entry.status.is_open:
            self._open[entry.coid] = None
        else:
            self._open.pop(entry.coid, None)

    def attempts_of(self, key: IntentKey) -> list[RegistryEntry]:
        return [self.entries[coid] for coid in self._by_key.get(key, ())]

    def open_entries(self) -> list[RegistryEntry]:
        return [self.entries[coid] for coid in self._open]


def _read(disk: Disk, folder: Path) -> tuple[Snapshot | None, Journal | None]:
    """The pair as a crash may have left it; no snapshot means that there is nothing yet."""
    snapshot_path, journal_path = folder / SNAPSHOT, folder / JOURNAL
    snapshot_data, journal_data = _read_file(disk, snapshot_path), _read_file(disk, journal_path)
    snapshot = None if snapshot_data is None else decode_snapshot(snapshot_data, str(snapshot_path))
    journal = None if journal_data is None else decode_journal(journal_data, str(journal_path))
    if snapshot is None and journal is not None:
        _refuse_unless_new(journal, snapshot_path)
    if snapshot is not None and journal is None:
        raise StateCorrupt(str(journal_path), "it is missing, and its snapshot is there", mend=MEND)
    if snapshot is not None and journal is not None:
        _refuse_strangers(snapshot, journal, str(journal_path))
    return snapshot, journal


def _read_file(disk: Disk, path: Path) -> bytes | None:
    try:
        return disk.read(path)
    except DiskRefused as e:
        raise StateCorrupt(e.place, e.problem, mend=e.mend) from e


def _refuse_unless_new(journal: Journal, snapshot_path: Path) -> None:
    # Only the making of the very first pair leaves a journal alone, and it is empty then.
    if journal.generation != 1 or journal.entries or journal.is_torn:
        raise StateCorrupt(str(snapshot_path), "it is missing, and its journal is there", mend=MEND)


def _refuse_strangers(snapshot: Snapshot, journal: Journal, place: str) -> None:
    if journal.generation not in (snapshot.generation, snapshot.generation - 1):
        problem = f"it is of generation {journal.generation}, the snapshot of {snapshot.generation}"
        raise StateCorrupt(place, problem, mend=MEND)
    if journal.generation == snapshot.generation and journal.snapshot_checksum != snapshot.checksum:
        raise StateCorrupt(place, "it belongs to another snapshot than the one beside it", mend=MEND)


def _begin(disk: Disk, folder: Path, now: datetime) -> Snapshot:
    """The journal first: a journal alone and empty is a beginning, a snapshot alone is a loss."""
    data, checksum = encode_snapshot(1, now, ())
    write_file(disk, folder / JOURNAL, encode_journal_head(1, checksum))
    write_file(disk, folder / SNAPSHOT, data)
    return Snapshot(generation=1, created=now, checksum=checksum, entries=())
