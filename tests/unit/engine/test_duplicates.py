"""Intents that come twice, and a broker that says that it has an order with our id."""

from __future__ import annotations

from tests.builders import a_signal
from tests.unit.engine.fakes import AnswerLost
from tests.unit.engine.house import House
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import AttemptStatus, OrderStatus

FIELDS = {"coid", "symbol", "side", "decision_id", "order_id", "attempt"}


def levels(house: House) -> list[Level]:
    return [event.level for event in house.told(EventName.COID_DUPLICATE)]


def test_a_duplicate_tells_which_order_stands_under_which_id() -> None:
    house = House()
    house.signals(a_signal())
    house.signals(a_signal())

    (told,) = house.told(EventName.COID_DUPLICATE)

    order = house.the_order()
    assert set(told.fields) == FIELDS
    assert (told.fields["order_id"], told.fields["coid"], told.fields["attempt"]) == (order.id, order.coid, 1)
    assert told.correlation_id == "signal:signal-1"


def test_three_duplicates_in_an_hour_are_warnings_and_every_further_one_is_critical() -> None:
    house = House()
    house.signals(a_signal())

    for _ in range(5):
        house.signals(a_signal())
        house.advance(minutes=1)

    assert levels(house) == [Level.WARNING] * 3 + [Level.CRITICAL] * 2


def test_duplicates_of_one_batch_are_counted_one_after_the_other() -> None:
    house = House()
    house.signals(a_signal())

    house.signals(*[a_signal()] * 4)

    assert levels(house) == [Level.WARNING] * 3 + [Level.CRITICAL]


def test_after_an_hour_the_count_begins_anew() -> None:
    house = House()
    house.signals(a_signal())
    for _ in range(3):
        house.signals(a_signal())

    house.advance(minutes=60, seconds=1)
    house.signals(a_signal())

    assert levels(house) == [Level.WARNING] * 4


def test_a_broker_that_has_the_id_already_is_asked_for_the_order_and_nothing_is_sent_again() -> None:
    """The first send was lost on its way back, and the look after it showed an older book."""
    house = House()
    house.broker.troubles["place"] = [AnswerLost("gone"), BrokerRejected("Client OrderID already exists")]
    house.broker.frozen = []
    house.signals(a_signal())
    house.broker.frozen = None
    house.look()
    house.advance(minutes=2)

    assert len(house.broker.rows) == 1
    assert house.the_order().status is OrderStatus.PENDING
    assert house.the_order().broker_order_id == "1"
    (told,) = house.told(EventName.COID_DUPLICATE)
    assert set(told.fields) == FIELDS


def test_a_refusal_for_another_reason_is_no_duplicate() -> None:
    house = House()
    house.broker.troubles["place"] = [BrokerRejected("margin exceeds")]

    house.signals(a_signal())

    assert house.the_order().status is OrderStatus.FAILED
    assert next(iter(house.memory.attempts.values())).status is AttemptStatus.REJECTED
    assert not levels(house)
