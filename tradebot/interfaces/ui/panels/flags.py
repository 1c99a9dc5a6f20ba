"""The switches that are in force."""

from __future__ import annotations

from rich.segment import SegmentLines

from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import Cell, Column, table

_COLUMNS = (Column(title="flag", width=27, grows=True), Column(title="in force", width=8))


def flags(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    rows: list[list[Cell]] = [[name, value] for name, value in view.flags[offset : offset + max(1, height - 1)]]
    return SegmentLines(table(_COLUMNS, rows, width)[:height], new_lines=True)
