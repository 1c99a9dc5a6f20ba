"""The two files of the client order id registry as bytes: from entries to text and, strictly, back.

Snapshot: JSON, one entry a line. Its checksum covers every byte of the file but its own. Journal: a line is a
checksum, a space and JSON. Line 0 names the snapshot it belongs to; each further one carries an entry, whole,
with the journal's generation and its own number, so that no line can be lost from the middle.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from tradebot.domain.errors import StateCorrupt
from tradebot.domain.orders import AttemptStatus, BrokerOrderId, Coid, DecisionId, Side
from tradebot.domain.registry_entries import RegistryEntry

FORMAT = 1
ENTRY_BYTES_MAX = 2_048

MEND = (
    "touch neither file, keep a copy of the state folder and run `main.py doctor`; docs/registry.md says how "
    "they are put back. Never start with an empty registry: it would send again what it has forgotten"
)

_FIELDS = (
    "coid", "account_id", "decision_id", "leg", "side", "symbol", "status", "broker_order_id", "created",
    "updated", "attempt_count", "filled_qty", "avg_price", "metadata",
)  # fmt: skip
_ANY_FORMAT = re.compile(rb'\{"format":(\d{1,9}),')
_SNAPSHOT_HEAD = re.compile(
    rb'(\{"format":1,"generation":([1-9]\d{0,17}),"created":"([-+:.T\d]+)","checksum":")([0-9a-f]{64})",'
)
_LINE_START = re.compile(rb'(?=([0-9a-f]{8}) \{")')
_LINE_BYTES_MAX = ENTRY_BYTES_MAX + 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`created` is when the registry began: about orders before it, it says nothing."""

    generation: int
    created: datetime
    checksum: str
    entries: Sequence[RegistryEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """`size` is where the last whole line ends; bytes behind it were torn by a crash and never
    acknowledged."""

    generation: int
    snapshot_checksum: str
    entries: Sequence[RegistryEntry]
    size: int
    is_torn: bool


def encode_snapshot(generation: int, created: datetime, entries: Sequence[RegistryEntry]) -> tuple[bytes, str]:
    """The file, and its checksum."""
    head = f'{{"format":{FORMAT},"generation":{generation},"created":"{_instant(created)}","checksum":"'.encode()
    lines = ",\n".join(map(encode_entry, entries))
    tail = b'","entries":[\n' + (lines + "\n" if lines else "").encode() + b"]}\n"
    checksum = hashlib.sha256(head + tail).hexdigest()
    return head + checksum.encode() + tail, checksum


def decode_snapshot(data: bytes, place: str) -> Snapshot:
    """Raises StateCorrupt unless every byte is as it was written."""
    head = _SNAPSHOT_HEAD.match(data)
    if head is None:
        raise StateCorrupt(place, _not_this_format(data), mend=MEND)
    begin, generation, created, checksum = head.groups()
    if hashlib.sha256(begin + data[head.end() - 2 :]).hexdigest().encode() != checksum:
        raise StateCorrupt(place, "its content does not fit its checksum", mend=MEND)
    entries = [
        _entry_at(f"{place}, line {number}", fields)
        for number, fields in enumerate(json.loads(data)["entries"], start=2)
    ]
    return Snapshot(
        generation=int(generation),
        created=_read_instant(created.decode()),
        checksum=checksum.decode(),
        entries=entries,
    )


def encode_journal_head(generation: int, snapshot_checksum: str) -> bytes:
    return _line(f'{{"format":{FORMAT},"generation":{generation},"line":0,"snapshot":"{snapshot_checksum}"}}')


def encode_journal_line(generation: int, number: int, entry: RegistryEntry) -> bytes:
    return _line(f'{{"generation":{generation},"line":{number},"entry":{encode_entry(entry)}}}')


def decode_journal(data: bytes, place: str) -> Journal:
    """Raises StateCorrupt for everything but a torn last line, which is left out."""
    payloads = list(_whole_lines(data))
    if not payloads:
        raise StateCorrupt(f"{place}, line 1", "its head is damaged" if data else "it is empty", mend=MEND)
    size = sum(len(payload) + 10 for payload in payloads)
    _refuse_more_than_torn(data[size:], f"{place}, line {len(payloads) + 1}")
    generation, checksum = _read_head(payloads[0], place)
    entries = [_read_line(payload, generation, number, place) for number, payload in enumerate(payloads[1:], start=1)]
    return Journal(
        generation=generation,
        snapshot_checksum=checksum,
        entries=entries,
        size=size,
        is_torn=size < len(data),
    )


def encode_entry(entry: RegistryEntry) -> str:
    """One line of JSON without spaces; exact. ValueError for what could not be read back: a naive time, a
    price that is no number, metadata other than text, more than `ENTRY_BYTES_MAX`."""
    price = entry.avg_price
    if price is not None and not price.is_finite():
        raise ValueError(f"{entry.coid}: average price {price}")
    broker_order_id = "null" if entry.broker_order_id is None else quoted(entry.broker_order_id)
    avg_price = "null" if price is None else f'"{price}"'
    created = _instant(entry.created)
    updated = created if entry.updated is entry.created else _instant(entry.updated)
    text = (
        f'{{"coid":{quoted(entry.coid)},"account_id":{quoted(entry.account_id)},'
        f'"decision_id":{quoted(entry.decision_id)},"leg":{entry.leg:d},"side":{quoted(entry.side)},'
        f'"symbol":{quoted(entry.symbol)},"status":{quoted(entry.status)},"broker_order_id":{broker_order_id},'
        f'"created":"{created}","updated":"{updated}",'
        f'"attempt_count":{entry.attempt_count:d},"filled_qty":{entry.filled_qty:d},"avg_price":{avg_price},'
        f'"metadata":{{{_metadata(entry)}}}}}'
    )
    if len(text) > ENTRY_BYTES_MAX:
        raise ValueError(f"{entry.coid}: {len(text)} bytes, more than the {ENTRY_BYTES_MAX} of a registry entry")
    return text


def _metadata(entry: RegistryEntry) -> str:
    # quoted() takes nothing but text, so that no number gets in that the strict reader would refuse.
    return ",".join(f"{quoted(name)}:{quoted(text)}" for name, text in entry.metadata.items())


def _instant(at: datetime) -> str:
    if at.tzinfo is UTC:
        return at.isoformat()
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC).isoformat()


def _line(payload: str) -> bytes:
    data = payload.encode()
    return b"%08x %b\n" % (zlib.crc32(data), data)


def _whole_lines(data: bytes) -> Iterator[bytes]:
    """The payloads of the lines up to the first that is not whole."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        payload = _payload(data[start:end])
        if payload is None:
            return
        yield payload
        start = end + 1


def _payload(line: bytes) -> bytes | None:
    payload = line[9:]
    return payload if line[:9] == b"%08x " % zlib.crc32(payload) else None


def _refuse_more_than_torn(tail: bytes, place: str) -> None:
    """A crash tears the last line and no other. Where more is damaged, acknowledged entries may be among it.

    A line that only lacks its newline at the very end of the file is torn too; one that is followed by
    another byte has had its newline changed.
    """
    if b"\n" in tail[:-1]:
        raise StateCorrupt(place, "it cannot be read, and it is not the last line", mend=MEND)
    for begin in _LINE_START.finditer(tail):
        for end in _ends(tail, begin.start()):
            if (begin.start(), end) != (0, len(tail)) and _payload(tail[begin.start() : end]) is not None:
                raise StateCorrupt(place, "its end is damaged: another line is hidden in it", mend=MEND)


def _ends(tail: bytes, start: int) -> Iterator[int]:
    for brace in re.finditer(rb"\}", tail[start : start + _LINE_BYTES_MAX]):
        yield start + brace.end()


def _read_head(payload: bytes, place: str) -> tuple[int, str]:
    match _parsed(payload, f"{place}, line 1"):
        case {"format": 1, "generation": int(generation), "line": 0, "snapshot": str(checksum), **rest} if not rest:
            return generation, checksum
        case _:
            raise StateCorrupt(f"{place}, line 1", _not_this_format(payload), mend=MEND)


def _read_line(payload: bytes, generation: int, number: int, place: str) -> RegistryEntry:
    at = f"{place}, line {number + 1}"
    match _parsed(payload, at):
        case {"generation": found, "line": line, "entry": fields, **rest} if not rest:
            if (found, line) != (generation, number):
                problem = f"is line {line} of generation {found} where {number} of {generation} should stand"
                raise StateCorrupt(at, problem, mend=MEND)
            return _entry_at(at, fields)
        case _:
            raise StateCorrupt(at, "is not a line that this version knows", mend=MEND)


def _parsed(payload: bytes, place: str) -> object:
    try:
        parsed: object = json.loads(payload)
    except ValueError as e:
        raise StateCorrupt(place, f"is no JSON ({e})", mend=MEND) from e
    return parsed


def _entry_at(place: str, fields: object) -> RegistryEntry:
    try:
        return _entry(fields)
    except (ValueError, InvalidOperation) as e:
        raise StateCorrupt(place, f"is not an entry that this version knows ({e})", mend=MEND) from e


def _entry(fields: Any) -> RegistryEntry:
    if not isinstance(fields, dict) or tuple(fields) != _FIELDS:
        raise ValueError("its fields are others")
    metadata = fields["metadata"]
    broker_order_id, price = fields["broker_order_id"], fields["avg_price"]
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its metadata is not text")
    return RegistryEntry(
        coid=Coid(_text(fields["coid"])),
        account_id=_text(fields["account_id"]),
        decision_id=DecisionId(_text(fields["decision_id"])),
        leg=_whole_number(fields["leg"]),
        side=Side(fields["side"]),
        symbol=_text(fields["symbol"]),
        status=AttemptStatus(fields["status"]),
        attempt_count=_whole_number(fields["attempt_count"]),
        broker_order_id=None if broker_order_id is None else BrokerOrderId(_text(broker_order_id)),
        filled_qty=_whole_number(fields["filled_qty"]),
        avg_price=None if price is None else _price(_text(price)),
        created=_read_instant(_text(fields["created"])),
        updated=_read_instant(_text(fields["updated"])),
        metadata=metadata,
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is not text")


def _whole_number(value: object) -> int:
    if type(value) is int:
        return value
    raise ValueError(f"{value!r} is not a whole number")


def _price(text: str) -> Decimal:
    price = Decimal(text)
    if price.is_finite():
        return price
    raise ValueError(f"{text} is no price")


def _read_instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta(0):
        raise ValueError(f"{text} is not in UTC")
    return at


def _not_this_format(data: bytes) -> str:
    found = _ANY_FORMAT.match(data)
    if found is None:
        return "it is empty" if not data else "it does not begin as this file does"
    if int(found[1]) == FORMAT:
        return "its head is damaged"
    return f"it has format {int(found[1])}, and this version knows only {FORMAT}: another version has written it"
