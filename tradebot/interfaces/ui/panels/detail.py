"""Everything about one order: the answer to "why?"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from textwrap import wrap

from rich.segment import SegmentLines

from tradebot.domain.calendar import IST
from tradebot.domain.lifecycle_ids import LifecycleId
from tradebot.engine.views import DaemonView, OrderRow
from tradebot.interfaces.ui.browsing import Browsing, events_of, selected_row
from tradebot.interfaces.ui.look import BOLD, DIM, Cell, Column, Line, fitted, from_line, table, words
from tradebot.interfaces.ui.panels.words import clock, money
from tradebot.interfaces.ui.printable import printable

_NAME_LEAST, _NAME_MOST = 28, 40
_TEXT_LEAST = 20


def title(view: DaemonView, browsing: Browsing) -> str:
    row = selected_row(view, browsing)
    return "Order" if row is None else f"Order {row.order.id}  {row.order.symbol}"


def detail(view: DaemonView, browsing: Browsing, width: int, height: int) -> SegmentLines:
    """Its facts, attempts and ids, the figures of its decision, and what was told about it, from the `offset`th line
    on."""
    row = selected_row(view, browsing)
    if row is None:
        return SegmentLines([fitted(words(("the order is not shown any more", DIM)), width)], new_lines=True)
    lines = _table_of(_facts(row), width)
    lines += [_heading("attempts"), *(_attempt_lines(row))]
    lines += [_heading("every id it ever had"), *_table_of(_ids(row), width)]
    lines += [_heading("what decided it"), *_table_of(_decided(row), width)]
    lines += [_heading("what happened, as far as it is remembered"), *_table_of(_told(view, row), width)]
    return SegmentLines(from_line(lines, browsing.offset, width, height), new_lines=True)


def _table_of(facts: Sequence[tuple[str, str]], width: int) -> list[Line]:
    """Names beside their texts; a long text goes on in the lines below, since here it is all wanted."""
    rows: list[list[Cell]] = []
    beside = min(_NAME_MOST, max(_NAME_LEAST, width // 3))
    columns = (Column(title="", width=beside), Column(title="", width=_TEXT_LEAST, grows=True))
    for name, text in facts:
        parts = wrap(printable(text), max(_TEXT_LEAST, width - beside - 1)) or [""]
        rows += [[(name if at == 0 else "", DIM), part] for at, part in enumerate(parts)]
    return table(columns, rows, width)[1:]


def _facts(row: OrderRow) -> list[tuple[str, str]]:
    order = row.order
    price = "market" if order.price is None else money(order.price)
    facts: list[tuple[str, str]] = [
        ("order", f"{order.side} {order.quantity} {order.symbol} ({order.exchange}) at {price}"),
        ("status", f"{order.status}, {order.reason}"),
        ("filled", f"{order.execution_qty} of {order.quantity} at {money(order.average_price)}"),
        ("kind", f"{order.order_type} {order.product} {order.validity} {order.variety}, from {order.orig_source}"),
        ("trading day", order.trading_day.isoformat()),
        ("made", _instant(order.created_at)),
        ("placed", _instant(order.placed_at)),
        ("first fill", _instant(order.first_fill_at)),
        ("changed", _instant(order.updated_at)),
        ("retries", str(order.retry_count)),
        ("retry until", _instant(row.retry_until)),
        ("broker says", order.broker_status or "-"),
        ("broker order", order.broker_order_id or "-"),
        ("client order id", order.coid),
        ("decision", f"{order.decision_id} leg {order.leg}"),
        ("position", order.position_id or "-"),
        ("correlation", order.correlation_id),
    ]
    return facts + sorted((f"  {name}", value) for name, value in order.metadata.items())


def _attempt_lines(row: OrderRow) -> Sequence[Line]:
    if not row.attempts:
        return [words("none is remembered")]
    return [
        words(
            f"{attempt.number}",
            attempt.coid,
            attempt.status,
            f"filled {attempt.filled_quantity} of {attempt.quantity}",
            f"broker order {attempt.broker_order_id or '-'}",
            attempt.broker_status or "",
        )
        for attempt in row.attempts
    ]


def _ids(row: OrderRow) -> list[tuple[str, str]]:
    """Each leads to this order: `main.py ids resolve ID`."""
    return [
        (f"  {entry.id_type} {entry.status}", " ".join(part for part in (entry.lifecycle_id, _became(entry)) if part))
        for entry in row.ids
    ] or [("  none is remembered", "")]


def _became(entry: LifecycleId) -> str:
    replaced = f"replaced by {entry.replaced_by}" if entry.replaced_by else ""
    return "  ".join(text for text in (replaced, entry.notes) if text)


def _decided(row: OrderRow) -> list[tuple[str, str]]:
    """The guards' figures, each found beside allowed where there is a limit."""
    decision = row.decision
    if decision is None:
        return [("  not remembered", "the database keeps it: main.py orders why " + row.order.symbol)]
    words_of = [("  outcome", f"{decision.outcome} {decision.reason}".strip()), ("  at", _instant(decision.at))]
    return words_of + [(f"  {name}", value) for name, value in decision.figures.items()]


def _told(view: DaemonView, row: OrderRow) -> list[tuple[str, str]]:
    told = [(f"{clock(event.at)} {event.name}", event.message) for event in events_of(view, row)]
    return told or [("nothing in the last events", "the database keeps its story")]


def _heading(text: str) -> Line:
    return words((text, BOLD))


def _instant(at: datetime | None) -> str:
    return "-" if at is None else f"{at.astimezone(IST):%Y-%m-%d %H:%M:%S} IST"
