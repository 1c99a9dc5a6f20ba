"""A file system of its own for a home: small, so that it can be filled; and faults at single system calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_CHUNKS = (65_536, 4_096, 256)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mounted at the folder until the end. Skips where nobody may mount: everywhere but as root of a whole machine."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tradebot-test", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here (it needs root): the full disk is not tested")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def fill(folder: Path, name: str = "ballast") -> Path:
    """A file that takes all the room that is left; removed, there is room again."""
    ballast = folder / name
    with ballast.open("wb", buffering=0) as file:
        for size in _CHUNKS:
            _write_until_full(file.fileno(), size)
    return ballast


def _write_until_full(descriptor: int, size: int) -> None:
    while True:
        try:
            os.write(descriptor, bytes(size))
        except OSError:
            return


def fault_at(path: Path, calls: str, error: str, when: str, trace: Path) -> Sequence[str]:
    """Words before a command: these system calls on this path fail; `when` is 3 (the third), 3+ (and all after it) or
    3..9. Skips without a strace that may trace."""
    words = ["strace", "--follow-forks", "--quiet=all", "--output", str(trace), "--trace-path", str(path)]
    if shutil.which("strace") is None:
        pytest.skip("strace is not there: faults at system calls are not tested")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace may not trace here: faults at system calls are not tested")
    return [*words, "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={when}"]


def beside(words: Sequence[str]) -> Sequence[str]:
    """The same with the tracer as a process beside the command: signals reach the command itself."""
    return [words[0], "--daemonize", *words[1:]]


def injected(trace: Path) -> int:
    """How many calls have failed on purpose."""
    return trace.read_text().count("INJECTED")
