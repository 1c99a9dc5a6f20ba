"""The simulated disk keeps what a file system promises, and nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator.disk import CRASH_KINDS, SimDisk, seeded
from tradebot.adapters.disk import DiskRefused
from tradebot.domain.errors import AlreadyRunning

FOLDER = Path("state")
PATH = FOLDER / "journal"
OTHER = FOLDER / "other"


def a_disk_with(path: Path, content: bytes) -> SimDisk:
    disk = SimDisk()
    disk.append(path, content)
    disk.sync(path)
    disk.sync_dir(path.parent)
    return disk


def outcomes(disk: SimDisk, kind: str, path: Path) -> set[bytes | None]:
    (chosen,) = [each for each in CRASH_KINDS if each == kind]
    return {disk.crash(chosen, seeded(seed)).read(path) for seed in range(200)}


def test_synced_data_and_names_survive_every_crash() -> None:
    disk = a_disk_with(PATH, b"kept")

    assert {content for kind in CRASH_KINDS for content in outcomes(disk, kind, PATH)} == {b"kept"}


def test_a_power_cut_takes_what_was_not_synced() -> None:
    disk = a_disk_with(PATH, b"kept ")
    disk.append(PATH, b"lost")

    assert outcomes(disk, "lost", PATH) == {b"kept "}


def test_a_synced_file_whose_folder_was_not_has_no_name() -> None:
    disk = SimDisk()
    disk.append(PATH, b"data")
    disk.sync(PATH)

    assert outcomes(disk, "lost", PATH) == {None}


def test_a_kill_loses_nothing_but_does_not_sync_either() -> None:
    disk = a_disk_with(PATH, b"kept ")
    disk.append(PATH, b"more")

    killed = disk.crash("process", seeded(0))

    assert killed.read(PATH) == b"kept more"
    assert outcomes(killed, "lost", PATH) == {b"kept "}


def test_the_last_append_is_torn_at_any_byte_and_the_ones_before_are_whole() -> None:
    disk = a_disk_with(PATH, b"")
    disk.append(PATH, b"one ")
    disk.append(PATH, b"two")

    assert outcomes(disk, "torn", PATH) == {b"one ", b"one t", b"one tw", b"one two"}


def test_nothing_after_the_torn_append_has_happened() -> None:
    disk = a_disk_with(PATH, b"")
    disk.append(PATH, b"one")
    disk.truncate(PATH, 0)
    disk.replace(PATH, OTHER)

    assert outcomes(disk, "torn", OTHER) == {None}
    assert b"one" in outcomes(disk, "torn", PATH)


def test_writes_to_different_files_survive_in_any_order() -> None:
    disk = a_disk_with(PATH, b"")
    disk.append(OTHER, b"")
    disk.sync_dir(FOLDER)
    disk.append(PATH, b"first")
    disk.append(OTHER, b"second")

    crashed = [disk.crash("reordered", seeded(seed)) for seed in range(200)]

    found = {(each.read(PATH), each.read(OTHER)) for each in crashed}
    assert {(b"first", b"second"), (b"", b"second"), (b"first", b""), (b"", b"")} <= found


def test_writes_to_one_file_survive_in_their_order() -> None:
    disk = a_disk_with(PATH, b"0")
    disk.append(PATH, b"1")
    disk.truncate(PATH, 0)
    disk.append(PATH, b"2")

    assert outcomes(disk, "reordered", PATH) == {b"0", b"01", b"", b"2"}


def test_a_rename_may_survive_without_the_data_of_its_file() -> None:
    disk = a_disk_with(PATH, b"old")
    disk.append(OTHER, b"new")
    disk.replace(OTHER, PATH)

    assert {b"old", b"", b"new"} <= outcomes(disk, "reordered", PATH)


def test_a_rename_without_its_folders_sync_may_be_lost_while_later_data_survives() -> None:
    disk = a_disk_with(PATH, b"old")
    disk.append(OTHER, b"new")
    disk.sync(OTHER)
    disk.replace(OTHER, PATH)
    disk.append(PATH, b"!")
    disk.sync(PATH)

    assert outcomes(disk, "lost", PATH) == {b"old"}
    assert outcomes(disk, "reordered", PATH) == {b"old", b"new!"}


def test_a_removed_file_may_come_back() -> None:
    disk = a_disk_with(PATH, b"old")
    disk.remove(PATH)
    disk.remove(PATH)

    assert disk.read(PATH) is None
    assert outcomes(disk, "reordered", PATH) == {b"old", None}
    disk.sync_dir(FOLDER)
    assert outcomes(disk, "reordered", PATH) == {None}


def test_a_clone_goes_its_own_way() -> None:
    disk = a_disk_with(PATH, b"common")
    clone = disk.clone()

    clone.append(PATH, b" clone")
    disk.replace(PATH, OTHER)

    assert (disk.read(PATH), disk.read(OTHER)) == (None, b"common")
    assert (clone.read(PATH), clone.read(OTHER)) == (b"common clone", None)


def test_a_lock_belongs_to_one_disk_and_ends_with_it() -> None:
    disk = SimDisk()

    with disk.lock(PATH):
        with pytest.raises(AlreadyRunning), disk.lock(PATH):
            pytest.fail("one disk gave one lock twice")
        with disk.crash("process", seeded(0)).lock(PATH):
            pass
    with disk.lock(PATH):
        pass


def test_a_hook_can_keep_an_effect_from_happening() -> None:
    seen: list[tuple[str, Path]] = []

    def full(name: str, path: Path) -> None:
        seen.append((name, path))
        raise DiskRefused(str(path), "No space left on device", mend="free some space")

    disk = SimDisk(on_effect=full)
    with pytest.raises(DiskRefused):
        disk.append(PATH, b"x")

    assert seen == [("append", PATH)]
    assert disk.read(PATH) is None


def test_what_is_not_there_is_refused() -> None:
    disk = a_disk_with(PATH, b"four")

    with pytest.raises(DiskRefused):
        disk.sync(OTHER)
    with pytest.raises(ValueError, match="fewer"):
        disk.truncate(PATH, 5)
