"""The spool: a folder in which commands wait for the daemon, each in a file of its own, with its answer beside it.

`<id>.command` is one JSON object, {"type": name of the command, "value": its fields}; `<id>.answer` the fields of the
answer. A file is whole or not there. A command is taken away after its answer is on the disk: what a crash leaves is
taken up again, and the daemon knows by the id what it has done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tradebot.adapters.command_decoding import decoder
from tradebot.adapters.disk import write_file
from tradebot.adapters.flight_encoding import encoder
from tradebot.domain.command_runs import COMMAND_ID_LENGTH_MAX
from tradebot.ports import Disk

ANSWERS_MAX = 1_000
"""So many answers are kept; the oldest goes first."""
COMMAND_BYTES_MAX = 1024 * 1024

_COMMAND, _ANSWER = ".command", ".answer"
_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.:-]{{0,{COMMAND_ID_LENGTH_MAX - 1}}}")


class Unreadable(ValueError):
    """A file that is no command; the text says why."""


class CommandFiles:
    """Both ends of the spool: whoever commands puts and asks, the daemon takes and answers. `kinds` are the commands
    by name."""

    def __init__(self, disk: Disk, folder: Path, kinds: Mapping[str, type]) -> None:
        self._disk = disk
        self._folder = folder
        self._kinds = kinds

    def put(self, command_id: str, command: object) -> None:
        """Durable on return. ValueError for an id that cannot name a file; raises SaveFailed."""
        if not _ID.fullmatch(command_id):
            raise ValueError(
                f"{command_id!r}: an id has 1 to {COMMAND_ID_LENGTH_MAX} letters, digits, '_', '.', ':', '-'"
            )
        write_file(self._disk, self._path(command_id, _COMMAND), encoder(object)(command).encode())

    def waiting(self) -> Sequence[str]:
        """The ids of the commands that are there, in the order of their names."""
        names = [name for name in self._disk.names(self._folder) if name.endswith(_COMMAND)]
        return [found for name in names if _ID.fullmatch(found := name.removesuffix(_COMMAND))]

    def command(self, command_id: str) -> Any:
        """None when it is gone. Raises Unreadable for a file that is no command of `kinds`."""
        data = self._disk.read(self._path(command_id, _COMMAND))
        if data is None:
            return None
        if len(data) > COMMAND_BYTES_MAX:
            raise Unreadable(f"{len(data)} bytes, and a command has at most {COMMAND_BYTES_MAX}")
        try:
            return self._decoded(json.loads(data))
        except (ValueError, RecursionError) as error:
            raise Unreadable(str(error)) from error

    def answer(self, command_id: str, answer: object) -> None:
        """The answer first, then the command goes. Raises SaveFailed; then the command is still there."""
        write_file(self._disk, self._path(command_id, _ANSWER), _encoded(answer).encode())
        self._disk.remove(self._path(command_id, _COMMAND))

    def answer_to(self, command_id: str) -> Mapping[str, Any] | None:
        """The fields of the answer, as JSON has them; None while there is none."""
        data = self._disk.read(self._path(command_id, _ANSWER))
        found: Mapping[str, Any] | None = None if data is None else json.loads(data)
        return found

    def prune(self) -> None:
        """Let go of answers beyond `ANSWERS_MAX`."""
        answers = [name for name in self._disk.names(self._folder) if name.endswith(_ANSWER)]
        for name in answers[:-ANSWERS_MAX]:
            self._disk.remove(self._folder / name)

    def _decoded(self, given: Any) -> Any:
        if type(given) is not dict or given.keys() != {"type", "value"}:
            raise ValueError("a command is an object with type and value")
        kind = self._kinds.get(given["type"])
        if kind is None:
            raise ValueError(f"{given['type']!r} is none of {', '.join(sorted(self._kinds))}")
        return decoder(kind)(given["value"])

    def _path(self, command_id: str, suffix: str) -> Path:
        return self._folder / f"{command_id}{suffix}"


def _encoded(answer: object) -> str:
    kind: Any = type(answer)
    return encoder(kind)(answer)
