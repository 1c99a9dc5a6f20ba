"""The ids of orders at work: their own with their row, a cancel's and a change's, and what has no route."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.builders import NOON, a_broker_order, a_signal, a_trade, some_terms
from tests.unit.engine.fakes import unreachable
from tests.unit.engine.house import House
from tradebot.adapters.storage.lifecycle_store import LifecycleStore
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.events import EventName
from tradebot.domain.lifecycle_ids import IdStatus, IdType, LifecycleId
from tradebot.domain.orders import BrokerOrderId, DecisionId, Order, OrderStatus, Side, Variety
from tradebot.engine.commands import DropOrder
from tradebot.engine.messages import BookSeen


def a_standing_house() -> House:
    house = House()
    house.signals(a_signal())
    return house


def ids_of(house: House, order: Order) -> dict[IdType, list[LifecycleId]]:
    found = LifecycleStore(house.database.engine).history(order.id)
    return {kind: list(entries) for kind, entries in found.items() if entries}


def statuses(house: House) -> dict[IdType, IdStatus]:
    return {kind: entries[-1].status for kind, entries in ids_of(house, house.the_order()).items()}


def test_an_order_has_its_own_id_from_its_first_transaction_on() -> None:
    house = House()
    house.signals(a_signal(), settle=False)

    assert house.broker.count("place") == 0
    assert statuses(house) == {IdType.ORDER: IdStatus.ACTIVE}


def test_a_filled_orders_id_is_executed() -> None:
    house = a_standing_house()
    house.broker.fill("1", 10)
    house.look()

    assert statuses(house) == {IdType.ORDER: IdStatus.EXECUTED}


def test_nothing_is_left_to_confirm_of_an_order_that_is_cancelled_before_it_reached_the_broker() -> None:
    house = House()
    house.broker.troubles["place"] = [unreachable()]
    house.signals(a_signal())
    house.cancel(house.the_order())
    house.advance(minutes=1)

    assert house.the_order().status is OrderStatus.CANCELLED
    assert statuses(house) == {IdType.ORDER: IdStatus.CANCELLED, IdType.CANCEL: IdStatus.EXECUTED}


def test_a_cancels_id_is_executed_only_when_the_broker_confirms_the_cancel() -> None:
    house = a_standing_house()
    house.broker.frozen = list(house.broker.rows.values())
    house.cancel(house.the_order())
    assert statuses(house) == {IdType.ORDER: IdStatus.ACTIVE, IdType.CANCEL: IdStatus.ACTIVE}

    house.broker.frozen = None
    house.look()

    assert statuses(house) == {IdType.ORDER: IdStatus.CANCELLED, IdType.CANCEL: IdStatus.EXECUTED}


def test_every_id_of_an_order_leads_to_it() -> None:
    house = a_standing_house()
    house.cancel(house.the_order())
    order = house.the_order()
    store = LifecycleStore(house.database.engine)
    names = [entry.lifecycle_id for entries in ids_of(house, order).values() for entry in entries]

    for name in (*names, order.coid, str(order.broker_order_id)):
        found = store.resolve(name, NOON)
        assert found is not None
        assert found.order_id == order.id


def test_ids_are_remembered_over_a_restart() -> None:
    house = a_standing_house()
    house.restart()
    house.cancel(house.the_order())

    assert statuses(house) == {IdType.ORDER: IdStatus.CANCELLED, IdType.CANCEL: IdStatus.EXECUTED}


def test_ids_that_are_made_after_a_restart_in_the_same_instant_are_new_ones() -> None:
    house = House()
    house.broker.symbol_terms["TCS"] = some_terms("TCS")
    house.signals(a_signal(), a_signal(2, "TCS"))
    first, second = house.orders()
    house.cancel(first)

    house.restart()
    house.cancel(second)

    assert not house.told(EventName.INTERNAL_FAULT)
    assert [order.status for order in house.orders()] == ["cancelled", "cancelled"]
    made = [entry.lifecycle_id for order in house.orders() for entry in ids_of(house, order)[IdType.CANCEL]]
    assert len(set(made)) == 2


def test_an_order_that_is_dropped_ends_its_own_id() -> None:
    house = House()
    house.broker.troubles["place"] = [BrokerRejected("not today")]
    house.signals(a_signal())
    assert statuses(house) == {IdType.ORDER: IdStatus.ACTIVE}

    house.tell(DropOrder(order_id=house.the_order().id, correlation_id="me"))

    assert statuses(house) == {IdType.ORDER: IdStatus.CANCELLED}


def test_a_fill_after_the_cancel_is_booked_and_kept_as_a_dead_letter_once() -> None:
    house = a_standing_house()
    house.cancel(house.the_order())
    house.broker.fill("1", 10)
    house.look()
    house.look()

    (told,) = house.told(EventName.DEAD_LETTER)
    assert told.fields["cause"] == "unmapped_routing_state"
    (letter,) = LifecycleStore(house.database.engine).dead()
    assert letter.named_id == house.the_order().broker_order_id
    assert house.the_position().quantity == 10


COID = derive(IntentKey("primary", DecisionId("signal-1"), 0, Side.BUY), 1)


def a_row(status: str) -> BrokerOrder:
    filled = 10 if status == "COMPLETE" else 0
    number = BrokerOrderId("1")
    return a_broker_order(status=status, tag=COID, broker_order_id=number, variety=Variety.AMO, filled_quantity=filled)


CONFIRMATIONS = {
    "open": (a_row("OPEN"), ()),
    "open again": (a_row("OPEN"), ()),
    "filled": (a_row("COMPLETE"), (a_trade(broker_order_id=BrokerOrderId("1")),)),
    "filled again": (a_row("COMPLETE"), (a_trade(broker_order_id=BrokerOrderId("1")),)),
}


@pytest.mark.parametrize("order", list(permutations(CONFIRMATIONS)), ids=", ".join)
def test_confirmations_in_whatever_order_and_however_often_end_the_same(order: tuple[str, ...]) -> None:
    house = a_standing_house()
    for name in order:
        row, trades = CONFIRMATIONS[name]
        house.put(_seen(house, row, trades))

    assert statuses(house) == {IdType.ORDER: IdStatus.EXECUTED}
    assert house.the_position().quantity == 10
    assert house.the_order().status == "ongoing"


def _seen(house: House, row: BrokerOrder, trades: tuple[BrokerTrade, ...]) -> BookSeen:
    return BookSeen(asked_at=house.clock.at, asked=house.memory.ticks + 1, purpose="test", orders=(row,), trades=trades)
