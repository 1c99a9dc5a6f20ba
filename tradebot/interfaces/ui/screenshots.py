"""The screen as a text file, for a report or a question."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

SCREENSHOTS_MAX = 100


def save_screenshot(folder: Path, lines: Sequence[str]) -> Path:
    """Write the lines into the folder's next `screen-001.txt`, whole or not at all.

    Raises OSError, also when there are SCREENSHOTS_MAX already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / f"screen-{number:03d}.txt" for number in range(1, SCREENSHOTS_MAX + 1))
    path = next((path for path in paths if not path.exists()), None)
    if path is None:
        raise OSError(f"{folder} holds {SCREENSHOTS_MAX} screenshots already")
    data = "".join(f"{line}\n" for line in lines).encode()
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if temporary.stat().st_size != len(data):
        raise OSError(f"{temporary} is not complete")
    temporary.replace(path)
    _sync(folder)
    return path


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
