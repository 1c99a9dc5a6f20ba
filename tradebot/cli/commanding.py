"""Commands for the daemon of a home: put down durably, and waited for as long as a daemon runs there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

from tradebot.adapters.command_files import CommandFiles
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.holder import Owner, owner_of
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.command_folder import command_files
from tradebot.cli.exit_codes import ExitCode
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import Command
from tradebot.ports import Clock

ANSWER_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.1

_CODES = {
    Outcome.DONE: ExitCode.OK,
    Outcome.ASKED: ExitCode.OK,
    Outcome.UNKNOWN_ID: ExitCode.USAGE,
    Outcome.CONFLICT: ExitCode.REFUSED,
    Outcome.BLOCKED: ExitCode.REFUSED,
    Outcome.INVALID: ExitCode.REFUSED,
}


def send(home: Path, make: Callable[[str], Command], done: str) -> int:
    """Put down the command that `make` gives for a correlation id, and print what became of it; `done` is how it is
    said that it was carried out.

    Without a daemon it stays, and is done at the next start. Raises SaveFailed when it could not be put down.
    """
    command_id, answer = ask(home, make)
    return _say_later(home, command_id) if answer is None else _say(answer, done)


def ask(home: Path, make: Callable[[str], Command]) -> tuple[str, Mapping[str, Any] | None]:
    """Put the command down and wait for its answer: the command's id, and the answer where one came."""
    disk, clock = RealDisk(), RealClock()
    try:
        files = command_files(disk, home)
        command = make(f"cli-{clock.now():%Y%m%dT%H%M%S.%f}-{os.getpid()}")
        files.put(command.correlation_id, command)
        return command.correlation_id, _wait(files, command.correlation_id, home / "state", clock)
    finally:
        disk.close()


def is_running(home: Path) -> bool:
    """Whether somebody is there to answer: a daemon of this machine, or perhaps one of another."""
    return owner_of(home / "state")[0] in (Owner.RUNNING, Owner.ELSEWHERE)


def no_answer(home: Path) -> str:
    """Who has not answered. Of another machine's tradebot (or a container's of another name) it cannot be seen from
    here whether it still runs."""
    owner, words = owner_of(home / "state")
    who = f"tradebot ({words}, as it says; this is another machine)" if owner is Owner.ELSEWHERE else "tradebot"
    return f"{who} has not answered within {ANSWER_WITHIN_S:.0f} s"


def _wait(files: CommandFiles, command_id: str, state: Path, clock: Clock) -> Mapping[str, Any] | None:
    ends_at = clock.monotonic() + ANSWER_WITHIN_S
    while (answer := files.answer_to(command_id)) is None:
        if clock.monotonic() > ends_at or not is_running(state.parent):
            return files.answer_to(command_id)
        Event().wait(_LOOK_EVERY_S)
    return answer


def _say(answer: Mapping[str, Any], done: str) -> int:
    outcome = Outcome(answer["outcome"])
    code = _CODES.get(outcome, ExitCode.CRASH)
    figures = ", ".join(f"{name} {value}" for name, value in answer["figures"].items())
    text = ": ".join(part for part in (str(answer["text"]), figures) if part)
    if code is ExitCode.OK:
        print(f"{done}: {text}" if text else done)
    else:
        print(f"tradebot: {str(outcome).replace('_', ' ')}: {text}", file=sys.stderr)
    return code


def _say_later(home: Path, command_id: str) -> int:
    if not is_running(home):
        print(f"no tradebot runs in {home}: it is kept as {command_id}, and done at the next start")
    else:
        print(f"{no_answer(home)}: it is kept as {command_id}, and will be done")
    return ExitCode.LATER
