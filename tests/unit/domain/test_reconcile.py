"""What a difference between us and the broker amounts to, case by case."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import BROKER_ORDER_ID, a_broker_order, a_fill, a_trade, an_attempt, an_order, later
from tests.unit.domain.applier import SESSION_END, Follower
from tradebot.domain.broker_views import BrokerTrade
from tradebot.domain.lifecycle import OrderChange
from tradebot.domain.orders import AttemptStatus, Order, OrderStatus, Side
from tradebot.domain.reconcile import Finding, Notice


def a_follower(**order: Any) -> Follower:
    """An order of ten that the broker has taken."""
    ours = an_order(**{"placed_at": later(0), **order})
    return Follower(order=ours, attempt=an_attempt(ours, broker_order_id=BROKER_ORDER_ID, broker_status="OPEN"))


def a_finished_one(status: OrderStatus, attempt: AttemptStatus, **order: Any) -> Follower:
    found = a_follower(status=status, **order)
    found.attempt = replace(found.attempt, status=attempt)
    return found


def of(order: Order, *trades: BrokerTrade) -> list[BrokerTrade]:
    return [replace(trade, side=order.side) for trade in trades]


def found(finding: Finding | None) -> Finding:
    assert finding is not None
    return finding


def changes(finding: Finding | None) -> list[OrderChange]:
    return [transition.change for transition in found(finding).transitions]


def test_a_first_sight_at_the_broker_is_the_acceptance() -> None:
    ours = Follower()

    finding = ours.look(a_broker_order())

    assert changes(finding) == [OrderChange.ACCEPTED]
    assert ours.order.status is OrderStatus.PENDING
    assert ours.order.broker_order_id == ours.attempt.broker_order_id == BROKER_ORDER_ID
    assert ours.order.reason == an_order().reason


def test_an_open_order_that_we_know_is_no_news() -> None:
    assert a_follower().look(a_broker_order()) is None


@pytest.mark.parametrize(("side", "status"), [(Side.BUY, OrderStatus.ONGOING), (Side.SELL, OrderStatus.CLOSED)])
def test_a_filled_buy_is_held_and_a_filled_sell_is_done(side: Side, status: OrderStatus) -> None:
    ours = a_follower(side=side)

    ours.look(
        a_broker_order(ours.order, status="COMPLETE", filled_quantity=10),
        of(ours.order, a_trade(1, 4, "1234"), a_trade(2, 6, "1235")),
    )

    assert ours.order.status is status
    assert ours.order.reason == "Order executed at Rs 1234.60"
    assert (ours.order.execution_qty, ours.attempt.filled_quantity) == (10, 10)
    assert ours.attempt.status is AttemptStatus.FILLED


@pytest.mark.parametrize("side", Side)
def test_a_partial_fill_waits_and_grows(side: Side) -> None:
    ours = a_follower(side=side)

    ours.look(a_broker_order(ours.order, filled_quantity=4), of(ours.order, a_trade(1, 4)))

    assert ours.order.status is OrderStatus.PENDING
    assert ours.order.reason == "Partially filled: 4 of 10"
    assert ours.order.execution_qty == 4
    assert ours.attempt.status is AttemptStatus.PARTIALLY_FILLED


def test_a_buy_cancelled_after_a_part_is_held_for_the_part_with_a_reason_that_says_so() -> None:
    ours = a_follower()
    ours.look(a_broker_order(filled_quantity=4), [a_trade(1, 4)])

    row = a_broker_order(status="CANCELLED", filled_quantity=4, status_text="Exchange cancelled", updated_at=later(2))
    ours.look(row, [a_trade(1, 4)])

    assert ours.order.status is OrderStatus.ONGOING
    assert ours.order.execution_qty == 4
    assert ours.order.reason == "Order executed at Rs 1000.00 for 4 of 10, the rest cancelled: Exchange cancelled"
    assert ours.attempt.status is AttemptStatus.CANCELLED


def test_a_sell_cancelled_after_a_part_is_cancelled_and_keeps_the_part() -> None:
    ours = a_follower(side=Side.SELL)

    row = a_broker_order(ours.order, status="CANCELLED", filled_quantity=4, status_text="Exchange cancelled")
    ours.look(row, of(ours.order, a_trade(1, 4)))

    assert (ours.order.status, ours.order.execution_qty) == (OrderStatus.CANCELLED, 4)
    assert ours.order.reason == "Exchange cancelled"


def test_fill_and_cancellation_in_one_look_say_the_same_as_in_two() -> None:
    once, twice = a_follower(), a_follower()
    row = a_broker_order(status="CANCELLED", filled_quantity=4, status_text="Exchange cancelled", updated_at=later(2))

    once.look(row, [a_trade(1, 4)])
    twice.look(a_broker_order(filled_quantity=4), [a_trade(1, 4)])
    twice.look(row, [a_trade(1, 4)])

    assert once.order == twice.order
    assert once.attempt == twice.attempt


@pytest.mark.parametrize(
    ("text", "reason"), [("margin exceeded", "Broker rejected: margin exceeded"), ("", "Rejected by broker")]
)
def test_a_rejection_fails_the_order_with_the_brokers_text(text: str, reason: str) -> None:
    ours = a_follower()

    ours.look(a_broker_order(status="REJECTED", status_text=text))

    assert (ours.order.status, ours.order.reason) == (OrderStatus.FAILED, reason)
    assert ours.attempt.status is AttemptStatus.REJECTED


def test_a_buy_rejected_after_a_part_is_held_for_the_part() -> None:
    ours = a_follower()

    ours.look(a_broker_order(status="REJECTED", filled_quantity=4, status_text="market closed"), [a_trade(1, 4)])

    assert (ours.order.status, ours.order.execution_qty) == (OrderStatus.ONGOING, 4)


@pytest.mark.parametrize("word", ["COMPLETE", "CANCELLED", "REJECTED"])
def test_a_final_word_waits_for_the_trades_that_belong_to_it(word: str) -> None:
    ours = a_follower()

    finding = ours.look(a_broker_order(status=word, filled_quantity=4))

    assert ours.order.status is OrderStatus.PENDING
    assert ours.order.execution_qty == 0
    assert found(finding).notices == (Notice.TRADES_LAG,)


def test_executed_without_a_quantity_and_without_trades_waits_too() -> None:
    ours = a_follower()

    ours.look(a_broker_order(status="COMPLETE", filled_quantity=0))

    assert ours.order.status is OrderStatus.PENDING


def test_trades_that_come_later_finish_what_waited() -> None:
    ours = a_follower()
    row = a_broker_order(status="COMPLETE", filled_quantity=10)
    ours.look(row)
    ours.look(row, [a_trade(1, 4)])
    waiting = ours.order

    ours.look(row, [a_trade(1, 4), a_trade(2, 6)])

    assert (waiting.status, waiting.execution_qty) == (OrderStatus.PENDING, 4)
    assert (ours.order.status, ours.order.execution_qty) == (OrderStatus.ONGOING, 10)


def test_a_part_whose_trades_lag_is_noticed() -> None:
    finding = a_follower().look(a_broker_order(filled_quantity=4, status="PARTIALLY FILLED"))

    assert Notice.TRADES_LAG in found(finding).notices


@pytest.mark.parametrize("state", [OrderStatus.CANCELLED, OrderStatus.FAILED])
@pytest.mark.parametrize(("side", "after"), [(Side.BUY, OrderStatus.ONGOING), (Side.SELL, OrderStatus.CLOSED)])
@pytest.mark.parametrize("attempt", [AttemptStatus.CANCELLED, AttemptStatus.REJECTED, AttemptStatus.EXPIRED])
def test_a_fill_of_a_finished_order_moves_it_late(
    state: OrderStatus, side: Side, after: OrderStatus, attempt: AttemptStatus
) -> None:
    ours = a_finished_one(state, attempt, side=side)

    row = a_broker_order(ours.order, status="COMPLETE", filled_quantity=10)
    ours.look(row, of(ours.order, a_trade()))

    assert (ours.order.status, ours.order.reason) == (after, "Late fill")
    assert ours.notices == [Notice.LATE_FILL]
    assert [fill.is_late for fill in ours.fills] == [True]
    assert ours.attempt.status is AttemptStatus.FILLED


@pytest.mark.parametrize("state", [OrderStatus.CANCELLED, OrderStatus.FAILED])
def test_a_part_filled_after_the_cancellation_is_held_late(state: OrderStatus) -> None:
    ours = a_finished_one(state, AttemptStatus.CANCELLED)

    ours.look(a_broker_order(status="CANCELLED", filled_quantity=3), [a_trade(1, 3)])

    assert (ours.order.status, ours.order.reason) == (OrderStatus.ONGOING, "Late fill")
    assert ours.attempt.filled_quantity == 3


def test_a_part_filled_of_a_rejected_order_is_held_late() -> None:
    ours = a_finished_one(OrderStatus.FAILED, AttemptStatus.REJECTED)

    ours.look(a_broker_order(status="REJECTED", filled_quantity=3), [a_trade(1, 3)])

    assert (ours.order.status, ours.order.reason) == (OrderStatus.ONGOING, "Late fill")


def test_one_more_part_after_the_cancellation_grows_what_is_held() -> None:
    ours = a_finished_one(OrderStatus.ONGOING, AttemptStatus.CANCELLED, execution_qty=4, execution_value=Decimal(4000))
    ours.attempt = replace(ours.attempt, filled_quantity=4)
    ours.fills = [a_fill(quantity=4)]

    ours.look(a_broker_order(status="CANCELLED", filled_quantity=6), [a_trade(1, 4), a_trade(2, 2)])

    assert (ours.order.status, ours.order.execution_qty) == (OrderStatus.ONGOING, 6)
    assert Notice.LATE_FILL in ours.notices


@pytest.mark.parametrize("state", [OrderStatus.CANCELLED, OrderStatus.FAILED])
def test_an_order_that_is_open_after_all_is_pending_again(state: OrderStatus) -> None:
    ours = a_finished_one(state, AttemptStatus.EXPIRED)

    ours.look(a_broker_order())

    assert ours.order.status is OrderStatus.PENDING
    assert ours.notices == [Notice.REOPENED]
    assert ours.attempt.status is AttemptStatus.PENDING


def test_an_uncertain_order_that_is_seen_is_certain_again() -> None:
    ours = Follower(attempt=an_attempt(status=AttemptStatus.UNKNOWN, looks=2))

    ours.look(a_broker_order())

    assert (ours.attempt.status, ours.attempt.looks) == (AttemptStatus.PENDING, 0)


@pytest.mark.parametrize("word", ["", "SOMETHING NEW", "open-ish", "completely different"])
@pytest.mark.parametrize("state", OrderStatus)
def test_an_unknown_word_changes_no_status_and_is_noticed(word: str, state: OrderStatus) -> None:
    ours = a_follower(status=state)

    finding = ours.look(a_broker_order(status=word))

    assert changes(finding) == []
    assert found(finding).notices == (Notice.UNKNOWN_WORD,)
    assert ours.order.status is state
    assert ours.attempt.status is AttemptStatus.PENDING


def test_trades_of_other_orders_are_left_out() -> None:
    ours = a_follower()

    ours.look(a_broker_order(filled_quantity=4), [a_trade(1, 4), a_trade(2, 6, broker_order_id="other")])

    assert [fill.trade_id for fill in ours.fills] == ["T1"]


def test_fills_are_booked_in_the_order_of_their_time() -> None:
    ours = a_follower()

    ours.look(a_broker_order(status="COMPLETE", filled_quantity=10), [a_trade(2, 6), a_trade(1, 4)])

    assert [fill.trade_id for fill in ours.fills] == ["T1", "T2"]


@pytest.mark.parametrize(
    ("price", "quantity"), [("1000.02", 10), ("999.98", 10), ("1000", 9), ("1000", 11), ("1001", 5)]
)
def test_a_modification_by_hand_is_told_once(price: str, quantity: int) -> None:
    ours = a_follower()
    row = a_broker_order(price=Decimal(price), quantity=quantity)

    first, second = ours.look(row), ours.look(row)

    assert found(first).notices == (Notice.MANUAL_MODIFICATION,)
    assert (found(first).manual_price, found(first).manual_quantity) == (Decimal(price), quantity)
    assert (ours.attempt.price, ours.attempt.quantity) == (Decimal(price), quantity)
    assert second is None


@pytest.mark.parametrize("price", ["1000.01", "999.99", "1000.00"])
def test_a_paisa_is_no_modification(price: str) -> None:
    assert a_follower().look(a_broker_order(price=Decimal(price))) is None


def test_each_further_modification_by_hand_is_told_from_the_new_baseline() -> None:
    ours = a_follower()
    ours.look(a_broker_order(price=Decimal(1005)))

    finding = ours.look(a_broker_order(price=Decimal(1000)))

    assert found(finding).manual_price == Decimal(1000)


def test_an_order_that_is_open_after_all_at_another_price_is_told_in_the_same_look() -> None:
    ours = a_finished_one(OrderStatus.CANCELLED, AttemptStatus.CANCELLED)
    row = a_broker_order(price=Decimal(1001))

    ours.look(row)

    assert ours.look(row) is None
    assert ours.notices == [Notice.REOPENED, Notice.MANUAL_MODIFICATION]


def test_a_price_that_we_are_changing_ourselves_is_not_by_hand() -> None:
    ours = a_follower()
    ours.is_being_modified = True

    assert ours.look(a_broker_order(price=Decimal(1005))) is None


@pytest.mark.parametrize("word", ["COMPLETE", "CANCELLED", "REJECTED"])
def test_a_finished_order_is_not_modified_by_hand(word: str) -> None:
    ours = a_follower()

    ours.look(a_broker_order(status=word, price=Decimal(1005), filled_quantity=10), [a_trade()])

    assert Notice.MANUAL_MODIFICATION not in ours.notices


def test_a_market_order_has_no_price_to_be_modified() -> None:
    ours = a_follower()
    ours.attempt = replace(ours.attempt, price=None)

    assert ours.look(a_broker_order(price=Decimal(1005))) is None


def test_a_released_after_market_order_is_no_modification() -> None:
    ours = a_follower(variety="amo")

    assert ours.look(a_broker_order(variety="regular")) is None


def test_a_cancellation_that_nobody_of_us_asked_for_is_by_hand() -> None:
    ours = a_follower()

    ours.look(a_broker_order(status="CANCELLED", updated_at=later(5)))

    assert (ours.order.status, ours.order.reason) == (OrderStatus.CANCELLED, "Manual: User cancelled")
    assert ours.notices == [Notice.MANUAL_CANCEL]


def test_a_cancellation_that_we_asked_for_is_ours() -> None:
    ours = a_follower(cancel_requested=True)

    ours.look(a_broker_order(status="CANCELLED", updated_at=later(5)))

    assert (ours.order.status, ours.order.reason) == (OrderStatus.CANCELLED, "Cancelled")
    assert ours.notices == []


@pytest.mark.parametrize("text", ["", "Order expired at the end of the day"])
def test_a_cancellation_at_the_end_of_the_day_is_the_exchanges(text: str) -> None:
    ours = a_follower()

    ours.look(a_broker_order(status="CANCELLED", updated_at=SESSION_END, status_text=text))

    assert (ours.order.status, ours.order.reason) == (OrderStatus.CANCELLED, text or "Cancelled")
    assert ours.notices == []


def test_a_part_bought_and_cancelled_by_hand_says_both() -> None:
    ours = a_follower()

    ours.look(a_broker_order(status="CANCELLED", filled_quantity=4, updated_at=later(5)), [a_trade(1, 4)])

    assert ours.order.status is OrderStatus.ONGOING
    assert ours.order.reason.endswith("for 4 of 10, the rest cancelled: Manual: User cancelled")
    assert Notice.MANUAL_CANCEL in ours.notices


@pytest.mark.parametrize("word", ["COMPLETE", "CANCELLED", "REJECTED", "OPEN", "", "nonsense"])
@pytest.mark.parametrize("state", [OrderStatus.ONGOING, OrderStatus.CLOSED])
def test_what_is_held_or_done_stays_so_whatever_the_broker_says_later(word: str, state: OrderStatus) -> None:
    ours = a_finished_one(state, AttemptStatus.FILLED, execution_qty=10, execution_value=Decimal(10_000))
    ours.attempt = replace(ours.attempt, filled_quantity=10)
    ours.fills = [a_fill()]

    ours.look(a_broker_order(status=word, filled_quantity=10), [a_trade()])

    assert ours.order.status is state
    assert ours.attempt.status is AttemptStatus.FILLED
    assert len(ours.fills) == 1
