"""The calls to the broker: how many, how quick, how many were spared and how many had to wait."""

from __future__ import annotations

from datetime import timedelta

from rich.segment import SegmentLines
from rich.style import Style

from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import BAD, GOOD, PLAIN, Cell, Column, table

_COLUMNS = (
    Column(title="calls", width=16, grows=True),
    Column(title="n", width=8, is_right=True),
    Column(title="%", width=6, is_right=True),
)
_WELL, _BADLY = 50, 15
"""Per cent: a hit rate above the one is good, a share of waits or failures above the other is bad."""


def calls(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    """What is better when higher and what is better when lower are coloured the right way round."""
    figures = view.calls
    rows: list[list[Cell]] = [
        ["to the broker", _number(figures.calls), ""],
        ["had to wait", _number(figures.delayed), _share(figures.delayed or 0, figures.calls or 0, is_high_bad=True)],
        ["no answer", str(figures.failed), _share(figures.failed, figures.calls or 0, is_high_bad=True)],
        ["quotes remembered", str(figures.hits), _share(figures.hits, figures.quotes, is_high_bad=False)],
        ["quotes stale", str(figures.stale), _share(figures.stale, figures.quotes, is_high_bad=True)],
        ["quotes coalesced", _number(figures.joined), _share(figures.joined or 0, _wanted(view), is_high_bad=False)],
        ["quotes fetched", str(figures.misses), _share(figures.misses, figures.quotes, is_high_bad=True)],
        ["orders answered in", _ms(figures.answer_p50), "p50"],
        ["", _ms(figures.answer_p99), "p99"],
    ]
    return SegmentLines(table(_COLUMNS, rows[offset : offset + max(1, height - 1)], width)[:height], new_lines=True)


def _wanted(view: DaemonView) -> int:
    """Quotes that were asked for; 0 where equal requests are not joined."""
    return view.calls.quotes + view.calls.joined if view.calls.joined is not None else 0


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _ms(span: timedelta | None) -> str:
    return "-" if span is None else f"{1000 * span.total_seconds():,.0f} ms"


def _share(part: int, whole: int, *, is_high_bad: bool) -> Cell:
    if not whole:
        return "-"
    per_cent = 100 * part / whole
    return f"{per_cent:.0f}%", _style(per_cent, is_high_bad=is_high_bad)


def _style(per_cent: float, *, is_high_bad: bool) -> Style:
    if is_high_bad:
        return BAD if per_cent > _BADLY else PLAIN
    return GOOD if per_cent > _WELL else PLAIN
