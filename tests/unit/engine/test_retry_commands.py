"""One order that somebody wants tried again or dropped: by the page's rules, and of two people only one wins."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta

import pytest

from tests.builders import MONDAY, a_quote, a_signal
from tests.unit.engine.fakes import unreachable
from tests.unit.engine.house import House
from tests.unit.engine.test_retry_run import TUESDAY, a_bar, at, with_failed
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.events import EventName
from tradebot.domain.orders import OrderId, OrderStatus, Variety
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import DropOrder, PauseEntries, RetryOrder, SweepQueue


def in_session() -> House:
    """Tuesday, 10:00, with an order that failed on Monday evening."""
    house = with_failed()
    house.clock.at = at(TUESDAY, 10)
    house.market.prices["INFY"] = a_quote(at=house.clock.at)
    return house


def retry(house: House, name: str = "retry") -> tuple[RetryOrder, Future[Answer]]:
    return RetryOrder(order_id=house.the_order().id, correlation_id=name), house.answers.expect(name)


def drop(house: House, name: str = "drop") -> tuple[DropOrder, Future[Answer]]:
    return DropOrder(order_id=house.the_order().id, correlation_id=name), house.answers.expect(name)


def outcome(future: Future[Answer]) -> Outcome:
    return future.result(timeout=0).outcome


def test_with_the_market_closed_a_retry_is_noted_and_counted_and_nothing_is_sent() -> None:
    house = with_failed()
    command, future = retry(house)
    before = len(house.broker.calls)

    house.tell(command)

    order = house.the_order()
    assert outcome(future) is Outcome.DONE
    assert (order.status, order.reason, order.retry_count) == (OrderStatus.FAILED, "Manual retry requested", 2)
    assert house.broker.calls[before:] == []


def test_in_the_session_it_is_placed_at_once_as_a_regular_order() -> None:
    house = in_session()
    command, future = retry(house)

    house.tell(command)

    order = house.the_order()
    assert outcome(future) is Outcome.ASKED
    assert (order.status, order.variety, order.retry_count) == (OrderStatus.PENDING, Variety.REGULAR, 2)


def test_a_retry_passes_the_same_checks_and_says_which_one_it_failed() -> None:
    house = in_session()
    house.tell(PauseEntries(is_paused=True, correlation_id="me"))
    command, future = retry(house)

    house.tell(command)

    answer = future.result(timeout=0)
    assert (answer.outcome, house.the_order().status) == (Outcome.BLOCKED, OrderStatus.FAILED)
    assert "PAUSED" in answer.text


def test_a_retry_does_not_make_an_order_live_longer() -> None:
    house = with_failed()
    command, _ = retry(house)
    house.tell(command)
    house.clock.at = at(TUESDAY, 15, 30)
    again, future = retry(house, "again")

    house.tell(again)

    assert outcome(future) is Outcome.CONFLICT
    assert house.the_order().status is OrderStatus.CANCELLED


def test_without_an_answer_of_the_broker_the_request_stays_for_the_next_run() -> None:
    house = in_session()
    house.broker.troubles["terms"] = [unreachable()]
    command, future = retry(house)

    house.tell(command)

    answer = future.result(timeout=0)
    assert (answer.outcome, house.the_order().reason) == (Outcome.DONE, "Manual retry requested")
    assert "next run" in answer.text


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("first", ["retry", "drop"])
def test_of_a_retry_and_a_drop_at_the_same_time_one_wins(first: str, is_open: bool) -> None:
    house = in_session() if is_open else with_failed()
    wanted, of_retry = retry(house)
    unwanted, of_drop = drop(house)

    house.tell(*((wanted, unwanted) if first == "retry" else (unwanted, wanted)))

    outcomes = {outcome(of_retry), outcome(of_drop)}
    assert Outcome.CONFLICT in outcomes
    assert len(outcomes) == 2
    winner = of_retry if first == "retry" else of_drop
    assert outcome(winner) is not Outcome.CONFLICT


def test_a_drop_that_comes_while_the_retry_is_being_judged_is_refused_and_the_retry_goes() -> None:
    house = in_session()
    wanted, of_retry = retry(house)
    unwanted, of_drop = drop(house)
    house.put(wanted)

    house.tell(unwanted)

    assert (outcome(of_drop), outcome(of_retry)) == (Outcome.CONFLICT, Outcome.ASKED)
    assert house.broker.count("place") == 2


def test_later_on_what_was_requested_can_be_dropped() -> None:
    house = with_failed()
    command, _ = retry(house)
    house.tell(command)
    house.clock.at += timedelta(seconds=5)
    unwanted, future = drop(house)

    house.tell(unwanted)

    assert outcome(future) is Outcome.DONE
    assert house.the_order().reason == "Dropped from retry queue"


def test_a_retry_of_an_order_that_is_not_failed_is_a_conflict_and_of_none_says_so() -> None:
    house = in_session()
    command, _ = retry(house)
    house.tell(command)
    again, conflict = retry(house, "again")
    unknown = house.answers.expect("unknown")

    house.tell(again, RetryOrder(order_id=OrderId("nobody"), correlation_id="unknown"))

    assert (outcome(conflict), outcome(unknown)) == (Outcome.CONFLICT, Outcome.UNKNOWN_ID)


def test_a_sweep_before_a_look_at_the_queue_takes_out_what_has_expired() -> None:
    house = with_failed()
    house.clock.at = at(TUESDAY, 15, 30)
    future = house.answers.expect("look")

    house.tell(SweepQueue(correlation_id="look"))

    assert future.result(timeout=0).text == "1 expired"
    assert house.the_order().status is OrderStatus.CANCELLED


def test_a_retry_that_the_broker_refuses_is_in_the_queue_as_before() -> None:
    house = in_session()
    house.broker.troubles["place"] = [BrokerRejected("again")]
    command, _ = retry(house)

    house.tell(command)

    assert (house.the_order().status, house.the_order().retry_count) == (OrderStatus.FAILED, 3)
    assert house.told(EventName.QUEUE_CHANGED)[-1].fields["change"] == "updated"
    assert house.the_order().trading_day == MONDAY + timedelta(days=1)


def rejected_then_retried() -> House:
    """Tuesday, 10:00: the first attempt stands as rejected in today's book, the second one is open."""
    house = House(at=at(TUESDAY, 10))
    house.market.days["INFY"] = [a_bar("INFY")]
    house.market.prices["INFY"] = a_quote(at=house.clock.at)
    house.signals(a_signal(trading_day=TUESDAY), day=TUESDAY, variety=Variety.REGULAR)
    house.broker.change("1", status="REJECTED", status_text="margin exceeded")
    house.look()
    command, _ = retry(house)
    house.tell(command)
    assert (house.the_order().status, house.the_order().broker_order_id) == (OrderStatus.PENDING, "2")
    return house


def test_the_row_of_an_earlier_attempt_says_nothing_about_the_order_also_after_a_restart() -> None:
    house = rejected_then_retried()

    house.restart()
    house.look()

    order = house.the_order()
    assert (order.status, order.broker_order_id, order.retry_count) == (OrderStatus.PENDING, "2", 2)
    assert house.told(EventName.ORDER_REOPENED) == []


def test_a_late_fill_of_an_earlier_attempt_is_booked_and_the_current_one_is_cancelled() -> None:
    house = rejected_then_retried()
    house.clock.at += timedelta(minutes=1)

    house.broker.fill("1", 10, status="COMPLETE")
    house.look()
    house.look()

    order = house.the_order()
    assert (order.execution_qty, house.the_position().quantity) == (10, 10)
    assert house.broker.count("cancel") == 1
    assert order.status is OrderStatus.ONGOING
    assert len(house.told(EventName.ORDER_LATE_FILL)) == 1
