"""Looks at the order book: what is booked, told and left alone, and that one broken order hurts no other."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_broker_order, a_quote, a_signal, some_terms
from tests.unit.engine.fakes import a_holding
from tests.unit.engine.house import House
from tradebot.domain.errors import BrokerUnavailable
from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import BrokerOrderId, OrderStatus, Side
from tradebot.domain.policy import Policy, UnknownPolicy
from tradebot.engine.messages import OrderPushed

EXPIRE = Policy(unknown=UnknownPolicy.EXPIRE)


def a_standing_order(**options: Any) -> House:
    """A buy of ten stands at the broker under the number 1."""
    house = House(**options)
    house.signals(a_signal())
    return house


def test_a_fill_opens_a_position_and_is_told_once() -> None:
    house = a_standing_order()

    house.broker.fill("1", 10, "999.50")
    house.look()
    house.look()

    order, position = house.the_order(), house.the_position()
    assert (order.status, order.execution_qty) == (OrderStatus.ONGOING, 10)
    assert (position.quantity, position.cost, position.opened_by) == (10, Decimal(9_995), order.coid)
    assert order.position_id == position.id
    assert len(house.told(EventName.ORDER_FILLED)) == len(house.told(EventName.POSITION_OPENED)) == 1
    assert house.count_rows("fills") == 1


def test_partial_fills_grow_one_position() -> None:
    house = a_standing_order()
    for quantity in (3, 2, 5):
        house.broker.fill("1", quantity)
        house.look()

    assert (house.the_order().status, house.the_position().quantity) == (OrderStatus.ONGOING, 10)
    assert house.count_rows("fills") == 3


def test_trades_are_asked_for_only_when_some_are_not_booked() -> None:
    house = a_standing_order()
    house.look()
    before = house.broker.count("trades")

    house.broker.fill("1", 10)
    house.look()
    house.look()

    assert (before, house.broker.count("trades")) == (0, 1)


def lagging(house: House, looks: int, **fill: Any) -> None:
    """The book shows a fill whose trades come only after so many looks."""
    house.broker.fill("1", **fill)
    trades, house.broker.executions = house.broker.executions, []
    for _ in range(looks):
        house.look()
    house.broker.executions = trades
    house.look()


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_trades_that_lag_behind_the_book_are_booked_when_they_come(looks: int) -> None:
    house = a_standing_order()

    lagging(house, looks, quantity=10)

    assert (house.the_order().status, house.the_order().execution_qty) == (OrderStatus.ONGOING, 10)


def test_trades_of_a_part_that_lag_behind_the_book_are_booked_when_they_come() -> None:
    house = a_standing_order()

    lagging(house, 1, quantity=4)

    assert (house.the_order().status, house.the_order().execution_qty) == (OrderStatus.PENDING, 4)


def test_an_older_row_after_a_newer_one_is_left_out() -> None:
    house = a_standing_order()
    stale = list(house.broker.rows.values())
    house.advance(seconds=1)
    house.broker.fill("1", 10)
    house.look()
    after = house.the_order()

    house.broker.frozen = stale
    house.look()

    assert house.the_order() == after


def test_a_manual_modification_moves_the_row_and_is_told_once() -> None:
    house = a_standing_order()

    house.broker.change("1", price=Decimal("1001.50"), quantity=8)
    house.look()
    house.look()

    order = house.the_order()
    assert (order.price, order.quantity, order.is_manual) == (Decimal("1001.50"), 8, True)
    (event,) = house.told(EventName.MANUAL_MODIFICATION)
    assert event.message == "price: 1000.00 -> 1001.50, quantity: 10 -> 8"


def test_a_manual_cancellation_is_marked_and_told() -> None:
    house = a_standing_order()

    house.broker.change("1", status="CANCELLED")
    house.look()

    assert (house.the_order().status, house.the_order().is_manual) == (OrderStatus.CANCELLED, True)
    assert len(house.told(EventName.MANUAL_CANCEL)) == 1


def test_a_late_fill_is_told_once_as_critical() -> None:
    house = a_standing_order()
    house.broker.change("1", status="CANCELLED")
    house.look()

    house.broker.fill("1", 10, status="COMPLETE")
    house.look()

    assert (house.the_order().status, house.the_order().reason) == (OrderStatus.ONGOING, "Late fill")
    assert [event.level for event in house.told(EventName.ORDER_LATE_FILL)] == [Level.CRITICAL]


def test_an_unknown_word_is_told_once_per_word() -> None:
    house = a_standing_order()

    for status in ("STRANGE", "OPEN", "STRANGE", "STRANGER"):
        house.advance(seconds=1)
        house.broker.change("1", status=status)
        house.look()

    assert len(house.told(EventName.BROKER_WORD_UNKNOWN)) == 2
    assert house.the_order().status is OrderStatus.PENDING


def test_an_order_that_is_not_ours_is_shown_once_and_never_touched() -> None:
    house = House()
    house.broker.rows["77"] = a_broker_order(tag=None, broker_order_id="77")  # type: ignore[index]

    house.look()
    house.look()

    assert len(house.told(EventName.MANUAL_ORDER_SEEN)) == 1
    assert house.orders() == []
    assert {"place", "cancel", "modify"}.isdisjoint(house.broker.calls)


def test_one_broken_order_does_not_stop_the_cycle_for_the_others() -> None:
    house = House()
    house.broker.symbol_terms["TCS"] = some_terms("TCS")
    house.signals(a_signal(), a_signal(2, "TCS"))
    house.broker.fill("1", 10)
    house.broker.executions[0] = replace(house.broker.executions[0], price=None)  # type: ignore[arg-type]
    house.broker.fill("2", 10)

    house.look()

    broken, good = house.orders()
    assert (broken.status, good.status) == (OrderStatus.PENDING, OrderStatus.ONGOING)
    assert len(house.told(EventName.INTERNAL_FAULT)) == 1


def test_what_a_broken_order_began_is_not_kept() -> None:
    house = a_standing_order()
    house.broker.fill("1", 4)
    house.broker.fill("1", 6)
    house.broker.executions[1] = replace(house.broker.executions[1], price=None)  # type: ignore[arg-type]

    house.look()

    assert house.the_order().execution_qty == 0
    assert house.memory.positions.values() == []
    assert house.count_rows("fills") == 0


def test_a_failed_look_concludes_nothing_and_comes_again() -> None:
    house = a_standing_order()
    before = house.the_order()
    house.broker.troubles["order_book"] = [BrokerUnavailable("gateway")]

    house.look()
    unchanged = house.the_order() == before
    house.broker.fill("1", 10)
    house.advance(seconds=15)

    assert unchanged
    assert len(house.told(EventName.BROKER_UNREACHABLE)) == 1
    assert house.the_order().status is OrderStatus.ONGOING


def test_two_orders_with_one_id_at_the_broker_raise_an_alarm() -> None:
    house = a_standing_order()
    house.broker.rows["2"] = replace(house.broker.rows["1"], broker_order_id="2")  # type: ignore[index, arg-type]

    house.look()

    assert [event.level for event in house.told(EventName.COID_DUPLICATE)] == [Level.CRITICAL]


def test_a_part_that_was_sold_before_the_rest_was_cancelled_leaves_nothing_ongoing() -> None:
    house = a_standing_order()
    house.broker.fill("1", 4)
    house.look()
    sold_by_the_market(house)

    house.broker.change("1", status="CANCELLED", status_text="end of day")
    house.look()

    assert not house.the_position().is_open
    assert house.the_order(Side.BUY).status is OrderStatus.CLOSED


def sold_by_the_market(house: House) -> None:
    """The stop hits, and its sell is filled."""
    house.market.prices["INFY"] = a_quote("900", "900.05")
    house.broker.owned = [a_holding(4)]
    house.cycle()
    house.broker.fill("2", 4, "900")
    house.advance(seconds=1)
    house.look()


def test_a_burst_of_pushes_asks_once_more_after_the_look_that_is_under_way() -> None:
    house = a_standing_order()
    push = OrderPushed(broker_order_id=BrokerOrderId("1"))
    before = house.broker.count("order_book")

    house.broker.fill("1", 4)
    house.put(push)
    for _ in range(5):
        house.put(push)
    under_way = len(house.lanes.waiting)
    house.broker.fill("1", 6)
    house.settle()

    assert under_way == 1
    assert house.broker.count("order_book") - before == 2
    assert house.the_order().execution_qty == 10


def test_what_is_pushed_while_a_look_fails_is_looked_at_afterwards() -> None:
    house = a_standing_order()
    house.broker.troubles["order_book"] = [BrokerUnavailable("gone for a moment")]

    house.put(OrderPushed(broker_order_id=BrokerOrderId("1")))
    house.broker.fill("1", 10)
    house.put(OrderPushed(broker_order_id=BrokerOrderId("1")))
    house.settle()

    assert house.the_order().execution_qty == 10
