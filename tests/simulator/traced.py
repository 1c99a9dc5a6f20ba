"""Ports that tell of every effect before it happens, so that a death can fall between any two of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import Attempt, BrokerOrderId, Coid, OrderId, Variety
from tradebot.domain.stored import Changes, Stored
from tradebot.ports import Broker, Capabilities, OrderStore

Mark = Callable[[str], None]
"""Told the name of an effect. What it raises keeps the effect from happening."""

Answer = TypeVar("Answer")


class TracedStore:
    """A commit is one atomic effect; what follows it is another. `load` is for who knows already what is loaded."""

    def __init__(self, store: OrderStore, mark: Mark, load: Callable[[date], Stored] | None = None) -> None:
        self._store = store
        self._mark = mark
        self._load = load or store.load

    def load(self, since: date) -> Stored:
        return self._load(since)

    def save(self, changes: Changes) -> None:
        self._mark("commit")
        self._store.save(changes)
        self._mark("committed")

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        return self._store.attempts(coids)

    def order_of(self, coid: Coid) -> OrderId | None:
        return self._store.order_of(coid)

    def batch_fingerprint(self, batch_id: str) -> str | None:
        return self._store.batch_fingerprint(batch_id)

    def close(self) -> None:
        self._store.close()


class LateStore:
    """Sabotage: says that it has saved, and saves only when `flush` is called."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store
        self._waiting: list[Changes] = []

    def load(self, since: date) -> Stored:
        return self._store.load(since)

    def save(self, changes: Changes) -> None:
        self._waiting.append(changes)

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        return self._store.attempts(coids)

    def order_of(self, coid: Coid) -> OrderId | None:
        return self._store.order_of(coid)

    def batch_fingerprint(self, batch_id: str) -> str | None:
        return self._store.batch_fingerprint(batch_id)

    def flush(self) -> None:
        while self._waiting:
            self._store.save(self._waiting.pop(0))

    def close(self) -> None:
        self._store.close()


class TracedLanes:
    """Runs the work at once, after the hand-over; `after_work` is for sabotage."""

    def __init__(self, mark: Mark, after_work: Callable[[], None] = lambda: None) -> None:
        self._mark = mark
        self._after_work = after_work

    def hand_over(self, lane: str, work: Callable[[], None]) -> None:
        self._mark(f"hand over to {lane}")
        work()
        self._after_work()

    def close(self, timeout_s: float) -> bool:
        return True


class TracedBroker:
    """Each call is two effects: it reaches the broker, and its answer comes back. `capabilities` may differ from the
    broker's own, where faults stand between it and us."""

    def __init__(self, broker: Broker, mark: Mark, capabilities: Capabilities | None = None) -> None:
        self._broker = broker
        self._mark = mark
        self._capabilities = capabilities or broker.capabilities

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def place(self, ticket: Ticket) -> BrokerOrderId:
        return self._call(f"place {ticket.tag}", lambda: self._broker.place(ticket))

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        def send() -> None:
            self._broker.modify(broker_order_id, variety, quantity=quantity, price=price, adds=adds)

        self._call(f"modify {broker_order_id}", send)

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        self._call(f"cancel {broker_order_id}", lambda: self._broker.cancel(broker_order_id, variety))

    def order_book(self) -> Sequence[BrokerOrder]:
        return self._call("order book", self._broker.order_book)

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        return self._call("order", lambda: self._broker.order(broker_order_id))

    def trades(self) -> Sequence[BrokerTrade]:
        return self._call("trades", self._broker.trades)

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        return self._call("order trades", lambda: self._broker.order_trades(broker_order_id))

    def holdings(self) -> Sequence[Holding]:
        return self._call("holdings", self._broker.holdings)

    def funds(self) -> Funds:
        return self._call("funds", self._broker.funds)

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        return self._call("terms", lambda: self._broker.terms(symbols))

    def _call(self, name: str, call: Callable[[], Answer]) -> Answer:
        self._mark(f"call {name}")
        answer = call()
        self._mark(f"answer {name}")
        return answer
