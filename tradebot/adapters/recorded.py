"""The ports of an engine that runs a recorded day again: everything that comes in is in the record, and nothing goes
out."""

# Nothing is asked of what stands behind these ports: their arguments have no use.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket
from tradebot.domain.coids import IntentKey
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import Attempt, BrokerOrderId, Coid, OrderId, Variety
from tradebot.domain.quotes import Bar, Quote
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.stored import Changes, Stored
from tradebot.ports import Capabilities, PlannedJob


class RecordedClock:
    """Stands where the record stands."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class RecordedStore:
    """`ports.OrderStore` that starts from what was loaded then; of what it is given it keeps the ids alone."""

    def __init__(self, stored: Stored, known: Sequence[Attempt]) -> None:
        self._stored = stored
        self._known = {attempt.coid: attempt for attempt in (*stored.attempts, *known)}
        self._orders = {order.coid: order.id for order in stored.orders}
        self._orders |= {attempt.coid: attempt.order_id for attempt in self._known.values()}
        self._batches = {batch.id: batch.fingerprint for batch in stored.batches}

    def load(self, since: date) -> Stored:
        return self._stored

    def save(self, changes: Changes) -> None:
        self._orders |= {order.coid: order.id for order in changes.orders}
        self._orders |= {attempt.coid: attempt.order_id for attempt in changes.attempts}
        self._batches |= {batch.id: batch.fingerprint for batch in changes.batches}

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        return [self._known[coid] for coid in coids if coid in self._known]

    def batch_fingerprint(self, batch_id: str) -> str | None:
        return self._batches.get(batch_id)

    def order_of(self, coid: Coid) -> OrderId | None:
        return self._orders.get(coid)

    def close(self) -> None:
        pass


class RecordedRegistry:
    """`ports.IdRegistry` in memory, with the entries of then."""

    def __init__(self, entries: Sequence[RegistryEntry]) -> None:
        self._entries = {entry.coid: entry for entry in entries}

    def get(self, coid: Coid) -> RegistryEntry | None:
        return self._entries.get(coid)

    def attempts_of(self, key: IntentKey) -> Sequence[RegistryEntry]:
        return [entry for entry in self._entries.values() if entry.key == key]

    def open_entries(self) -> Sequence[RegistryEntry]:
        return [entry for entry in self._entries.values() if entry.status.is_open]

    def entries(self) -> Sequence[RegistryEntry]:
        return list(self._entries.values())

    def reserve(self, entries: Sequence[RegistryEntry]) -> None:
        self._entries |= {entry.coid: entry for entry in entries}

    def note(self, entries: Sequence[RegistryEntry]) -> None:
        self._entries |= {entry.coid: entry for entry in entries}

    def sync(self) -> None:
        pass

    def fold(self, prune_finished_before: datetime) -> None:
        self._entries = {
            entry.coid: entry
            for entry in self._entries.values()
            if entry.status.is_open or entry.updated >= prune_finished_before
        }

    def close(self) -> None:
        pass


class NothingPlanned:
    """`ports.Scheduler` that keeps nothing: the record has every job that was due."""

    def plan(self, jobs: Sequence[PlannedJob]) -> None:
        pass

    def once(self, name: str, at: datetime) -> None:
        pass


class NothingSent:
    """`ports.Lanes` that drop all work: the record has every answer."""

    def hand_over(self, lane: str, work: Callable[[], None]) -> None:
        pass

    def close(self, timeout_s: float) -> bool:
        return True


class NothingRecorded:
    def record(self, sequence: int, at: datetime, message: object, *, joins: bool = False) -> None:
        pass


class _Unreachable:
    """No lane runs, so that nothing ever calls what stands behind it."""

    def _refuse(self) -> RuntimeError:
        return RuntimeError("a recorded day reaches nothing outside")


class RecordedBroker(_Unreachable):
    """`ports.Broker` of which only the capabilities are asked."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def place(self, ticket: Ticket) -> BrokerOrderId:
        raise self._refuse()

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        raise self._refuse()

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        raise self._refuse()

    def order_book(self) -> Sequence[BrokerOrder]:
        raise self._refuse()

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        raise self._refuse()

    def trades(self) -> Sequence[BrokerTrade]:
        raise self._refuse()

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        raise self._refuse()

    def holdings(self) -> Sequence[Holding]:
        raise self._refuse()

    def funds(self) -> Funds:
        raise self._refuse()

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        raise self._refuse()


class RecordedMarket(_Unreachable):
    """`ports.MarketData` and `ports.History` that nobody asks."""

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        raise self._refuse()

    def symbols(self) -> Sequence[str]:
        raise self._refuse()

    def bars(self, symbol: str, as_of: date, count: int) -> Sequence[Bar]:
        raise self._refuse()

    def halted(self, as_of: date) -> Mapping[str, str]:
        raise self._refuse()
