"""How the end of a call, or none, changes an order: any doubt leads to a look, never straight to another send."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import a_signal
from tests.unit.engine.fakes import NO_PROOF, PROOF, AnswerLost, tag_of, unreachable
from tests.unit.engine.house import House
from tradebot.adapters.chance import SeededChance
from tradebot.domain.errors import BrokerRejected, OutcomeUnknown, RateLimited, SessionExpired
from tradebot.domain.events import EventName
from tradebot.domain.orders import AttemptStatus, Coid, OrderStatus, RequestState
from tradebot.engine.backoff import backoff
from tradebot.engine.messages import CallOutcome, Job, OrderPushed, RequestAnswered

PUSH = OrderPushed(broker_order_id="1")  # type: ignore[arg-type]


def a_house(*troubles: Exception | None, call: str = "place", **options: Any) -> House:
    house = House(**options)
    house.broker.troubles[call] = list(troubles)
    return house


def the_attempt(house: House) -> Any:
    (attempt,) = house.memory.attempts.values()
    return attempt


def the_request(house: House) -> Any:
    (request,) = house.memory.requests.values()
    return request


def test_an_accepted_order_has_the_brokers_number_everywhere() -> None:
    house = a_house()

    house.signals(a_signal())

    order, attempt = house.the_order(), the_attempt(house)
    assert order.status is OrderStatus.PENDING
    assert order.broker_order_id == attempt.broker_order_id == "1"
    assert order.placed_at == house.clock.at
    assert the_request(house).state is RequestState.ACKED
    assert house.registry.get(order.coid).broker_order_id == "1"  # type: ignore[union-attr]
    assert len(house.told(EventName.ORDER_ACCEPTED)) == 1


def test_an_accepted_order_is_looked_at_at_once_and_again_after_15_s() -> None:
    house = a_house()
    before = house.broker.count("order_book")

    house.signals(a_signal())
    at_once = house.broker.count("order_book") - before
    house.advance(seconds=15)

    assert at_once == 1
    assert house.broker.count("order_book") - before == 2


def test_a_refused_order_has_failed_with_the_brokers_text() -> None:
    house = a_house(BrokerRejected("margin exceeded"))

    house.signals(a_signal())

    order = house.the_order()
    assert (order.status, order.reason) == (OrderStatus.FAILED, "Broker rejected: margin exceeded")
    assert (order.retry_count, order.first_failed_at) == (1, house.clock.at)
    assert the_attempt(house).status is AttemptStatus.REJECTED
    assert house.broker.count("place") == 1
    assert len(house.told(EventName.ORDER_REJECTED)) == 1


def test_a_refused_order_is_not_sent_again_by_later_looks() -> None:
    house = a_house(BrokerRejected("margin exceeded"))

    house.signals(a_signal())
    house.advance(minutes=2)
    house.cycle()

    assert house.broker.count("place") == 1


@pytest.mark.parametrize("cause", [unreachable(), RateLimited("slow down"), SessionExpired("log in")])
def test_an_order_that_was_certainly_not_sent_is_sent_again_with_its_id_after_a_look(cause: Exception) -> None:
    house = a_house(cause)

    house.signals(a_signal())
    waiting = house.broker.calls[-1:]
    house.advance(seconds=1)

    assert waiting == ["place"]
    assert house.broker.calls[-4:] == ["place", "order_book", "place", "order_book"]
    assert house.the_order().status is OrderStatus.PENDING
    assert tag_of(house.broker, "1") == house.the_order().coid
    assert len(house.memory.attempts.values()) == 1


def test_the_pause_before_each_further_send_doubles_less_what_chance_takes() -> None:
    house = a_house(*[unreachable()] * 3)

    house.signals(a_signal())
    first = house.jobs.timers[-1][1] - house.clock.at
    house.advance(seconds=0.25)
    second = max(at for name, at in house.jobs.timers if name == Job.VERIFY) - house.clock.at

    assert timedelta(milliseconds=125) < first <= timedelta(milliseconds=250)
    assert timedelta(milliseconds=249) < second <= timedelta(milliseconds=500)


@pytest.mark.parametrize(("sends", "longest_s"), [(1, 0.25), (2, 0.5), (3, 1), (4, 2), (9, 2)])
def test_a_pause_is_between_half_of_its_length_and_all_of_it(sends: int, longest_s: float) -> None:
    pauses = {backoff(sends, Coid(f"A{number}"), SeededChance(1)) for number in range(200)}

    assert timedelta(seconds=longest_s) / 2 < min(pauses) < max(pauses) <= timedelta(seconds=longest_s)
    assert len(pauses) > 100


def test_a_replay_waits_the_same_time_again() -> None:
    assert backoff(1, Coid("A1"), SeededChance(1)) == backoff(1, Coid("A1"), SeededChance(1))
    assert backoff(1, Coid("A1"), SeededChance(1)) != backoff(1, Coid("A1"), SeededChance(2))


def test_after_three_sends_the_order_has_failed() -> None:
    house = a_house(*[unreachable()] * 9)

    house.signals(a_signal())
    house.advance(minutes=5)

    assert house.broker.count("place") == 3
    assert (house.the_order().status, house.the_order().retry_count) == (OrderStatus.FAILED, 1)
    assert the_attempt(house).status is AttemptStatus.EXPIRED


def test_certainly_not_sent_is_sent_again_where_absence_proves_nothing_too() -> None:
    house = a_house(unreachable(), capabilities=NO_PROOF)

    house.signals(a_signal())
    house.advance(minutes=5)

    assert house.broker.count("place") == 2
    assert house.the_order().status is OrderStatus.PENDING
    assert house.the_order().placed_at is not None


def test_a_lost_answer_is_found_by_its_id_and_sent_once() -> None:
    house = a_house(AnswerLost("timed out"))

    house.signals(a_signal())

    order = house.the_order()
    assert house.broker.count("place") == 1
    assert (order.status, order.broker_order_id) == (OrderStatus.PENDING, "1")
    assert the_attempt(house).status is AttemptStatus.PENDING
    assert the_request(house).state is RequestState.ACKED
    assert len(house.told(EventName.ORDER_UNCERTAIN)) == 1


def test_a_lost_order_is_sent_again_where_absence_is_proof() -> None:
    house = a_house(OutcomeUnknown("timed out"))

    house.signals(a_signal())

    assert house.broker.count("place") == 2
    assert len(house.broker.rows) == 1
    assert tag_of(house.broker, "1") == house.the_order().coid


def test_a_lost_order_is_held_as_unknown_where_absence_proves_nothing() -> None:
    house = a_house(OutcomeUnknown("timed out"), capabilities=NO_PROOF)

    house.signals(a_signal())
    house.advance(minutes=30)
    house.cycle()

    assert house.broker.count("place") == 1
    assert the_attempt(house).status is AttemptStatus.UNKNOWN
    assert house.the_order().status is OrderStatus.PENDING


def test_an_uncertain_order_blocks_its_symbol() -> None:
    house = a_house(OutcomeUnknown("timed out"), capabilities=NO_PROOF)
    house.signals(a_signal())

    house.signals(a_signal(2, entry_type="reentry"))

    assert house.broker.count("place") == 1
    assert [d.reason for d in house.memory.decisions.values() if d.outcome == "blocked"] == ["SYMBOL_UNCERTAIN"]


def test_an_uncertain_order_that_comes_to_light_frees_its_symbol() -> None:
    house = a_house(AnswerLost("timed out"), capabilities=NO_PROOF)
    house.broker.frozen = []
    house.signals(a_signal())
    was = the_attempt(house).status

    house.broker.frozen = None
    house.look()

    assert (was, the_attempt(house).status) == (AttemptStatus.UNKNOWN, AttemptStatus.PENDING)
    assert house.the_order().broker_order_id == "1"


def test_a_look_asked_for_before_the_landing_proves_nothing() -> None:
    """The book was read before the order got there, and is compared after its answer was lost."""
    house = a_house(AnswerLost("timed out"))
    house.signals(a_signal(), settle=False)
    house.put(PUSH)
    house.broker.frozen = []
    assert house.lanes.run_one("INFY")
    house.engine.run_pending()

    assert house.lanes.run_one("book")
    house.engine.run_pending()
    sends = house.broker.count("place")
    house.broker.frozen = None
    house.settle()

    assert sends == 1
    assert house.broker.count("place") == 1
    assert house.the_order().broker_order_id == "1"


def test_a_look_while_the_call_is_in_flight_proves_nothing() -> None:
    house = a_house()
    house.signals(a_signal(), settle=False)

    house.put(PUSH)
    assert house.lanes.run_one("book")
    house.engine.run_pending()

    assert [lane for lane, _ in house.lanes.waiting] == ["INFY"]
    assert house.memory.requests.values()[0].state is RequestState.PREPARED


def test_a_look_asked_for_after_the_landing_is_proof() -> None:
    house = a_house(OutcomeUnknown("timed out"))
    house.signals(a_signal(), settle=False)
    assert house.lanes.run_one("INFY")
    house.engine.run_pending()

    assert house.lanes.run_one("book")
    house.engine.run_pending()

    assert [lane for lane, _ in house.lanes.waiting] == ["INFY"]


def test_absence_is_no_proof_before_the_visibility_delay_has_passed() -> None:
    capabilities = replace(PROOF, visibility_delay=timedelta(seconds=10))
    house = a_house(AnswerLost("timed out"), capabilities=capabilities)
    house.broker.frozen = []

    house.signals(a_signal())
    house.advance(seconds=1)
    house.look()
    sends = house.broker.count("place")

    assert sends == 1


def test_the_same_answer_twice_counts_once() -> None:
    house = a_house()
    house.signals(a_signal())
    request = the_request(house)

    house.tell(RequestAnswered(request_id=request.id, outcome=CallOutcome.REFUSED, text="again"))

    assert house.the_order().status is OrderStatus.PENDING
    assert the_request(house) == request


def test_an_answer_to_nothing_is_left_alone() -> None:
    house = a_house()

    house.tell(RequestAnswered(request_id="nobody's", outcome=CallOutcome.ACCEPTED))

    assert house.orders() == []
    assert house.told(EventName.INTERNAL_FAULT) == []


def test_an_answer_after_the_order_was_seen_changes_nothing() -> None:
    house = a_house()
    house.signals(a_signal(), settle=False)
    (name, work) = house.lanes.waiting.popleft()
    assert name == "INFY"
    work()
    (answer,) = house.inbox.drain(1)
    house.look()
    seen = house.the_order()

    house.tell(answer)

    assert house.the_order() == seen
    assert house.broker.count("place") == 1


def test_a_wanted_cancellation_is_confirmed_by_the_book_alone() -> None:
    house = a_house()
    house.signals(a_signal())

    house.cancel(house.the_order())

    order = house.the_order()
    assert (order.status, order.is_manual) == (OrderStatus.CANCELLED, False)
    assert house.broker.count("cancel") == 1
    assert the_attempt(house).status is AttemptStatus.CANCELLED
    assert house.told(EventName.MANUAL_CANCEL) == []


def test_a_cancellation_whose_answer_was_lost_is_settled_by_the_book() -> None:
    house = a_house(AnswerLost("timed out"), call="cancel")
    house.signals(a_signal())

    house.cancel(house.the_order())

    assert house.the_order().status is OrderStatus.CANCELLED
    assert house.broker.count("cancel") == 1


def test_an_order_is_cancelled_as_soon_as_it_has_a_number() -> None:
    house = a_house()
    house.signals(a_signal(), settle=False)

    house.cancel(house.the_order())

    assert house.broker.count("cancel") == 1
    assert house.the_order().status is OrderStatus.CANCELLED


def test_a_refused_cancellation_is_not_asked_for_without_a_pause() -> None:
    house = a_house(*[BrokerRejected("cannot be cancelled now")] * 60, call="cancel")
    house.signals(a_signal())

    house.cancel(house.the_order())

    assert house.broker.count("cancel") <= 2
    assert house.the_order().status is OrderStatus.PENDING


def test_a_cancellation_that_could_not_be_sent_waits_before_it_is_sent_again() -> None:
    house = a_house(*[unreachable()] * 60, call="cancel")
    house.signals(a_signal())

    house.cancel(house.the_order())

    assert house.broker.count("cancel") <= 2


def test_an_order_cancelled_before_it_could_be_sent_is_cancelled() -> None:
    house = a_house(unreachable())
    house.signals(a_signal())

    house.cancel(house.the_order())
    house.advance(minutes=1)

    assert house.broker.count("place") == 1
    assert house.the_order().status is OrderStatus.CANCELLED


def test_a_lane_gets_calls_of_one_symbol_and_looks_have_their_own() -> None:
    house = a_house()
    house.broker.symbol_terms["TCS"] = replace(house.broker.symbol_terms["INFY"], symbol="TCS")

    house.signals(a_signal(), a_signal(2, "TCS"), settle=False)
    house.put(PUSH)

    assert [lane for lane, _ in house.lanes.waiting] == ["INFY", "TCS", "book"]
