"""`main.py kill|release`: the latch, written by a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator.killing import run_main
from tradebot.adapters.kill_latch import FileLatch
from tradebot.domain.kill import KillMode


@pytest.mark.parametrize(("words", "mode"), [((), KillMode.CANCEL_ENTRIES), (("flatten",), KillMode.FLATTEN)])
def test_a_kill_is_latched_and_a_release_takes_it_back(tmp_path: Path, words: tuple[str, ...], mode: KillMode) -> None:
    killed = run_main("kill", *words, "--home", tmp_path, "--reason", "fat finger")
    latch = FileLatch(tmp_path / "state").read()

    assert (killed.returncode, killed.stderr) == (0, "")
    assert latch is not None
    assert (latch.mode, latch.reason) == (mode, "fat finger")

    released = run_main("release", "--home", tmp_path)

    assert (released.returncode, released.stdout) == (0, "released: entries go on\n")
    assert FileLatch(tmp_path / "state").read() is None


def test_a_mode_that_is_none_is_refused_and_latches_nothing(tmp_path: Path) -> None:
    assert run_main("kill", "everything", "--home", tmp_path).returncode == 2
    assert FileLatch(tmp_path / "state").read() is None
