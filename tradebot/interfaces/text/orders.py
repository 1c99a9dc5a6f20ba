"""Orders in words: a list, one order with all its facts, and why it is what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from tradebot.domain.calendar import IST
from tradebot.domain.lifecycle import OrderChange
from tradebot.domain.order_queries import OrderStory
from tradebot.domain.orders import Attempt, Decision, Fill, Order, OrderId
from tradebot.interfaces.text.table import table

_BEFORE_SENDING = frozenset({"recorded", OrderChange.RETRIED, OrderChange.LINKED})
"""What stands before the attempt and its requests where all of it has one instant."""

_LOOKS = {
    "cancel": "the look after a cancellation",
    "cycle": "the cycle's look",
    "end_of_day": "the look at the end of the day",
    "linked": "the look after a retry",
    "market_close": "the look at the close",
    "modified": "the look after a change",
    "placed": "the look after a placement",
    "push": "the look after the broker's update",
    "recovery": "the first look of a start",
    "uncertain": "the look after a lost answer",
    "verify": "a look between the cycles",
}
"""A look at the broker's book, by what it was made for; other sources are words already."""


def orders_table(orders: Sequence[Order]) -> str:
    """One line an order, newest first as given."""
    if not orders:
        return "no orders"
    rows = [
        (
            order.id,
            order.symbol,
            order.side,
            str(order.quantity),
            _money(order.price),
            order.status,
            f"{order.execution_qty}@{_money(order.execution_price)}" if order.execution_qty else "-",
            _when(order.created_at),
            order.reason,
        )
        for order in orders
    ]
    header = ("id", "symbol", "side", "quantity", "price", "status", "filled", "created (IST)", "reason")
    return table(header, rows, right=frozenset({3, 4}))


def queue_table(failed: Sequence[Order], ends: Mapping[OrderId, datetime]) -> str:
    """The retry queue, the order that expires next first; `ends` says when each does."""
    if not failed:
        return "no order waits to be tried again"
    rows = [
        (
            order.id,
            order.symbol,
            order.side,
            str(order.quantity),
            _money(order.price),
            str(order.retry_count),
            _when(order.first_failed_at or order.created_at),
            _when(ends[order.id]),
            order.reason,
        )
        for order in sorted(failed, key=lambda order: (ends[order.id], order.id))
    ]
    header = ("id", "symbol", "side", "quantity", "price", "failures", "failed (IST)", "until (IST)", "reason")
    return table(header, rows, right=frozenset({3, 4, 5}))


def order_facts(order: Order, attempts: Sequence[Attempt], fills: Sequence[Fill]) -> str:
    """Every field of the order that is set, its attempts and its fills."""
    facts = {
        "id": order.id,
        "client order id": order.coid,
        "broker order id": order.broker_order_id or "-",
        "order": f"{order.symbol} {order.exchange} {order.side} {order.quantity} @ {_money(order.price)}",
        "kind": f"{order.order_type} {order.product} {order.validity} {order.variety}",
        **({"trigger": _money(order.trigger_price)} if order.trigger_price is not None else {}),
        "status": f"{order.status} ({_broker_says(order, attempts)})",
        "reason": order.reason,
        "filled": f"{order.execution_qty} @ {_money(order.execution_price)}",
        "decision": f"{order.decision_id} (leg {order.leg})",
        "position": order.position_id or "-",
        "for the day": order.trading_day.isoformat(),
        "created": _when(order.created_at),
        "updated": _when(order.updated_at),
        **dict(sorted(order.metadata.items())),
    }
    width = max(len(name) for name in facts)
    lines = [f"{name.ljust(width)}  {value}" for name, value in facts.items()]
    lines += [
        f"attempt {attempt.number}: {attempt.coid} {attempt.variety} {attempt.status},"
        f" {attempt.filled_quantity} of {attempt.quantity} filled"
        for attempt in attempts
    ]
    lines += [f"fill {fill.trade_id}: {fill.quantity} @ {fill.price} at {_when(fill.traded_at)}" for fill in fills]
    return "\n".join(lines)


def _broker_says(order: Order, attempts: Sequence[Attempt]) -> str:
    """Its own word: that of the last change of the order, or what its book has shown of the client order id since."""
    shown = next((attempt.broker_status for attempt in attempts if attempt.coid == order.coid), None)
    unheard = "nothing heard from the broker" if order.placed_at is None else "taken by the broker"
    return shown or order.broker_status or unheard


def order_story(story: OrderStory, decision: Decision | None) -> str:
    """Everything that happened to the order, in order of time, each with its cause: the answer to "why?". From the
    decision over every attempt to the fills, and what became of the shares."""
    order = story.order
    lines: list[tuple[datetime, int, str]] = []
    if decision is not None:
        figures = f" {_figures(decision.figures)}" if decision.figures else ""
        text = f"decided: {decision.outcome}{' - ' + decision.reason if decision.reason else ''}{figures}"
        lines.append((decision.at, 0, text))
    for event in story.events:
        was = f"{event.from_status} -> " if event.from_status else ""
        said_by = _LOOKS.get(event.source, event.source)
        text = f"{event.event}: {was}{event.to_status}, said by {said_by}: {event.reason} {_figures(event.figures)}"
        lines.append((event.at, 1 if event.event in _BEFORE_SENDING else 5, text.rstrip()))
    for attempt in story.attempts:
        text = (
            f"attempt {attempt.number}: {attempt.coid}, {attempt.variety} {attempt.quantity} @ {_money(attempt.price)}"
        )
        lines.append((attempt.created_at, 2, f"{text}; it is {attempt.status} by now"))
    for request in story.requests:
        payload = _figures(request.payload)
        lines.append((request.prepared_at, 3, f"{request.kind} prepared, then sent: {payload}".rstrip(": ")))
        if request.answered_at is not None:
            detail = f": {request.detail}" if request.detail else ""
            lines.append((request.answered_at, 4, f"{request.kind} {request.state}{detail}"))
    for fill in story.fills:
        late = " (late)" if fill.is_late else ""
        lines.append(
            (fill.booked_at, 6, f"fill booked{late}: {fill.quantity} @ {fill.price}, traded {_when(fill.traded_at)}")
        )
    for other in story.related:
        text = f"{other.side} order {other.id} of the same position: {other.status} by now, {other.reason}"
        lines.append((other.created_at, 7, text))
    told = [f"{_when(at)}  {text}" for at, _, text in sorted(lines, key=lambda line: line[:2])]
    head = f"{order.symbol} {order.side} {order.quantity} @ {_money(order.price)} is {order.status}: {order.reason}"
    if "rule" in order.metadata:
        head += f" (rule: {order.metadata['rule']})"
    if "waits_for" in order.metadata:
        head += f" (waits until order {order.metadata['waits_for']} is cancelled)"
    return "\n".join([head, *told])


def decision_story(decisions: Sequence[Decision], orders: Mapping[OrderId, Order]) -> str:
    """What became of signals: outcome, reason, each figure beside its threshold, and the order where there is one."""
    lines = []
    for decision in decisions:
        reason = f" - {decision.reason}" if decision.reason else ""
        what = f"{decision.id} {decision.symbol} {decision.side} for {decision.trading_day}: {decision.outcome}{reason}"
        lines.append(f"{_when(decision.at)}  {what} {_figures(decision.figures)}".rstrip())
        order = orders.get(decision.order_id) if decision.order_id is not None else None
        if order is not None:
            lines.append(f"{'':19}  order {order.id} is {order.status}: {order.reason}")
    return "\n".join(lines)


def _figures(figures: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in figures.items())


def _money(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:.2f}"


def _when(at: datetime) -> str:
    return at.astimezone(IST).strftime("%Y-%m-%d %H:%M:%S")
