"""Which face the daemon shows: the dashboard needs a terminal of its own, everything else gets plain lines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, TextIO

Face = Literal["full", "line", "off"]


def choose_ui(requested: str, stdout: TextIO, environ: Mapping[str, str]) -> Face:
    """`requested` is auto, full, line or off.

    auto and full give the dashboard on a terminal that can move its cursor and in whose foreground we are, else lines.
    Raises ValueError for another word.
    """
    match requested:
        case "off" | "line":
            return requested
        case "auto" | "full":
            return "full" if _is_fit(stdout, environ) else "line"
        case _:
            raise ValueError(f"ui {requested!r}: allowed are auto, full, line, off")


def _is_fit(stdout: TextIO, environ: Mapping[str, str]) -> bool:
    if environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return False
    try:
        return stdout.isatty() and os.tcgetpgrp(stdout.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
