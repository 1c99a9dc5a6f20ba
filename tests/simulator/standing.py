"""Where a day stands: all that decides how it goes on, so that two days which stand alike can be told to end alike.

What a new life numbers anew (order ids, stamps of looks, places in a queue) is left out: the unbroken day's end is
compared without it too. A campaign that stops a day where it stands like the unbroken one lives some of its points to
the end all the same, and so checks that nothing that matters is missing here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from types import MappingProxyType

from tradebot.engine.memory import Memory
from tradebot.exchange.exchange import Exchange

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
    """One instant of a day: the exchange's books and the daemon's memory, each value by its number in a `Catalog`."""

    exchange: Facts
    orders: frozenset[int]
    attempts: frozenset[int]
    positions: frozenset[int]
    batches: frozenset[int]
    jobs: frozenset[Facts]
    held_back: Facts


class Catalog:
    """Numbers for facts: equal facts have the same one, so that comparing two standings compares numbers."""

    def __init__(self) -> None:
        self._numbers: dict[Facts, int] = {}

    def number(self, facts: Facts) -> int:
        return self._numbers.setdefault(facts, len(self._numbers))


class Standings:
    """How one day stood at its instants, in every life of it that ended well."""

    def __init__(self) -> None:
        self.catalog = Catalog()
        self._at: defaultdict[datetime, set[Standing]] = defaultdict(set)

    def add(self, found: Iterable[tuple[datetime, Standing]]) -> None:
        for at, standing in found:
            self._at[at].add(standing)

    def __contains__(self, found: tuple[datetime, Standing]) -> bool:
        at, standing = found
        return standing in self._at.get(at, ())


class Observer:
    """Looks at one life again and again. What has not changed since the last look is the same frozen value, and is not
    read again."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[int, tuple[object, int]] = {}

    def standing(self, exchange: Exchange, memory: Memory) -> Standing:
        return Standing(
            exchange=self._exchange(exchange),
            orders=self._numbers(memory.orders.values()),
            attempts=self._numbers(memory.attempts.values()),
            positions=self._numbers(memory.positions.values()),
            batches=self._numbers([*memory.batches.values(), *memory.legs.values()]),
            jobs=frozenset((run.name, run.planned_for) for run in memory.job_runs.values()),
            held_back=(
                memory.is_reconciled,
                memory.is_paused,
                memory.entries_stopped,
                frozenset(memory.orphans),
                frozenset(memory.in_flight),
                (len(memory.waiting.values()), len(memory.waiting_batches.values())),
                frozenset(coid for coid in memory.modifies.names() if memory.modifies.get(coid)),
            ),
        )

    def _exchange(self, exchange: Exchange) -> Facts:
        state = exchange.snapshot().state
        archived = [kept.order for of_date in state.archive.values() for kept in of_date.values()]
        return (
            state.book_day,
            self._numbers([*archived, *state.orders.values()]),
            sum(map(len, state.trades.values())),
            tuple(sorted(state.margins.items(), key=lambda item: item[0])),
            frozenset(row for row in state.holdings.values() if row.quantity),
            len(state.untold),
        )

    def _numbers(self, values: Iterable[object]) -> frozenset[int]:
        return frozenset(map(self._number, values))

    def _number(self, value: object) -> int:
        known = self._known.get(id(value))
        if known is None:
            # The value is kept beside its number: as long as it is, nothing else can have its id.
            known = self._known[id(value)] = value, self._catalog.number(_facts(value))
        return known[1]


def _facts(value: object) -> Facts:
    found: Facts = _reader(type(value))(value)
    return (type(value).__name__, *(_plain(fact) for fact in found))


def _plain(fact: object) -> object:
    return tuple(sorted(fact.items())) if isinstance(fact, dict | MappingProxyType) else fact


@cache
def _reader(kind: type) -> Callable[[object], Facts]:
    return attrgetter(*(field.name for field in fields(kind) if field.name not in _NUMBERED_ANEW))
