"""Slippage after the fill: beside which price, when it is a breach, and what a breach stops."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_quote, a_signal
from tests.unit.engine.fakes import a_holding
from tests.unit.engine.house import House
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.guards import Reason
from tradebot.domain.orders import EntryType, OrderStatus, Variety
from tradebot.domain.policy import GuardMode, Policy, QuoteLimits


def a_house(**policy: Any) -> House:
    house = House(policy=Policy(**policy))
    house.market.prices["INFY"] = a_quote("999.50", "1000.00")
    return house


def filled_at(house: House, price: str, variety: Variety = Variety.REGULAR, limit: str = "1010") -> Event:
    house.signals(a_signal(limit_price=Decimal(limit)), variety=variety)
    house.broker.fill("1", 10, price)
    house.look()
    (told,) = house.told(EventName.ENTRY_SLIPPAGE)
    return told


@pytest.mark.parametrize(
    ("price", "found", "is_breach"),
    [("1000", "0", False), ("1001.50", "15", False), ("1001.501", "15.01", True), ("999", "-10", False)],
)
def test_a_fill_is_held_against_the_best_opposite_price_at_the_decision(
    price: str, found: str, is_breach: bool
) -> None:
    told = filled_at(a_house(), price)

    assert told.fields["slippage_bps"] == Decimal(found)
    assert (told.fields["threshold_bps"], told.fields["breach"]) == (15, is_breach)
    assert told.fields["reference_price"] == Decimal(1000)
    assert told.level is (Level.WARNING if is_breach else Level.INFO)


def test_an_after_market_order_is_held_against_its_limit() -> None:
    told = filled_at(a_house(), "1008", Variety.AMO)

    assert told.fields["reference_price"] == Decimal(1010)
    assert told.fields["slippage_bps"] == Decimal("-19.8020")


def test_several_fills_are_one_average_and_told_once() -> None:
    house = a_house()
    house.signals(a_signal(limit_price=Decimal(1010)), variety=Variety.REGULAR)
    house.broker.fill("1", 5, "1000")
    house.look()
    early = house.told(EventName.ENTRY_SLIPPAGE)
    house.broker.fill("1", 5, "1002")
    house.look()

    (told,) = house.told(EventName.ENTRY_SLIPPAGE)
    assert early == []
    assert (told.fields["avg_price"], told.fields["slippage_bps"]) == (1001, 10)


def another_of_the_decision(house: House) -> str:
    """The rest of the decision, after a part of its order was filled and the rest cancelled."""
    signal = a_signal(quantity=20, limit_price=Decimal(1010), entry_type=EntryType.REENTRY)
    house.signals(signal, variety=Variety.REGULAR)
    house.broker.fill("1", 10, "1002", status="CANCELLED")
    house.broker.owned = [a_holding(10)]
    house.look()
    house.signals(signal, variety=Variety.REGULAR)
    return house.memory.decisions[signal.id].reason  # type: ignore[index]


def test_a_breach_stops_further_entries_of_that_decision_and_of_no_other() -> None:
    house = a_house()

    assert another_of_the_decision(house) == Reason.DECISION_STOPPED
    house.signals(a_signal(2, entry_type=EntryType.REENTRY), variety=Variety.REGULAR)

    assert house.broker.count("place") == 2


@pytest.mark.parametrize("mode", [GuardMode.OFF, GuardMode.SHADOW])
def test_without_the_guard_a_breach_is_told_and_stops_nothing(mode: GuardMode) -> None:
    house = a_house(quotes=QuoteLimits(slippage=mode))

    assert another_of_the_decision(house) == ""
    assert [event.fields["breach"] for event in house.told(EventName.ENTRY_SLIPPAGE)] == [True]


def test_a_breach_outlives_a_restart() -> None:
    house = a_house()
    another_of_the_decision(house)

    house.restart()
    signal = a_signal(quantity=20, limit_price=Decimal(1010), entry_type=EntryType.REENTRY)
    house.signals(signal, variety=Variety.REGULAR)

    assert house.broker.count("place") == 1
    assert house.orders()[0].status is OrderStatus.ONGOING


def test_a_sell_that_ends_a_position_is_no_entry() -> None:
    house = a_house()
    filled_at(house, "1000")
    house.broker.owned = [a_holding(10)]
    house.market.prices["INFY"] = replace(a_quote("990", "990.05"), at=house.clock.at)
    house.cycle()
    house.broker.fill("2", 10, "989")
    house.look()

    assert len(house.told(EventName.ENTRY_SLIPPAGE)) == 1
