"""Checks of batches: what is said of one beside what its orders came to at the exchange."""

from __future__ import annotations

from collections.abc import Iterator

from tests.auditor.database_view import BatchLeg
from tests.auditor.evidence import Evidence
from tests.auditor.findings import Finding, Kind

_NOTHING_LEFT = frozenset({"rolled_back", "failed"})
_OPEN = frozenset({"pending"})


def nothing_is_left_of_what_was_taken_back(evidence: Evidence) -> Iterator[Finding]:
    """A batch that is called rolled back or failed has no open order, and holds no share: what a leg bought, its unwind
    has sold."""
    status = {batch.id: batch.status for batch in evidence.database.batches}
    for leg in evidence.database.batch_legs:
        said = status.get(leg.batch_id)
        if said not in _NOTHING_LEFT:
            continue
        left = _traded(evidence, leg.order_id) - _traded(evidence, leg.unwind_order_id)
        if left:
            yield Finding(Kind.WRONG_BATCH, f"{_words(leg)} is called {said}, and {left} shares of it are left")
        order = evidence.orders.get(leg.order_id or "")
        if order is not None and order.status in _OPEN:
            yield Finding(Kind.WRONG_BATCH, f"{_words(leg)} is called {said}, and its order {order.id} is open")


def every_leg_has_its_batch(evidence: Evidence) -> Iterator[Finding]:
    known = {batch.id for batch in evidence.database.batches}
    for leg in evidence.database.batch_legs:
        if leg.batch_id not in known:
            yield Finding(Kind.WRONG_BATCH, f"{_words(leg)} is of no batch")


def _traded(evidence: Evidence, order_id: str | None) -> int:
    """What the exchange has traded of an order of ours, all its attempts together."""
    of_order = (attempt for attempt in evidence.database.attempts if attempt.order_id == order_id)
    broker_ids = [attempt.broker_order_id for attempt in of_order if attempt.broker_order_id is not None]
    return sum(trade.quantity for broker_id in broker_ids for trade in evidence.trades_of.get(broker_id, ()))


def _words(leg: BatchLeg) -> str:
    return f"batch {leg.batch_id}, leg {leg.number}"
