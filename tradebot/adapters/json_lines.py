"""Files of one JSON object a line: exact text for flat values, and a buffered file whose faults never reach its
writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring_ascii
from math import isfinite
from pathlib import Path

from tradebot.domain.errors import SaveFailed
from tradebot.ports import Disk

BUFFER_BYTES = 64 * 1024
HELD_BYTES_MAX = 8 * 1024 * 1024

json_string: Callable[[str], str] = encode_basestring_ascii


def json_object(fields: Mapping[str, object]) -> str:
    """One line of ASCII in the order of `fields`.

    A Decimal is a number with exactly its digits; what JSON has no number for (NaN, Infinity), and all that is no
    number, boolean or null, is a string.
    """
    return "{" + ",".join([f"{json_string(key)}:{json_value(value)}" for key, value in fields.items()]) + "}"


def json_value(value: object) -> str:
    encode = _BY_TYPE.get(type(value))
    return _of_other(value) if encode is None else encode(value)


class LineFile:
    """Lines that are collected and appended together. `put` and `flush` never raise for a disk that refuses.

    What a refusing disk does not take is kept up to `HELD_BYTES_MAX` and tried again; beyond that the newest lines are
    dropped and counted in `lost`, and when the disk takes lines again, one `{"lost": n}` stands where they are missing.
    """

    def __init__(self, disk: Disk, path: Path, *, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._disk = disk
        self._path = path
        self._buffer_bytes = buffer_bytes
        self._lines: list[str] = []
        self._held = 0
        self._flush_at = buffer_bytes
        self._missing = 0
        self._is_closed = False
        self.size = 0
        """Bytes written to the file so far, without those that still wait."""
        self.lost = 0
        """Lines that are in no file."""

    def put(self, line: str) -> None:
        """Add one line of ASCII, given without its end; after `close` it is only counted as lost."""
        length = len(line) + 1
        if self._is_closed or self._held + length > max(HELD_BYTES_MAX, self._buffer_bytes):
            self.lost += 1
            self._missing += 1
            return
        self._mark_gap()
        self._lines.append(line)
        self._held += length
        if self._held >= self._flush_at:
            self.flush()

    def flush(self) -> bool:
        """Hand everything to the system, so that a kill loses nothing; False when the disk did not take it."""
        self._mark_gap()
        if not self._lines:
            return True
        data = ("\n".join(self._lines) + "\n").encode("ascii")
        try:
            self._disk.append(self._path, data)
        except (SaveFailed, OSError):
            self._flush_at = self._held + self._buffer_bytes
            return False
        self.size += len(data)
        self._lines.clear()
        self._held = 0
        self._flush_at = self._buffer_bytes
        return True

    def close(self) -> bool:
        """Write what waits and make it durable; what could not be written is counted. False when something is lost."""
        if self._is_closed:
            return self.lost == 0
        if not self.flush():
            self.lost += len(self._lines)
            self._lines.clear()
        self._is_closed = True
        with suppress(SaveFailed, OSError):
            if self.size:
                self._disk.sync(self._path)
                self._disk.sync_dir(self._path.parent)
        return self.lost == 0

    def _mark_gap(self) -> None:
        if not self._missing:
            return
        line = json_object({"lost": self._missing})
        self._missing = 0
        self._lines.append(line)
        self._held += len(line) + 1


def _of_decimal(value: Decimal) -> str:
    return f"{value:f}" if value.is_finite() else f'"{value}"'


def _of_float(value: float) -> str:
    return repr(value) if isfinite(value) else f'"{value}"'


def _of_other(value: object) -> str:
    match value:
        case str():
            return json_string(str(value))
        case Enum():
            return json_value(value.value)
        case int():
            return str(int(value))
        case datetime() | date():
            return f'"{value.isoformat()}"'
        case _:
            return json_string(str(value))


_BY_TYPE: dict[type, Callable[..., str]] = {
    str: json_string,
    int: repr,
    bool: {True: "true", False: "false"}.__getitem__,
    float: _of_float,
    Decimal: _of_decimal,
    type(None): lambda _: "null",
}
