"""The desk: which client order id an intent gets, and when it gets none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, NOON, an_attempt, an_intent, an_order, later
from tests.simulator.disk import SimDisk
from tests.simulator.world import market
from tests.unit.engine.fakes import PROOF
from tradebot.adapters.chance import SeededChance
from tradebot.adapters.kill_latch import MemoryLatch
from tradebot.adapters.registry import CoidRegistry
from tradebot.domain.coids import ATTEMPTS_MAX, IntentKey, derive
from tradebot.domain.events import EventName
from tradebot.domain.orders import Attempt, AttemptStatus, OrderIntent, OrderStatus, RequestState, Side
from tradebot.domain.policy import Policy
from tradebot.engine import ledger
from tradebot.engine.calls import Cancel, Modify, Place
from tradebot.engine.desk import Desk
from tradebot.engine.ids import OrderIds
from tradebot.engine.memory import Memory
from tradebot.engine.setting import Setting
from tradebot.engine.slots import Submission
from tradebot.engine.unit import Unit

OPEN = [AttemptStatus.PENDING, AttemptStatus.PARTIALLY_FILLED, AttemptStatus.UNKNOWN]
UNFILLED_ENDS = [AttemptStatus.REJECTED, AttemptStatus.EXPIRED, AttemptStatus.CANCELLED]


@dataclass(slots=True)
class Room:
    """A desk with a registry of its own, and the memory that units are made of."""

    memory: Memory = field(default_factory=Memory)
    registry: CoidRegistry = field(default_factory=lambda: CoidRegistry.open(SimDisk(), Path("/state"), NOON))

    @property
    def desk(self) -> Desk:
        found = market()
        return Desk(
            Setting(
                policy=Policy(),
                calendar=found.calendar,
                amo=found.amo_windows.of("paper", "NSE", MONDAY),
                actions=(),
                rules=found.rules,
                capabilities=PROOF,
                registry=self.registry,
                latch=MemoryLatch(),
                ids=OrderIds(None),
                chance=SeededChance(0),
            )
        )

    def unit(self) -> Unit:
        return Unit(self.memory, later(1))

    def knows(self, word: AttemptStatus, number: int = 1, **changes: Any) -> Attempt:
        """An attempt of the intent that registry and memory know."""
        order = an_order(**changes)
        attempt = an_attempt(replace(order, coid=the_coid(number)), status=word, number=number)
        self.registry.reserve([ledger.registry_entry(attempt, order)])
        self.memory.orders[order.id] = replace(order, coid=attempt.coid)
        self.memory.attempts[attempt.coid] = attempt
        return attempt

    def reserved_only(self, status: AttemptStatus = AttemptStatus.PENDING, number: int = 1, **changes: Any) -> None:
        """An entry of the registry that nobody else knows."""
        order = an_order()
        attempt = an_attempt(replace(order, coid=the_coid(number)), number=number, status=status)
        self.registry.reserve([replace(ledger.registry_entry(attempt, order), **changes)])


def the_coid(number: int = 1, intent: OrderIntent | None = None) -> Any:
    intent = intent or an_intent()
    return derive(IntentKey(intent.account_id, intent.decision_id, intent.leg, intent.side), number)


def test_a_first_intent_is_reserved_recorded_and_called() -> None:
    room = Room()
    unit = room.unit()

    verdict = room.desk.place(unit, an_intent())

    assert verdict is Submission.SENT
    assert list(unit.reservations) == [the_coid(1)]
    (order,) = unit.orders.changed()
    (attempt,) = unit.attempts.changed()
    (request,) = unit.requests.changed()
    (call,) = unit.calls
    assert isinstance(call, Place)
    assert (order.status, order.coid, attempt.coid, request.coid) == (OrderStatus.PENDING, *[the_coid(1)] * 3)
    assert request.state is RequestState.PREPARED
    assert (call.ticket.tag, call.ticket.quantity, call.ticket.price) == (the_coid(1), 10, Decimal(1000))
    assert [event.name for event in unit.events] == [EventName.ORDER_INTENT, EventName.ORDER_SENT]


def test_a_new_order_has_a_reason_and_a_line_in_its_story() -> None:
    room = Room()
    unit = room.unit()

    room.desk.place(unit, an_intent())

    (order,) = unit.orders.changed()
    (event,) = unit.order_events
    assert order.reason == event.reason == "Order placed - waiting for execution"
    assert (event.from_status, event.to_status, event.sequence) == (None, OrderStatus.PENDING, 1)


@pytest.mark.parametrize("status", [*OPEN, AttemptStatus.FILLED])
def test_what_stands_or_is_filled_stops_the_submission(status: AttemptStatus) -> None:
    room = Room()
    room.knows(status)
    unit = room.unit()

    verdict = room.desk.place(unit, an_intent())

    assert verdict is Submission.DUPLICATE
    assert not unit.changes()
    assert not unit.calls
    assert not unit.reservations
    (event,) = unit.events
    assert event.name is EventName.COID_DUPLICATE
    assert {"coid", "symbol", "side", "decision_id", "attempt"} <= event.fields.keys()


def test_a_duplicate_names_the_order_that_stands() -> None:
    room = Room()
    attempt = room.knows(AttemptStatus.PENDING)
    unit = room.unit()

    room.desk.place(unit, an_intent())

    assert unit.events[0].fields["order_id"] == attempt.order_id


@pytest.mark.parametrize("status", UNFILLED_ENDS)
def test_only_a_finished_unfilled_attempt_gives_the_next_one(status: AttemptStatus) -> None:
    room = Room()
    room.knows(status, status=OrderStatus.FAILED)
    unit = room.unit()

    verdict = room.desk.place(unit, an_intent())

    assert verdict is Submission.SENT
    assert list(unit.reservations) == [the_coid(2)]
    assert unit.attempts[the_coid(2)].number == 2


def test_the_next_attempt_is_for_the_unfilled_quantity_only() -> None:
    room = Room()
    attempt = room.knows(AttemptStatus.CANCELLED, status=OrderStatus.ONGOING, execution_qty=4)
    room.memory.attempts[attempt.coid] = replace(attempt, filled_quantity=4)
    unit = room.unit()

    room.desk.place(unit, an_intent(quantity=10))

    (call,) = unit.calls
    assert isinstance(call, Place)
    assert call.ticket.quantity == 6


def test_several_finished_attempts_give_the_one_after_the_last() -> None:
    room = Room()
    for number in (1, 2, 3):
        room.knows(AttemptStatus.REJECTED, number, status=OrderStatus.FAILED)
    unit = room.unit()

    room.desk.place(unit, an_intent())

    assert list(unit.reservations) == [the_coid(4)]


def test_what_the_registry_alone_knows_as_finished_gives_the_next_attempt_too() -> None:
    room = Room()
    room.reserved_only(AttemptStatus.REJECTED)
    unit = room.unit()

    assert room.desk.place(unit, an_intent()) is Submission.SENT
    assert list(unit.reservations) == [the_coid(2)]


def test_an_id_that_was_reserved_and_certainly_not_sent_is_used_again() -> None:
    room = Room()
    room.reserved_only()
    unit = room.unit()

    verdict = room.desk.place(unit, an_intent())

    assert verdict is Submission.SENT
    assert not unit.reservations
    assert list(unit.notes) == [the_coid(1)]
    assert EventName.COID_REUSED in [event.name for event in unit.events]


def test_an_id_that_has_a_number_at_the_broker_stops_although_the_database_does_not_know_it() -> None:
    room = Room()
    room.reserved_only(broker_order_id="9")
    unit = room.unit()

    assert room.desk.place(unit, an_intent()) is Submission.DUPLICATE


def test_an_id_that_the_registry_knows_as_filled_stops_although_the_database_does_not_know_it() -> None:
    room = Room()
    room.reserved_only(AttemptStatus.FILLED)

    assert room.desk.place(room.unit(), an_intent()) is Submission.DUPLICATE


def test_an_id_that_waits_for_its_look_up_is_uncertain() -> None:
    room = Room()
    room.reserved_only()
    room.memory.orphans = {entry.coid: entry for entry in room.registry.open_entries()}
    unit = room.unit()

    assert room.desk.place(unit, an_intent()) is Submission.UNCERTAIN
    assert not unit.calls


def test_the_same_intent_twice_in_one_message_is_one_order() -> None:
    room = Room()
    unit = room.unit()

    verdicts = [room.desk.place(unit, an_intent()) for _ in range(3)]

    assert verdicts == [Submission.SENT, Submission.DUPLICATE, Submission.DUPLICATE]
    assert len(unit.calls) == 1


def test_the_same_intent_in_two_messages_of_one_batch_is_one_order() -> None:
    room = Room()
    batch = room.unit()
    first, second = Unit(room.memory, later(1), batch), Unit(room.memory, later(1), batch)

    assert room.desk.place(first, an_intent()) is Submission.SENT
    first.merge()
    assert room.desk.place(second, an_intent()) is Submission.DUPLICATE


def test_a_message_that_failed_leaves_the_id_for_the_next_one_of_its_batch() -> None:
    room = Room()
    batch = room.unit()
    broken, good = Unit(room.memory, later(1), batch), Unit(room.memory, later(1), batch)
    room.desk.place(broken, an_intent())

    assert room.desk.place(good, an_intent()) is Submission.SENT
    good.merge()
    assert list(batch.reservations) == [the_coid(1)]
    assert len(batch.calls) == 1


@pytest.mark.parametrize("other", [{"leg": 1}, {"account_id": "second"}, {"decision_id": "signal-2"}])
def test_another_leg_account_or_decision_is_another_order(other: dict[str, Any]) -> None:
    room = Room()
    room.knows(AttemptStatus.PENDING)

    assert room.desk.place(room.unit(), an_intent(**other)) is Submission.SENT


def test_after_the_last_attempt_there_is_none() -> None:
    room = Room()
    room.reserved_only(AttemptStatus.REJECTED, ATTEMPTS_MAX)
    unit = room.unit()

    assert room.desk.place(unit, an_intent()) is Submission.EXHAUSTED
    assert not unit.calls


def test_a_market_order_without_a_protecting_limit_is_never_sent() -> None:
    room = Room()

    with pytest.raises(ValueError, match="protecting limit"):
        room.desk.place(room.unit(), an_intent(price=None))


def test_a_sell_says_that_it_stands_at_its_target() -> None:
    room = Room()
    unit = room.unit()

    room.desk.place(unit, an_intent(side=Side.SELL))

    assert unit.orders.changed()[0].reason == "Sell order placed at target"


def test_one_cancellation_is_asked_for_at_a_time() -> None:
    room = standing()
    unit = room.unit()

    room.desk.cancel(unit, unit.orders[an_order().id], "Manual: one")
    room.desk.cancel(unit, unit.orders[an_order().id], "Manual: two")

    assert [type(call) for call in unit.calls] == [Cancel]
    assert unit.orders[an_order().id].reason == "Manual: one"


def test_an_order_without_a_number_at_the_broker_is_only_marked_for_cancelling() -> None:
    room = Room()
    room.knows(AttemptStatus.PENDING)
    unit = room.unit()

    room.desk.cancel(unit, unit.orders[an_order().id], "Manual: wanted")

    assert unit.orders[an_order().id].cancel_requested
    assert not unit.calls


def test_one_change_of_price_is_asked_for_at_a_time() -> None:
    room = standing()
    unit = room.unit()

    room.desk.modify(unit, unit.orders[an_order().id], Decimal(1001))
    room.desk.modify(unit, unit.orders[an_order().id], Decimal(1002))

    (call,) = unit.calls
    assert isinstance(call, Modify)
    assert call.price == 1001


def standing() -> Room:
    """A room whose only order stands at the broker."""
    room = Room()
    attempt = room.knows(AttemptStatus.PENDING)
    room.memory.attempts[attempt.coid] = replace(attempt, broker_order_id="1")  # type: ignore[arg-type]
    return room
