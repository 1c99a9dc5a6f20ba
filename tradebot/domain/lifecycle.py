"""The two state machines: the order's five words and the words of its attempts. Nothing else sets a status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tradebot.domain.errors import InvalidTransition
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerOrderId,
    Fill,
    Order,
    OrderStatus,
    Side,
    cut_reason,
)

CANCEL_REASON = "cancel_reason"
"""Where an order keeps why its cancellation was asked for: the row's reason, once it is confirmed."""


class OrderChange(StrEnum):
    """What may happen to an order. `bought` and `sold` say the side: a filled buy is held, a filled sell is done."""

    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    MODIFIED = "modified"
    CANCEL_ASKED = "cancel_asked"
    BOUGHT = "bought"
    SOLD = "sold"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    POSITION_SOLD = "position_sold"
    RELEASED = "released"
    RETRIED = "retried"
    LINKED = "linked"
    RETRY_FAILED = "retry_failed"
    RETRY_REQUESTED = "retry_requested"
    EXPIRED = "expired"
    ALREADY_HELD = "already_held"
    DROPPED = "dropped"
    REPLACED = "replaced"
    LATE_BOUGHT = "late_bought"
    LATE_SOLD = "late_sold"
    REOPENED = "reopened"


class AttemptChange(StrEnum):
    """What may happen to a client order id."""

    ACKNOWLEDGED = "acknowledged"
    LOST = "lost"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


ORDER_TABLE: Mapping[OrderStatus, Mapping[OrderChange, OrderStatus]] = {
    OrderStatus.PENDING: {
        OrderChange.RELEASED: OrderStatus.PENDING,
        OrderChange.ACCEPTED: OrderStatus.PENDING,
        OrderChange.PARTIALLY_FILLED: OrderStatus.PENDING,
        OrderChange.MODIFIED: OrderStatus.PENDING,
        OrderChange.CANCEL_ASKED: OrderStatus.PENDING,
        OrderChange.BOUGHT: OrderStatus.ONGOING,
        OrderChange.SOLD: OrderStatus.CLOSED,
        OrderChange.REFUSED: OrderStatus.FAILED,
        OrderChange.CANCELLED: OrderStatus.CANCELLED,
    },
    OrderStatus.ONGOING: {
        OrderChange.POSITION_SOLD: OrderStatus.CLOSED,
    },
    OrderStatus.FAILED: {
        OrderChange.RETRIED: OrderStatus.PENDING,
        OrderChange.LINKED: OrderStatus.PENDING,
        OrderChange.RETRY_FAILED: OrderStatus.FAILED,
        OrderChange.RETRY_REQUESTED: OrderStatus.FAILED,
        OrderChange.EXPIRED: OrderStatus.CANCELLED,
        OrderChange.ALREADY_HELD: OrderStatus.CANCELLED,
        OrderChange.DROPPED: OrderStatus.CANCELLED,
        OrderChange.REPLACED: OrderStatus.CANCELLED,
        OrderChange.LATE_BOUGHT: OrderStatus.ONGOING,
        OrderChange.LATE_SOLD: OrderStatus.CLOSED,
        OrderChange.REOPENED: OrderStatus.PENDING,
    },
    OrderStatus.CANCELLED: {
        OrderChange.LATE_BOUGHT: OrderStatus.ONGOING,
        OrderChange.LATE_SOLD: OrderStatus.CLOSED,
        OrderChange.REOPENED: OrderStatus.PENDING,
    },
    OrderStatus.CLOSED: {},
}

_FINISHED_ATTEMPT: Mapping[AttemptChange, AttemptStatus] = {
    AttemptChange.ACKNOWLEDGED: AttemptStatus.PENDING,
    AttemptChange.PARTIALLY_FILLED: AttemptStatus.PARTIALLY_FILLED,
    AttemptChange.FILLED: AttemptStatus.FILLED,
}
_OPEN_ATTEMPT: Mapping[AttemptChange, AttemptStatus] = {
    AttemptChange.LOST: AttemptStatus.UNKNOWN,
    AttemptChange.PARTIALLY_FILLED: AttemptStatus.PARTIALLY_FILLED,
    AttemptChange.FILLED: AttemptStatus.FILLED,
    AttemptChange.CANCELLED: AttemptStatus.CANCELLED,
    AttemptChange.REJECTED: AttemptStatus.REJECTED,
    AttemptChange.EXPIRED: AttemptStatus.EXPIRED,
}

ATTEMPT_TABLE: Mapping[AttemptStatus, Mapping[AttemptChange, AttemptStatus]] = {
    AttemptStatus.PENDING: {AttemptChange.ACKNOWLEDGED: AttemptStatus.PENDING, **_OPEN_ATTEMPT},
    AttemptStatus.PARTIALLY_FILLED: {
        AttemptChange.ACKNOWLEDGED: AttemptStatus.PARTIALLY_FILLED,
        **_OPEN_ATTEMPT,
    },
    AttemptStatus.UNKNOWN: {AttemptChange.ACKNOWLEDGED: AttemptStatus.PENDING, **_OPEN_ATTEMPT},
    AttemptStatus.FILLED: {},
    AttemptStatus.CANCELLED: _FINISHED_ATTEMPT,
    AttemptStatus.REJECTED: _FINISHED_ATTEMPT,
    AttemptStatus.EXPIRED: {
        **_FINISHED_ATTEMPT,
        AttemptChange.CANCELLED: AttemptStatus.CANCELLED,
        AttemptChange.REJECTED: AttemptStatus.REJECTED,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of an order: what, when, why (the reason that will stand in the row) and who said so."""

    change: OrderChange
    at: datetime
    reason: str
    source: str
    broker_status: str | None = None
    broker_order_id: BrokerOrderId | None = None
    figures: Mapping[str, str] = field(default_factory=dict)


def apply(order: Order, transition: Transition) -> Order:
    """The order after the transition. Raises InvalidTransition, naming both words; the order stays as it was."""
    status = ORDER_TABLE[order.status].get(transition.change)
    is_empty = transition.change in _EXECUTIONS and not order.execution_qty
    if status is None or is_empty or not _fits_side(order.side, transition.change):
        raise InvalidTransition(
            f"order {order.id} ({order.side} {order.symbol}) is {order.status}: it cannot be {transition.change}"
        )
    changed = replace(
        order,
        status=status,
        reason=cut_reason(transition.reason),
        updated_at=transition.at,
        last_status_check=transition.at,
        broker_status=transition.broker_status or order.broker_status,
        broker_order_id=transition.broker_order_id or order.broker_order_id,
    )
    return _stamp(changed, transition)


def apply_attempt(attempt: Attempt, change: AttemptChange, at: datetime) -> Attempt:
    """The attempt after the change. Raises InvalidTransition, naming both words."""
    status = ATTEMPT_TABLE[attempt.status].get(change)
    if status is None:
        raise InvalidTransition(f"attempt {attempt.coid} is {attempt.status}: it cannot be {change}")
    return replace(attempt, status=status, updated_at=at)


def book_fill(order: Order, fill: Fill) -> Order:
    """The order with one more fill. The status is not touched: a fill is a fact, whatever the status says."""
    value = order.execution_value + fill.price * fill.quantity
    quantity = order.execution_qty + fill.quantity
    return replace(
        order,
        execution_qty=quantity,
        execution_value=value,
        execution_price=value / quantity,
        execution_time=fill.traded_at,
        first_fill_at=order.first_fill_at or fill.traded_at,
        updated_at=fill.booked_at,
    )


def diagram(table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]]) -> str:
    """A table as a Mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2"]
    for state, changes in table.items():
        lines += [f"    {state} --> {after}: {change}" for change, after in changes.items()]
    return "\n".join(lines)


_BUY_ONLY = frozenset({OrderChange.BOUGHT, OrderChange.LATE_BOUGHT, OrderChange.POSITION_SOLD})
_SELL_ONLY = frozenset({OrderChange.SOLD, OrderChange.LATE_SOLD})
_FAILURES = frozenset({OrderChange.REFUSED, OrderChange.RETRY_FAILED, OrderChange.RETRY_REQUESTED})
_EXECUTIONS = _BUY_ONLY - {OrderChange.POSITION_SOLD} | _SELL_ONLY
_ENDS = frozenset({OrderStatus.CANCELLED, OrderStatus.CLOSED})


def _fits_side(side: Side, change: OrderChange) -> bool:
    return change not in (_SELL_ONLY if side is Side.BUY else _BUY_ONLY)


def _stamp(order: Order, transition: Transition) -> Order:
    at = transition.at
    if transition.change is OrderChange.ACCEPTED:
        return replace(order, placed_at=order.placed_at or at)
    if transition.change is OrderChange.CANCEL_ASKED:
        return replace(order, cancel_requested=True, metadata={**order.metadata, CANCEL_REASON: order.reason})
    if transition.change in _FAILURES:
        return replace(
            order,
            first_failed_at=order.first_failed_at or at,
            last_retry_attempt=at,
            retry_count=order.retry_count + 1,
        )
    if transition.change is OrderChange.REOPENED:
        return replace(order, closed_at=None)
    if transition.change is OrderChange.RETRIED:
        return replace(order, cancel_requested=False, broker_order_id=None, broker_status=None, placed_at=None)
    if transition.change is OrderChange.LINKED:
        return replace(order, cancel_requested=False, placed_at=at, is_manual=True)
    if transition.change in _EXECUTIONS:
        closed_at = at if order.status in _ENDS else None
        return replace(order, filled_at=order.execution_time or at, closed_at=closed_at)
    return replace(order, closed_at=at) if order.status in _ENDS else order
