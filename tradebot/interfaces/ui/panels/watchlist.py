"""The watchlist: how far each symbol has come down from the day's high, and what is waited for."""

from __future__ import annotations

from rich.segment import SegmentLines

from tradebot.engine.figures_view import WatchRow
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import DIM, Cell, Column, fitted, table, words
from tradebot.interfaces.ui.panels.words import money

_COLUMNS = (
    Column(title="symbol", width=12),
    Column(title="drop %", width=6, is_right=True),
    Column(title="high", width=10, drop=2, is_right=True),
    Column(title="now", width=10, drop=1, is_right=True),
    Column(title="waits for", width=10, drop=3, grows=True),
)


def title(view: DaemonView) -> str:
    return f"Watchlist {len(view.watched)}"


def watchlist(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    if not view.watched:
        return SegmentLines([fitted(words(("no signals for today, and no list", DIM)), width)], new_lines=True)
    rows = [_cells(row) for row in view.watched[offset : offset + max(1, height - 1)]]
    return SegmentLines(table(_COLUMNS, rows, width)[:height], new_lines=True)


def _cells(row: WatchRow) -> list[Cell]:
    drop = "-" if row.drop_pct is None else f"{row.drop_pct:.2f}"
    return [row.symbol, drop, money(row.high), money(row.last), row.waits_for]
