"""What is held, what it cost, and what it is worth at the last price."""

from __future__ import annotations

from datetime import datetime

from rich.segment import SegmentLines

from tradebot.engine.views import DaemonView, PositionRow
from tradebot.interfaces.ui.look import BAD, DIM, PLAIN, Cell, Column, fitted, table, words
from tradebot.interfaces.ui.panels.words import age, gain, money

_COLUMNS = (
    Column(title="symbol", width=12, grows=True),
    Column(title="side", width=4, drop=5),
    Column(title="product", width=7, drop=4),
    Column(title="qty", width=7, is_right=True),
    Column(title="avg", width=11, drop=2, is_right=True),
    Column(title="last", width=11, drop=1, is_right=True),
    Column(title="P&L Rs", width=14, is_right=True),
    Column(title="%", width=10, is_right=True),
    Column(title="realised", width=12, drop=6, is_right=True),
    Column(title="held", width=5, drop=3, is_right=True),
    Column(title="exit", width=18, drop=7),
)


def title(view: DaemonView) -> str:
    return f"Positions {view.positions_open}/{view.positions_max}"


def positions(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    """The newest first, from the `offset`th on."""
    if not view.positions:
        return SegmentLines([fitted(words(("nothing is held", DIM)), width)], new_lines=True)
    rows = [_cells(row, view.now) for row in view.positions[offset : offset + max(1, height - 1)]]
    return SegmentLines(table(_COLUMNS, rows, width)[:height], new_lines=True)


def _cells(row: PositionRow, now: datetime) -> list[Cell]:
    position = row.position
    return [
        position.symbol,
        "buy" if position.quantity >= 0 else "sell",
        str(position.product),
        str(position.quantity),
        money(position.average_price),
        money(row.last_price),
        gain(row.gain),
        gain(row.gain_pct, "%"),
        money(position.realised_pnl),
        age(now - position.first_fill_at),
        (position.exit_rule or "", BAD if position.exit_rule else PLAIN),
    ]
