"""The exchange's own books on disk: a journal of facts, a snapshot of each day's end, and the history of all orders.

`docs/exchange-books.md` describes the files for a reader that shares no code with the exchange.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tradebot.domain.errors import StateCorrupt, TradebotError
from tradebot.exchange.codec import (
    archived_in,
    archived_out,
    commit_in,
    commit_out,
    order_out,
    state_in,
    state_out,
    trade_out,
)
from tradebot.exchange.ledger import Commit, apply_commit
from tradebot.exchange.state import Archived, State

VERSION = 1
SNAPSHOT = "snapshot.json"
HISTORY = "history.jsonl"
_ALL_DATES = 1_000_000
_AGAIN = "make room, or look at the disk and at the kernel's log (dmesg), then start again; what was answered is there"
_MEND = "restore the whole folder from a copy, or move it away to begin anew with the opening cash"


class BooksFailed(TradebotError):
    """The books could not be written; what was to be written may or may not stand in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What the snapshot says about the files beside it."""

    seed: int
    generation: int
    history_bytes: int


class FileBooks:
    """One folder, one writer (whoever opens it makes sure of that). A line is written with one `os.write` before its
    command is answered: a killed process loses nothing, a power cut at most what came after the last day's end."""

    def __init__(self, folder: Path, head: _Head, *, durable: bool) -> None:
        self._folder = folder
        self._head = head
        self._durable = durable
        self._left: list[Archived] = []
        self._journal = _open_to_append(_journal_path(folder, head.generation))

    @classmethod
    def open(
        cls, folder: Path, *, seed: int, first: State, archive_dates_max: int, durable: bool
    ) -> tuple[FileBooks, State]:
        """The books and the state they end in; with no books in the folder they begin with `first`.

        A torn last line is cut off. Raises StateCorrupt when anything else does not fit.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / SNAPSHOT).exists():
            head = _Head(seed=seed, generation=0, history_bytes=0)
            _write_snapshot(folder, head, first, durable=durable)
        head, state = _read_snapshot(folder)
        if head.seed != seed:
            problem = f"the books were made with the seed {head.seed}, not {seed}"
            raise StateCorrupt(str(folder / SNAPSHOT), problem, mend=f"use the seed {head.seed}, or {_MEND}")
        _read_history(folder, head, state, archive_dates_max)
        left = _replay(folder, head, state, archive_dates_max)
        _remove_old_journals(folder, head.generation)
        books = cls(folder, head, durable=durable)
        books._left = left
        return books, state

    def append(self, commit: Commit) -> None:
        self._left.extend(commit.left)
        with self._failures():
            self._write(_line(commit_out(commit)))

    def passed(self, now: datetime) -> None:
        with self._failures():
            self._write(b'{"t":"%s"}\n' % now.isoformat().encode())

    def fold(self, state: State) -> None:
        """History first, then the snapshot that counts it in, then a new journal: each step can be the last one."""
        with self._failures():
            self._fold(state)

    def close(self) -> None:
        os.close(self._journal)

    def _fold(self, state: State) -> None:
        history = self._folder / HISTORY
        lines = b"".join(_line(archived_out(archived)) for archived in self._left)
        _append(history, lines, durable=self._durable)
        head = _Head(
            seed=self._head.seed,
            generation=self._head.generation + 1,
            history_bytes=self._head.history_bytes + len(lines),
        )
        _write_snapshot(self._folder, head, state, durable=self._durable)
        os.close(self._journal)
        self._head = head
        self._left = []
        self._journal = _open_to_append(_journal_path(self._folder, head.generation))
        _remove_old_journals(self._folder, head.generation)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """What the system refuses, with where and what to do. Raises BooksFailed."""
        try:
            yield
        except OSError as error:
            raise BooksFailed(f"{self._folder}: {error.strerror or error}. To mend it: {_AGAIN}") from error

    def _write(self, line: bytes) -> None:
        written = os.write(self._journal, line)
        if written != len(line):
            raise BooksFailed(f"{self._folder}: only {written} of {len(line)} bytes were written (disk full?)")


def read_all(folder: Path) -> list[dict[str, Any]]:
    """Every order ever with its trades, in the order of their ids, as `{"order": {...}, "trades": [...]}`.

    Reads only, also beside a running exchange; see docs/exchange-books.md.
    """
    head, state = _read_beside_the_writer(folder)
    while _read_snapshot(folder)[0] != head:
        # The books were folded meanwhile, and the journal that was read may have been gone already.
        head, state = _read_beside_the_writer(folder)
    found = [archived_out(archived) for of_date in state.archive.values() for archived in of_date.values()]
    for order_id, row in state.orders.items():
        trades = [trade_out(trade) for trade in state.trades.get(order_id, ())]
        found.append({"order": order_out(row), "trades": trades})
    return sorted(found, key=lambda entry: str(entry["order"]["order_id"]))


def _read_beside_the_writer(folder: Path) -> tuple[_Head, State]:
    head, state = _read_snapshot(folder)
    _read_history(folder, head, state, _ALL_DATES, cut=False)
    _replay(folder, head, state, _ALL_DATES, cut=False)
    return head, state


def _journal_path(folder: Path, generation: int) -> Path:
    return folder / f"journal-{generation:06d}.jsonl"


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _append(path: Path, data: bytes, *, durable: bool) -> None:
    descriptor = _open_to_append(path)
    try:
        _write_fully(descriptor, data, path)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_fully(descriptor: int, data: bytes, path: Path) -> None:
    written = 0
    while written < len(data):
        count = os.write(descriptor, data[written:])
        if not count:
            raise BooksFailed(f"{path}: nothing could be written (disk full?)")
        written += count


def _write_snapshot(folder: Path, head: _Head, state: State, *, durable: bool) -> None:
    target = folder / SNAPSHOT
    temporary = target.with_suffix(".tmp")
    data = _line(
        {
            "version": VERSION,
            "seed": head.seed,
            "generation": head.generation,
            "history_bytes": head.history_bytes,
            "state": state_out(state),
        }
    )
    temporary.unlink(missing_ok=True)
    _append(temporary, data, durable=durable)
    if temporary.stat().st_size != len(data):
        raise BooksFailed(f"{temporary}: {temporary.stat().st_size} of {len(data)} bytes on disk")
    temporary.replace(target)
    if durable:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_snapshot(folder: Path) -> tuple[_Head, State]:
    path = folder / SNAPSHOT
    try:
        data = json.loads(path.read_bytes())
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']} of the books is not known, only {VERSION}")
        head = _Head(seed=data["seed"], generation=data["generation"], history_bytes=data["history_bytes"])
        return head, state_in(data["state"])
    except (ValueError, KeyError, TypeError, ArithmeticError) as e:
        raise StateCorrupt(str(path), f"cannot be read ({e})", mend=_MEND) from e


def _read_history(folder: Path, head: _Head, state: State, archive_dates_max: int, *, cut: bool = True) -> None:
    """Finished orders into the archive. What stands beyond the snapshot's count was being added when the process
    died: the journal has it too, so it is cut off and written again at the next fold."""
    path = folder / HISTORY
    data = path.read_bytes() if path.exists() else b""
    if len(data) < head.history_bytes:
        problem = f"{len(data)} bytes, but the snapshot counts {head.history_bytes}"
        raise StateCorrupt(str(path), problem, mend=_MEND)
    if cut and len(data) > head.history_bytes:
        os.truncate(path, head.history_bytes)
    for number, line in enumerate(data[: head.history_bytes].splitlines(), start=1):
        try:
            archived = archived_in(json.loads(line))
        except (ValueError, KeyError, TypeError, ArithmeticError) as e:
            raise StateCorrupt(f"{path}, line {number}", f"cannot be read ({e})", mend=_MEND) from e
        state.remember(archived, archive_dates_max)


def _replay(folder: Path, head: _Head, state: State, archive_dates_max: int, *, cut: bool = True) -> list[Archived]:
    """Do the journal's lines to the state; answers the orders that left the book since the snapshot."""
    path = _journal_path(folder, head.generation)
    data = path.read_bytes() if path.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    if cut and len(whole) < len(data):
        os.truncate(path, len(whole))
    left: list[Archived] = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            commit = commit_in(json.loads(line), state)
        except (ValueError, KeyError, TypeError, ArithmeticError) as e:
            raise StateCorrupt(f"{path}, line {number}", f"cannot be read ({e})", mend=_MEND) from e
        apply_commit(state, commit, archive_dates_max)
        left.extend(commit.left)
    return left


def _remove_old_journals(folder: Path, generation: int) -> None:
    for path in folder.glob("journal-*.jsonl"):
        if path != _journal_path(folder, generation):
            path.unlink()
