"""The staged rollout: the gates that have to be passed before the next phase, each with its figure and threshold."""

from __future__ import annotations

from rich.segment import SegmentLines

from tradebot.domain.rollout import PHASES, Check, phase_of
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import BAD, DIM, GOOD, Cell, Column, Line, fitted, table, words

_ONE_LINE_COLUMNS = 58
_COLUMNS = (
    Column(title="", width=5),
    Column(title="gate", width=18, grows=True),
    Column(title="found", width=14),
    Column(title="wanted", width=18),
)


def title(view: DaemonView) -> str:
    standing = view.vitals.rollout
    if standing is None:
        return "Rollout"
    return f"Rollout {standing.phase}/{len(PHASES)} {phase_of(standing.phase).name}"


def rollout(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    """From the `offset`th gate on; a gate has two lines where one is too short for it."""
    said = _instead(view)
    if said:
        return SegmentLines([fitted(words((said, DIM)), width)], new_lines=True)
    checks = view.gates[offset : offset + height]
    if width >= _ONE_LINE_COLUMNS:
        rows: list[list[Cell]] = [[_mark(check), check.name, check.found, check.wanted] for check in checks]
        return SegmentLines(table(_COLUMNS, rows, width)[:height], new_lines=True)
    lines = [line for check in checks for line in _two_lines(check)]
    return SegmentLines([fitted(line, width) for line in lines[:height]], new_lines=True)


def _instead(view: DaemonView) -> str:
    """Why there are no gates to show; empty where there are."""
    standing = view.vitals.rollout
    if standing is None:
        return "not begun: the flags are as the file says"
    if standing.figures is None:
        return "its figures are being counted"
    if standing.phase == len(PHASES):
        return "complete: every flag may be on"
    return ""


def _two_lines(check: Check) -> tuple[Line, Line]:
    return words(_mark(check), check.name, gap=" "), words(
        "     ", (f"{check.found}, wanted: {check.wanted}", DIM), gap=" "
    )


def _mark(check: Check) -> Cell:
    return ("go   ", GOOD) if check.is_go else ("NO-GO", BAD)
