"""Batches: saved before sent, honest about every leg, taken back and verified, finished after a restart."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.engine.batch_house import a_batch, a_batch_house, a_leg, give, statuses, the_batch, the_legs
from tests.unit.engine.fakes import AnswerLost
from tests.unit.engine.house import House
from tradebot.domain.batches import BatchStatus
from tradebot.domain.errors import BrokerRejected, BrokerUnavailable
from tradebot.domain.events import EventName
from tradebot.domain.orders import OrderStatus, OrderType, Side
from tradebot.engine.answers import Outcome


def number_of(house: House, symbol: str, side: Side = Side.BUY) -> str:
    (row,) = [row for row in house.broker.rows.values() if (row.symbol, row.side) == (symbol, side)]
    return row.broker_order_id


def test_a_batch_whose_legs_all_stand_is_a_success() -> None:
    house = a_batch_house()

    answer = give(house, a_batch())

    assert answer is not None
    assert (answer.outcome, answer.text, len(answer.order_ids)) == (Outcome.DONE, the_batch(house).id, 4)
    assert the_batch(house).status is BatchStatus.SUCCESS
    assert statuses(house) == ["placed"] * 4
    assert house.told(EventName.BATCH_COMPLETED)
    assert {order.batch_id for order in house.orders()} == {the_batch(house).id}


def test_everything_is_saved_before_the_first_leg_is_sent() -> None:
    house = a_batch_house()
    house.put(a_batch())
    house.lanes.run_one("market")
    house.engine.run_pending()

    assert house.broker.count("place") == 0
    assert [house.count_rows(table) for table in ("batches", "batch_legs", "orders", "broker_requests")] == [1, 4, 4, 4]
    assert {lane for lane, _ in house.lanes.waiting} == {"INFY", "TCS", "SBIN", "ITC"}


def test_one_refused_leg_takes_back_the_others_and_the_cancels_are_verified() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin"), None, None]

    answer = give(house, a_batch())

    assert answer is not None
    assert the_batch(house).status is BatchStatus.ROLLED_BACK
    assert statuses(house) == ["rolled_back", "failed", "rolled_back", "rolled_back"]
    assert the_legs(house)[1].error == "Broker rejected: no margin"
    assert {row.status for row in house.broker.rows.values()} == {"CANCELLED"}


def test_a_cancel_that_the_broker_does_not_take_keeps_the_batch_open() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin"), None, None]
    house.broker.troubles["cancel"] = [BrokerUnavailable("down")] * 3

    assert give(house, a_batch()) is None
    assert the_batch(house).status is None
    assert "rolled_back" not in statuses(house)

    house.advance(minutes=2)
    assert the_batch(house).status is BatchStatus.ROLLED_BACK


def test_without_rollback_what_stands_stays_and_the_batch_is_partial() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin"), None, None]

    give(house, a_batch(rollback_on_failure=False))

    assert the_batch(house).status is BatchStatus.PARTIAL
    assert statuses(house) == ["placed", "failed", "placed", "placed"]


def test_a_batch_of_which_nothing_stands_has_failed() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [BrokerRejected("no")] * 4

    give(house, a_batch())

    assert the_batch(house).status is BatchStatus.FAILED
    assert statuses(house) == ["failed"] * 4


def test_a_failed_leg_is_never_tried_again_on_its_own() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin"), None, None]
    give(house, a_batch())

    order = house.memory.orders[the_legs(house)[1].order_id]  # type: ignore[index]
    assert (order.status, order.reason) == (OrderStatus.CANCELLED, "Batch leg failed: Broker rejected: no margin")


def test_a_leg_that_a_guard_refuses_keeps_all_from_being_sent() -> None:
    house = a_batch_house()

    give(house, a_batch(a_leg(), a_leg("TCS", quantity=101)))

    assert house.broker.count("place") == 0
    assert the_batch(house).status is BatchStatus.FAILED
    assert statuses(house) == ["not_sent", "failed"]
    assert the_legs(house)[1].error == "RISK_LIMIT_ORDER_NOTIONAL"


def test_without_rollback_a_leg_that_a_guard_refuses_does_not_stop_the_others() -> None:
    house = a_batch_house()

    give(house, a_batch(a_leg(), a_leg("TCS", quantity=101), rollback_on_failure=False))

    assert the_batch(house).status is BatchStatus.PARTIAL
    assert statuses(house) == ["placed", "failed"]


def test_a_filled_leg_is_left_and_reported_where_no_unwinding_is_wanted() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin"), None, None]
    house.broker.troubles["cancel"] = [BrokerRejected("it is filled")]
    house.put(a_batch())
    house.lanes.run_one("market")
    house.engine.run_pending()
    house.lanes.run_one("INFY")
    house.broker.fill("1", 10)
    house.settle()

    assert the_batch(house).status is BatchStatus.PARTIAL
    assert statuses(house) == ["filled", "failed", "rolled_back", "rolled_back"]
    assert the_legs(house)[0].filled_qty == 10


def test_a_filled_leg_is_taken_back_by_a_marketable_limit_where_it_is_wanted() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin")]
    house.put(a_batch(a_leg(), a_leg("TCS"), unwind_filled=True))
    house.lanes.run_one("market")
    house.engine.run_pending()
    house.lanes.run_one("INFY")
    house.broker.fill("1", 10)
    house.settle()

    assert the_batch(house).status is None
    row = house.broker.rows[number_of(house, "INFY", Side.SELL)]  # type: ignore[index]
    assert (row.order_type, row.quantity) == (OrderType.LIMIT, 10)
    assert row.price < Decimal("999.50")

    house.broker.fill(row.broker_order_id, 10, "999.50")
    house.look()
    assert the_batch(house).status is BatchStatus.ROLLED_BACK
    assert statuses(house) == ["unwound", "failed"]
    assert not house.the_position().is_open


def test_an_unwinding_that_the_broker_refuses_is_said() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin"), BrokerRejected("nothing to sell")]
    house.put(a_batch(a_leg(), a_leg("TCS"), unwind_filled=True))
    house.lanes.run_one("market")
    house.engine.run_pending()
    house.lanes.run_one("INFY")
    house.broker.fill("1", 10)
    house.settle()

    assert the_batch(house).status is BatchStatus.PARTIAL
    assert statuses(house) == ["rollback_failed", "failed"]
    assert "nothing to sell" in the_legs(house)[0].error


def test_a_lost_answer_is_looked_up_before_anything_is_decided() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, AnswerLost("who knows"), None, None]

    give(house, a_batch())

    assert the_batch(house).status is BatchStatus.SUCCESS
    assert len(house.broker.rows) == 4


def test_a_fill_that_comes_after_the_rollback_corrects_what_is_said() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin")]
    give(house, a_batch(a_leg(), a_leg("TCS")))
    assert the_batch(house).status is BatchStatus.ROLLED_BACK

    house.broker.fill("1", 4, status="CANCELLED")
    house.look()

    assert the_batch(house).status is BatchStatus.PARTIAL
    assert (statuses(house), the_legs(house)[0].filled_qty) == (["filled", "failed"], 4)
    assert house.told(EventName.BATCH_CHANGED)


def test_in_sequence_each_leg_waits_for_the_one_before() -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [None, BrokerRejected("no margin")]

    give(house, a_batch(sequential=True))

    assert house.broker.count("place") == 2
    assert statuses(house) == ["rolled_back", "failed", "not_sent", "not_sent"]
    assert the_batch(house).status is BatchStatus.ROLLED_BACK


def test_a_sequence_that_goes_well_ends_as_a_success() -> None:
    house = a_batch_house()

    answer = give(house, a_batch(sequential=True))

    assert answer is not None
    assert statuses(house) == ["placed"] * 4
    assert the_batch(house).status is BatchStatus.SUCCESS


def test_the_same_key_is_the_same_batch_also_after_a_restart() -> None:
    house = a_batch_house()
    first = give(house, a_batch(idempotency_key="k"))
    second = give(house, a_batch(idempotency_key="k", correlation_id="again"))
    house.restart()
    third = give(house, a_batch(idempotency_key="k"))

    assert first is not None
    assert second is not None
    assert third is not None
    assert first.text == second.text == third.text
    assert house.broker.count("place") == 4


def test_the_same_key_with_other_legs_is_a_conflict() -> None:
    house = a_batch_house()
    give(house, a_batch(idempotency_key="k"))

    answer = give(house, a_batch(a_leg(), idempotency_key="k"))

    assert answer is not None
    assert answer.outcome is Outcome.CONFLICT


def test_two_equal_legs_are_two_orders() -> None:
    house = a_batch_house()

    give(house, a_batch(a_leg(), a_leg()))

    assert len({order.coid for order in house.orders()}) == 2
    assert house.broker.count("place") == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": 0}, "1.quantity"),
        ({"price": None}, "1.price"),
        ({"price": Decimal("NaN")}, "1.price"),
        ({"price": Decimal(1_000_001)}, "1.price"),
        ({"order_type": OrderType.SL}, "1.trigger_price"),
        ({"symbol": "NOBODY"}, "1.symbol"),
        ({"exchange": "MCX"}, "1.symbol"),
    ],
)
def test_one_bad_leg_is_named_and_nothing_is_sent_or_saved(changes: dict[str, Any], field: str) -> None:
    house = a_batch_house()

    answer = give(house, a_batch(a_leg(), replace(a_leg("TCS"), **changes)))

    assert answer is not None
    assert (answer.outcome, list(answer.figures)) == (Outcome.INVALID, [field])
    assert (house.broker.count("place"), house.count_rows("batches")) == (0, 0)


@pytest.mark.parametrize("count", [0, 11])
def test_a_batch_has_one_to_ten_legs(count: int) -> None:
    house = a_batch_house()
    command = replace(a_batch(), legs=tuple(a_leg() for _ in range(count)))

    answer = give(house, command)

    assert answer is not None
    assert list(answer.figures) == ["legs"]


def test_a_restart_in_the_middle_finishes_the_batch() -> None:
    house = a_batch_house()
    house.put(a_batch())
    house.lanes.run_one("market")
    house.engine.run_pending()
    house.broker.troubles["place"] = [BrokerRejected("no margin")]
    house.lanes.run_one("INFY")
    house.engine.run_pending()

    house.restart()
    house.advance(minutes=2)

    assert the_batch(house).status is BatchStatus.FAILED
    assert not [row for row in house.broker.rows.values() if row.status == "OPEN"]


def test_a_restart_in_the_middle_of_a_sequence_goes_on_with_the_next_leg() -> None:
    house = a_batch_house()
    house.put(a_batch(sequential=True))
    house.lanes.run_one("market")
    house.engine.run_pending()
    house.lanes.run_one("INFY")
    house.engine.run_pending()

    house.restart()

    assert statuses(house) == ["placed"] * 4
    assert house.broker.count("place") == 4
