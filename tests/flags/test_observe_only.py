"""OBSERVE_ONLY: everything is judged, decided and told, and nothing leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_signal
from tests.unit.engine.house import House
from tradebot.domain.events import EventName
from tradebot.domain.orders import OrderStatus
from tradebot.domain.policy import FlowFlags, Policy
from tradebot.engine.commands import PolicyChanged
from tradebot.engine.messages import Job

pytestmark = pytest.mark.flag("OBSERVE_ONLY")
OBSERVING = Policy(flags=FlowFlags(observe_only=True))


def switch(house: House, *, observe_only: bool) -> None:
    """The operator edits the file while it runs."""
    policy = replace(house.policy, flags=FlowFlags(observe_only=observe_only))
    house.tell(PolicyChanged(policy=policy, changes=(("OBSERVE_ONLY", "", str(observe_only)),)))


@pytest.mark.parametrize("is_on", [True, False])
def test_an_entry_that_passes_is_decided_and_sent_or_only_decided(is_on: bool) -> None:
    house = House(policy=OBSERVING if is_on else Policy())

    house.signals(a_signal())

    (decision,) = house.memory.decisions.values()
    assert decision.outcome == ("observed" if is_on else "sent")
    assert house.broker.count("place") == (0 if is_on else 1)
    assert len(house.told(EventName.ORDER_OBSERVED)) == (1 if is_on else 0)
    assert len(house.orders()) == (0 if is_on else 1)
    assert len(house.registry.open_entries()) == (0 if is_on else 1)


def test_the_guards_judge_all_the_same() -> None:
    house = House(policy=OBSERVING)
    house.market.halts = {"INFY": "jumped"}

    house.signals(a_signal())

    (decision,) = house.memory.decisions.values()
    assert decision.outcome == "blocked"


def test_a_cancellation_that_somebody_wants_does_not_leave_and_is_not_promised() -> None:
    house = House()
    house.signals(a_signal())
    switch(house, observe_only=True)
    waiting = house.answers.expect("test")

    house.cancel(house.the_order())

    assert house.broker.count("cancel") == 0
    assert not house.the_order().cancel_requested
    assert waiting.result(timeout=0).outcome == "blocked"


def test_what_was_prepared_in_the_same_moment_does_not_leave_either_and_goes_once_sending_is_wanted_again() -> None:
    house = House()
    house.signals(a_signal(), settle=False)
    house.lanes.waiting.clear()
    house.policy = OBSERVING
    house.restart()
    house.advance(minutes=1)
    observed = house.broker.count("place")

    switch(house, observe_only=False)
    house.cycle()

    assert observed == 0
    assert house.broker.count("place") == 1
    assert house.the_order().status is OrderStatus.PENDING


def test_what_would_be_sent_is_told_once_and_again_on_the_next_day() -> None:
    house = House(policy=OBSERVING)

    house.signals(a_signal())
    house.signals(a_signal())
    once = len(house.told(EventName.ORDER_OBSERVED))
    house.job(Job.END_OF_DAY)
    house.signals(a_signal())

    assert (once, len(house.told(EventName.ORDER_OBSERVED))) == (1, 2)
