"""Checks of what is told about orders: their events in the database, and their reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.auditor.database_view import Order, OrderEvent
from tests.auditor.evidence import Evidence
from tests.auditor.findings import Finding, Kind

# The table of the order statuses, once more: (from, to), and for which side ("" for both).
TRANSITIONS = {
    (None, "pending"): "",
    ("pending", "pending"): "",
    ("pending", "ongoing"): "buy",
    ("pending", "closed"): "sell",
    ("pending", "failed"): "",
    ("pending", "cancelled"): "",
    ("failed", "pending"): "",
    ("failed", "failed"): "",
    ("failed", "cancelled"): "",
    ("failed", "ongoing"): "buy",
    ("failed", "closed"): "sell",
    ("ongoing", "closed"): "buy",
    ("cancelled", "ongoing"): "buy",
    ("cancelled", "closed"): "sell",
    ("cancelled", "pending"): "",
}
# Only there is a sell never an opening.
_CASH = frozenset({"NSE", "BSE"})


def sequences_have_no_gap(evidence: Evidence) -> Iterator[Finding]:
    """The events of an account are numbered 1, 2, 3 and so on."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for event in evidence.database.events:
        numbers[event.account_id].append(event.sequence)
    for account, found in numbers.items():
        if found != list(range(1, len(found) + 1)):
            gap = next(number for number, this in enumerate(found, start=1) if this != number)
            yield Finding(Kind.BROKEN_STORY, f"account {account}: event {gap} is missing of {found[-1]}")


def each_event_follows_the_last(evidence: Evidence) -> Iterator[Finding]:
    """An event begins at the status where the one before it ended, and the last one ends at the order's status."""
    status: dict[str, str | None] = {}
    for event in evidence.database.events:
        before = status.get(event.order_id)
        if event.from_status != before:
            yield Finding(Kind.BROKEN_STORY, f"{_words(event)} begins at {event.from_status}, the order was {before}")
        status[event.order_id] = event.to_status
    for order in evidence.database.orders:
        last = status.get(order.id)
        if last != order.status:
            yield Finding(Kind.BROKEN_STORY, f"order {order.id} is {order.status}, its last event says {last}")


def only_legal_transitions(evidence: Evidence) -> Iterator[Finding]:
    """Every event is one that the table of statuses allows for the order's side."""
    for event in evidence.database.events:
        order = evidence.orders.get(event.order_id)
        side = TRANSITIONS.get((event.from_status, event.to_status))
        if side is None or (side and order is not None and _is_another_side(order, side)):
            words = f"{event.from_status} -> {event.to_status}"
            of_side = "" if order is None else f" of a {order.side}"
            yield Finding(Kind.ILLEGAL_TRANSITION, f"{_words(event)}: {words}{of_side}")


def every_order_has_a_reason(evidence: Evidence) -> Iterator[Finding]:
    """No reason is empty."""
    for order in evidence.database.orders:
        if not order.reason.strip():
            yield Finding(Kind.MISSING_REASON, f"order {order.id} ({order.coid}) has no reason")


def _is_another_side(order: Order, side: str) -> bool:
    return order.exchange in _CASH and order.side != side


def _words(event: OrderEvent) -> str:
    return f"event {event.sequence} of {event.account_id} ({event.event}, order {event.order_id})"
