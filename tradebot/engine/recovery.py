"""What the engine starts from: memory rebuilt from the database, checked against the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tradebot.domain.coids import stands_in_no_registry
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerRequest,
    OrderId,
    OrderStatus,
    RequestKind,
    RequestState,
)
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.stored import Stored
from tradebot.engine import ledger
from tradebot.engine.entry_slippage import BREACH
from tradebot.engine.halts import read_halts
from tradebot.engine.jobs import PAUSED
from tradebot.engine.memory import Memory, batch_order_key
from tradebot.engine.messages import Job
from tradebot.engine.retry_desk import WAITS_FOR
from tradebot.ports import IdRegistry, OrderStore

_MAY_WAIT = (OrderStatus.PENDING, OrderStatus.FAILED)


def remember(stored: Stored, store: OrderStore, registry: IdRegistry) -> Memory:
    """Memory as the database knows it; entries that only the registry knows become orphans, to be looked up.

    Raises StateCorrupt when the database has an open attempt that the registry does not know: an id is always
    written there first, so that registry is an old or a damaged one.
    """
    memory = Memory()
    _remember_orders(memory, stored)
    _remember_attempts(memory, stored, registry)
    _remember_requests(memory, stored)
    for position in stored.positions:
        memory.positions[position.id] = position
    for decision in stored.decisions:
        memory.decisions[decision.id] = decision
    for account, sequence in stored.sequences.items():
        memory.sequences[account] = sequence
    for run in stored.job_runs:
        memory.job_runs[Job(run.name)] = run
    for done in stored.command_runs:
        memory.command_runs[done.correlation_id] = done
    for entry in stored.lifecycle_ids:
        memory.lifecycle_ids[entry.lifecycle_id] = entry
        memory.newest_ids[f"{entry.order_id}/{entry.id_type}"] = entry.lifecycle_id
    for batch in stored.batches:
        memory.batches[batch.id] = batch
    for leg in stored.batch_legs:
        memory.legs[f"{leg.batch_id}/{leg.number}"] = leg
    memory.manual_halts = read_halts(memory.job_runs.get(Job.HALTS))
    pause = memory.job_runs.get(Job.PAUSE)
    memory.is_paused = pause is not None and pause.outcome == PAUSED
    _settle_registry(memory, store, registry)
    return memory


def _remember_orders(memory: Memory, stored: Stored) -> None:
    for order in stored.orders:
        memory.orders[order.id] = order
        if order.batch_id is not None:
            memory.batch_orders[batch_order_key(order.batch_id, order.leg, order.side)] = order.id
        if BREACH in order.metadata:
            memory.breaches[order.decision_id] = order.id
    for fill in stored.fills:
        known = memory.trades.get(fill.broker_order_id) or frozenset()
        memory.trades[fill.broker_order_id] = known | {fill.trade_id}


def _remember_attempts(memory: Memory, stored: Stored, registry: IdRegistry) -> None:
    for attempt in stored.attempts:
        if attempt.status.is_open and not stands_in_no_registry(attempt.coid) and registry.get(attempt.coid) is None:
            raise StateCorrupt(
                "state/coid_registry.json",
                f"{attempt.coid} ({attempt.symbol} {attempt.side}) is open in the database and unknown here",
                mend="put back the newest copy of state/coid_registry.json and its journal, then run `main.py doctor`",
            )
        memory.attempts[attempt.coid] = attempt
        if attempt.broker_order_id is not None:
            memory.coids[attempt.broker_order_id] = attempt.coid
            memory.booked[attempt.broker_order_id] = attempt.filled_quantity
    for order in stored.orders:
        if order.coid not in memory.attempts:
            memory.unsent[order.coid] = order.id
        if (waits_for := order.metadata.get(WAITS_FOR)) and order.status in _MAY_WAIT:
            memory.held_back[order.id] = OrderId(waits_for)


def _remember_requests(memory: Memory, stored: Stored) -> None:
    for request in stored.requests:
        memory.requests[request.id] = request
        if request.kind is RequestKind.MODIFY and request.coid in memory.attempts:
            memory.modifies[request.coid] = request.id if _may_be_made(request, memory) else ""


def _may_be_made(request: BrokerRequest, memory: Memory) -> bool:
    """A change that was not refused, and that the attempt does not show yet."""
    is_over = request.state in (RequestState.REFUSED, RequestState.UNSENT)
    attempt, payload = memory.attempts[request.coid], request.payload
    is_shown = (Decimal(payload["price"]), int(payload["quantity"])) == (attempt.price, attempt.quantity)
    return not is_over and not is_shown


def _settle_registry(memory: Memory, store: OrderStore, registry: IdRegistry) -> None:
    """Entries that lag behind the database catch up with it; those that it does not know become orphans."""
    lagging = {e.coid: e for e in registry.open_entries() if e.coid not in memory.attempts}
    known = store.attempts(sorted(lagging)) if lagging else ()
    behind = [attempt for attempt in memory.attempts.values() if _is_behind(registry.get(attempt.coid), attempt)]
    orders = {attempt.coid: memory.orders.get(attempt.order_id) for attempt in behind}
    registry.note([ledger.registry_entry(attempt, orders.get(attempt.coid)) for attempt in [*behind, *known]])
    for attempt in known:
        del lagging[attempt.coid]
    memory.orphans = lagging


def reserved_and_never_sent(registry: IdRegistry, memory: Memory, now: datetime) -> list[RegistryEntry]:
    """At an orderly end: ids that this process has reserved and whose orders it could not save. Nothing is sent that is
    not saved, so that they are no doubt for the next start. A process that was killed leaves them as one."""
    return [
        replace(entry, status=AttemptStatus.EXPIRED, updated=now)
        for entry in registry.open_entries()
        if entry.coid not in memory.attempts and entry.coid not in memory.orphans and entry.broker_order_id is None
    ]


def note(registry: IdRegistry, entries: Sequence[RegistryEntry]) -> None:
    """What became of ids. One that has ended in the database and that the registry does not know, since its files are
    older, is written there anew."""
    unknown = [entry for entry in entries if registry.get(entry.coid) is None]
    if unknown:
        registry.reserve(unknown)
    registry.note([entry for entry in entries if entry not in unknown])


def _is_behind(entry: RegistryEntry | None, attempt: Attempt) -> bool:
    """A note was lost with the process that had saved the attempt."""
    if entry is None:
        return False
    known = (entry.status, entry.filled_qty, entry.broker_order_id)
    return known != (attempt.status, attempt.filled_quantity, attempt.broker_order_id)
