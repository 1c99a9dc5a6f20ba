"""The alerts that stand, the worst first, and whether somebody has seen them."""

from __future__ import annotations

from textwrap import wrap

from rich.segment import SegmentLines

from tradebot.domain.events import Level
from tradebot.engine.alerts_view import Alert
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import ALARM, BAD, DIM, REVERSE, Cell, Column, fitted, table, words
from tradebot.interfaces.ui.panels.words import age
from tradebot.interfaces.ui.printable import printable

_COLUMNS = (
    Column(title="", width=1),
    Column(title="severity", width=8),
    Column(title="for", width=4, drop=2, is_right=True),
    Column(title="seen", width=4, drop=1),
    Column(title="what", width=16, grows=True),
)
_BESIDE_TEXT = 21
"""Cells of the columns before the text, with the gaps."""
_STYLES = {Level.CRITICAL: REVERSE, Level.ERROR: ALARM, Level.WARNING: BAD}
_TEXT_LEAST = 16
_MARKS = {Level.CRITICAL: "!", Level.ERROR: "!", Level.WARNING: "▲"}


def title(view: DaemonView) -> str:
    return f"Alerts {len(view.alerts)}"


def alerts(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    if not view.alerts:
        return SegmentLines([fitted(words(("none", DIM)), width)], new_lines=True)
    ordered = sorted(view.alerts, key=lambda alert: list(Level).index(alert.level), reverse=True)
    shown = ordered[offset : offset + max(1, height - 1)]
    rows = [row for alert in shown for row in _rows(alert, view, width - _BESIDE_TEXT)]
    return SegmentLines(table(_COLUMNS, rows, width)[:height], new_lines=True)


def _rows(alert: Alert, view: DaemonView, width: int) -> list[list[Cell]]:
    """A long text goes on in the lines below: what is wrong is wanted whole."""
    style = _STYLES.get(alert.level, DIM)
    seen = "yes" if alert.is_seen else "a" if alert.name is not None else ""
    nothing: list[Cell] = [""] * 4
    first, *others = wrap(printable(alert.text), max(_TEXT_LEAST, width)) or [""]
    return [
        [
            (_MARKS.get(alert.level, ""), style),
            (str(alert.level).lower(), style),
            age(view.now - alert.at) if alert.at is not None else "-",
            seen,
            first,
        ],
        *([*nothing, other] for other in others),
    ]
