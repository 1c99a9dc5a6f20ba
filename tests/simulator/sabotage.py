"""Rules of the house that are broken on purpose, each at the port where a careless change would break it: the campaign
must turn red, or it proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum

from tests.simulator.disk import SimDisk
from tests.simulator.traced import LateStore
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, BrokerWord
from tradebot.domain.orders import Attempt, Coid, OrderStatus
from tradebot.ports import Broker, Changes, OrderStore, Stored


class Sabotage(StrEnum):
    NO_REGISTRY_SYNC = "the registry is not synced"
    SAVE_AFTER_SEND = "orders are saved after they were sent"
    LAG_IS_PROOF = "an order that a lagging book does not show is sent again"
    STATUS_AROUND_THE_TABLE = "a status is set around the state machine"
    FILL_DROPPED_AFTER_CANCEL = "what was filled before a cancellation is dropped"


def on_disk(sabotage: Sabotage | None, disk: SimDisk) -> None:
    if sabotage is Sabotage.NO_REGISTRY_SYNC:
        disk.leaves_out = lambda effect, path: effect == "sync" and path.suffix == ".journal"


def in_store(sabotage: Sabotage | None, store: OrderStore) -> OrderStore:
    if sabotage is Sabotage.SAVE_AFTER_SEND:
        return LateStore(store)
    return CarelessStore(store) if sabotage is Sabotage.STATUS_AROUND_THE_TABLE else store


def at_broker(sabotage: Sabotage | None, broker: Broker) -> Broker:
    return ForgetfulBroker(broker) if sabotage is Sabotage.FILL_DROPPED_AFTER_CANCEL else broker


class CarelessStore:
    """Writes every cancelled order as failed, and tells no event of it."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    def load(self, since: date) -> Stored:
        return self._store.load(since)

    def save(self, changes: Changes) -> None:
        orders = [
            replace(order, status=OrderStatus.FAILED) if order.status is OrderStatus.CANCELLED else order
            for order in changes.orders
        ]
        self._store.save(replace(changes, orders=orders))

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        return self._store.attempts(coids)

    def close(self) -> None:
        self._store.close()


class ForgetfulBroker:
    """Shows cancelled orders as if nothing of them had been filled."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def __getattr__(self, name: str) -> object:
        return getattr(self._broker, name)

    def order_book(self) -> Sequence[BrokerOrder]:
        return [
            replace(order, filled_quantity=0, average_price=None) if order.word is BrokerWord.CANCELLED else order
            for order in self._broker.order_book()
        ]

    def trades(self) -> Sequence[BrokerTrade]:
        cancelled = {o.broker_order_id for o in self._broker.order_book() if o.word is BrokerWord.CANCELLED}
        return [trade for trade in self._broker.trades() if trade.broker_order_id not in cancelled]
