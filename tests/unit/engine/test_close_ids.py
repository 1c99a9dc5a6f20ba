"""Close ids: what a rule, a person or the kill switch sells, through late, reordered and repeated confirmations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_quote, a_signal, later
from tests.unit.engine.fakes import a_holding
from tests.unit.engine.holder import (
    ACTIVE,
    CANCELLED,
    EXECUTED,
    STOP,
    a_holder,
    add,
    ask,
    close,
    price_is,
    statuses,
    the_buy,
    the_sell,
)
from tests.unit.engine.house import House
from tradebot.adapters.storage.lifecycle_store import LifecycleStore
from tradebot.domain.broker_views import BrokerWord
from tradebot.domain.events import EventName
from tradebot.domain.kill import KillMode
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import BrokerOrderId, Side, Variety
from tradebot.domain.policy import Policy
from tradebot.engine.commands import KillSwitch


@pytest.fixture
def house() -> House:
    """Ten shares bought at Rs 1,000, with the operator's own stop."""
    house = House(policy=Policy())
    house.market.prices["INFY"] = a_quote()
    house.signals(a_signal(), variety=Variety.REGULAR)
    house.broker.fill("1", 10)
    house.look()
    house.broker.owned = [a_holding(10)]
    return house


def the_stop_hits(house: House) -> None:
    price_is(house, "900.00", "900.50")
    house.cycle()
    house.look()


def closes(house: House) -> list[IdStatus]:
    return statuses(house).get(IdType.CLOSE, [])


def sold(house: House, quantity: int = 10, **more: str) -> None:
    house.broker.fill(str(the_sell(house).broker_order_id), quantity, "899", **more)


def test_a_rule_that_hits_has_a_close_id_that_leads_to_the_buy_and_ends_with_the_sale(house: House) -> None:
    the_stop_hits(house)
    assert closes(house) == [ACTIVE]
    (entry,) = LifecycleStore(house.database.engine).history(the_buy(house).id)[IdType.CLOSE]
    assert (entry.lifecycle_id[:3], entry.notes) == ("CLS", "atr_stop")

    sold(house)
    house.look()

    assert closes(house) == [EXECUTED]


def test_a_part_that_is_sold_leaves_it_active(house: House) -> None:
    the_stop_hits(house)
    sold(house, 4)
    house.look()
    assert closes(house) == [ACTIVE]

    sold(house, 6)
    house.look()
    assert closes(house) == [EXECUTED]


def test_a_confirmation_that_comes_twice_changes_nothing(house: House) -> None:
    the_stop_hits(house)
    sold(house)
    house.look()
    before = LifecycleStore(house.database.engine).history(the_buy(house).id)
    told = len(house.events)

    house.clock.at = later(5, since=house.clock.at)
    row = house.broker.rows[BrokerOrderId(str(the_sell(house).broker_order_id))]
    house.broker.change(row.broker_order_id, status_text="again")
    house.look()

    assert LifecycleStore(house.database.engine).history(the_buy(house).id) == before
    assert len(house.events) == told


def test_an_older_word_after_the_sale_is_not_listened_to(house: House) -> None:
    the_stop_hits(house)
    number = BrokerOrderId(str(the_sell(house).broker_order_id))
    standing = house.broker.rows[number]
    house.clock.at = later(1, since=house.clock.at)
    sold(house)
    house.look()

    stale = replace(standing, status="CANCELLED", word=BrokerWord.CANCELLED)
    house.broker.frozen = [stale if row.broker_order_id == number else row for row in house.broker.rows.values()]
    house.look()

    assert closes(house) == [EXECUTED]
    assert not house.told(EventName.DEAD_LETTER)


def test_a_sale_that_is_confirmed_after_the_cancel_ends_it_all_the_same(house: House) -> None:
    the_stop_hits(house)
    house.broker.change(str(the_sell(house).broker_order_id), status="CANCELLED", status_text="end of the day")
    house.look()
    assert closes(house) == [ACTIVE]

    sold(house, status="CANCELLED")
    house.look()

    assert closes(house) == [EXECUTED]
    assert house.told(EventName.ORDER_LATE_FILL)


def test_a_sell_that_is_placed_anew_the_next_day_belongs_to_the_same_close(house: House) -> None:
    the_stop_hits(house)
    house.broker.change(str(the_sell(house).broker_order_id), status="CANCELLED", status_text="end of the day")
    house.look()
    house.clock.at = later(24 * 60)
    price_is(house, "890.00", "890.50")
    house.cycle()
    house.look()
    sold(house)
    house.look()

    assert len(house.orders(Side.SELL)) == 2
    assert closes(house) == [EXECUTED]


def test_a_close_that_somebody_asked_for_before_stays_the_only_one() -> None:
    house = a_holder()
    close(house)
    ask(house, KillSwitch(mode=KillMode.FLATTEN, reason="now", correlation_id="kill"))
    house.cycle()

    assert closes(house) == [ACTIVE]


def test_the_kill_switch_has_one_for_what_it_sells(house: House) -> None:
    ask(house, KillSwitch(mode=KillMode.FLATTEN, reason="now", correlation_id="kill"))
    assert closes(house) == [ACTIVE]


def test_a_stop_loss_that_hits_is_no_close_of_its_own() -> None:
    house = a_holder()
    add(house, STOP, 990)
    price_is(house, "985.00", "985.50")
    house.cycle()

    assert closes(house) == []
    assert statuses(house)[IdType.STOP_LOSS] == [ACTIVE]


def test_a_rule_beside_a_stop_loss_is_a_close_and_the_stop_loss_is_cancelled_with_it(house: House) -> None:
    add(house, STOP, 850)
    the_stop_hits(house)
    house.advance(seconds=1)
    sold(house)
    house.look()

    assert closes(house) == [EXECUTED]
    assert statuses(house)[IdType.STOP_LOSS] == [CANCELLED]
    assert statuses(house)[IdType.STOP_LOSS_CANCEL] == [EXECUTED]


def test_what_somebody_sells_by_hand_ends_every_wish_for_it(house: House) -> None:
    add(house, STOP, 850)
    the_stop_hits(house)
    house.broker.frozen = [row for row in house.broker.rows.values() if row.side is Side.BUY]
    house.broker.owned = [a_holding(0)]
    house.cycle()
    house.advance(minutes=1)
    house.cycle()

    assert not house.the_position().is_open
    assert closes(house) == [CANCELLED]
    assert statuses(house)[IdType.STOP_LOSS] == [CANCELLED]
    assert statuses(house)[IdType.STOP_LOSS_CANCEL] == [EXECUTED]
