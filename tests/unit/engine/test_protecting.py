"""Stop-loss, take-profit, close and change of price: their ids, one sell at the broker, and one cancels the other."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import NOON, a_signal, later
from tests.unit.engine.holder import (
    ACTIVE,
    CANCELLED,
    EXECUTED,
    PROFIT,
    STOP,
    a_holder,
    add,
    ask,
    cancel,
    close,
    price_is,
    sold,
    statuses,
    the_buy,
    the_sell,
)
from tests.unit.engine.house import House
from tradebot.adapters.storage.lifecycle_store import LifecycleStore
from tradebot.domain.events import EventName
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import OrderStatus, Side, Variety
from tradebot.domain.protection import Protection
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import ModifyOrder


@pytest.fixture
def house() -> House:
    return a_holder()


def test_a_take_profit_rests_at_the_broker_and_a_stop_loss_is_watched(house: House) -> None:
    profit, stop = add(house, PROFIT, 1050), add(house, STOP, 990)

    assert (profit.outcome, stop.outcome) == (Outcome.DONE, Outcome.DONE)
    assert (profit.text[:2], stop.text[:2]) == ("TP", "SL")
    assert [(o.price, o.status) for o in house.orders(Side.SELL)] == [(Decimal("1050.00"), OrderStatus.PENDING)]
    assert statuses(house)[IdType.STOP_LOSS] == statuses(house)[IdType.TAKE_PROFIT] == [ACTIVE]


def test_the_take_profit_is_executed_and_the_stop_loss_cancelled_with_an_id_of_its_own(house: House) -> None:
    add(house, PROFIT, 1050)
    add(house, STOP, 990)

    sold(house)

    assert statuses(house) == {
        IdType.ORDER: [EXECUTED],
        IdType.TAKE_PROFIT: [EXECUTED],
        IdType.STOP_LOSS: [CANCELLED],
        IdType.STOP_LOSS_CANCEL: [EXECUTED],
    }
    assert the_buy(house).status is OrderStatus.CLOSED


def test_the_stop_loss_is_executed_by_the_one_sell_and_the_take_profit_cancelled(house: House) -> None:
    add(house, PROFIT, 1050)
    add(house, STOP, 990)
    price_is(house, "989.00", "989.50")

    house.cycle()
    assert house.told(EventName.EXIT_STOP_LOSS_HIT)
    assert len(house.orders(Side.SELL)) == 1
    assert house.broker.count("modify") == 1
    house.look()
    sold(house, "988")

    assert statuses(house)[IdType.STOP_LOSS] == [EXECUTED]
    assert statuses(house)[IdType.TAKE_PROFIT] == [CANCELLED]
    assert statuses(house)[IdType.TAKE_PROFIT_CANCEL] == [EXECUTED]


def test_the_worked_example_added_cancelled_and_added_again(house: House) -> None:
    first = add(house, STOP, 990)
    assert cancel(house, STOP).outcome is Outcome.ASKED
    house.look()
    add(house, STOP, 985)

    assert statuses(house) == {
        IdType.ORDER: [EXECUTED],
        IdType.STOP_LOSS: [CANCELLED, ACTIVE],
        IdType.STOP_LOSS_CANCEL: [EXECUTED],
    }
    found = LifecycleStore(house.database.engine).resolve(first.text, NOON)
    assert found is not None
    assert found.order_id == the_buy(house).id


def test_a_take_profits_cancel_is_executed_when_the_broker_confirms_it(house: House) -> None:
    add(house, PROFIT, 1050)
    house.broker.frozen = list(house.broker.rows.values())

    assert cancel(house, PROFIT).outcome is Outcome.ASKED
    assert statuses(house)[IdType.TAKE_PROFIT] == [ACTIVE]
    assert statuses(house)[IdType.TAKE_PROFIT_CANCEL] == [ACTIVE]

    house.broker.frozen = None
    house.look()
    house.cycle()
    assert statuses(house)[IdType.TAKE_PROFIT] == [CANCELLED]
    assert statuses(house)[IdType.TAKE_PROFIT_CANCEL] == [EXECUTED]
    assert len(house.orders(Side.SELL)) == 1


def test_a_second_stop_loss_replaces_the_first(house: House) -> None:
    add(house, STOP, 990)
    add(house, STOP, 985)

    assert statuses(house)[IdType.STOP_LOSS] == [IdStatus.REPLACED, ACTIVE]
    assert house.the_position().metadata["stop_loss"] == "985"


def test_a_higher_take_profit_moves_the_one_sell_up(house: House) -> None:
    add(house, PROFIT, 1050)
    add(house, PROFIT, 1080)
    house.look()

    assert [order.price for order in house.orders(Side.SELL)] == [Decimal("1080.00")]


def test_a_close_records_both_cancels_and_sells_at_the_market(house: House) -> None:
    add(house, PROFIT, 1050)
    add(house, STOP, 900)

    answer = close(house)

    assert (answer.outcome, answer.text[:3]) == (Outcome.ASKED, "CLS")
    assert statuses(house)[IdType.STOP_LOSS_CANCEL] == statuses(house)[IdType.TAKE_PROFIT_CANCEL] == [ACTIVE]
    house.look()
    sold(house, "999")
    assert statuses(house) == {
        IdType.ORDER: [EXECUTED],
        IdType.CLOSE: [EXECUTED],
        IdType.STOP_LOSS: [CANCELLED],
        IdType.STOP_LOSS_CANCEL: [EXECUTED],
        IdType.TAKE_PROFIT: [CANCELLED],
        IdType.TAKE_PROFIT_CANCEL: [EXECUTED],
    }


def test_any_id_of_the_order_names_it(house: House) -> None:
    stop = add(house, STOP, 990)
    for name in (stop.text, the_buy(house).coid, str(the_buy(house).broker_order_id)):
        assert add(house, STOP, 985, name).outcome is Outcome.DONE


def test_what_is_wanted_outlives_a_restart(house: House) -> None:
    add(house, STOP, 990)
    house.restart()
    price_is(house, "989.00", "989.50")

    house.cycle()

    assert the_sell(house).metadata["rule"] == "stop_loss"


@pytest.mark.parametrize(
    ("protection", "price"), [(STOP, 1060), (PROFIT, 980), (STOP, 0), (STOP, -1), (PROFIT, 2_000_000)]
)
def test_prices_that_make_no_sense_are_refused(house: House, protection: Protection, price: int) -> None:
    add(house, PROFIT, 1050)
    add(house, STOP, 990)

    assert add(house, protection, price).outcome is Outcome.INVALID


def test_what_holds_nothing_cannot_be_protected(house: House) -> None:
    house.signals(a_signal(2), variety=Variety.REGULAR)
    add(house, PROFIT, 1050)
    sold(house)

    assert add(house, STOP, 990).outcome is Outcome.CONFLICT
    assert cancel(house, STOP).outcome is Outcome.CONFLICT
    assert close(house).outcome is Outcome.CONFLICT
    assert add(house, STOP, 990, "nobody").outcome is Outcome.UNKNOWN_ID


def test_a_waiting_orders_price_is_changed_and_the_change_has_its_id() -> None:
    house = House()
    house.signals(a_signal())

    answer = ask(house, ModifyOrder(order_id=house.the_order().id, price=Decimal(995), correlation_id="me"))
    house.look()

    assert (answer.outcome, answer.text[:3]) == (Outcome.ASKED, "MOD")
    assert house.the_order().price == Decimal(995)
    found = LifecycleStore(house.database.engine).resolve(answer.text, later(1))
    assert found is not None
    assert found.status is EXECUTED


def test_a_protective_order_that_somebody_cancels_at_the_broker_is_told_and_armed_again(house: House) -> None:
    add(house, PROFIT, 1050)
    house.broker.change(str(the_sell(house).broker_order_id), status="CANCELLED")

    house.look()
    assert house.told(EventName.PROTECTION_LOST)
    house.cycle()

    assert [order.status for order in house.orders(Side.SELL)] == [OrderStatus.CANCELLED, OrderStatus.PENDING]
    assert statuses(house)[IdType.TAKE_PROFIT] == [ACTIVE]
