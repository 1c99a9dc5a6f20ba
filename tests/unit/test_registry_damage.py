"""The two files of the registry: exact for every entry, and every damage to them is noticed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.registry_builders import (
    NOW,
    WEEK,
    Effects,
    a_disk_with,
    a_journal,
    an_entry,
    entries,
    opened,
)
from tradebot.adapters.registry_format import (
    decode_journal,
    decode_snapshot,
    encode_entry,
    encode_journal_head,
    encode_journal_line,
    encode_snapshot,
)
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.orders import AttemptStatus, Side
from tradebot.domain.registry_entries import RegistryEntry


def test_a_torn_last_line_is_cut_off() -> None:
    snapshot, journal = a_journal(3)
    disk = a_disk_with(json=snapshot, journal=journal[:-40])

    registry = opened(disk)

    assert registry.open_entries() == entries(2)
    registry.reserve([an_entry("new")])
    assert opened(disk).open_entries() == [*entries(2), an_entry("new")]


def test_zeros_behind_the_last_line_are_cut_off() -> None:
    snapshot, journal = a_journal(3)

    assert opened(a_disk_with(json=snapshot, journal=journal + bytes(4_096))).open_entries() == entries(3)


def test_a_journal_one_behind_its_snapshot_is_left_out_and_begun_anew() -> None:
    _, journal = a_journal(3, generation=1)
    snapshot, _ = encode_snapshot(2, NOW, [an_entry("signal-0", status=AttemptStatus.FILLED)])
    disk = a_disk_with(json=snapshot, journal=journal)

    registry = opened(disk)

    assert registry.get(an_entry("signal-0").coid) == an_entry("signal-0", status=AttemptStatus.FILLED)
    assert registry.open_entries() == []
    registry.reserve([an_entry("new")])
    assert opened(disk).open_entries() == [an_entry("new")]


def test_an_interrupted_beginning_is_begun_again() -> None:
    _, journal = a_journal(0)
    disk = a_disk_with(journal=journal)

    opened(disk).reserve([an_entry()])

    assert opened(disk).open_entries() == [an_entry()]


SNAPSHOT_3, JOURNAL_3 = a_journal(3)
LINES = JOURNAL_3.splitlines(keepends=True)
OTHER_SNAPSHOT, _ = encode_snapshot(1, NOW + WEEK, ())
NEWER_ENTRY = encode_entry(an_entry()).replace('"metadata"', '"venue":"NSE","metadata"')


def a_line(payload: str) -> bytes:
    """A line of a journal with a good checksum."""
    return b"%08x %b\n" % (zlib.crc32(payload.encode()), payload.encode())


@pytest.mark.parametrize(
    ("snapshot", "journal", "problem"),
    [
        (b"", JOURNAL_3, "empty"),
        (b"[]", JOURNAL_3, "does not begin"),
        (b"\0" * 200, JOURNAL_3, "does not begin"),
        (SNAPSHOT_3.replace(b'"format":1', b'"format":2'), JOURNAL_3, "another version"),
        (SNAPSHOT_3.replace(b'"generation":1', b'"generation":x'), JOURNAL_3, "head is damaged"),
        (SNAPSHOT_3 + b"\n", JOURNAL_3, "checksum"),
        (SNAPSHOT_3, b"", "empty"),
        (SNAPSHOT_3, b"[]", "head is damaged"),
        (SNAPSHOT_3, None, "is missing"),
        (None, JOURNAL_3, "is missing"),
        (None, a_journal(0, generation=2)[1], "is missing"),
        (None, LINES[0] + LINES[1][:-5], "is missing"),
        (SNAPSHOT_3, a_journal(1, generation=2)[1], "generation 2"),
        (a_journal(0, generation=3)[0], JOURNAL_3, "generation 1"),
        (OTHER_SNAPSHOT, JOURNAL_3, "another snapshot"),
        (SNAPSHOT_3, b"".join([LINES[0], LINES[2], LINES[3]]), "is line 2"),
        (SNAPSHOT_3, b"".join([LINES[0], LINES[1], LINES[1]]), "is line 1"),
        (
            SNAPSHOT_3,
            b"".join([LINES[0], LINES[1], encode_journal_line(2, 2, an_entry("x"))]),
            "generation 2",
        ),
        (SNAPSHOT_3, LINES[0] + b"?" + LINES[1] + LINES[2], "not the last"),
        (SNAPSHOT_3, LINES[0] + LINES[1] + b"garbage\ngarbage\n", "not the last"),
        (SNAPSHOT_3, a_line('{"format":2,"generation":1,"line":0,"snapshot":""}'), "another version"),
        (SNAPSHOT_3, LINES[0] + a_line('{"generation":1,"line":1,"entry":{},"sent":true}'), "this version"),
        (SNAPSHOT_3, LINES[0] + a_line(f'{{"generation":1,"line":1,"entry":{NEWER_ENTRY}}}'), "fields"),
        (SNAPSHOT_3, LINES[0] + a_line("{"), "no JSON"),
    ],
)
def test_damage_stops_the_start_and_changes_nothing(
    snapshot: bytes | None, journal: bytes | None, problem: str
) -> None:
    disk = a_disk_with(json=snapshot, journal=journal)
    effects = Effects(disk)

    with pytest.raises(StateCorrupt, match=problem) as refusal:
        opened(disk)

    assert effects.of_the_next() == []
    assert refusal.value.place.startswith("state/coid_registry.")
    assert "doctor" in refusal.value.mend


def test_every_cut_of_the_journal_is_noticed_or_leaves_its_first_lines() -> None:
    for size in range(len(JOURNAL_3)):
        found = outcome(SNAPSHOT_3, JOURNAL_3[:size])
        whole = JOURNAL_3[:size].count(b"\n") - 1
        assert found == (None if whole < 0 else entries(whole)), size


def test_every_flipped_bit_of_the_journal_is_noticed_or_costs_the_last_line() -> None:
    last_line = len(JOURNAL_3) - len(LINES[3])
    for flipped in flips(JOURNAL_3):
        found = outcome(SNAPSHOT_3, flipped)
        assert found is None or (flipped[:last_line] == JOURNAL_3[:last_line] and found == entries(2))


def test_a_changed_newline_costs_nothing_silently() -> None:
    for end in (sum(map(len, LINES[: n + 1])) - 1 for n in range(len(LINES))):
        for bit in range(8):
            assert outcome(SNAPSHOT_3, flip(JOURNAL_3, end, bit)) is None


def test_every_cut_and_every_flipped_bit_of_the_snapshot_is_noticed() -> None:
    snapshot, checksum = encode_snapshot(1, NOW, entries(2))
    journal = encode_journal_head(1, checksum)

    assert outcome(snapshot, journal) == entries(2)
    assert all(outcome(snapshot[:size], journal) is None for size in range(len(snapshot)))
    assert all(outcome(flipped, journal) is None for flipped in flips(snapshot))


texts = st.text(max_size=40)
instants = st.datetimes(
    min_value=datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)


@given(
    st.builds(
        RegistryEntry,
        coid=texts,
        account_id=texts,
        decision_id=texts,
        leg=st.integers(0, 50),
        side=st.sampled_from(Side),
        symbol=texts,
        status=st.sampled_from(AttemptStatus),
        attempt_count=st.integers(0, 1_295),
        broker_order_id=st.none() | texts,
        filled_qty=st.integers(0, 10**9),
        avg_price=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
        created=instants,
        updated=instants,
        metadata=st.dictionaries(texts, texts, max_size=3),
    )
)
def test_an_entry_reads_back_exactly(entry: RegistryEntry) -> None:
    snapshot, checksum = encode_snapshot(4, entry.created, [entry])
    journal = encode_journal_head(4, checksum) + encode_journal_line(4, 1, entry)

    for found in (*decode_snapshot(snapshot, "s").entries, *decode_journal(journal, "j").entries):
        assert found == entry
        assert str(found.avg_price) == str(entry.avg_price)
        assert found.updated.utcoffset() == timedelta(0)
    assert json.loads(snapshot)["entries"][0]["coid"] == entry.coid


def outcome(snapshot: bytes, journal: bytes) -> Sequence[RegistryEntry] | None:
    """The entries, or None when the start is refused."""
    try:
        return opened(a_disk_with(json=snapshot, journal=journal)).open_entries()
    except StateCorrupt:
        return None


def flips(data: bytes) -> list[bytes]:
    return [flip(data, at, bit) for at in range(len(data)) for bit in range(8)]


def flip(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]
