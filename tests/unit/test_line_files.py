"""Files of one JSON object a line: what stands in them, their bounds, and disks that refuse."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.log_builders import AT, Valve, an_event, lines_of
from tradebot.adapters import json_lines
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.event_file import EventFile
from tradebot.adapters.json_lines import LineFile, json_object
from tradebot.domain.events import FieldValue


class Color(StrEnum):
    RED = "red"


@given(
    st.dictionaries(
        st.text(),
        st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    )
)
def test_every_flat_object_can_be_read_back(fields: dict[str, FieldValue]) -> None:
    read = json.loads(json_object(fields), parse_float=Decimal, parse_int=Decimal)

    assert read == {key: Decimal(value) if type(value) is int else value for key, value in fields.items()}


def test_what_is_no_number_in_json_is_a_string() -> None:
    text = json_object({"a": float("nan"), "b": Decimal("Infinity"), "c": AT, "d": Color.RED, "e": Path("/x")})

    assert text == '{"a":"nan","b":"Infinity","c":"2026-11-20T04:00:00.123456+00:00","d":"red","e":"/x"}'


def test_two_equal_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        file = EventFile(RealDisk(durability="process"), tmp_path / f"{name}.jsonl")
        for number in range(100):
            file(an_event(fields={"number": number, "price": Decimal("1.50")}))
        assert file.close()

    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert (tmp_path / "a.jsonl").read_text().splitlines()[0] == (
        '{"at":"2026-11-20T04:00:00.123456+00:00","event":"CYCLE","level":"INFO","component":"application",'
        '"correlation_id":"c-1","message":"done","fields":{"number":0,"price":1.50}}'
    )


def test_events_wait_in_memory_until_the_file_is_flushed(tmp_path: Path) -> None:
    file = EventFile(RealDisk(durability="process"), tmp_path / "events.jsonl")
    file(an_event())
    assert not (tmp_path / "events.jsonl").exists()

    assert file.flush()

    assert len(lines_of(tmp_path / "events.jsonl")) == 1
    file.close()


def test_a_full_buffer_is_written_by_itself(tmp_path: Path) -> None:
    file = LineFile(RealDisk(durability="process"), tmp_path / "lines.jsonl", buffer_bytes=20)
    for _ in range(3):
        file.put('{"a":12345}')

    assert (tmp_path / "lines.jsonl").read_text() == '{"a":12345}\n' * 2
    assert file.close()
    assert (tmp_path / "lines.jsonl").read_text() == '{"a":12345}\n' * 3


def test_lines_wait_for_a_disk_that_refuses(tmp_path: Path) -> None:
    valve = Valve()
    file = LineFile(valve.disk(), tmp_path / "lines.jsonl")
    valve.is_open.clear()
    file.put("1")
    assert not file.flush()
    valve.is_open.set()
    file.put("2")

    assert file.close()
    assert (tmp_path / "lines.jsonl").read_text() == "1\n2\n"


def test_lines_beyond_the_bound_are_counted_and_their_place_is_marked(tmp_path: Path) -> None:
    valve = Valve()
    file = LineFile(valve.disk(), tmp_path / "lines.jsonl")
    long = json.dumps("x" * (json_lines.HELD_BYTES_MAX // 4))
    valve.is_open.clear()
    for _ in range(5):
        file.put(long)
    valve.is_open.set()
    assert file.flush()
    file.put("6")

    assert not file.close()
    lines = (tmp_path / "lines.jsonl").read_text().splitlines()
    assert lines[3:] == ['{"lost":2}', "6"]
    assert file.lost == 2


def test_what_could_not_be_written_at_the_close_is_counted(tmp_path: Path) -> None:
    valve = Valve()
    file = LineFile(valve.disk(), tmp_path / "lines.jsonl")
    valve.is_open.clear()
    file.put("1")

    assert not file.close()
    assert not file.close()
    file.put("2")
    assert file.lost == 2


def test_an_event_file_nobody_wrote_to_is_closed_without_a_file(tmp_path: Path) -> None:
    assert EventFile(RealDisk(durability="process"), tmp_path / "events.jsonl").close()
    assert not (tmp_path / "events.jsonl").exists()
