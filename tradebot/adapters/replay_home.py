"""The folders of a replay: one that was interrupted goes on, one that is finished makes room for the next."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tradebot.adapters.disk import write_file
from tradebot.domain.errors import StateCorrupt
from tradebot.ports import Disk

MARKER = "replay.json"
ARCHIVES_MAX = 5
_BOOKS = ("tradebot.db", "coid_registry.json")


class Begin(StrEnum):
    """How a replay begins in its folder."""

    FRESH = "fresh"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayKey:
    """What makes two replays the same one: then the second may go on where the first was killed."""

    facts: Mapping[str, str]


class ReplayHome:
    """`state/` of a home in which replays run. Its books are never thrown away: they move to `state/archive/<n>`, of
    which the last `ARCHIVES_MAX` are kept (a replay can be run again)."""

    def __init__(self, disk: Disk, state: Path) -> None:
        self._disk = disk
        self._state = state

    def begin(self, key: ReplayKey) -> Begin:
        """Decide, and make room where it is needed. Raises StateCorrupt when the folder holds the books of trading
        that was no replay, or a marker that cannot be read."""
        marker = self._marker()
        if marker is None:
            if any((self._state / name).exists() for name in _BOOKS):
                raise StateCorrupt(
                    str(self._state),
                    "holds the books of a session that was no replay",
                    mend="give the replay a folder of its own with --home",
                )
        elif marker["facts"] == dict(key.facts) and not marker["is_finished"]:
            return Begin.RESUMED
        else:
            self._archive()
        self._write(key, is_finished=False)
        return Begin.FRESH

    def refuse_replay(self) -> None:
        """Raises StateCorrupt when the folder holds a replay: its books are not those of a session that trades."""
        if self._disk.read(self._state / MARKER) is not None:
            raise StateCorrupt(
                str(self._state), "holds a replay", mend="give the session a folder of its own with --home"
            )

    def finish(self, key: ReplayKey) -> None:
        """The replay has come to its end: the next one begins anew."""
        self._write(key, is_finished=True)

    def _marker(self) -> dict[str, object] | None:
        data = self._disk.read(self._state / MARKER)
        if data is None:
            return None
        try:
            marker = json.loads(data)
            if not (isinstance(marker, dict) and {"facts", "is_finished"} <= marker.keys()):
                raise ValueError("no facts")
        except ValueError as error:
            raise StateCorrupt(
                str(self._state / MARKER),
                f"cannot be read ({error})",
                mend=f"move {self._state} away; the replay then begins anew",
            ) from error
        return marker

    def _write(self, key: ReplayKey, *, is_finished: bool) -> None:
        marker = {"facts": dict(key.facts), "is_finished": is_finished}
        write_file(self._disk, self._state / MARKER, json.dumps(marker, indent=1).encode() + b"\n")

    def _archive(self) -> None:
        """The marker moves last: a crash in between is an archive that is gone on with."""
        archive = self._state / "archive"
        numbers = sorted(int(folder.name) for folder in archive.glob("*") if folder.name.isdigit())
        target = archive / str(self._unfinished(archive, numbers))
        target.mkdir(parents=True, exist_ok=True)
        kept = {"archive", "commands", "lock", "lock.holder", MARKER}
        for path in sorted(self._state.iterdir()):
            if path.name not in kept and not path.name.startswith("."):
                path.rename(target / path.name)
        self._disk.replace(self._state / MARKER, target / MARKER)
        for number in numbers[: max(0, len(numbers) + 1 - ARCHIVES_MAX)]:
            shutil.rmtree(archive / str(number))

    def _unfinished(self, archive: Path, numbers: list[int]) -> int:
        last = numbers[-1] if numbers else 0
        is_open = bool(numbers) and not (archive / str(last) / MARKER).exists()
        return last if is_open else last + 1
