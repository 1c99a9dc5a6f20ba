"""Memory has a bound: at the end of each day, what is finished leaves it (the database keeps everything)."""

from __future__ import annotations

from datetime import date

from tradebot.domain.calendar import ist_date
from tradebot.domain.orders import Attempt, OrderId, OrderStatus
from tradebot.domain.stored import COMMAND_RUNS_LOADED
from tradebot.engine.deferring import DEFERRED
from tradebot.engine.memory import Memory, batch_order_key
from tradebot.engine.observing import OBSERVED

_MAY_CHANGE = frozenset({OrderStatus.PENDING, OrderStatus.ONGOING, OrderStatus.FAILED})


def forget_finished(memory: Memory, before: date) -> None:
    """Drop finished orders of trading days before `before` with all that belongs to them, and old decisions."""
    kept = _keep_orders(memory, before)
    for attempt in memory.attempts.values():
        if attempt.order_id not in kept:
            _forget_attempt(memory, attempt)
    for request in memory.requests.values():
        if request.order_id not in kept:
            memory.requests.drop(request.id)
            memory.landings.pop(request.id, None)
    _forget_keys(memory, kept)
    for decision in memory.decisions.values():
        if decision.trading_day < before:
            memory.decisions.drop(decision.id)
    for name in memory.command_runs.names()[:-COMMAND_RUNS_LOADED]:
        memory.command_runs.drop(name)
    forgotten = (OBSERVED, DEFERRED, "foreign:", "silence:", "dead:")
    memory.told = {key for key in memory.told if not key.startswith(forgotten)}
    _forget_ids(memory, kept)
    _forget_batches(memory)
    _forget_rows(memory, before)
    _forget_positions(memory)


def _forget_keys(memory: Memory, kept: set[OrderId]) -> None:
    """What leads to an order, or waits for one, goes with it."""
    for decision_id in memory.breaches.names():
        if memory.breaches[decision_id] not in kept:
            memory.breaches.drop(decision_id)
    for coid in memory.unsent.names():
        if memory.unsent[coid] not in kept:
            memory.unsent.drop(coid)
    for order_id in memory.held_back.names():
        if order_id not in kept:
            memory.held_back.drop(order_id)


def _keep_orders(memory: Memory, before: date) -> set[OrderId]:
    kept = set()
    open_batches = {batch.id for batch in memory.batches.values() if batch.completed_at is None}
    for order in memory.orders.values():
        attempt = memory.attempts.get(order.coid)
        is_open = attempt is not None and attempt.status.is_open
        if order.status in _MAY_CHANGE or is_open or order.trading_day >= before or order.batch_id in open_batches:
            kept.add(order.id)
        else:
            memory.orders.drop(order.id)
            if order.batch_id is not None:
                memory.batch_orders.drop(batch_order_key(order.batch_id, order.leg, order.side))
    return kept


def _forget_attempt(memory: Memory, attempt: Attempt) -> None:
    memory.attempts.drop(attempt.coid)
    memory.sends.drop(attempt.coid)
    memory.modifies.drop(attempt.coid)
    if attempt.broker_order_id is not None:
        memory.coids.drop(attempt.broker_order_id)
        memory.booked.drop(attempt.broker_order_id)
        memory.trades.drop(attempt.broker_order_id)
        memory.seen.pop(attempt.broker_order_id, None)


def _forget_ids(memory: Memory, kept: set[OrderId]) -> None:
    for entry in memory.lifecycle_ids.values():
        if entry.order_id not in kept:
            memory.lifecycle_ids.drop(entry.lifecycle_id)
            memory.newest_ids.drop(f"{entry.order_id}/{entry.id_type}")


def _forget_batches(memory: Memory) -> None:
    """Complete ones none of whose orders is in memory any more."""
    named = {order.batch_id for order in memory.orders.values()}
    for batch in memory.batches.values():
        if batch.completed_at is not None and batch.id not in named:
            memory.batches.drop(batch.id)
    for leg in memory.legs.values():
        if leg.batch_id not in memory.batches:
            memory.legs.drop(f"{leg.batch_id}/{leg.number}")


def _forget_rows(memory: Memory, before: date) -> None:
    """Orders that are not ours, once they have left the broker's book."""
    for broker_order_id, row in list(memory.seen.items()):
        if broker_order_id not in memory.coids and ist_date(row.updated_at) < before:
            del memory.seen[broker_order_id]
            memory.strangers.pop(row.tag or "", None)


def _forget_positions(memory: Memory) -> None:
    for position in memory.positions.values():
        if not position.is_open and not memory.orders.of_position(position.id):
            memory.positions.drop(position.id)
