"""The flight record: nothing of a message is lost on the way to the file and back, and the files are bounded."""

from __future__ import annotations

import errno
import gzip
import json
import math
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, NewType, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.adapters import json_lines
from tradebot.adapters.disk import Calls, DiskRefused, RealDisk
from tradebot.adapters.flight_encoding import encoder, encoders_of
from tradebot.adapters.flight_record import FlightLimits, FlightRecord, read_flight
from tradebot.domain.calendar import IST
from tradebot.domain.errors import StateCorrupt
from tradebot.engine.messages import Message

AT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
Name = NewType("Name", str)


class Color(StrEnum):
    RED = "red"


class Number(Enum):
    TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    name: Name
    price: Decimal
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    asked: int
    rows: tuple[Row, ...] = ()
    by_name: Mapping[Name, Row] = field(default_factory=dict)
    first: Row | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    branches: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange:
    value: complex = 1j


class Valve:
    """A disk's write call that can be shut."""

    def __init__(self) -> None:
        self.is_open = True

    def write(self, descriptor: int, data: memoryview) -> int:
        if self.is_open:
            return os.write(descriptor, data)
        raise OSError(errno.ENOSPC, "No space left on device")


class NoRenames(RealDisk):
    def replace(self, source: Path, target: Path) -> None:
        raise DiskRefused(str(target), "not here", mend="elsewhere")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flight.jsonl"


@pytest.fixture
def disk() -> Iterator[RealDisk]:
    disk = RealDisk(durability="process")
    yield disk
    disk.close()


def a_row(name: str = "RELIANCE", price: str = "100.50") -> Row:
    return Row(name=Name(name), price=Decimal(price), at=AT)


def a_book(asked: int, rows: int = 3, price: str = "100.50") -> Book:
    return Book(asked=asked, rows=tuple(a_row(price=price) for _ in range(rows)))


def record_all(record: FlightRecord, messages: Sequence[object]) -> None:
    for sequence, message in enumerate(messages, start=1):
        record.record(sequence, AT + timedelta(seconds=sequence), message)


def raw_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def encoded(annotation: Any, value: object) -> Any:
    return json.loads(encoder(annotation)(value))


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (str, 'a "b" ₹', '"a \\"b\\" \\u20b9"'),
        (Name, "n", '"n"'),
        (int, -5, "-5"),
        (bool, True, "true"),
        (None | int, None, "null"),
        (float, 0.1, "0.1"),
        (float, math.inf, '"inf"'),
        (Decimal, Decimal("1.50"), '"1.50"'),
        (Decimal, Decimal("1E+3"), '"1E+3"'),
        (datetime, AT, '"2026-11-20T04:00:00+00:00"'),
        (datetime, AT.astimezone(IST), '"2026-11-20T09:30:00+05:30"'),
        (date, date(2026, 11, 20), '"2026-11-20"'),
        (time, time(9, 15), '"09:15:00"'),
        (timedelta, timedelta(seconds=1.5), "1500000"),
        (Color, Color.RED, '"red"'),
        (Number, Number.TWO, "2"),
        (tuple[int, str], (1, "a"), '[1,"a"]'),
        (tuple[int, ...], (1, 2), "[1,2]"),
        (Sequence[Color], [Color.RED], '["red"]'),
        (frozenset[str], frozenset({"b", "a"}), '["a","b"]'),
        (Mapping[str, int], {"a": 1}, '{"a":1}'),
        (dict[int, str], {5: "x"}, '{"5":"x"}'),
        (Mapping[date, int], {date(2026, 11, 20): 1}, '{"2026-11-20":1}'),
        (Mapping[tuple[str, int], int], {("a", 1): 2}, '{"[\\"a\\",1]":2}'),
        (Row, a_row(), '{"name":"RELIANCE","price":"100.50","at":"2026-11-20T04:00:00+00:00"}'),
        (Tick, Tick(number=1), '{"number":1}'),
        (Tree, Tree(branches=(Tree(),)), '{"branches":[{"branches":[]}]}'),
        (Row | Tick, Tick(number=1), '{"type":"Tick","value":{"number":1}}'),
        (str | Decimal | None, Decimal("1.0"), '{"type":"Decimal","value":"1.0"}'),
        (str | Decimal | None, None, "null"),
        (object, (1, Decimal(2)), '{"type":"tuple","value":[{"type":"int","value":1},{"type":"Decimal","value":"2"}]}'),
        (Any, {1: Color.RED}, '{"type":"dict","value":[[{"type":"int","value":1},{"type":"Color","value":"red"}]]}'),
        (object, {1}, '{"type":"set","value":[{"type":"int","value":1}]}'),
    ],
)
def test_a_value_is_written_as_the_table_says(annotation: Any, value: object, text: str) -> None:
    assert encoder(annotation)(value) == text


@given(st.decimals())
def test_a_decimal_comes_back_with_all_its_digits(value: Decimal) -> None:
    assert Decimal(encoded(Decimal, value)).as_tuple() == value.as_tuple()


@given(st.floats())
def test_a_float_comes_back_to_the_bit(value: float) -> None:
    assert repr(float(encoded(float, value))) == repr(value)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_comes_back(value: datetime) -> None:
    assert datetime.fromisoformat(encoded(datetime, value)) == value


@given(st.timedeltas())
def test_a_span_comes_back(value: timedelta) -> None:
    assert timedelta(microseconds=encoded(timedelta, value)) == value


@given(st.text())
def test_a_text_comes_back(value: str) -> None:
    assert encoded(str, value) == value


def test_what_has_no_lossless_form_is_refused() -> None:
    with pytest.raises(TypeError, match="nothing says how"):
        encoder(complex)


@pytest.mark.parametrize("message", get_args(Message))
def test_every_message_of_the_engine_can_be_encoded(message: type) -> None:
    assert list(encoders_of(message)) == [field.name for field in fields(message)]


def test_a_message_is_one_line(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path)
    record.record(7, AT, Tick(number=1))

    assert record.close()
    assert path.read_text() == '{"seq":7,"at":"2026-11-20T04:00:00+00:00","kind":"Tick","message":{"number":1}}\n'


def test_what_an_earlier_message_of_the_kind_held_is_referred_to(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path)
    record_all(record, [a_book(1), Tick(number=1), a_book(2), a_book(3)])
    record.close()

    lines = raw_lines(path)
    assert "same" not in lines[0]
    assert lines[2]["same"] == lines[3]["same"] == {"rows": 1}
    assert lines[2]["message"] == {"asked": 2, "by_name": {}, "first": None}


def test_a_price_that_differs_in_its_digits_alone_is_not_the_same(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path)
    record_all(record, [a_book(1, price="1.0"), a_book(2, price="1.00")])
    record.close()

    assert "same" not in raw_lines(path)[1]


def test_of_many_rows_those_alone_are_written_that_differ(path: Path, disk: RealDisk) -> None:
    rows = [a_row(f"S{number}") for number in range(6)]
    record = FlightRecord(disk, path)
    record_all(
        record,
        [
            Book(asked=1, rows=tuple(rows)),
            Book(asked=2),
            Book(asked=3, rows=(*rows[:2], a_row("new"), *rows[3:], a_row("S6"))),
            Book(asked=4, rows=(*rows[:2], a_row("new"), *rows[3:5])),
        ],
    )
    record.close()

    lines = raw_lines(path)
    new, added = ({"name": name, "price": "100.50", "at": "2026-11-20T04:00:00+00:00"} for name in ("new", "S6"))
    assert "edited" not in lines[1]
    assert lines[2]["edited"] == {"rows": {"of": 1, "length": 7, "rows": {"2": new, "6": added}}}
    assert lines[3]["edited"] == {"rows": {"of": 3, "length": 5, "rows": {}}}
    assert [len(row["message"]["rows"]) for row in read_flight(path)] == [6, 0, 7, 5]


books_of_some_rows = st.builds(
    lambda names: Book(asked=0, rows=tuple(a_row(name) for name in names)),
    st.lists(st.sampled_from("ABC"), max_size=8),
)
sequences_of_books = st.lists(
    books_of_some_rows
    | st.builds(a_book, st.integers(0, 9), st.integers(0, 2), st.sampled_from(["1.0", "1.00", "2"]))
    | st.builds(Tick, number=st.integers(0, 3)),
    max_size=12,
)


@given(messages=sequences_of_books, part_bytes=st.sampled_from([1, 400, 10**6]))
def test_the_reader_gives_back_what_was_recorded(
    tmp_path_factory: pytest.TempPathFactory, messages: list[object], part_bytes: int
) -> None:
    path = tmp_path_factory.mktemp("flight") / "flight.jsonl"
    disk = RealDisk(durability="process")
    record = FlightRecord(disk, path, FlightLimits(part_bytes=part_bytes))
    record_all(record, messages)
    assert record.close()
    disk.close()

    rows = list(read_flight(path))

    assert [row["seq"] for row in rows] == list(range(1, len(messages) + 1))
    assert [row["kind"] for row in rows] == [type(message).__name__ for message in messages]
    assert [row["message"] for row in rows] == [encoded(type(message), message) for message in messages]


def test_two_equal_flights_are_equal_bytes(tmp_path: Path, disk: RealDisk) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        record = FlightRecord(disk, tmp_path / name / "flight.jsonl", FlightLimits(part_bytes=500))
        record_all(record, [a_book(number) for number in range(20)])
        record.close()

    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert "flight.0001.jsonl.gz" in names
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_full_part_is_compressed_and_stands_by_itself(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path, FlightLimits(part_bytes=300))
    record_all(record, [a_book(number) for number in range(12)])
    record.close()

    parts = sorted(path.parent.glob("flight.*.jsonl.gz"))
    assert len(parts) >= 2
    assert not list(path.parent.glob("flight.*.jsonl"))
    for part in parts:
        assert "same" not in json.loads(gzip.decompress(part.read_bytes()).splitlines()[0])


def test_the_oldest_parts_go(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path, FlightLimits(part_bytes=1, parts_max=2))
    record_all(record, [Tick(number=number) for number in range(6)])
    record.close()

    assert sorted(part.name for part in path.parent.iterdir()) == ["flight.0005.jsonl.gz", "flight.0006.jsonl.gz"]
    assert [row["seq"] for row in read_flight(path)] == [5, 6]
    assert record.parts_removed == 4


def test_a_part_that_cannot_be_compressed_is_read_as_it_is(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path, FlightLimits(part_bytes=1))
    (path.parent / "flight.0001.jsonl.tmp").mkdir()
    record_all(record, [Tick(number=1), Tick(number=2)])

    assert record.close()
    assert (path.parent / "flight.0001.jsonl").exists()
    assert [row["seq"] for row in read_flight(path)] == [1, 2]


def test_a_part_that_cannot_be_moved_goes_on_growing(path: Path) -> None:
    disk = NoRenames(durability="process")
    record = FlightRecord(disk, path, FlightLimits(part_bytes=1))
    record_all(record, [Tick(number=1), Tick(number=2)])

    assert record.close()
    disk.close()
    assert [row["seq"] for row in read_flight(path)] == [1, 2]


def test_a_second_record_in_the_same_place_begins_a_part_of_its_own(path: Path, disk: RealDisk) -> None:
    path.write_text('{"seq":1,"at":"x","kind":"Tick","message":{"number":1}}\n{"seq":2,"at')
    record = FlightRecord(disk, path)
    record.record(1, AT, Tick(number=5))
    record.close()

    assert [row["message"]["number"] for row in read_flight(path)] == [1, 5]


def test_messages_wait_at_most_as_long_as_the_limit_says(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path)
    record.record(1, AT, Tick(number=1))
    record.record(2, AT + timedelta(seconds=0.9), Tick(number=2))
    assert len(raw_lines(path)) == 1

    record.record(3, AT + timedelta(seconds=1), Tick(number=3))

    assert len(raw_lines(path)) == 3
    record.close()


def test_a_quiet_time_ends_with_a_flush(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path, FlightLimits(flush_every=DAY))
    record_all(record, [Tick(number=1), Tick(number=2)])
    assert len(raw_lines(path)) == 1

    assert record.flush()

    assert len(raw_lines(path)) == 2
    record.close()


def test_a_message_that_cannot_be_encoded_is_counted_and_its_place_marked(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path)
    record_all(record, [Tick(number=1), Strange(), "no message", Tick(number="x"), Tick(number=5)])  # type: ignore[arg-type]

    assert not record.close()
    assert record.lost == 3
    assert [row.get("seq", row) for row in read_flight(path)] == [1, {"lost": 1}, {"lost": 1}, {"lost": 1}, 5]


def test_a_full_disk_hurts_nobody_and_no_line_refers_to_one_that_is_missing(path: Path) -> None:
    valve = Valve()
    disk = RealDisk(durability="process", calls=Calls(write=valve.write))
    record = FlightRecord(disk, path)
    many = a_book(1, rows=json_lines.HELD_BYTES_MAX // 115)
    valve.is_open = False
    record_all(record, [many, Book(asked=2, rows=many.rows, by_name={Name("A"): many.rows[0]})])
    huge = a_book(3, rows=json_lines.HELD_BYTES_MAX // 115, price="9")
    record.record(3, AT + DAY, huge)
    valve.is_open = True
    assert record.flush()
    record.record(4, AT + 2 * DAY, huge)

    assert not record.close()
    disk.close()
    assert record.lost == 1
    rows = list(read_flight(path))
    assert [row.get("seq", row) for row in rows] == [1, 2, {"lost": 1}, 4]
    assert rows[3]["message"] == encoded(Book, huge)


def test_a_line_that_a_kill_has_cut_off_is_left_out(path: Path) -> None:
    path.write_text('{"seq":1,"at":"x","kind":"Tick","message":{"number":1}}\n{"seq":2,"at":"x","ki')

    assert [row["seq"] for row in read_flight(path)] == [1]


@pytest.mark.parametrize(
    "line",
    [
        '{"seq":2,',
        "[]",
        '{"seq":2,"at":"x","kind":"Tick","message":{},"same":{"rows":1}}',
        '{"seq":2,"message":{}}',
        '{"seq":2,"at":"x","kind":"Book","message":{},"edited":{"rows":{"of":1,"length":3,"rows":{"1":5}}}}',
        '{"seq":2,"at":"x","kind":"Book","message":{},"edited":{"rows":{"of":1,"length":3,"rows":{"-1":5,"2":5}}}}',
        '{"seq":2,"at":"x","kind":"Book","message":{},"edited":{"rows":{"of":0,"length":2,"rows":{}}}}',
        '{"seq":2,"at":"x","kind":"Book","message":{},"edited":{"rows":{"of":1}}}',
    ],
)
def test_a_damaged_line_is_named(path: Path, line: str) -> None:
    good = '{"seq":1,"at":"x","kind":"Book","message":{"rows":[1,2]}}'
    path.write_text(f"{good}\n{line}\n{good}\n")

    with pytest.raises(StateCorrupt, match="line 2"):
        list(read_flight(path))


def test_a_reference_to_a_line_that_is_not_the_last_one_is_damage(path: Path) -> None:
    path.write_text(
        '{"seq":1,"at":"x","kind":"Book","message":{"rows":[1]}}\n'
        '{"seq":2,"at":"x","kind":"Book","message":{"rows":[2]}}\n'
        '{"seq":3,"at":"x","kind":"Book","message":{},"same":{"rows":1}}\n'
    )

    with pytest.raises(StateCorrupt, match="refers to message 1"):
        list(read_flight(path))


def test_nothing_recorded_is_nothing_to_read(path: Path, disk: RealDisk) -> None:
    assert FlightRecord(disk, path).close()
    assert list(read_flight(path)) == []


def test_a_closed_record_leaves_no_thread(path: Path, disk: RealDisk) -> None:
    record = FlightRecord(disk, path, FlightLimits(part_bytes=1))
    record_all(record, [Tick(number=1), Tick(number=2)])
    record.close()

    assert not any(thread.name == "flight-compression" for thread in threading.enumerate())
