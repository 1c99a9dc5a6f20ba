"""An order at the broker with an id of ours that no book knows: nothing is placed for it again, its symbol waits."""

from __future__ import annotations

import pytest

from tests.builders import a_broker_order, a_signal, later, some_terms
from tests.unit.engine.house import House
from tests.unit.engine.test_start import coid_of
from tradebot.domain.events import EventName
from tradebot.engine.commands import ReleaseSymbol


def a_house_whose_books_are_older_than(decision: str) -> House:
    """The broker has an order for the decision; database and registry are those of a copy from before it."""
    house = House(is_started=False)
    house.broker.symbol_terms["TCS"] = some_terms("TCS")
    house.broker.rows["1"] = a_broker_order(tag=coid_of(decision), broker_order_id="1")  # type: ignore[index]
    house.start()
    return house


def test_its_intent_is_not_placed_again() -> None:
    house = a_house_whose_books_are_older_than("signal-1")

    house.signals(a_signal())

    assert house.broker.count("place") == 0
    assert len(house.broker.rows) == 1


def test_its_symbol_takes_no_entry_until_a_human_has_looked_and_then_only_others() -> None:
    house = a_house_whose_books_are_older_than("signal-1")

    house.signals(a_signal(2))
    blocked = [decision.reason for decision in house.memory.decisions.values()]
    house.tell(ReleaseSymbol(symbol="INFY", correlation_id="human"))
    house.signals(a_signal())
    assert house.broker.count("place") == 0
    house.signals(a_signal(3))

    assert blocked == ["SYMBOL_HALTED"]
    assert house.broker.count("place") == 1
    assert "an id of ours" in house.told(EventName.SYMBOL_HALTED)[0].message


def test_other_symbols_go_on() -> None:
    house = a_house_whose_books_are_older_than("signal-1")

    house.signals(a_signal(2, "TCS"))

    assert house.broker.count("place") == 1


@pytest.mark.parametrize("tag", [None, "mine", "A", "R00000000000000001", "a00000000000000001"])
def test_a_tag_of_another_form_is_an_order_by_hand(tag: str | None) -> None:
    house = House(is_started=False)
    house.broker.rows["1"] = a_broker_order(tag=tag, broker_order_id="1")  # type: ignore[index]
    house.start()

    house.signals(a_signal())

    assert house.told(EventName.SYMBOL_HALTED) == []


def test_an_order_of_ours_that_memory_has_let_go_is_no_stranger() -> None:
    """The registry keeps an id for a week after its end; a book that still shows its order proves nothing."""
    house = House()
    house.signals(a_signal())
    house.cancel(house.the_order())
    row = house.broker.rows["1"]  # type: ignore[index]
    house.memory.orders.drop(house.the_order().id)
    house.memory.attempts.drop(coid_of("signal-1"))
    house.memory.coids.drop(row.broker_order_id)
    house.memory.seen.clear()

    house.broker.rows["1"] = a_broker_order(tag=row.tag, broker_order_id="1", updated_at=later(60))  # type: ignore[index]
    house.look()

    assert house.told(EventName.SYMBOL_HALTED) == []
