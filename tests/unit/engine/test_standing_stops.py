"""A stop-loss that stands at the broker where no take-profit rests: at most one sell, and never a moment sold twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.builders import NOON, later, some_terms
from tests.unit.engine.fakes import AnswerLost
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
    statuses,
    the_buy,
    the_sell,
)
from tests.unit.engine.house import House
from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.events import EventName
from tradebot.domain.kill import KillMode
from tradebot.domain.lifecycle_ids import IdType
from tradebot.domain.orders import BrokerOrderId, OrderStatus, OrderType, Side
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import ExitPosition, KillSwitch

STOPS_END = NOON.replace(hour=9, minute=45)
"""15:15 IST: the exchange sends stop orders off before its closing auction."""


@pytest.fixture
def house() -> House:
    return a_holder()


def standing(house: House) -> list[BrokerOrder]:
    return [row for row in house.broker.rows.values() if row.side is Side.SELL and row.word == "open"]


def the_stop(house: House) -> BrokerOrder:
    (row,) = standing(house)
    return row


def test_a_stop_loss_alone_stands_as_a_stop_order_with_a_limit_below_its_trigger(house: House) -> None:
    assert add(house, STOP, 990).outcome is Outcome.DONE

    row = the_stop(house)
    assert (row.order_type, row.status, row.quantity) == (OrderType.SL, "TRIGGER PENDING", 10)
    assert row.trigger_price == Decimal("990.00")
    assert Decimal(980) < row.price < Decimal(990)
    assert the_sell(house).metadata["rule"] == "stop_loss"


def test_when_it_is_executed_at_the_broker_its_id_is_and_the_exit_is_told(house: House) -> None:
    add(house, STOP, 990)
    house.broker.change(the_stop(house).broker_order_id, status="OPEN")
    house.broker.fill(the_stop(house).broker_order_id, 10, "989.50")

    house.look()

    assert statuses(house)[IdType.STOP_LOSS] == [EXECUTED]
    assert the_buy(house).status is OrderStatus.CLOSED
    (told,) = house.told(EventName.EXIT_STOP_LOSS_HIT)
    assert (told.fields["threshold"], told.fields["found"]) == (Decimal("990.00"), Decimal("989.50"))


def test_a_take_profit_takes_its_place_only_after_its_cancel_is_confirmed(house: House) -> None:
    add(house, STOP, 990)
    house.broker.frozen = list(house.broker.rows.values())
    add(house, PROFIT, 1050)
    assert house.broker.count("cancel") == 1
    assert len(house.orders(Side.SELL)) == 1

    house.broker.frozen = None
    house.look()
    house.advance(seconds=1)

    assert [(row.order_type, row.price) for row in standing(house)] == [(OrderType.LIMIT, Decimal("1050.00"))]
    assert statuses(house)[IdType.STOP_LOSS] == statuses(house)[IdType.TAKE_PROFIT] == [ACTIVE]


def test_it_stands_itself_once_the_take_profit_is_cancelled(house: House) -> None:
    add(house, PROFIT, 1050)
    add(house, STOP, 990)

    cancel(house, PROFIT)
    house.advance(seconds=1)

    assert the_stop(house).trigger_price == Decimal("990.00")
    assert statuses(house)[IdType.TAKE_PROFIT] == [CANCELLED]
    assert statuses(house)[IdType.STOP_LOSS] == [ACTIVE]


def test_another_stop_loss_is_placed_in_its_place_as_often_as_somebody_wants(house: House) -> None:
    for price in (990, 985, 980, 975, 970):
        add(house, STOP, price)
        house.advance(seconds=1)

    assert the_stop(house).trigger_price == Decimal("970.00")
    assert len({order.coid for order in house.orders(Side.SELL)}) == 5


def test_its_cancel_is_executed_when_the_broker_confirms_it(house: House) -> None:
    add(house, STOP, 990)
    house.broker.frozen = list(house.broker.rows.values())
    assert cancel(house, STOP).outcome is Outcome.ASKED
    assert statuses(house)[IdType.STOP_LOSS] == [ACTIVE]

    house.broker.frozen = None
    house.look()
    house.cycle()

    assert (statuses(house)[IdType.STOP_LOSS], statuses(house)[IdType.STOP_LOSS_CANCEL]) == ([CANCELLED], [EXECUTED])
    assert not standing(house)


def test_a_cancel_that_comes_after_its_execution_changes_nothing_of_it(house: House) -> None:
    add(house, STOP, 990)
    house.broker.fill(the_stop(house).broker_order_id, 10, "989.50")

    cancel(house, STOP)
    house.look()

    assert statuses(house)[IdType.STOP_LOSS] == [EXECUTED]
    assert statuses(house)[IdType.STOP_LOSS_CANCEL] == [CANCELLED]


def test_a_close_takes_it_back_first_and_sells_at_the_market_then(house: House) -> None:
    add(house, STOP, 900)
    house.broker.frozen = list(house.broker.rows.values())
    close(house)
    assert (house.broker.count("cancel"), house.broker.count("place")) == (1, 2)

    house.broker.frozen = None
    house.look()
    house.advance(seconds=1)

    (row,) = standing(house)
    assert row.order_type is OrderType.LIMIT
    assert row.price < Decimal(1000)
    assert house.broker.count("place") == 3


def test_a_stop_that_the_broker_does_not_act_on_is_taken_back_a_cycle_later(house: House) -> None:
    add(house, STOP, 990)
    price_is(house, "985.00", "985.50")

    house.cycle()
    assert house.told(EventName.EXIT_STOP_LOSS_HIT)
    assert house.broker.count("cancel") == 0
    house.advance(minutes=1)
    house.cycle()
    house.advance(seconds=1)

    (row,) = standing(house)
    assert (row.order_type, house.broker.count("cancel")) == (OrderType.LIMIT, 1)
    assert row.price < Decimal(985)


def test_a_stop_that_was_triggered_above_the_market_moves_down_to_it(house: House) -> None:
    add(house, STOP, 990)
    house.broker.change(the_stop(house).broker_order_id, status="OPEN")
    price_is(house, "950.00", "950.50")

    house.cycle()

    (row,) = standing(house)
    assert house.broker.count("cancel") == 0
    assert row.price < Decimal(950)


def test_the_kill_switch_in_mode_flatten_takes_it_back_and_sells(house: House) -> None:
    add(house, STOP, 900)
    ask(house, KillSwitch(mode=KillMode.FLATTEN, reason="now", correlation_id="me"))
    house.cycle()
    house.advance(seconds=1)

    (row,) = standing(house)
    assert row.order_type is OrderType.LIMIT


def test_it_is_not_sent_where_the_broker_would_refuse_it(house: House) -> None:
    price_is(house, "990.00", "990.50")
    add(house, STOP, 991)
    assert not house.broker.rows.get(BrokerOrderId("3"))
    assert the_sell(house).order_type is OrderType.LIMIT  # the rule itself has hit

    other = a_holder()
    other.broker.symbol_terms["INFY"] = some_terms(lower_limit=Decimal(950))
    other.memory.terms.clear()  # type: ignore[attr-defined]
    add(other, STOP, 900)
    assert not standing(other)


def test_the_exchange_sends_it_off_before_the_closing_auction_and_it_is_placed_anew_the_next_day(house: House) -> None:
    add(house, STOP, 990)
    house.clock.at = STOPS_END
    house.broker.change(
        the_stop(house).broker_order_id, status="CANCELLED", status_text="Stop orders are cancelled at 15:15"
    )

    house.look()
    house.advance(minutes=2)
    house.cycle()
    assert not standing(house)
    assert not house.told(EventName.PROTECTION_LOST)
    assert statuses(house)[IdType.STOP_LOSS] == [ACTIVE]
    price_is(house, "985.00", "985.50")
    house.clock.at = later(minutes=5, since=STOPS_END)
    assert not house.told(EventName.EXIT_STOP_LOSS_HIT)

    price_is(house, "999.00", "999.50")
    house.clock.at = NOON + timedelta(days=1)
    house.cycle()

    row = the_stop(house)
    assert row.trigger_price == Decimal("990.00")
    assert len(house.orders(Side.SELL)) == 2


def test_in_the_closing_auction_the_daemon_watches_it(house: House) -> None:
    add(house, STOP, 990)
    house.clock.at = STOPS_END
    house.broker.change(the_stop(house).broker_order_id, status="CANCELLED", status_text="cancelled at 15:15")
    house.look()
    price_is(house, "985.00", "985.50")

    house.cycle()

    assert house.told(EventName.EXIT_STOP_LOSS_HIT)
    (row,) = standing(house)
    assert row.order_type is OrderType.LIMIT


def test_one_that_somebody_cancels_at_the_broker_is_told_and_armed_again(house: House) -> None:
    add(house, STOP, 990)
    house.broker.change(the_stop(house).broker_order_id, status="CANCELLED")

    house.look()
    assert house.told(EventName.PROTECTION_LOST)
    house.cycle()

    assert the_stop(house).trigger_price == Decimal("990.00")


def test_a_lost_answer_is_looked_up_and_nothing_is_sent_twice(house: House) -> None:
    house.broker.troubles["place"] = [AnswerLost("no answer")]
    add(house, STOP, 990)
    house.advance(minutes=2)
    house.cycle()

    assert the_stop(house).trigger_price == Decimal("990.00")
    assert house.broker.count("place") == 2


def test_a_refused_stop_is_sent_again_as_another_kind_of_sell_in_the_same_row(house: House) -> None:
    add(house, STOP, 990)
    house.broker.change(the_stop(house).broker_order_id, status="REJECTED", status_text="no")
    house.look()
    price_is(house, "985.00", "985.50")

    house.cycle()

    (order,) = house.orders(Side.SELL)
    assert (order.order_type, order.trigger_price, order.status) == (OrderType.LIMIT, None, OrderStatus.PENDING)
    (row,) = standing(house)
    assert row.order_type is OrderType.LIMIT


def test_it_outlives_a_restart_and_stands_once(house: House) -> None:
    add(house, STOP, 990)

    house.restart()
    house.cycle()

    assert the_stop(house).trigger_price == Decimal("990.00")


def test_an_exit_that_somebody_wants_and_a_rule_have_close_ids_of_their_own(house: House) -> None:
    ask(house, ExitPosition(symbol="INFY", reason="enough", correlation_id="me"))
    house.look()

    assert statuses(house)[IdType.CLOSE] == [ACTIVE]
    house.broker.fill(str(the_sell(house).broker_order_id), 10, "999")
    house.look()
    assert statuses(house)[IdType.CLOSE] == [EXECUTED]
