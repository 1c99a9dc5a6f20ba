"""Checks of what was told outside: each fill once in the log, and on the stream what was saved, all of it, in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.auditor.database_view import Fill
from tests.auditor.evidence import Evidence
from tests.auditor.findings import Finding, Kind
from tests.auditor.stream_view import Told


def the_log_tells_each_fill_once(evidence: Evidence) -> Iterator[Finding]:
    """ORDER_FILLED stands once for each order that was filled completely, ORDER_PARTIAL for each partial fill."""
    if evidence.log is None:
        return
    if evidence.log.missing:
        yield Finding(Kind.WRONG_LOG, f"the log itself says that {evidence.log.missing} lines are missing")
    partial = Counter(e.order_id for e in evidence.database.events if e.event == "partially_filled")
    for name, told, happened in (
        ("ORDER_FILLED", evidence.log.filled, _completely_filled(evidence)),
        ("ORDER_PARTIAL", evidence.log.partial, partial),
    ):
        for order_id in sorted(told | happened):
            if told[order_id] != happened[order_id]:
                text = f"{name} of order {order_id}: {told[order_id]} lines, it happened {happened[order_id]} times"
                yield Finding(Kind.WRONG_LOG, text)


def the_stream_tells_what_was_saved(evidence: Evidence) -> Iterator[Finding]:
    """Whatever a client was told stands in the database under the same number; nobody takes back what was told."""
    if evidence.stream is None:
        return
    saved = {
        (event.account_id, event.sequence): (event.order_id, event.event, event.to_status)
        for event in evidence.database.events
    }
    for told in (told for connection in evidence.stream.connections for told in connection):
        found = saved.get((told.account_id, told.sequence))
        if found != (told.order_id, told.event, told.status):
            yield Finding(Kind.WRONG_STREAM, f"{_words(told)}: the database has {found or 'nothing'} there")


def the_stream_has_no_gap(evidence: Evidence) -> Iterator[Finding]:
    """On one connection the numbers of an account grow by one; the last connection goes on to the last event."""
    if evidence.stream is None:
        return
    last: dict[str, int] = {}
    for connection in evidence.stream.connections:
        last = {}
        for told in connection:
            if told.sequence != last.get(told.account_id, told.sequence - 1) + 1:
                yield Finding(Kind.WRONG_STREAM, f"{_words(told)} comes after number {last[told.account_id]}")
            last[told.account_id] = told.sequence
    if evidence.stream.is_to_the_end:
        newest = {event.account_id: event.sequence for event in evidence.database.events}
        for account_id, sequence in last.items():
            if sequence != newest.get(account_id):
                text = f"the stream of {account_id} ends at {sequence}, the database at {newest.get(account_id)}"
                yield Finding(Kind.WRONG_STREAM, text)


def _completely_filled(evidence: Evidence) -> Counter[str]:
    """Orders whose end was a full fill. One that was cancelled, or whose fill came late, is told in other words."""
    fills_of: dict[str, list[Fill]] = defaultdict(list)
    for fill in evidence.database.fills:
        fills_of[fill.order_id].append(fill)
    orders: Counter[str] = Counter()
    for event in evidence.database.events:
        order = evidence.orders.get(event.order_id)
        if order is None or event.event not in ("bought", "sold"):
            continue
        filled = sum(fill.quantity for fill in fills_of[order.id] if fill.booked_at <= event.at)
        if filled >= order.quantity:
            orders[order.id] += 1
    return orders


def _words(told: Told) -> str:
    return f"message {told.sequence} of {told.account_id} ({told.event}, order {told.order_id})"
