"""Which face the daemon shows: a screen needs a terminal of its own, everything else gets lines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

Face = Literal["full", "heartbeat", "rich", "line", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """ENABLE_LIVE_MONITORS, _LIVE_DASHBOARD, _LIVE_HEARTBEAT and _RICH_LOGGING, as they are in force."""

    monitors: bool = True
    dashboard: bool = True
    heartbeat: bool = True
    rich_lines: bool = True


def choose_ui(requested: str, switches: Switches, stdout: TextIO, environ: Mapping[str, str]) -> Face:
    """`requested` is auto, full, line or off; auto leaves it to the switches.

    A screen is given only to a terminal that can move its cursor and in whose foreground we are, colours only to a
    terminal; else there are plain lines. Raises ValueError for another word.
    """
    if requested not in ("auto", "full", "line", "off"):
        raise ValueError(f"ui {requested!r}: allowed are auto, full, line, off")
    if requested in ("off", "line"):
        return "off" if requested == "off" else "line"
    is_fit = _is_fit(stdout, environ)
    if requested == "full":
        return "full" if is_fit else "line"
    wanted = by_switches(switches)
    return wanted if is_fit else "line"


def by_switches(switches: Switches) -> Face:
    """The face that the switches ask for, on a terminal that is fit for it."""
    if switches.monitors and switches.dashboard:
        return "full"
    if switches.monitors and switches.heartbeat:
        return "heartbeat"
    return "rich" if switches.rich_lines else "line"


def _is_fit(stdout: TextIO, environ: Mapping[str, str]) -> bool:
    if environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return False
    try:
        return stdout.isatty() and os.tcgetpgrp(stdout.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
