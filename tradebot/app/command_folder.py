"""The spool's folder, for either end: whoever asks from a terminal needs no engine for it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from tradebot.adapters.command_files import CommandFiles
from tradebot.engine.commands import Command, PolicyChanged
from tradebot.ports import Disk

KINDS = {kind.__name__: kind for kind in get_args(Command) if kind is not PolicyChanged}
"""What may come through the spool, by name. A policy comes from its file, checked as a whole."""


def command_files(disk: Disk, home: Path) -> CommandFiles:
    """The spool of a home, for either end."""
    return CommandFiles(disk, home / "state" / "commands", KINDS)
