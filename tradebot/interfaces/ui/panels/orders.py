"""The orders: how many there are of each status, and the list of those that are chosen."""

from __future__ import annotations

from datetime import datetime

from rich.segment import SegmentLines
from rich.style import Style

from tradebot.domain.orders import OrderStatus
from tradebot.engine.views import DaemonView, OrderRow
from tradebot.interfaces.ui.browsing import Browsing, selected_at, visible_orders
from tradebot.interfaces.ui.look import BAD, BOLD, DIM, GOOD, PLAIN, Cell, Column, Line, fitted, table, words
from tradebot.interfaces.ui.panels.words import age, clock_near, money

_ROOMY_COLUMNS = 80
_COUNTS = (
    Column(title="", width=1),
    Column(title="status", width=11, grows=True),
    Column(title="n", width=5, is_right=True),
    Column(title="oldest", width=6, is_right=True),
)
_COLUMNS = (
    Column(title="made", width=12, drop=4),
    Column(title="symbol", width=12),
    Column(title="side", width=4),
    Column(title="qty", width=6, is_right=True),
    Column(title="filled", width=6, drop=3, is_right=True),
    Column(title="price", width=10, is_right=True),
    Column(title="avg", width=10, drop=5, is_right=True),
    Column(title="status", width=9),
    Column(title="kind", width=7, drop=6),
    Column(title="age", width=5, drop=2, is_right=True),
    Column(title="reason", width=16, drop=1, grows=True),
)
_STYLES: dict[OrderStatus, Style] = {
    OrderStatus.PENDING: PLAIN,
    OrderStatus.ONGOING: GOOD,
    OrderStatus.CLOSED: DIM,
    OrderStatus.FAILED: BAD,
    OrderStatus.CANCELLED: DIM,
}


def counts(view: DaemonView, browsing: Browsing, width: int, height: int) -> SegmentLines:
    """The five words with their numbers and the age of the oldest; the chosen one is marked."""
    rows: list[list[Cell]] = []
    for number, count in enumerate(view.counts, start=1):
        is_chosen = browsing.status is count.status
        alarm = "!" if count.status is OrderStatus.FAILED and count.count else ""
        style = BOLD if is_chosen else _STYLES[count.status]
        oldest = age(view.now - count.oldest_at) if count.oldest_at else "-"
        rows.append([">" if is_chosen else "", (f"{number} {count.status}", style), f"{count.count}{alarm}", oldest])
    return SegmentLines(table(_COUNTS, rows, width)[:height], new_lines=True)


def counts_in_a_line(view: DaemonView, browsing: Browsing, width: int) -> Line:
    """The same where there is no room for a panel of its own."""
    cells: list[Cell] = []
    for number, count in enumerate(view.counts, start=1):
        is_chosen = browsing.status is count.status
        alarm = "!" if count.status is OrderStatus.FAILED and count.count else ""
        text = f"{'>' if is_chosen else ''}{number} {count.status} {count.count}{alarm}"
        cells.append((text, BOLD if is_chosen else _STYLES[count.status]))
    return fitted(words(*cells, gap="   " if width >= _ROOMY_COLUMNS else " "), width)


def title(view: DaemonView, browsing: Browsing) -> str:
    word = "Orders" if browsing.status is None else f"Orders {browsing.status}"
    of = browsing.status
    total = sum(count.count for count in view.counts if of is None or count.status is of)
    shown = len(visible_orders(view, browsing))
    number = f"{total}" if shown == total else f"{shown} of {total}"
    return f"{word} {number}" + (f"  filter {browsing.filter!r}" if browsing.filter else "")


def orders(view: DaemonView, browsing: Browsing, width: int, height: int) -> SegmentLines:
    """The newest first; the window follows the line under the cursor."""
    rows = visible_orders(view, browsing)
    if not rows:
        return SegmentLines([fitted(words(("no orders to show", DIM)), width)], new_lines=True)
    room = max(1, height - 1)
    at = selected_at(rows, browsing)
    first = min(max(0, at - room // 2), max(0, len(rows) - room))
    cells = [_cells(row, view.now) for row in rows[first : first + room]]
    return SegmentLines(table(_COLUMNS, cells, width, selected=at - first)[:height], new_lines=True)


def _cells(row: OrderRow, now: datetime) -> list[Cell]:
    order = row.order
    return [
        clock_near(order.created_at, now),
        order.symbol,
        str(order.side),
        str(order.quantity),
        str(order.execution_qty) if order.execution_qty else "-",
        "market" if order.price is None else money(order.price),
        money(order.execution_price),
        (str(order.status), _STYLES[order.status]),
        str(order.variety),
        age(now - order.created_at),
        _reason(row, now),
    ]


def _reason(row: OrderRow, now: datetime) -> str:
    if row.order.status is not OrderStatus.FAILED:
        return row.order.reason
    until = f", until {clock_near(row.retry_until, now)}" if row.retry_until else ""
    return f"tried {row.order.retry_count + 1}x{until}: {row.order.reason}"
