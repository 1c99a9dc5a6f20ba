"""ENABLE_STARTUP_RECONCILE: with it nothing is placed before the first look; without it jobs start at once."""

from __future__ import annotations

import pytest

from tests.builders import EVENING, a_signal
from tests.unit.engine.house import House
from tradebot.domain.events import EventName
from tradebot.domain.orders import OrderStatus
from tradebot.domain.policy import FlowFlags, Policy
from tradebot.engine.messages import Job, JobDue

pytestmark = pytest.mark.flag("ENABLE_STARTUP_RECONCILE")


def a_house(*, startup_reconcile: bool, is_started: bool = True) -> House:
    return House(policy=Policy(flags=FlowFlags(startup_reconcile=startup_reconcile)), is_started=is_started, at=EVENING)


@pytest.mark.parametrize("is_on", [True, False])
def test_a_placement_that_is_due_before_the_first_look_waits_for_it_or_goes_at_once(is_on: bool) -> None:
    house = a_house(startup_reconcile=is_on, is_started=False)
    house.strategy.given = [a_signal()]
    house.broker.symbol_terms = {"INFY": house.broker.symbol_terms["INFY"]}

    house.engine.start()
    house.put(JobDue(name=Job.AMO_PLACEMENT, at=house.clock.at))
    while house.lanes.run_one("strategy"):
        house.engine.run_pending()

    lanes = [lane for lane, _ in house.lanes.waiting]
    assert ("INFY" in lanes) is not is_on
    assert ("book" in lanes) is is_on


@pytest.mark.parametrize("is_on", [True, False])
def test_what_the_start_says(is_on: bool) -> None:
    house = a_house(startup_reconcile=is_on)

    assert len(house.told(EventName.RECONCILE_RESULT)) == (1 if is_on else 0)
    assert len(house.told(EventName.RECONCILE_SKIPPED)) == (0 if is_on else 1)


@pytest.mark.parametrize("is_on", [True, False])
def test_a_fill_from_before_the_start_is_found_by_the_start_or_by_the_poll(is_on: bool) -> None:
    house = a_house(startup_reconcile=is_on)
    house.signals(a_signal())
    house.broker.fill("1", 10)

    house.restart()
    at_start = house.the_order().status
    house.cycle()

    assert at_start is (OrderStatus.ONGOING if is_on else OrderStatus.PENDING)
    assert house.the_order().status is OrderStatus.ONGOING
