"""What counts for a day goes on counting after a restart: entries, what they are worth, and what was lost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import NOON, a_position, a_quote, a_signal, some_terms
from tests.unit.engine.fakes import a_holding
from tests.unit.engine.house import House
from tests.unit.engine.test_sells import opened, quoted
from tradebot.domain.guards import Reason
from tradebot.domain.orders import Variety
from tradebot.domain.policy import Policy, RiskLimits

RESTARTS = pytest.mark.parametrize("restarts", [False, True])


def reason_of(house: House, number: int = 9, symbol: str = "TCS") -> str:
    """What becomes of another entry; nothing where it was sent."""
    house.broker.symbol_terms = {name: some_terms(name) for name in ("INFY", symbol)}
    house.signals(a_signal(number, symbol), variety=Variety.AMO)
    return house.memory.decisions[f"signal-{number}"].reason  # type: ignore[index]


@RESTARTS
def test_entries_of_the_day_are_counted(restarts: bool) -> None:
    house = House(policy=Policy(risk=RiskLimits(trades_per_day_max=1)))
    house.signals(a_signal())
    if restarts:
        house.restart()

    assert reason_of(house) == Reason.MAX_TRADES


@RESTARTS
def test_what_the_entries_are_worth_is_counted(restarts: bool) -> None:
    house = House(policy=Policy(risk=RiskLimits(gross_per_day_max=Decimal(15_000))))
    house.signals(a_signal())
    if restarts:
        house.restart()

    assert reason_of(house) == Reason.GROSS


@RESTARTS
@pytest.mark.parametrize(("bid", "is_blocked"), [("920.1", False), ("919.9", True)])
def test_what_was_lost_with_sold_positions_is_counted(bid: str, is_blocked: bool, restarts: bool) -> None:
    """Ten shares bought at 1,000 and sold: 8 % of Rs 10,000 may be lost on a day."""
    house = opened()
    house.broker.cash = Decimal(10_000)
    quoted(house, bid)
    house.broker.fill("1", 10, bid)
    house.look()
    if restarts:
        house.restart()

    found = reason_of(house)
    assert (Reason.DAILY_DRAWDOWN in found) is is_blocked


@pytest.mark.parametrize(("bid", "is_blocked"), [("985", False), ("900", True)])
def test_what_is_lost_with_held_positions_is_counted_from_yesterdays_close(bid: str, is_blocked: bool) -> None:
    """A hundred shares of a hundred thousand rupees; the stop's sell is not filled yet."""
    position = a_position(quantity=100, first_fill_at=NOON.replace(day=13))
    house = opened(position=position)
    house.broker.cash = Decimal(10_000)
    house.broker.owned = [a_holding(100)]

    quoted(house, bid)

    assert (Reason.DAILY_DRAWDOWN in reason_of(house)) is is_blocked


def test_a_gain_that_is_open_makes_up_for_a_loss() -> None:
    house = opened(position=a_position(quantity=100))
    house.broker.cash = Decimal(100_000)
    house.market.prices["INFY"] = a_quote("1040", "1040.05")

    house.advance(seconds=1)
    house.cycle()

    assert reason_of(house) == ""
