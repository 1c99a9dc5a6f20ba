"""Orders that are nowhere to be found: held for a human, expired by policy, or settled by their history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.builders import NOON, a_signal
from tests.unit.engine.fakes import NO_PROOF, AnswerLost
from tests.unit.engine.house import House
from tradebot.domain.errors import OutcomeUnknown
from tradebot.domain.orders import AttemptStatus, OrderStatus, RequestState
from tradebot.domain.policy import Policy, UnknownPolicy

EXPIRE = Policy(unknown=UnknownPolicy.EXPIRE)


def a_standing_order(**options: Any) -> House:
    """A buy of ten stands at the broker under the number 1."""
    house = House(**options)
    house.signals(a_signal())
    return house


def test_held_for_a_human_an_order_that_is_nowhere_stays_unknown_for_days() -> None:
    house = House(capabilities=NO_PROOF)
    house.broker.troubles["place"] = [OutcomeUnknown("timed out")]
    house.signals(a_signal())

    for _ in range(20):
        house.advance(minutes=60)
        house.cycle()

    (attempt,) = house.memory.attempts.values()
    assert (attempt.status, house.the_order().status) == (AttemptStatus.UNKNOWN, OrderStatus.PENDING)
    assert house.broker.count("place") == 1


def test_an_order_that_the_book_shows_late_is_found_without_a_cycle() -> None:
    """After-market orders are placed in the evening, when no cycle runs until the next morning."""
    house = House(capabilities=NO_PROOF)
    house.broker.troubles["place"] = [AnswerLost("timed out")]
    house.broker.frozen = []
    house.signals(a_signal())
    house.restart()
    (attempt,) = house.memory.attempts.values()
    assert attempt.status is AttemptStatus.UNKNOWN

    house.broker.frozen = None
    house.advance(minutes=5)

    (attempt,) = house.memory.attempts.values()
    assert attempt.broker_order_id == "1"
    assert house.broker.count("place") == 1


def test_looks_for_an_order_that_is_nowhere_become_rarer_and_end() -> None:
    house = House(capabilities=NO_PROOF)
    house.broker.troubles["place"] = [OutcomeUnknown("timed out")]
    house.signals(a_signal())

    house.advance(minutes=1)
    after_a_minute = house.broker.count("order_book")
    house.advance(minutes=9)
    after_ten = house.broker.count("order_book")
    house.advance(minutes=600)

    assert after_a_minute < after_ten <= after_a_minute + 3
    assert house.broker.count("order_book") == after_ten


def test_looks_for_an_order_that_is_held_stop_writing() -> None:
    house = House(capabilities=NO_PROOF)
    house.broker.troubles["place"] = [OutcomeUnknown("timed out")]
    house.signals(a_signal())
    for _ in range(8):
        house.look()
    (before,) = house.memory.attempts.values()

    house.advance(minutes=5)
    house.look()

    assert house.memory.attempts.values() == [before]


def test_by_policy_an_order_that_is_nowhere_expires_after_its_day_and_three_looks() -> None:
    house = House(capabilities=NO_PROOF, policy=EXPIRE)
    house.broker.troubles["place"] = [OutcomeUnknown("timed out")]
    house.signals(a_signal())
    for _ in range(5):
        house.look()
    in_session = house.the_order().status
    house.clock.at = NOON + timedelta(hours=8)

    house.look()

    (attempt,) = house.memory.attempts.values()
    assert in_session is OrderStatus.PENDING
    assert (house.the_order().status, house.the_order().reason) == (OrderStatus.CANCELLED, "Not found at broker")
    assert attempt.status is AttemptStatus.EXPIRED


def test_by_policy_nothing_expires_before_three_looks() -> None:
    house = House(capabilities=NO_PROOF, policy=EXPIRE)
    house.broker.troubles["place"] = [OutcomeUnknown("timed out")]
    house.signals(a_signal())
    (attempt,) = house.memory.attempts.values()
    house.clock.at = NOON + timedelta(hours=8)

    house.look()

    assert attempt.looks == 1
    assert house.the_order().status is OrderStatus.PENDING
    house.look()
    assert house.the_order().status is OrderStatus.CANCELLED


def test_an_order_that_leaves_the_book_is_asked_for_by_its_number() -> None:
    house = a_standing_order()
    house.broker.frozen = []

    house.look()

    assert house.broker.calls[-2:] == ["order_book", "order"]
    assert house.the_order().status is OrderStatus.PENDING


def test_an_order_that_left_the_book_is_settled_by_its_history() -> None:
    house = a_standing_order()
    house.broker.fill("1", 10)
    house.broker.frozen = []

    house.look()

    assert (house.the_order().status, house.the_position().quantity) == (OrderStatus.ONGOING, 10)


def test_a_part_that_is_held_stays_ongoing_when_the_rest_is_nowhere() -> None:
    house = a_standing_order(capabilities=NO_PROOF, policy=EXPIRE)
    house.broker.fill("1", 4)
    house.look()
    house.broker.rows.clear()
    house.clock.at = NOON + timedelta(hours=8)

    for _ in range(4):
        house.look()

    (attempt,) = house.memory.attempts.values()
    assert attempt.status is AttemptStatus.EXPIRED
    assert house.the_order().status is OrderStatus.ONGOING


def test_the_book_of_a_later_day_proves_nothing_even_where_absence_is_proof() -> None:
    house = House()
    house.broker.troubles["place"] = [AnswerLost("timed out")]
    house.signals(a_signal(), settle=False)
    house.lanes.run_one()
    house.clock.at = NOON + timedelta(days=4)
    house.broker.frozen = ()

    house.restart()

    (attempt,) = house.memory.attempts.values()
    assert (attempt.status, house.the_order().status) == (AttemptStatus.UNKNOWN, OrderStatus.PENDING)
    assert house.broker.count("place") == 1


def test_a_request_that_died_with_the_process_is_not_left_as_prepared() -> None:
    house = House(capabilities=NO_PROOF)
    house.signals(a_signal(), settle=False)

    house.restart()

    (request,) = house.memory.requests.values()
    assert request.state is RequestState.UNKNOWN
    assert request.answered_at == house.clock.at
