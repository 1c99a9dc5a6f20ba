"""The help, made from the key table."""

from __future__ import annotations

from rich.segment import SegmentLines

from tradebot.interfaces.ui.keys import BINDINGS
from tradebot.interfaces.ui.look import Column, from_line, table

_COLUMNS = (Column(title="key", width=14), Column(title="what it does", width=20, grows=True))


def help_page(offset: int, width: int, height: int) -> SegmentLines:
    titles, *keys = table(_COLUMNS, [[binding.shown, binding.does] for binding in BINDINGS], width)
    return SegmentLines([titles, *from_line(keys, offset, width, height - 1)], new_lines=True)
