"""What the guards have blocked today, by reason."""

from __future__ import annotations

from rich.segment import SegmentLines

from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import DIM, Cell, Column, fitted, table, words
from tradebot.interfaces.ui.panels.words import clock

_COLUMNS = (
    Column(title="reason", width=24, grows=True),
    Column(title="n", width=5, is_right=True),
    Column(title="last", width=12, drop=2),
    Column(title="at", width=8, drop=1),
)


def title(view: DaemonView) -> str:
    return f"Guard blocks {sum(block.count for block in view.tail.blocks)}"


def blocks(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    """The most frequent reason first, from the `offset`th on."""
    if not view.tail.blocks:
        return SegmentLines([fitted(words(("nothing was blocked", DIM)), width)], new_lines=True)
    rows: list[list[Cell]] = [
        [block.reason, str(block.count), block.symbol, clock(block.at)]
        for block in view.tail.blocks[offset : offset + max(1, height - 1)]
    ]
    return SegmentLines(table(_COLUMNS, rows, width)[:height], new_lines=True)
