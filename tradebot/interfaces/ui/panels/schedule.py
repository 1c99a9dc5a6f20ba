"""When each job comes next, when it ran last, and what became of it."""

from __future__ import annotations

from rich.segment import SegmentLines

from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import Cell, Column, table
from tradebot.interfaces.ui.panels.words import clock_near

_COLUMNS = (
    Column(title="job", width=13),
    Column(title="next", width=12),
    Column(title="last", width=12, drop=1),
    Column(title="outcome", width=16, drop=2, grows=True),
)


def schedule(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    """The job that comes first is the first line."""
    rows: list[list[Cell]] = [
        [
            row.name.replace("_", " "),
            clock_near(row.next_at, view.now),
            clock_near(row.last_at, view.now),
            row.outcome,
        ]
        for row in view.schedule[offset : offset + max(1, height - 1)]
    ]
    return SegmentLines(table(_COLUMNS, rows, width)[:height], new_lines=True)
