"""What somebody wants is answered once it is saved, and the answer is true."""

from __future__ import annotations

from tests.builders import a_signal
from tests.unit.engine.house import House
from tradebot.domain.orders import OrderId
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import CancelOrder


def test_a_cancel_is_answered_as_asked_for_and_names_the_order() -> None:
    house = House()
    house.signals(a_signal())
    order = house.the_order()
    future = house.answers.expect("me")

    house.tell(CancelOrder(order_id=order.id, reason="Manual: wanted", correlation_id="me"))

    answer = future.result(timeout=0)
    assert (answer.outcome, answer.order_ids) == (Outcome.ASKED, (order.id,))


def test_a_cancel_of_an_order_that_is_not_there_says_so() -> None:
    house = House()
    future = house.answers.expect("me")

    house.tell(CancelOrder(order_id=OrderId("nobody"), reason="Manual: wanted", correlation_id="me"))

    assert future.result(timeout=0).outcome is Outcome.UNKNOWN_ID


def test_a_finished_order_cannot_be_cancelled_and_the_answer_names_its_status() -> None:
    house = House()
    house.signals(a_signal())
    order = house.the_order()
    house.broker.fill("1", order.quantity)
    house.look()
    future = house.answers.expect("me")

    house.tell(CancelOrder(order_id=order.id, reason="Manual: wanted", correlation_id="me"))

    answer = future.result(timeout=0)
    assert answer.outcome is Outcome.CONFLICT
    assert "ongoing" in answer.text
