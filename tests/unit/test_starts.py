"""Starts in a row: which are deaths of one series, how long the next one waits, and what a power cut leaves of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.simulator.disk import CRASH_KINDS, CrashKind, PowerCut, SimDisk, seeded
from tradebot.adapters.disk import DiskFull, RealDisk
from tradebot.adapters.start_record import FILE, STARTS_MAX, StartRecord
from tradebot.domain.starts import APART, MANY, Starts, in_a_row, wait_after

NOW = datetime(2026, 9, 16, 5, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FOLDER = Path("/home/state")
SEEDS = 8


def begin(disk: SimDisk | RealDisk, folder: Path, at: datetime) -> StartRecord:
    record = StartRecord(disk, folder)
    record.begin(at)
    return record


def deaths_before(disk: SimDisk | RealDisk, folder: Path, at: datetime) -> int:
    return len(StartRecord(disk, folder).begin(at).at)


def test_starts_within_an_hour_of_each_other_are_one_series_however_long_it_is() -> None:
    apart = APART - MINUTE
    starts = Starts(at=tuple(NOW + number * apart for number in range(4)))

    assert in_a_row(starts, NOW + 4 * apart).at == starts.at


def test_a_process_that_lived_for_an_hour_ends_the_series() -> None:
    starts = Starts(at=(NOW, NOW + MINUTE, NOW + MINUTE + APART), is_told=True)

    found = in_a_row(starts, NOW + MINUTE + APART + MINUTE)

    assert found.at == starts.at[2:]
    assert not found.is_told, "what is told of one series is not told of the next"


def test_a_clock_that_was_set_back_makes_no_difference() -> None:
    starts = Starts(at=(NOW, NOW - 5 * MINUTE, NOW - 9 * MINUTE))

    assert in_a_row(starts, NOW - 20 * MINUTE).at == starts.at


def test_the_wait_begins_with_the_third_death_and_grows_to_a_minute() -> None:
    waits = [wait_after([NOW] * deaths).total_seconds() for deaths in range(MANY + 6)]

    assert waits == [0, 0, 0, 5, 10, 20, 40, 60, 60]
    assert wait_after([NOW] * 10_000) == MINUTE


def test_deaths_are_counted_and_an_orderly_end_ends_them(tmp_path: Path) -> None:
    disk = RealDisk()
    for number in range(MANY):
        assert deaths_before(disk, tmp_path, NOW + number * MINUTE) == number
    record = StartRecord(disk, tmp_path)
    assert len(record.begin(NOW + MANY * MINUTE).at) == MANY
    record.end()

    assert not (tmp_path / FILE).exists()
    assert deaths_before(disk, tmp_path, NOW + 5 * MINUTE) == 0
    disk.close()


def test_what_was_told_is_known_to_the_next_start_of_the_series(tmp_path: Path) -> None:
    disk = RealDisk()
    for number in range(MANY):
        begin(disk, tmp_path, NOW + number * MINUTE)
    record = StartRecord(disk, tmp_path)
    assert not record.begin(NOW + 4 * MINUTE).is_told
    record.told()

    assert StartRecord(disk, tmp_path).begin(NOW + 5 * MINUTE).is_told
    disk.close()


def test_the_file_does_not_grow(tmp_path: Path) -> None:
    disk = RealDisk(durability="process")
    for number in range(3 * STARTS_MAX):
        begin(disk, tmp_path, NOW + number * MINUTE)

    assert deaths_before(disk, tmp_path, NOW + 3 * STARTS_MAX * MINUTE) == STARTS_MAX
    assert (tmp_path / FILE).stat().st_size < 100 * STARTS_MAX
    disk.close()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"starts": 1, "told": false}',
        b'{"starts": ["noon"], "told": false}',
        b'{"starts": ["2026-09-16T05:30:00"], "told": false}',
        b'{"starts": [3], "told": false}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_record_counts_nothing_and_keeps_nobody_from_starting(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    disk = RealDisk(durability="process")
    record = StartRecord(disk, tmp_path)

    assert record.begin(NOW) == Starts()
    assert FILE in record.problem
    assert deaths_before(disk, tmp_path, NOW + MINUTE) == 1, "it is whole again"
    disk.close()


def test_a_disk_that_refuses_keeps_nobody_from_starting(tmp_path: Path) -> None:
    def refuse(name: str, path: Path) -> None:
        raise DiskFull(str(path), f"no space for {name}", mend="make some")

    record = StartRecord(SimDisk(refuse), tmp_path)

    assert record.begin(NOW) == Starts()
    assert "no space" in record.problem
    record.told()
    record.end()


@pytest.mark.parametrize("kind", CRASH_KINDS)
def test_a_crash_at_any_effect_leaves_the_record_before_or_after_it(kind: CrashKind) -> None:
    """Three deaths, the fourth start dies at each effect of what it writes: the next one counts three or four."""
    effects = _effects_until(None, SimDisk())
    assert effects > 10
    for number in range(effects):
        for seed in range(SEEDS):
            disk = SimDisk()
            _effects_until(number, disk)
            found = StartRecord(disk.crash(kind, seeded(seed)), FOLDER)
            deaths = len(found.begin(NOW + 9 * MINUTE).at)

            assert found.problem == ""
            assert deaths in (number // EFFECTS_OF_A_START, number // EFFECTS_OF_A_START + 1)


EFFECTS_OF_A_START = 5
"""Of the temporary file: append, sync; then its rename, and the sync of the folder. One before: what lies there of a
death goes."""


def _effects_until(wanted: int | None, disk: SimDisk) -> int:
    """Live through four starts that die, or up to the effect of that number; how many effects there were."""
    count = 0

    def mark(name: str, path: Path) -> None:
        nonlocal count
        if count == wanted:
            raise PowerCut
        count += 1

    disk.on_effect = mark
    with suppress(PowerCut):
        for number in range(4):
            begin(disk, FOLDER, NOW + number * MINUTE)
    disk.on_effect = None
    return count
