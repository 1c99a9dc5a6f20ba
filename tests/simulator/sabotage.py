"""Rules of the house that are broken on purpose, each at the port where a careless change would break it: the campaign
must turn red, or it proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from tests.simulator.disk import SimDisk
from tests.simulator.traced import LateStore
from tests.stores import ChangedStore
from tradebot.domain.batches import BatchStatus
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, BrokerWord, Ticket
from tradebot.domain.errors import OutcomeUnknown
from tradebot.domain.orders import BrokerOrderId, Coid, OrderStatus
from tradebot.domain.stored import Changes
from tradebot.ports import Broker, OrderStore


class Sabotage(StrEnum):
    SAVE_AFTER_SEND = "orders are saved after they were sent"
    NO_REGISTRY_SYNC = "the registry is not synced"
    NO_LOOK_UP = "after a lost answer nobody looks whether the order stands"
    LAG_IS_PROOF = "an order that a lagging book does not show is sent again"
    STATUS_AROUND_THE_TABLE = "a status is set around the state machine"
    ROLLBACK_CLAIMED = "a batch is called rolled back while a leg is filled"
    FILL_DROPPED_AFTER_CANCEL = "what was filled after a cancellation is dropped"


def on_disk(sabotage: Sabotage | None, disk: SimDisk) -> None:
    if sabotage is Sabotage.NO_REGISTRY_SYNC:
        disk.leaves_out = lambda effect, path: effect == "sync" and path.suffix == ".journal"


def in_store(sabotage: Sabotage | None, store: OrderStore) -> OrderStore:
    if sabotage is Sabotage.SAVE_AFTER_SEND:
        return LateStore(store)
    if sabotage is Sabotage.STATUS_AROUND_THE_TABLE:
        return ChangedStore(store, _cancelled_as_failed)
    return ChangedStore(store, _all_rolled_back) if sabotage is Sabotage.ROLLBACK_CLAIMED else store


def at_broker(sabotage: Sabotage | None, broker: Broker) -> Broker:
    if sabotage is Sabotage.NO_LOOK_UP:
        return HastyBroker(broker)
    return ForgetfulBroker(broker) if sabotage is Sabotage.FILL_DROPPED_AFTER_CANCEL else broker


def _cancelled_as_failed(changes: Changes) -> Changes:
    """No event tells of it."""
    orders = [
        replace(order, status=OrderStatus.FAILED) if order.status is OrderStatus.CANCELLED else order
        for order in changes.orders
    ]
    return replace(changes, orders=orders)


def _all_rolled_back(changes: Changes) -> Changes:
    batches = [
        replace(batch, status=BatchStatus.ROLLED_BACK) if batch.status is BatchStatus.PARTIAL else batch
        for batch in changes.batches
    ]
    return replace(changes, batches=batches)


class HastyBroker:
    """Looks for no order whose answer was lost, until it is sent again."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._not_looked_for: set[Coid] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def place(self, ticket: Ticket) -> BrokerOrderId:
        self._not_looked_for.discard(ticket.tag)
        try:
            return self._broker.place(ticket)
        except OutcomeUnknown:
            self._not_looked_for.add(ticket.tag)
            raise

    def order_book(self) -> Sequence[BrokerOrder]:
        return [order for order in self._broker.order_book() if order.tag not in self._not_looked_for]


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
