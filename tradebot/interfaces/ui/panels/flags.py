"""The switches that are in force."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import SegmentLines

from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import Line, fitted, words


def flags(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    """From the `offset`th on; a value that has no room beside its name stands below it."""
    lines = [line for name, value in view.flags[offset : offset + height] for line in _lines(name, value, width)]
    return SegmentLines([fitted(line, width) for line in lines[:height]], new_lines=True)


def _lines(name: str, value: str, width: int) -> list[Line]:
    free = width - cell_len(name) - cell_len(value)
    if free > 0:
        return [words(name, " " * free, value, gap="")]
    return [words(name), words(f"{value:>{width}}")]
