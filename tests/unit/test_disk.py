"""The real disk on real files, with system calls that fail where no real file can be made to."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from tests.simulator.disk import CRASH_KINDS, CrashKind, SimDisk, seeded
from tradebot.adapters.disk import (
    OPEN_FILES_MAX,
    READ_BYTES_MAX,
    Calls,
    DiskFailed,
    DiskRefused,
    RealDisk,
    write_file,
)
from tradebot.domain.errors import AlreadyRunning, SaveFailed

ANOTHER_USER = 54_321
HOLD_THE_LOCK = """
import sys
from pathlib import Path
from tradebot.adapters.disk import RealDisk
with RealDisk().lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def disk() -> Iterator[RealDisk]:
    disk = RealDisk()
    yield disk
    disk.close()


@contextmanager
def a_disk(**calls: Callable[..., object]) -> Iterator[RealDisk]:
    disk = RealDisk(calls=Calls(**calls))  # type: ignore[arg-type]
    try:
        yield disk
    finally:
        disk.close()


@contextmanager
def another_process_holding(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert _stdout(process).readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()


def _stdout(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def descriptors_in(folder: Path) -> list[int]:
    return [file.fd for file in psutil.Process().open_files() if Path(file.path).is_relative_to(folder)]


def fails_with(number: int) -> Callable[..., object]:
    def call(*_arguments: object) -> object:
        raise OSError(number, os.strerror(number))

    return call


class WritesThenFails:
    """Write one byte, then raise for as long as `is_full`."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_full = True
        self._wrote = False

    def __call__(self, descriptor: int, data: memoryview) -> int:
        if not self.is_full:
            return os.write(descriptor, data)
        if self._wrote:
            raise OSError(self.number, os.strerror(self.number))
        self._wrote = True
        return os.write(descriptor, data[:1])


class Counted:
    def __init__(self, call: Callable[[int], None]) -> None:
        self.count = 0
        self._call = call

    def __call__(self, descriptor: int) -> None:
        self.count += 1
        self._call(descriptor)


def test_an_append_goes_to_the_end(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"old\n")

    disk.append(path, b"new\n")
    disk.sync(path)

    assert disk.read(path) == b"old\nnew\n"


def test_a_file_that_is_not_there_reads_as_none(disk: RealDisk, tmp_path: Path) -> None:
    assert disk.read(tmp_path / "missing") is None


def test_new_files_and_folders_are_private(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "state" / "inner" / "journal"

    disk.append(path, b"x")

    assert path.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (path.parent, path.parent.parent)} == {0o700}


def test_a_descriptor_is_not_inherited_by_another_program(disk: RealDisk, tmp_path: Path) -> None:
    disk.append(tmp_path / "journal", b"x")

    (descriptor,) = descriptors_in(tmp_path)
    assert not os.get_inheritable(descriptor)


def test_a_short_write_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with a_disk(write=lambda descriptor, data: os.write(descriptor, data[:1])) as disk:
        disk.append(tmp_path / "journal", b"whole")

        assert disk.read(tmp_path / "journal") == b"whole"


def test_a_write_of_nothing_is_refused_and_not_repeated_for_ever(tmp_path: Path) -> None:
    with a_disk(write=lambda descriptor, data: 0) as disk, pytest.raises(DiskRefused, match="wrote nothing"):
        disk.append(tmp_path / "journal", b"x")


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "read-only"), (errno.EINTR, "kernel's log")],
)
def test_an_append_that_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path, number: int, advice: str) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"old\n")
    write = WritesThenFails(number)

    with a_disk(write=write) as disk:
        with pytest.raises(DiskRefused) as refusal:
            disk.append(path, b"new\n")
        assert disk.read(path) == b"old\n"
        assert refusal.value.place == str(path)
        assert advice in refusal.value.mend

        write.is_full = False
        disk.append(path, b"new\n")
        assert disk.read(path) == b"old\nnew\n"


def test_a_torn_end_that_cannot_be_cut_off_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    write = WritesThenFails(errno.ENOSPC)

    with a_disk(write=write, truncate=fails_with(errno.EIO)) as disk:
        with pytest.raises(DiskFailed):
            disk.append(path, b"new\n")
        write.is_full = False
        with pytest.raises(DiskFailed):
            disk.append(path, b"more\n")


def test_after_a_failed_sync_the_file_takes_nothing_and_is_not_synced_again(tmp_path: Path) -> None:
    path, other = tmp_path / "journal", tmp_path / "other"
    sync_data = Counted(fails_with(errno.EIO))  # type: ignore[arg-type]

    with a_disk(sync_data=sync_data) as disk:
        disk.append(path, b"x")
        disk.append(other, b"x")
        uses: list[Callable[[], None]] = [
            lambda: disk.sync(path),
            lambda: disk.sync(path),
            lambda: disk.append(path, b"y"),
            lambda: disk.truncate(path, 0),
            lambda: disk.replace(path, other),
            lambda: disk.replace(other, path),
        ]
        for use in uses:
            with pytest.raises(DiskFailed, match=str(path)):
                use()

    assert sync_data.count == 1
    assert path.read_bytes() == b"x"


def test_after_a_failed_sync_of_a_folder_nothing_is_replaced_in_it(tmp_path: Path) -> None:
    with a_disk(sync_all=fails_with(errno.EIO)) as disk:
        with pytest.raises(DiskFailed):
            write_file(disk, tmp_path / "settings", b"new")
        with pytest.raises(DiskFailed):
            write_file(disk, tmp_path / "settings", b"newer")
    assert (tmp_path / "settings").read_bytes() == b"new"


def test_a_file_that_somebody_replaced_takes_nothing(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    disk.append(path, b"x")
    (tmp_path / "backup").write_bytes(b"older")
    (tmp_path / "backup").replace(path)

    with pytest.raises(DiskFailed, match="replaced by somebody else"):
        disk.append(path, b"y")


def test_a_process_durability_writes_and_never_syncs(tmp_path: Path) -> None:
    sync = Counted(os.fsync)
    disk = RealDisk(durability="process", calls=Calls(sync_data=sync, sync_all=sync))

    write_file(disk, tmp_path / "settings", b"new")
    disk.close()

    assert (tmp_path / "settings").read_bytes() == b"new"
    assert sync.count == 0


def test_a_truncated_file_goes_on_at_its_new_end(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    disk.append(path, b"whole\ntor")

    disk.truncate(path, 6)
    disk.append(path, b"next\n")

    assert disk.read(path) == b"whole\nnext\n"
    with pytest.raises(ValueError, match="fewer"):
        disk.truncate(path, 100)


def test_appends_after_a_replacement_go_to_the_new_file(disk: RealDisk, tmp_path: Path) -> None:
    path, new = tmp_path / "journal", tmp_path / "new"
    disk.append(path, b"old")
    disk.append(new, b"new ")

    disk.replace(new, path)
    disk.append(path, b"end")
    disk.sync(path)

    assert disk.read(path) == b"new end"
    assert disk.read(new) is None


def test_a_removed_file_begins_anew(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    disk.append(path, b"old")

    disk.remove(path)
    disk.remove(path)
    disk.append(path, b"new")

    assert disk.read(path) == b"new"


def test_only_so_many_files_are_open_and_the_oldest_is_synced_before_it_is_closed(tmp_path: Path) -> None:
    sync = Counted(os.fsync)
    with a_disk(sync_data=sync) as disk:
        for number in range(OPEN_FILES_MAX + 5):
            disk.append(tmp_path / str(number), b"x")
        assert len(descriptors_in(tmp_path)) == OPEN_FILES_MAX
        assert sync.count == 5

        disk.append(tmp_path / "0", b"y")
        assert disk.read(tmp_path / "0") == b"xy"


def test_a_folder_and_a_huge_file_are_refused(disk: RealDisk, tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    huge.touch()
    os.truncate(huge, READ_BYTES_MAX + 1)

    with pytest.raises(DiskRefused, match="ordinary file"):
        disk.read(tmp_path)
    with pytest.raises(DiskRefused, match="bytes"):
        disk.read(huge)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_private_file_of_another_user_is_refused(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.touch(0o600)
    os.chown(path, ANOTHER_USER, ANOTHER_USER)

    with pytest.raises(DiskRefused, match=f"belongs to user {ANOTHER_USER}"):
        disk.read(path)
    with pytest.raises(DiskRefused, match=f"belongs to user {ANOTHER_USER}"):
        disk.append(path, b"x")


def test_what_the_system_refuses_names_the_file(disk: RealDisk, tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    uses: list[Callable[[], None]] = [
        lambda: disk.sync(missing),
        lambda: disk.replace(missing, tmp_path / "new"),
    ]
    for use in uses:
        with pytest.raises(DiskRefused, match="No such file"):
            use()
    with pytest.raises(SaveFailed, match="folder"):
        disk.sync_dir(missing)


def test_a_whole_file_is_written_in_one_step(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "state" / "settings"
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "settings.tmp").write_bytes(b"left by a crash")

    write_file(disk, path, b"old")
    write_file(disk, path, b"new")

    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_whole_file_that_finds_no_space_leaves_the_old_one_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"old")

    with a_disk(write=WritesThenFails(errno.ENOSPC)) as disk, pytest.raises(DiskRefused):
        write_file(disk, path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_whole_file_is_not_replaced_by_what_does_not_read_back(tmp_path: Path) -> None:
    def garbled(descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, b"?" * len(data))

    path = tmp_path / "settings"
    path.write_bytes(b"old")

    with a_disk(write=garbled) as disk, pytest.raises(DiskFailed, match="read back"):
        write_file(disk, path, b"new")

    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("kind", CRASH_KINDS)
def test_a_crash_leaves_a_whole_file_old_or_new(kind: CrashKind) -> None:
    path, old, new = Path("state/settings"), b"old" * 100, b"new" * 100
    disk = SimDisk()
    write_file(disk, path, old)
    before_each_effect: list[SimDisk] = []
    disk.on_effect = lambda _name, _path: before_each_effect.append(disk.clone())

    write_file(disk, path, new)

    assert len(before_each_effect) == 5
    for seed in range(20):
        for point in before_each_effect:
            assert point.crash(kind, seeded(seed)).read(path) in (old, new)
        assert disk.crash(kind, seeded(seed)).read(path) == new


def test_a_second_process_is_told_who_holds_the_lock(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"

    with another_process_holding(path) as other:
        with pytest.raises(AlreadyRunning) as refusal, disk.lock(path):
            pytest.fail("two processes hold one lock")

        assert f"process {other.pid} on {platform.node()}, started 20" in refusal.value.holder
        assert refusal.value.holder.endswith("IST")


def test_the_lock_of_a_killed_process_is_free(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_process_holding(path) as other:
        other.kill()
        other.wait()

        with disk.lock(path):
            assert f"process {os.getpid()} " in (tmp_path / "lock.holder").read_text()


def test_a_lock_is_free_after_its_context_and_excludes_within_the_process(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with disk.lock(path), pytest.raises(AlreadyRunning, match=f"process {os.getpid()} "), disk.lock(path):
        pytest.fail("one process holds one lock twice")
    with disk.lock(path):
        pass

    assert not (tmp_path / "lock.holder").exists()


def test_a_holder_that_has_not_written_its_name_yet_still_excludes(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with disk.lock(path):
        (tmp_path / "lock.holder").unlink()

        with pytest.raises(AlreadyRunning, match="has not said which"), disk.lock(path):
            pytest.fail("two hold one lock")
