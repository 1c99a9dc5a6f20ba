"""The flight record: everything that came into the engine, so that a day can be run again through today's code."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

from tradebot.adapters.flight_encoding import Encode, element_encoders_of, encoders_of, large_fields_of
from tradebot.adapters.flight_fields import LargeField, RowsField, edited
from tradebot.adapters.json_lines import LineFile, json_string
from tradebot.adapters.threads import Errand
from tradebot.domain.errors import SaveFailed, StateCorrupt
from tradebot.ports import Disk

_UNCOMPRESSED_MAX = 2
"""More parts than these do not wait for their compression: whoever closes one more waits for the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightLimits:
    """A part of `part_bytes` is closed and compressed; of compressed parts the newest `parts_max` are kept. What waits
    is written when a message comes `flush_every` or more after the last writing."""

    part_bytes: int = 64 * 1024 * 1024
    parts_max: int = 100
    flush_every: timedelta = timedelta(seconds=1)


class FlightRecord:
    """One JSON line for each message that came in.

    `{"seq": 7, "at": "...", "kind": "BookSeen", "message": {...}}`, with the fields of the message as
    `flight_encoding` says. A container or dataclass that has the same text as in the message of its kind before is left
    out of `message` and stands as `"same": {"orders": 3}`, the sequence number of the line that has it. Of a tuple of
    dataclasses in which fewer than half differ, those alone are written:
    `"edited": {"orders": {"of": 3, "length": 500, "rows": {"17": {...}}}}`. Such references never lead out of their
    part, so that every part can be read by itself. Where lines are missing stands `{"lost": 5}`.

    The growing part is `path` (`flight.jsonl`), earlier ones are `flight.0001.jsonl.gz` and so on beside it,
    compressed by a thread of their own. Nothing raises into the caller: what could not be encoded or written is counted
    in `lost`. For one thread; call `flush` from a beat, so that the last messages of a quiet time do not wait.
    """

    def __init__(self, disk: Disk, path: Path, limits: FlightLimits | None = None) -> None:
        self._disk = disk
        self._path = path
        self._limits = limits or FlightLimits()
        self._lines = LineFile(disk, path)
        self._kinds: dict[type, _Kind] = {}
        self._flushed_at: datetime | None = None
        self._part = _highest_part(path)
        self._part_ends_at = self._limits.part_bytes
        self._uncompressed: deque[Path] = deque()
        self._compression: Errand | None = None
        self._lost_before = 0
        self.parts_removed = 0
        """Parts that went because there were more than `parts_max`."""
        if path.exists():
            self._begin_part()

    @property
    def lost(self) -> int:
        """Messages that are in no file."""
        return self._lost_before + self._lines.lost

    def record(self, sequence: int, at: datetime, message: object, *, joins: bool = False) -> None:
        """Take down one message (a dataclass), the `sequence`th, received at `at`; with `joins` the line says
        `"joins": true`: it was handled in one transaction with the line before."""
        lost = self._lines.lost
        try:
            self._lines.put(self._line(sequence, at, message, joins=joins))
        except Exception:
            # A message that cannot be encoded must not keep the engine from handling it.
            self._lost_before += 1
            self._kinds.pop(type(message), None)
            self._lines.put('{"lost":1}')
        if self._lines.lost > lost:
            # Nothing may refer to a line that is not there.
            self._kinds.clear()
        if self._flushed_at is None or at - self._flushed_at >= self._limits.flush_every:
            self._flushed_at = at
            self._lines.flush()
        if self._lines.size >= self._part_ends_at:
            self._begin_part()

    def flush(self) -> bool:
        """Hand everything to the system; False when the disk does not take it. It is tried again."""
        return self._lines.flush()

    def close(self) -> bool:
        """Durable on return; False when messages are missing in the files."""
        self._lines.close()
        while self._uncompressed:
            self._compress_next(waits=True)
        return self.lost == 0

    def _line(self, sequence: int, at: datetime, message: object, *, joins: bool) -> str:
        kind = self._kinds.get(type(message))
        if kind is None:
            kind = self._kinds[type(message)] = _kind(type(message))
        texts = [label + encode(getattr(message, name)) for name, label, encode in kind.small]
        same: list[str] = []
        edited: list[str] = []
        for large in kind.large:
            where, text = large.take(getattr(message, large.name), sequence)
            {"message": texts, "same": same, "edited": edited}[where].append(large.label + text)
        head = f'{{"seq":{sequence},"at":"{at.isoformat()}","kind":{kind.label}'
        if joins:
            head += ',"joins":true'
        references = f',"same":{{{",".join(same)}}}' if same else ""
        references += f',"edited":{{{",".join(edited)}}}' if edited else ""
        return f'{head},"message":{{{",".join(texts)}}}{references}}}'

    def _begin_part(self) -> None:
        """Close the part that is full; where the disk does not let that happen, it goes on growing by a tenth."""
        part = _part_path(self._path, self._part + 1)
        self._part_ends_at += self._limits.part_bytes // 10 + 1
        if not self._lines.flush():
            return
        try:
            self._disk.sync(self._path)
            self._disk.replace(self._path, part)
        except (SaveFailed, OSError):
            return
        self._part += 1
        self._part_ends_at = self._limits.part_bytes
        self._lost_before += self._lines.lost
        self._lines = LineFile(self._disk, self._path)
        self._kinds.clear()
        self._uncompressed.append(part)
        self._compress_next(waits=len(self._uncompressed) > min(_UNCOMPRESSED_MAX, self._limits.parts_max))
        self._remove_oldest()

    def _compress_next(self, *, waits: bool = False) -> None:
        """One part at a time; unless it `waits`, one that is not done yet is left to the next call."""
        if self._compression is not None:
            if not self._compression.has_ended and not waits:
                return
            self._compression.join()
            self._compression = None
            part = self._uncompressed.popleft()
            with suppress(SaveFailed, OSError):
                if _compressed(part).exists():
                    self._disk.remove(part)
        if self._uncompressed:
            self._compression = _start_compression(self._uncompressed[0])

    def _remove_oldest(self) -> None:
        number = self._part - self._limits.parts_max
        if number < 1:
            return
        part = _part_path(self._path, number)
        with suppress(SaveFailed, OSError):
            self._disk.remove(_compressed(part))
            self._disk.remove(part)
            self.parts_removed += 1


def read_flight(path: Path) -> Iterator[dict[str, Any]]:
    """Every line of a flight record, part by part, as raw values (`flight_encoding`); "same" and "edited" are resolved,
    and their fields stand in "message" again, though in another order.

    A last line that a kill has cut off is left out; StateCorrupt for any other that cannot be read.
    """
    for part in _parts(path):
        yield from _read_part(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    label: str
    small: tuple[tuple[str, str, Encode], ...]
    large: tuple[LargeField | RowsField, ...]


def _kind(kind: type) -> _Kind:
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no message")
    encoders, large, each = encoders_of(kind), large_fields_of(kind), element_encoders_of(kind)
    labels = {name: f"{json_string(name)}:" for name in encoders}
    return _Kind(
        label=json_string(kind.__name__),
        small=tuple((name, labels[name], encode) for name, encode in encoders.items() if name not in large),
        large=tuple(
            RowsField(name, labels[name], each[name]) if name in each else LargeField(name, labels[name], encode)
            for name, encode in encoders.items()
            if name in large
        ),
    )


def _part_path(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.{number:04}{path.suffix}")


def _highest_part(path: Path) -> int:
    numbers = [part.name.removeprefix(f"{path.stem}.").split(".")[0] for part in path.parent.glob(f"{path.stem}.*")]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _compressed(part: Path) -> Path:
    return part.with_name(part.name + ".gz")


def _start_compression(part: Path) -> Errand | None:
    """None where the system gives no thread: the part stays as it is."""
    try:
        return Errand(partial(_compress, part))
    except RuntimeError:
        return None


def _compress(part: Path) -> None:
    """Where it does not work out, the part stays as it is and is read as it is."""
    temporary = part.with_name(part.name + ".tmp")
    try:
        with part.open("rb") as source, temporary.open("wb") as target:
            # Neither name nor time in it: equal records are equal bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as compressed:
                shutil.copyfileobj(source, compressed, 1024 * 1024)
            target.flush()
            os.fsync(target.fileno())
        temporary.replace(_compressed(part))
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _parts(path: Path) -> Iterator[Path]:
    plain = set(path.parent.glob(f"{path.stem}.[0-9]*{path.suffix}"))
    compressed = {part.with_suffix("") for part in path.parent.glob(f"{path.stem}.[0-9]*{path.suffix}.gz")}
    for part in sorted(plain | compressed, key=lambda part: (len(part.name), part.name)):
        yield _compressed(part) if part in compressed else part
    if path.exists():
        yield path


def _read_part(part: Path) -> Iterator[dict[str, Any]]:
    written: dict[tuple[str, str], tuple[int, Any]] = {}
    with _opened(part) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith("\n"):
                return
            try:
                yield _resolved(json.loads(line), written)
            except (ValueError, KeyError, TypeError, AttributeError) as e:
                place, problem = f"{part}, line {number}", f"{type(e).__name__}: {e}"
                raise StateCorrupt(place, problem, mend="replay another session, or an earlier part") from e


def _opened(part: Path) -> IO[str]:
    if part.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(part), encoding="ascii")
    return part.open(encoding="ascii")


def _resolved(row: Any, written: dict[tuple[str, str], tuple[int, Any]]) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise TypeError("it is no object")
    if "message" not in row:
        return row
    kind, message = row["kind"], row["message"]
    for name, value in message.items():
        if value != []:
            written[(kind, name)] = (row["seq"], value)
    for name, sequence in row.pop("same", {}).items():
        message[name] = _referred(written, (kind, name), sequence)
    for name, edit in row.pop("edited", {}).items():
        value = edited(_referred(written, (kind, name), edit["of"]), edit)
        written[(kind, name)] = (row["seq"], value)
        message[name] = value
    return row


def _referred(written: dict[tuple[str, str], tuple[int, Any]], field: tuple[str, str], sequence: object) -> Any:
    found, value = written[field]
    if found != sequence:
        raise ValueError(f"{field[1]} refers to message {sequence}, but {found} is the last one that has it")
    return value
