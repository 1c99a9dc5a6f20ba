"""How today's entries were filled: rates, waits, and what they cost against the reference."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from rich.segment import SegmentLines

from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import BAD, DIM, GOOD, PLAIN, Line, fitted, words

_LABEL = 8
_COUNT = 5


def title(view: DaemonView) -> str:
    fills = view.fills
    if fills.slippage_p50 is None:
        return f"Fills {fills.total}"
    return f"Fills {fills.total}  slippage bps p50 {fills.slippage_p50:.1f} p95 {fills.slippage_p95:.1f}"


def fills(view: DaemonView, offset: int, width: int, height: int) -> SegmentLines:
    figures = view.fills
    if not figures.total and not figures.slippage:
        return SegmentLines([fitted(words(("no entry has ended today", DIM)), width)], new_lines=True)
    lines = [
        words(
            (f"full {_per_cent(figures.full_pct)}", GOOD),
            f"part {_per_cent(figures.partial_pct)}",
            (f"none {_per_cent(figures.none_pct)}", BAD if figures.none_pct else PLAIN),
        ),
        words(f"filled in {_span(figures.latency_mean)} on average, p95 {_span(figures.latency_p95)}"),
        *(_bar(label, count, figures.slippage, width) for label, count in figures.slippage),
    ]
    return SegmentLines([fitted(line, width) for line in lines[offset : offset + height]], new_lines=True)


def _per_cent(share: Decimal | None) -> str:
    return "-" if share is None else f"{share:.0f}%"


def _span(span: timedelta | None) -> str:
    if span is None:
        return "-"
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def _bar(label: str, count: int, bins: tuple[tuple[str, int], ...], width: int) -> Line:
    """As long as its share of the greatest bin."""
    most = max(number for _, number in bins)
    room = max(1, width - _LABEL - _COUNT - 2)
    length = (room * count + most - 1) // most if most else 0
    return words((f"{label:>{_LABEL}}", DIM), f"{'█' * length:<{room}}", f"{count:>{_COUNT}}", gap=" ")
