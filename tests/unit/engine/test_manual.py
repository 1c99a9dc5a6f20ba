"""What people do by hand at the broker: seen in one cycle, told once, settled by the symbol's policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_position, a_quote, a_signal
from tests.unit.domain.test_manual import a_sale
from tests.unit.engine.fakes import a_holding, unreachable
from tests.unit.engine.house import House
from tradebot.domain.events import EventName
from tradebot.domain.manual import ManualPolicy, ManualRules
from tradebot.domain.orders import BrokerOrderId, Order, OrderStatus, OrderType, Side
from tradebot.domain.policy import Policy
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import ReleaseSymbol
from tradebot.engine.messages import Job


def a_house(policy: ManualPolicy = ManualPolicy.ADOPT, **options: Any) -> House:
    rules = ManualRules(by_symbol={"INFY": policy})
    return House(policy=replace(Policy(), manual=rules), **options)


def holding(policy: ManualPolicy = ManualPolicy.ADOPT, target: str | None = None) -> House:
    """Ten shares of INFY, bought by an order of ours; with a target a sell of them stands."""
    house = a_house(policy)
    metadata = {"target": target} if target else {}
    house.signals(a_signal(metadata=metadata))
    house.broker.fill("1", 10)
    house.broker.owned = [a_holding(10), a_holding(1, "OTHER")]
    house.market.prices["INFY"] = a_quote()
    house.cycle()
    house.cycle()
    assert house.the_position().quantity == 10
    return house


def own(house: House, *, ours: int) -> None:
    house.broker.owned = [a_holding(ours), a_holding(1, "OTHER")] if ours else [a_holding(1, "OTHER")]


def sell_by_hand(house: House, quantity: int, price: str = "1010", *, left: int, number: str = "H1") -> None:
    row = replace(a_sale(quantity, price, number), updated_at=house.clock.at)
    house.broker.rows[row.broker_order_id] = row
    own(house, ours=left)


def cycle(house: House, minutes: float = 1) -> None:
    house.clock.at += timedelta(minutes=minutes)
    house.market.prices["INFY"] = a_quote(at=house.clock.at)
    house.cycle()


def the_buy(house: House) -> Order:
    return house.the_order(Side.BUY)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"price": Decimal("1001.50")}, "price: 1000.00 -> 1001.50"),
        ({"quantity": 12}, "quantity: 10 -> 12"),
        ({"price": Decimal("999"), "quantity": 9}, "price: 1000.00 -> 999, quantity: 10 -> 9"),
    ],
)
def test_a_modification_by_hand_is_adopted_and_told_once(changes: dict[str, Any], told: str) -> None:
    house = a_house()
    house.signals(a_signal())
    house.broker.change("1", **changes)

    house.look()
    house.look()
    house.restart()

    order = the_buy(house)
    assert [event.message for event in house.told(EventName.MANUAL_MODIFICATION)] == [told]
    assert order.is_manual
    assert all(getattr(order, name) == value for name, value in changes.items())
    assert [event.event for event in house.story()][-1] == "modified_by_hand"


@pytest.mark.parametrize("price", ["1000.01", "999.99"])
def test_a_price_that_differs_by_a_paisa_is_no_modification(price: str) -> None:
    house = a_house()
    house.signals(a_signal())
    house.broker.change("1", price=Decimal(price))

    house.look()

    assert not the_buy(house).is_manual


def test_of_a_market_order_only_the_quantity_counts() -> None:
    house = a_house()
    house.signals(a_signal())
    house.broker.change("1", price=Decimal(0), order_type=OrderType.MARKET)

    house.look()

    assert not the_buy(house).is_manual


def test_under_ignore_a_modification_leaves_our_row_as_it_is_and_says_nothing() -> None:
    house = a_house(ManualPolicy.IGNORE)
    house.signals(a_signal())
    house.broker.change("1", price=Decimal(990))

    house.look()
    house.look()

    assert (the_buy(house).price, the_buy(house).is_manual) == (Decimal(1000), False)
    assert house.told(EventName.MANUAL_MODIFICATION) == []


@pytest.mark.parametrize("text", ["", "Cancelled by the user."])
def test_a_cancellation_by_hand_is_told_once_and_never_tried_again(text: str) -> None:
    house = a_house()
    house.signals(a_signal())
    house.broker.change("1", status="CANCELLED", status_text=text)

    house.look()
    house.look()

    order = the_buy(house)
    assert (order.status, order.is_manual) == (OrderStatus.CANCELLED, True)
    assert order.reason == f"Manual: {text or 'User cancelled'}"
    assert len(house.told(EventName.MANUAL_CANCEL)) == 1
    house.job(Job.RETRY)
    assert house.broker.count("place") == 1


def test_a_cancellation_by_the_exchange_is_none_by_hand() -> None:
    house = a_house()
    house.signals(a_signal())
    house.broker.change("1", status="CANCELLED", status_text="Cancelled by the exchange at the end of the day")

    house.look()

    assert (the_buy(house).status, the_buy(house).is_manual) == (OrderStatus.CANCELLED, False)


def test_a_sell_of_ours_that_was_cancelled_by_hand_is_not_placed_again_that_day() -> None:
    house = holding(target="1050")
    (sell,) = house.orders(Side.SELL)
    assert sell.broker_order_id is not None
    house.broker.change(sell.broker_order_id, status="CANCELLED")

    cycle(house)
    cycle(house)

    assert len(house.orders(Side.SELL)) == 1


def test_under_ignore_it_is_placed_again() -> None:
    house = holding(ManualPolicy.IGNORE, target="1050")
    (sell,) = house.orders(Side.SELL)
    assert sell.broker_order_id is not None
    house.broker.change(sell.broker_order_id, status="CANCELLED")

    cycle(house)
    cycle(house)

    assert [order.status for order in house.orders(Side.SELL)] == [OrderStatus.CANCELLED, OrderStatus.PENDING]


def test_an_order_placed_by_hand_is_shown_once_and_never_touched() -> None:
    house = a_house()
    row = replace(a_sale(3), filled_quantity=0, status="OPEN", side=Side.BUY)
    house.broker.rows[row.broker_order_id] = row

    house.look()
    house.broker.rows[row.broker_order_id] = replace(row, filled_quantity=1)
    house.look()

    (told,) = house.told(EventName.MANUAL_ORDER_SEEN)
    assert told.fields["broker_order_id"] == "H1"
    assert house.orders() == []
    assert {"cancel", "modify"}.isdisjoint(house.broker.calls)


def test_a_sale_by_hand_of_all_shares_closes_the_position_at_its_price() -> None:
    house = holding()
    sell_by_hand(house, 10, "1010", left=0)

    cycle(house)
    cycle(house)

    position = house.the_position()
    (told,) = house.told(EventName.MANUAL_EXIT)
    assert (position.is_open, position.realised_pnl) == (False, Decimal(100))
    assert (told.fields["exit_price"], told.fields["realised_pnl"]) == (Decimal(1010), Decimal(100))
    assert the_buy(house).status is OrderStatus.CLOSED
    assert len(house.told(EventName.POSITION_CLOSED)) == 1
    assert "manual_exit" in [event.event for event in house.story()]


def test_a_sale_of_a_part_leaves_the_rest_with_a_sell_of_its_own() -> None:
    house = holding(target="1050")
    sell_by_hand(house, 4, left=6)

    cycle(house)
    cycle(house)

    first, second = house.orders(Side.SELL)
    assert house.the_position().quantity == 6
    assert (first.status, second.status, second.quantity) == (OrderStatus.CANCELLED, OrderStatus.PENDING, 6)
    (told,) = house.told(EventName.MANUAL_PARTIAL_EXIT)
    assert (told.fields["quantity"], told.fields["left"]) == (4, 6)


def test_a_sale_by_hand_is_settled_once_also_after_a_restart() -> None:
    house = holding()
    sell_by_hand(house, 4, left=6)
    cycle(house)

    house.restart()
    cycle(house)
    cycle(house)

    assert house.the_position().quantity == 6
    assert len(house.told(EventName.MANUAL_PARTIAL_EXIT)) == 1


def test_shares_of_the_people_themselves_are_ignored() -> None:
    house = holding()
    house.broker.owned = [a_holding(15), a_holding(1, "OTHER")]
    sell_by_hand(house, 5, left=10)

    cycle(house)

    assert house.the_position().quantity == 10
    assert house.told(EventName.MANUAL_PARTIAL_EXIT) == []


def test_under_ignore_a_sale_leaves_our_position_as_it_is() -> None:
    house = holding(ManualPolicy.IGNORE)
    sell_by_hand(house, 4, left=6)

    cycle(house)
    cycle(house)

    assert house.the_position().quantity == 10


def test_shares_that_nobody_sold_are_missing_when_they_are_missing_twice() -> None:
    house = holding()
    own(house, ours=7)

    cycle(house)
    first = house.the_position().quantity
    cycle(house)

    assert (first, house.the_position().quantity) == (10, 7)
    assert len(house.told(EventName.HOLDINGS_DIFFER)) == 1
    assert len(house.told(EventName.MANUAL_PARTIAL_EXIT)) == 1


def test_shares_that_come_back_were_never_missing() -> None:
    house = holding()
    own(house, ours=7)
    cycle(house)
    own(house, ours=10)
    cycle(house)
    own(house, ours=7)

    cycle(house)

    assert house.the_position().quantity == 10


def test_no_holdings_at_all_are_no_answer() -> None:
    house = holding()
    house.broker.owned = []

    cycle(house)
    cycle(house)

    assert house.the_position().quantity == 10


def test_holdings_that_cannot_be_asked_for_change_nothing() -> None:
    house = holding()
    house.broker.troubles["holdings"] = [unreachable()] * 3
    own(house, ours=0)

    cycle(house)

    assert house.the_position().quantity == 10
    assert len(house.told(EventName.BROKER_UNREACHABLE)) == 1


@pytest.mark.parametrize("kind", ["placed", "modified", "cancelled", "sold"])
def test_under_halt_every_kind_keeps_entries_out_until_somebody_releases_the_symbol(kind: str) -> None:
    house = holding(ManualPolicy.HALT, target="1050")
    (sell,) = house.orders(Side.SELL)
    number = sell.broker_order_id or BrokerOrderId("")
    match kind:
        case "placed":
            row = replace(a_sale(3), filled_quantity=0, status="OPEN", side=Side.BUY)
            house.broker.rows[row.broker_order_id] = row
        case "modified":
            house.broker.change(number, price=Decimal(1060))
        case "cancelled":
            house.broker.change(number, status="CANCELLED")
        case "sold":
            sell_by_hand(house, 4, left=6)
    cycle(house)

    house.restart()
    house.signals(a_signal(2, entry_type="reentry"))
    blocked = [decision.reason for decision in house.memory.decisions.values() if decision.outcome == "blocked"]
    future = house.answers.expect("me")
    house.tell(ReleaseSymbol(symbol="infy", correlation_id="me"))
    house.signals(a_signal(3, entry_type="reentry"))

    assert blocked == ["SYMBOL_HALTED"]
    assert future.result(timeout=0).outcome is Outcome.DONE
    assert house.broker.count("place") == 3, "the buy, its sell, and the entry after the release"
    assert len(house.told(EventName.SYMBOL_HALTED)) == 1


def test_a_symbol_that_is_not_halted_cannot_be_released() -> None:
    house = a_house()
    future = house.answers.expect("me")

    house.tell(ReleaseSymbol(symbol="INFY", correlation_id="me"))

    assert future.result(timeout=0).outcome is Outcome.CONFLICT


def test_a_cycle_counts_what_was_sold_by_hand() -> None:
    house = holding()
    sell_by_hand(house, 4, left=6)

    cycle(house)

    assert house.told(EventName.CYCLE)[-1].fields["manual_sells"] == 1


def test_a_position_of_another_symbol_is_not_touched() -> None:
    house = holding()
    other = replace(a_position(), id=a_position().id, symbol="TCS", opened_by=a_position().opened_by)
    house.memory.positions[other.id] = replace(other, first_fill_at=house.clock.at)
    sell_by_hand(house, 4, left=6)

    cycle(house)

    assert [p.quantity for p in house.memory.positions.values() if p.symbol == "TCS"] == [other.quantity]
