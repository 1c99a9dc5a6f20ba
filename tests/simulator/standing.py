"""Where a day stands: all that decides how it goes on, so that two days which stand alike can be told to end alike.

What a new life numbers anew (order ids, stamps of looks, places in a queue) is left out: the unbroken day's end is
compared without it too. A campaign that stops a day where it stands like the unbroken one lives some of its points to
the end all the same, and so checks that nothing that matters is missing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache

from tradebot.engine.state import Memory
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.state import State

Facts = tuple[object, ...]

_NUMBERED_ANEW = frozenset(
    {
        "answered_at",
        "at",
        "booked_at",
        "broker_order_id",
        "broker_status",
        "correlation_id",
        "created_at",
        "detail",
        "exchange_order_id",
        "finished_at",
        "id",
        "last_status_check",
        "looks",
        "opened_by",
        "order_id",
        "outcome",
        "placed_at",
        "position_id",
        "prepared_at",
        "priority",
        "reason",
        "sequence",
        "steps",
        "trade_id",
        "updated_at",
    }
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One instant of a day: the exchange's books and the daemon's memory, in comparable words."""

    exchange: Facts
    orders: frozenset[Facts]
    attempts: frozenset[Facts]
    positions: frozenset[Facts]
    jobs: frozenset[Facts]
    held_back: Facts


Standings = Mapping[datetime, Standing]


def standing(exchange: Exchange, memory: Memory) -> Standing:
    return Standing(
        exchange=_exchange(exchange.snapshot().state),
        orders=_facts(memory.orders.values()),
        attempts=_facts(memory.attempts.values()),
        positions=_facts(memory.positions.values()),
        jobs=frozenset((run.name, run.planned_for) for run in memory.job_runs.values()),
        held_back=(
            memory.is_reconciled,
            memory.is_paused,
            memory.entries_stopped,
            frozenset(memory.orphans),
            frozenset(memory.in_flight),
            frozenset(coid for coid in memory.modifies.names() if memory.modifies.get(coid)),
        ),
    )


def _exchange(state: State) -> Facts:
    archived = [kept.order for of_date in state.archive.values() for kept in of_date.values()]
    return (
        state.book_day,
        _facts([*archived, *state.orders.values()]),
        sum(map(len, state.trades.values())),
        tuple(sorted(state.margins.items(), key=lambda item: item[0])),
        frozenset(row for row in state.holdings.values() if row.quantity),
        len(state.untold),
    )


def _facts(values: Iterable[object]) -> frozenset[Facts]:
    return frozenset(_of(value) for value in values)


def _of(value: object) -> Facts:
    found = (getattr(value, name) for name in _names(type(value)))
    return tuple(tuple(sorted(fact.items())) if isinstance(fact, Mapping) else fact for fact in found)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in _NUMBERED_ANEW)
