"""The report as plain text, for a terminal and for a message."""

from __future__ import annotations

from tradebot.interfaces.report.charts import bins
from tradebot.interfaces.report.figures import ROWS_MAX, Figures, Rows
from tradebot.interfaces.text.table import table

_STROKES_MAX = 40


def report_text(figures: Figures) -> str:
    width = max(len(name) for name, _ in figures.facts)
    facts = "\n".join(f"{name.ljust(width)}  {value}" for name, value in figures.facts)
    parts = [f"tradebot run {figures.session}", facts, _days(figures), _slippage(figures)]
    sources = "\n".join(f"made from {source}" for source in figures.sources)
    return "\n\n".join([*parts, *(_table(rows) for rows in figures.tables), sources]) + "\n"


def _days(figures: Figures) -> str:
    """The last `ROWS_MAX` days."""
    total = dict(figures.cumulative)
    rows = [(f"{day}", f"{pnl:,.2f}", f"{total[day]:,.2f}") for day, pnl in figures.pnl_by_day]
    return _table(
        Rows(
            title="Realised P&L by day, Rs",
            header=("day", "P&L", "all together"),
            rows=tuple(rows[-ROWS_MAX:]),
            empty="no day has ended",
            right=frozenset({1, 2}),
            left_out=max(0, len(rows) - ROWS_MAX),
        )
    )


def _slippage(figures: Figures) -> str:
    found = bins(figures.slippage_bps)
    most = max((each.count for each in found), default=1)
    rows = tuple(
        (f"{each.low:g}", f"{each.high:g}", str(each.count), "#" * round(each.count * _STROKES_MAX / most))
        for each in found
    )
    title = "Slippage of orders, bps (positive is worse)"
    return _table(
        Rows(title=title, header=("from", "to", "", ""), rows=rows, empty="no fills", right=frozenset({0, 1, 2}))
    )


def _table(rows: Rows) -> str:
    if not rows.rows:
        return f"{rows.title}: {rows.empty}"
    more = f"\nand {rows.left_out} more" if rows.left_out else ""
    return f"{rows.title}\n{table(rows.header, rows.rows, rows.right)}{more}"
