"""ENABLE_COID_MANAGER: with it an intent is never placed twice; without it nothing keeps it from that."""

from __future__ import annotations

import pytest

from tests.builders import a_signal
from tests.unit.engine.fakes import AnswerLost, unreachable
from tests.unit.engine.house import House
from tradebot.domain.coids import is_drawn
from tradebot.domain.events import EventName
from tradebot.domain.orders import EntryType, OrderStatus
from tradebot.domain.policy import FlowFlags, Policy
from tradebot.engine.messages import Job

pytestmark = pytest.mark.flag("ENABLE_COID_MANAGER")


def a_house(*, coids: bool) -> House:
    return House(policy=Policy(flags=FlowFlags(coids=coids)))


@pytest.mark.parametrize("coids", [True, False])
def test_an_id_is_derived_and_reserved_or_drawn_and_kept_nowhere_but_in_the_database(coids: bool) -> None:
    house = a_house(coids=coids)

    house.signals(a_signal())

    order = house.the_order()
    assert is_drawn(order.coid) is not coids
    assert (house.registry.get(order.coid) is not None) is coids
    assert house.broker.rows["1"].tag == order.coid  # type: ignore[index]


@pytest.mark.parametrize(("coids", "orders"), [(True, 1), (False, 2)])
def test_the_same_signal_again_is_stopped_or_placed_twice(coids: bool, orders: int) -> None:
    house = a_house(coids=coids)

    house.signals(a_signal(entry_type=EntryType.REENTRY))
    house.signals(a_signal(entry_type=EntryType.REENTRY))

    assert len(house.broker.rows) == orders
    assert len(house.told(EventName.COID_DUPLICATE)) == (1 if coids else 0)


@pytest.mark.parametrize(("coids", "orders"), [(True, 1), (False, 2)])
def test_after_a_lost_answer_the_order_is_looked_up_or_sent_again(coids: bool, orders: int) -> None:
    house = a_house(coids=coids)
    house.broker.troubles["place"] = [AnswerLost("gone")]

    house.signals(a_signal())
    house.advance(minutes=1)

    assert len(house.broker.rows) == orders
    assert len({row.tag for row in house.broker.rows.values()}) == orders


@pytest.mark.parametrize("coids", [True, False])
def test_what_certainly_did_not_leave_is_sent_again_after_a_look_or_at_once(coids: bool) -> None:
    house = a_house(coids=coids)
    house.broker.troubles["place"] = [unreachable()]

    house.signals(a_signal())
    house.advance(seconds=1)

    between = house.broker.calls[house.broker.calls.index("place") : -1]
    assert between == (["place", "order_book", "place"] if coids else ["place", "place"])
    assert len(house.broker.rows) == 1


@pytest.mark.parametrize("coids", [True, False])
def test_a_placement_is_tried_three_times_either_way(coids: bool) -> None:
    house = a_house(coids=coids)
    house.broker.troubles["place"] = [unreachable() for _ in range(9)]

    house.signals(a_signal())
    house.advance(minutes=5)

    assert house.broker.count("place") == 3
    assert house.the_order().status is OrderStatus.FAILED


def test_what_was_lost_and_sent_again_is_followed_twice_and_all_of_its_fills_are_booked() -> None:
    house = a_house(coids=False)
    house.broker.troubles["place"] = [AnswerLost("gone")]
    house.signals(a_signal())
    house.advance(minutes=1)

    house.broker.fill("1", 10)
    house.broker.fill("2", 10)
    house.look()

    assert house.the_position().quantity == 20
    assert not house.told(EventName.INTERNAL_FAULT)


def test_a_restart_without_ids_follows_what_was_placed_and_needs_no_registry() -> None:
    house = a_house(coids=False)
    house.signals(a_signal())

    house.restart()
    house.broker.fill("1", 10)
    house.look()

    assert house.broker.count("place") == 1
    assert house.the_order().status is OrderStatus.ONGOING


def test_an_order_with_a_drawn_id_is_followed_after_the_switch_is_on_again() -> None:
    house = a_house(coids=False)
    house.signals(a_signal())

    house.policy = Policy()
    house.restart()
    house.broker.fill("1", 10)
    house.look()
    house.job(Job.CYCLE)

    assert house.the_order().status is OrderStatus.ONGOING
    assert not house.told(EventName.INTERNAL_FAULT)
