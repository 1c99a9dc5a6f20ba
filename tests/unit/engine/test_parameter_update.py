"""A new signal for a symbol whose order waits or has failed: another quantity or price takes its place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders import MONDAY, a_signal
from tests.unit.engine.house import House
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.events import EventName
from tradebot.domain.orders import EntryType, Order, OrderStatus
from tradebot.domain.signals import Signal


def again(**changes: Any) -> Signal:
    """The same symbol, wanted by another signal."""
    return a_signal(2, **changes)


def two(house: House) -> tuple[Order, Order]:
    old, new = house.orders()
    return old, new


def outcomes(house: House) -> list[str]:
    return [decision.outcome for decision in house.memory.decisions.values()]


@pytest.mark.parametrize("change", [{"quantity": 11}, {"limit_price": Decimal("999.95")}])
def test_another_quantity_or_price_cancels_the_waiting_order_and_places_the_new_one(change: dict[str, Any]) -> None:
    house = House()
    house.signals(a_signal())

    house.signals(again(**change))

    old, new = two(house)
    assert (old.status, old.reason, old.is_manual) == (OrderStatus.CANCELLED, "Parameter update", False)
    assert (new.status, new.broker_order_id) == (OrderStatus.PENDING, "2")
    assert house.broker.calls[-4:].count("place") == 1
    assert house.told(EventName.MANUAL_CANCEL) == []


def test_nothing_new_is_sent_before_the_old_one_is_certainly_gone() -> None:
    house = House()
    house.signals(a_signal())
    house.signals(again(quantity=11), settle=False)

    assert [lane for lane, _ in house.lanes.waiting] == ["INFY"]
    assert house.lanes.run_one("INFY")
    house.engine.run_pending()

    assert house.broker.count("place") == 1
    house.settle()
    assert house.broker.count("place") == 2


@pytest.mark.parametrize("change", [{}, {"limit_price": Decimal("1000.01")}])
def test_the_same_quantity_and_price_are_blocked_by_what_waits(change: dict[str, Any]) -> None:
    house = House()
    house.signals(a_signal())

    house.signals(again(**change))

    assert len(house.orders()) == 1
    assert outcomes(house) == ["sent", "blocked"]


def test_a_failed_order_gives_way_at_once() -> None:
    house = House()
    house.broker.troubles["place"] = [BrokerRejected("margin")]
    house.signals(a_signal())

    house.signals(again(quantity=11))

    old, new = two(house)
    assert (old.status, old.reason) == (OrderStatus.CANCELLED, "Parameter update")
    assert new.status is OrderStatus.PENDING
    assert house.broker.count("cancel") == 0
    assert outcomes(house) == ["sent", "sent"]


def test_a_cancel_that_is_refused_leaves_the_old_one_and_places_nothing() -> None:
    house = House()
    house.signals(a_signal())
    house.broker.troubles["cancel"] = [BrokerRejected("being processed")]

    house.signals(again(quantity=11))

    old, new = two(house)
    assert old.status is OrderStatus.PENDING
    assert (new.status, new.reason) == (
        OrderStatus.CANCELLED,
        "Parameter update: the old order could not be cancelled",
    )
    assert house.broker.count("place") == 1


def test_an_old_one_that_is_filled_first_is_kept_and_nothing_new_is_placed() -> None:
    house = House()
    house.signals(a_signal())
    house.signals(again(quantity=11), settle=False)
    house.broker.troubles["cancel"] = [BrokerRejected("already complete")]
    house.broker.fill("1", 10)

    house.settle()

    old, new = two(house)
    assert (old.status, new.status) == (OrderStatus.ONGOING, OrderStatus.CANCELLED)
    assert house.broker.count("place") == 1


def test_a_restart_in_between_goes_on_where_it_was() -> None:
    house = House()
    house.signals(a_signal())
    house.signals(again(quantity=11), settle=False)

    house.restart()

    old, new = two(house)
    assert (old.status, new.status) == (OrderStatus.CANCELLED, OrderStatus.PENDING)
    assert new.broker_order_id == "2"
    assert house.broker.count("place") == 2


def test_the_same_signal_again_while_it_waits_is_a_duplicate() -> None:
    house = House()
    house.signals(a_signal())
    house.signals(again(quantity=11), settle=False)

    house.signals(again(quantity=11))

    assert len(house.orders()) == 2
    assert house.broker.count("place") == 2
    assert len(house.told(EventName.COID_DUPLICATE)) == 1


def test_a_waiting_order_can_be_cancelled_and_is_not_sent_then() -> None:
    house = House()
    house.signals(a_signal())
    house.signals(again(quantity=11), settle=False)
    _, new = two(house)

    house.cancel(new)

    assert two(house)[1].status is OrderStatus.CANCELLED
    assert house.broker.count("place") == 1


def test_a_position_or_an_order_that_is_filled_in_part_is_not_replaced() -> None:
    house = House()
    house.signals(a_signal())
    house.broker.fill("1", 4)
    house.look()

    house.signals(again(quantity=11))

    assert len(house.orders()) == 1
    assert outcomes(house)[-1] == "blocked"


def test_a_reentry_replaces_nothing() -> None:
    house = House()
    house.signals(a_signal(trading_day=MONDAY))

    house.signals(again(quantity=11, entry_type=EntryType.REENTRY))

    assert [order.status for order in house.orders()] == [OrderStatus.PENDING, OrderStatus.PENDING]
    assert house.broker.count("cancel") == 0
