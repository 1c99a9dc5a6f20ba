"""What stands at the beginning of a run: which program it is, where it writes, and which switches are in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tradebot import __version__
from tradebot.domain.calendar import IST

_TRUE, _FALSE = "true", "false"


def banner(mode: str, session: Path, started_at: datetime, flags: Sequence[tuple[str, str]]) -> list[str]:
    """Lines of plain text. `started_at` is the machine's time; `flags` are names and values as they count now."""
    on = [name for name, value in flags if value == _TRUE]
    off = [name for name, value in flags if value == _FALSE]
    others = [f"{name} = {value}" for name, value in flags if value not in (_TRUE, _FALSE)]
    at = f"{started_at.astimezone(IST):%Y-%m-%d %H:%M:%S} IST"
    return [
        f"tradebot {__version__}, mode {mode}, session {session.name}, started {at}",
        f"session folder: {session}",
        f"on: {', '.join(on) or 'none'}",
        f"off: {', '.join(off) or 'none'}",
        f"set: {'; '.join(others) or 'none'}",
    ]
