"""Who owns a state folder, by what the owner wrote down beside its lock: the lock itself is not touched."""

from __future__ import annotations

import platform
import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import psutil

from tradebot.domain.calendar import IST

_WORDS = re.compile(r"process (\d+) on (.+), started ([-\d]+ [:\d]+) IST")


class Owner(StrEnum):
    """`elsewhere`: another machine's words, which cannot be checked from here."""

    NONE = "none"
    RUNNING = "running"
    KILLED = "killed"
    ELSEWHERE = "elsewhere"


def owner_of(state: Path) -> tuple[Owner, str]:
    """Whether a process owns the folder, and its words. Raises OSError for a file that cannot be read."""
    try:
        words = (state / "lock.holder").read_text().strip()
    except FileNotFoundError:
        return Owner.NONE, ""
    found = _WORDS.fullmatch(words)
    if found is None or found[2] != platform.node():
        return Owner.ELSEWHERE, words
    return (Owner.RUNNING if _is_alive(int(found[1]), found[3]) else Owner.KILLED), words


def _is_alive(pid: int, started: str) -> bool:
    """One that has died and that nobody has asked about is dead too: in a container there may be nobody to ask."""
    try:
        process = psutil.Process(pid)
        created = datetime.fromtimestamp(process.create_time(), tz=IST)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
    except psutil.Error:
        return False
    return f"{created:%Y-%m-%d %H:%M:%S}" == started
