"""ENABLE_SYMBOL_LOCKS: one mutating call at a time for each symbol, or for each order."""

from __future__ import annotations

import pytest

from tests.builders import a_signal
from tests.unit.engine.house import House
from tradebot.domain.orders import EntryType
from tradebot.domain.policy import FlowFlags, Policy
from tradebot.engine.commands import CancelOrder

pytestmark = pytest.mark.flag("ENABLE_SYMBOL_LOCKS")


def a_house(*, symbol_locks: bool) -> House:
    return House(policy=Policy(flags=FlowFlags(symbol_locks=symbol_locks)))


def lanes_of(house: House) -> list[str]:
    return [lane for lane, _ in house.lanes.waiting if lane != "book"]


@pytest.mark.parametrize(("is_on", "lanes"), [(True, 1), (False, 2)])
def test_two_orders_of_one_symbol_share_a_lane_or_not(is_on: bool, lanes: int) -> None:
    house = a_house(symbol_locks=is_on)

    house.signals(
        a_signal(1, entry_type=EntryType.REENTRY),
        a_signal(2, entry_type=EntryType.REENTRY),
        settle=False,
    )

    assert len(lanes_of(house)) == 2
    assert len(set(lanes_of(house))) == lanes


@pytest.mark.parametrize("is_on", [True, False])
def test_what_is_asked_of_one_order_stays_in_its_order(is_on: bool) -> None:
    house = a_house(symbol_locks=is_on)
    house.signals(a_signal())

    house.signals(a_signal(2, entry_type=EntryType.REENTRY), settle=False)
    placing = lanes_of(house)
    house.settle()
    house.put(CancelOrder(order_id=house.orders()[0].id, reason="Manual: wanted", correlation_id="test"))

    assert (lanes_of(house) == placing) is is_on
