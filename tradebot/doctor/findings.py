"""The findings that every check can end with."""

from __future__ import annotations

from datetime import datetime

from tradebot.doctor.evidence import Unreadable
from tradebot.domain.calendar import IST
from tradebot.interfaces.text.examination import Area, Finding, Level


def ok(area: Area, what: str, detail: str, lines: tuple[str, ...] = ()) -> Finding:
    return Finding(level=Level.OK, area=area, what=what, detail=detail, lines=lines)


def warn(area: Area, what: str, detail: str, todo: str, lines: tuple[str, ...] = ()) -> Finding:
    return Finding(level=Level.WARN, area=area, what=what, detail=detail, todo=todo, lines=lines)


def bad(area: Area, what: str, detail: str, todo: str, lines: tuple[str, ...] = ()) -> Finding:
    return Finding(level=Level.BAD, area=area, what=what, detail=detail, todo=todo, lines=lines)


def unreadable(area: Area, what: str, why: Unreadable) -> Finding:
    return bad(area, what, why.problem, why.mend, why.lines)


def not_looked_at(area: Area, what: str, because: str) -> Finding:
    """A check that could not run is no check that was passed."""
    return warn(area, what, f"not looked at: {because}", "mend that first")


def nothing_yet(area: Area, what: str) -> Finding:
    return ok(area, what, "nothing has run here yet")


def when(at: datetime) -> str:
    return f"{at.astimezone(IST):%Y-%m-%d %H:%M:%S}"
