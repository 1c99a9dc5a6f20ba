"""The registry of client order ids as the auditor sees it, and how its two files are read (docs/registry.md)."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.auditor.findings import Unreadable

OPEN = frozenset({"pending", "partially_filled", "unknown"})

_FORMAT = 1
_BEFORE_CHECKSUM = b'"checksum":"'
_CHECKSUM_LENGTH = 64
_CRC_LENGTH = 8

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEntry:
    coid: str
    account_id: str
    decision_id: str
    leg: int
    side: str
    symbol: str
    status: str
    attempt: int
    broker_order_id: str | None
    filled: int
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryView:
    """The last line about each id, by id."""

    entries: Mapping[str, RegistryEntry]

    @classmethod
    def from_bytes(cls, snapshot: bytes | None, journal: bytes | None) -> RegistryView:
        """From the contents of the two files, None for one that is not there. Raises Unreadable."""
        try:
            return cls(entries=_read(snapshot, journal))
        except (ValueError, KeyError, TypeError) as e:
            raise Unreadable(f"registry: {type(e).__name__}: {e}") from e


def read_registry(folder: Path) -> RegistryView:
    """Raises Unreadable."""
    files = [folder / name for name in ("coid_registry.json", "coid_registry.journal")]
    snapshot, journal = [path.read_bytes() if path.exists() else None for path in files]
    return RegistryView.from_bytes(snapshot, journal)


def _read(snapshot: bytes | None, journal: bytes | None) -> dict[str, RegistryEntry]:
    lines = [] if journal is None else _whole_lines(journal)
    if snapshot is None:
        if len(lines) > 1:
            raise ValueError("a journal with entries and no snapshot")
        return {}
    folded = _checked_snapshot(snapshot)
    entries = {fields["coid"]: _entry(fields) for fields in folded["entries"]}
    for fields in _since(folded, lines):
        entries[fields["coid"]] = _entry(fields)
    return entries


def _checked_snapshot(data: bytes) -> Json:
    """The checksum covers every byte but its own digits."""
    folded: Json = json.loads(data)
    digits_at = data.index(_BEFORE_CHECKSUM) + len(_BEFORE_CHECKSUM)
    rest = data[:digits_at] + data[digits_at + _CHECKSUM_LENGTH :]
    if folded["format"] != _FORMAT or folded["checksum"] != hashlib.sha256(rest).hexdigest():
        raise ValueError("the snapshot does not fit its checksum, or has another format")
    return folded


def _whole_lines(data: bytes) -> list[Json]:
    """Every line with a right checksum; only the very last one may be torn."""
    lines = data.split(b"\n")
    payloads = [_payload(line) for line in lines[:-1]]
    if payloads and payloads[-1] is None and not lines[-1]:
        payloads.pop()
    if None in payloads:
        raise ValueError(f"line {payloads.index(None) + 1} of the journal is damaged")
    return [payload for payload in payloads if payload is not None]


def _payload(line: bytes) -> Json | None:
    crc, payload = line[:_CRC_LENGTH], line[_CRC_LENGTH + 1 :]
    if crc != b"%08x" % zlib.crc32(payload):
        return None
    parsed: Json = json.loads(payload)
    return parsed


def _since(folded: Json, lines: list[Json]) -> list[Json]:
    """The entries of the journal that are newer than the snapshot.

    A journal of the generation before was left by a crash in a fold: all of it is in the snapshot already.
    """
    if not lines:
        raise ValueError("the journal is missing or has no readable head")
    head, generation = lines[0], folded["generation"]
    if head["generation"] == generation - 1:
        return []
    if (head["generation"], head["line"], head["snapshot"]) != (generation, 0, folded["checksum"]):
        raise ValueError("the journal belongs to another snapshot")
    for number, line in enumerate(lines[1:], start=1):
        if (line["generation"], line["line"]) != (generation, number):
            raise ValueError(f"line {number} of the journal is missing")
    return [line["entry"] for line in lines[1:]]


def _entry(fields: Json) -> RegistryEntry:
    return RegistryEntry(
        coid=fields["coid"],
        account_id=fields["account_id"],
        decision_id=fields["decision_id"],
        leg=fields["leg"],
        side=fields["side"],
        symbol=fields["symbol"],
        status=fields["status"],
        attempt=fields["attempt_count"],
        broker_order_id=fields["broker_order_id"],
        filled=fields["filled_qty"],
        updated=datetime.fromisoformat(fields["updated"]),
    )
