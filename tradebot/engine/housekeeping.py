"""Memory has a bound: at the end of each day, what is finished leaves it (the database keeps everything)."""

from __future__ import annotations

from datetime import date

from tradebot.domain.orders import OrderStatus
from tradebot.engine.state import Memory

_MAY_CHANGE = frozenset({OrderStatus.PENDING, OrderStatus.ONGOING, OrderStatus.FAILED})


def forget_finished(memory: Memory, before: date) -> None:
    """Drop finished orders of trading days before `before` with all that belongs to them, and old decisions."""
    for order in list(memory.orders.values()):
        attempt = memory.attempts.get(order.coid)
        is_open = attempt is not None and attempt.status.is_open
        if order.status in _MAY_CHANGE or is_open or order.trading_day >= before:
            continue
        memory.orders.drop(order.id)
    kept = {order.id for order in memory.orders.values()}
    for attempt in list(memory.attempts.values()):
        if attempt.order_id in kept:
            continue
        memory.attempts.drop(attempt.coid)
        memory.sends.drop(attempt.coid)
        memory.modifies.drop(attempt.coid)
        if attempt.broker_order_id is not None:
            memory.coids.drop(attempt.broker_order_id)
            memory.trades.drop(attempt.broker_order_id)
            memory.seen.pop(attempt.broker_order_id, None)
    for request in list(memory.requests.values()):
        if request.order_id not in kept:
            memory.requests.drop(request.id)
            memory.landings.pop(request.id, None)
    _forget_positions(memory)
    open_positions = {position.id for position in memory.positions.values() if position.is_open}
    for position_id in memory.sells.names():
        if position_id not in open_positions:
            memory.sells.drop(position_id)
    for decision in list(memory.decisions.values()):
        if decision.trading_day < before:
            memory.decisions.drop(decision.id)


def _forget_positions(memory: Memory) -> None:
    named = {order.position_id for order in memory.orders.values()}
    for position in list(memory.positions.values()):
        if not position.is_open and position.id not in named:
            memory.positions.drop(position.id)
