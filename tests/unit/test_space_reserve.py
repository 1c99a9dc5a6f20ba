"""Room that is kept on the disk: taken where there is enough, given back once, and taken again later."""

from __future__ import annotations

from pathlib import Path

from tradebot.adapters.kill_latch import FileLatch
from tradebot.adapters.space_reserve import FILE, FileReserve
from tradebot.domain.kill import KillMode

KILOBYTE = 1024
MORE_THAN_THERE_IS = 1 << 60


def test_what_is_kept_is_there_and_can_be_given_back_once(tmp_path: Path) -> None:
    reserve = FileReserve(tmp_path, 64 * KILOBYTE, 0)

    assert reserve.take()
    assert (tmp_path / FILE).stat().st_blocks * 512 >= 64 * KILOBYTE, "no hole that holds no room"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert reserve.give_back()
    assert not (tmp_path / FILE).exists()
    assert not reserve.give_back()


def test_what_stands_is_not_made_anew(tmp_path: Path) -> None:
    reserve = FileReserve(tmp_path, 64 * KILOBYTE, 0)
    reserve.take()
    before = (tmp_path / FILE).stat().st_ino

    assert reserve.take()
    assert (tmp_path / FILE).stat().st_ino == before


def test_a_reserve_of_another_size_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"cut")

    assert FileReserve(tmp_path, 64 * KILOBYTE, 0).take()
    assert (tmp_path / FILE).stat().st_size == 64 * KILOBYTE


def test_without_room_for_it_and_for_more_nothing_is_kept(tmp_path: Path) -> None:
    reserve = FileReserve(tmp_path, 64 * KILOBYTE, MORE_THAN_THERE_IS)

    assert not reserve.take()
    assert not (tmp_path / FILE).exists()


def test_a_folder_that_is_not_there_keeps_nothing(tmp_path: Path) -> None:
    assert not FileReserve(tmp_path / "nowhere").take()
    assert not FileReserve(tmp_path / "nowhere").give_back()


def test_an_empty_file_is_a_latch(tmp_path: Path) -> None:
    """What the kill switch leaves on a disk without any room."""
    latch = FileLatch(tmp_path)
    (tmp_path / "kill").touch()

    found = latch.read()

    assert found is not None
    assert found.mode is KillMode.STOP
