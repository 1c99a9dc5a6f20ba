"""ENABLE_CONSOLIDATED_EXITS: one evaluation whose first hit decides, or every rule by itself; one sell either way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.builders import NOON, a_position
from tests.unit.engine.house import House
from tests.unit.engine.test_sells import holding, opened, quoted
from tradebot.domain.events import EventName
from tradebot.domain.exits import ExitRule
from tradebot.domain.orders import OrderStatus, Product, Side
from tradebot.domain.policy import FlowFlags, Policy
from tradebot.engine.commands import ExitPosition
from tradebot.engine.messages import Job

pytestmark = pytest.mark.flag("ENABLE_CONSOLIDATED_EXITS")

FALLEN = a_position(metadata={"strategy": "test"}, peak_price=Decimal(1050))
"""At 990 it is below the stop (995) and below its trailing stop (1,039.50) at the same time."""


def exits_told(house: House) -> list[EventName]:
    return [event.name for event in house.events if event.name.startswith("EXIT_")]


def a_house(*, is_on: bool) -> House:
    return opened(position=FALLEN, policy=Policy(flags=FlowFlags(consolidated_exits=is_on)))


@pytest.mark.parametrize("is_on", [True, False])
def test_stop_and_trailing_stop_at_once_are_one_exit_or_two_and_one_sell(is_on: bool) -> None:
    house = a_house(is_on=is_on)

    quoted(house, "990")
    quoted(house, "989")

    both = [EventName.EXIT_ATR_STOP_HIT, EventName.EXIT_TRAILING_HIT]
    assert exits_told(house) == (both[:1] if is_on else both)
    assert house.the_position().exit_rule == ExitRule.ATR_STOP
    assert [sell.status for sell in house.orders(Side.SELL)] == [OrderStatus.PENDING]
    assert len(house.broker.rows) == 1


@pytest.mark.parametrize("is_on", [True, False])
def test_a_rule_that_hits_later_is_told_only_where_the_rules_run_apart(is_on: bool) -> None:
    house = opened(policy=Policy(flags=FlowFlags(consolidated_exits=is_on)))
    house.tell(ExitPosition(symbol="INFY", reason="enough", correlation_id="x"))
    house.advance(seconds=1)

    quoted(house, "990")

    told = [EventName.EXIT_MANUAL, EventName.EXIT_ATR_STOP_HIT]
    assert exits_told(house) == (told[:1] if is_on else told)
    assert house.the_position().exit_rule == ExitRule.MANUAL
    assert len(house.orders(Side.SELL)) == 1


@pytest.mark.parametrize("is_on", [True, False])
def test_after_a_restart_there_is_still_one_sell(is_on: bool) -> None:
    house = a_house(is_on=is_on)
    quoted(house, "990")

    house.restart()
    quoted(house, "985")

    assert len(house.broker.rows) == 1
    assert len(house.orders(Side.SELL)) == 1


@pytest.mark.parametrize("is_on", [True, False])
def test_a_part_that_is_sold_leaves_the_rest_to_one_further_sell(is_on: bool) -> None:
    house = a_house(is_on=is_on)
    quoted(house, "990")
    house.broker.fill("1", 4, "989", status="CANCELLED")
    house.look()

    quoted(house, "988")

    position, sells = house.the_position(), house.orders(Side.SELL)
    assert (position.quantity, position.exit_rule) == (6, ExitRule.ATR_STOP)
    assert [(sell.status, sell.quantity) for sell in sells] == [(OrderStatus.CANCELLED, 10), (OrderStatus.PENDING, 6)]


@pytest.mark.flag("USE_FIRST_FILL_TS_FOR_TTL")
@pytest.mark.parametrize(("from_first_fill", "is_sold"), [(True, False), (False, True)])
def test_a_position_whose_order_waited_for_its_fill_ages_from_there_or_from_the_order(
    from_first_fill: bool, is_sold: bool
) -> None:
    """Submitted at noon, filled half an hour later, looked at two hours after noon."""
    filled_at = NOON + timedelta(minutes=30)
    position = a_position(metadata={"strategy": "test"}, product=Product.MIS, first_fill_at=filled_at)
    rules = replace(Policy().exits, ttl_from_first_fill=from_first_fill)
    house = holding(position, policy=replace(Policy(), exits=rules))
    house.job(Job.OPEN)
    house.restart()
    house.clock.at = NOON + timedelta(minutes=120)
    quoted(house, "1001")

    assert exits_told(house) == ([EventName.EXIT_TIME_STOP] if is_sold else [])
