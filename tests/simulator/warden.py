"""Stands beside a campaign, and clears up after it, however it ended: processes and folder.

Whatever a campaign starts, and what that starts, carries its folder's name in the environment. The warden holds the
reading end of a pipe whose other end only the campaign has: once that is closed, by an orderly end, Ctrl-C or a kill,
the warden ends all that still carries the name, and removes the folder. Neither a session of its own nor a parent that
has died hides a process from it.

    python -m tests.simulator.warden FOLDER
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import psutil

MARK = "PROVE_CAMPAIGN"
_TRACKER = "resource_tracker"
"""Ends by itself, when all who might have told it something are gone, and removes what they left."""

_LOOKS_MAX, _APART_S = 100, 0.1


@contextmanager
def warden(folder: Path) -> Iterator[None]:
    """For the process that is the campaign: what it starts from here on is cleared up, and `folder` is."""
    beside = {key: value for key, value in os.environ.items() if key != MARK}
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env=beside,
    )
    os.environ[MARK] = str(folder)
    try:
        yield
    finally:
        del os.environ[MARK]
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def clear_up(folder: Path) -> None:
    """Until two looks in a row find nobody: one who was about to start somebody may have done so in between."""
    quiet = 0
    for _ in range(_LOOKS_MAX):
        found = list(_marked(str(folder)))
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        quiet = 0 if found else quiet + 1
        if quiet == 2:
            break
        Event().wait(_APART_S)
    shutil.rmtree(folder, ignore_errors=True)


def _marked(name: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_dead = process.status() == psutil.STATUS_ZOMBIE
            if not is_dead and process.environ().get(MARK) == name and not _is_tracker(process):
                yield process


def _is_tracker(process: psutil.Process) -> bool:
    return any(_TRACKER in word for word in process.cmdline())


if __name__ == "__main__":
    sys.stdin.read()
    clear_up(Path(sys.argv[1]))
