"""A start on books of an earlier process: what only the registry knows, what happened meanwhile, what was lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import a_broker_order, a_signal, a_trade, an_attempt, an_order, later, some_terms
from tests.unit.engine.fakes import NO_PROOF, AnswerLost, tag_of
from tests.unit.engine.house import House
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.errors import BrokerUnavailable, OutcomeUnknown, SaveFailed, StateCorrupt
from tradebot.domain.events import EventName
from tradebot.domain.orders import AttemptStatus, DecisionId, OrderStatus, PositionId, Side
from tradebot.domain.stored import Changes
from tradebot.engine import ledger
from tradebot.ports import OrderStore


def a_standing_order(**options: Any) -> House:
    """A buy of ten stands at the broker under the number 1."""
    house = House(**options)
    house.signals(a_signal())
    return house


def with_orphans(*decisions: str, metadata: dict[str, str] | None = None, **changes: Any) -> House:
    """A house that starts on ids which only the registry knows."""
    house = House(is_started=False)
    for decision in decisions:
        order = an_order(decision_id=DecisionId(decision), coid=coid_of(decision), **changes)
        entry = ledger.registry_entry(an_attempt(order), order)
        house.registry.reserve([entry if metadata is None else replace(entry, metadata=metadata)])
    house.registry.sync()
    return house


def coid_of(decision: str, side: Side = Side.BUY) -> Any:
    return derive(IntentKey("primary", DecisionId(decision), 0, side), 1)


def stands(house: House, decision: str, number: str = "1", **changes: Any) -> None:
    house.broker.rows[number] = a_broker_order(  # type: ignore[index]
        tag=coid_of(decision), broker_order_id=number, **changes
    )


def test_an_order_that_only_the_registry_knows_gets_its_row_back() -> None:
    house = with_orphans("lost-1")
    stands(house, "lost-1", filled_quantity=0)

    house.restart()

    order = house.the_order()
    assert (order.coid, order.decision_id, order.status) == (coid_of("lost-1"), "lost-1", OrderStatus.PENDING)
    assert (order.broker_order_id, order.quantity, order.trading_day) == ("1", 10, an_order().trading_day)
    assert house.memory.orphans == {}
    assert house.count_rows("orders") == house.count_rows("attempts") == 1
    assert "place" not in house.broker.calls


def test_a_sell_that_only_the_registry_knows_finds_its_position() -> None:
    house = House(is_started=False)
    order = an_order(side=Side.SELL, position_id=PositionId("P9"))
    house.registry.reserve([ledger.registry_entry(an_attempt(order), order)])
    house.broker.rows["1"] = a_broker_order(order, broker_order_id="1")  # type: ignore[index]

    house.restart()

    assert house.the_order().position_id == "P9"


def test_an_order_that_only_the_registry_knows_and_the_book_does_not_may_be_placed_again() -> None:
    house = with_orphans("signal-1")
    house.restart()

    house.signals(a_signal())

    assert house.broker.count("place") == 1
    assert tag_of(house.broker, "1") == coid_of("signal-1")


def test_an_unsettled_id_blocks_its_symbol_until_the_first_look() -> None:
    house = with_orphans("lost-1")
    house.broker.troubles["order_book"] = [BrokerUnavailable("gateway")]
    house.restart()

    house.signals(a_signal(2))
    blocked = [d.reason for d in house.memory.decisions.values()]
    house.advance(seconds=15)
    house.signals(a_signal(3))

    assert blocked == ["SYMBOL_UNCERTAIN"]
    assert house.broker.count("place") == 1


def test_a_first_look_comes_before_anything_is_sent_again() -> None:
    house = House()
    house.signals(a_signal(), settle=False)

    house.restart()

    assert house.broker.calls[-3:] == ["order_book", "place", "order_book"]
    assert len(house.broker.rows) == 1


def test_killed_after_the_broker_took_it_the_order_is_found_and_not_sent_again() -> None:
    house = House()
    house.signals(a_signal(), settle=False)
    house.lanes.run_one("INFY")

    house.restart()

    assert house.broker.count("place") == 1
    assert house.the_order().broker_order_id == "1"


def test_one_id_that_cannot_be_adopted_does_not_stop_the_look_for_the_others() -> None:
    house = with_orphans("strange", metadata={})
    house.signals(a_signal(5, "TCS"), settle=False)
    stands(house, "strange")
    house.broker.symbol_terms["TCS"] = some_terms("TCS")

    house.restart()

    assert house.memory.is_reconciled


def test_an_open_id_in_the_database_that_the_registry_does_not_know_refuses_the_start() -> None:
    order = an_order()

    with pytest.raises(StateCorrupt, match="unknown here"):
        House(stored=Changes(orders=[order], attempts=[an_attempt(order)]))


def test_a_restart_books_what_was_filled_meanwhile() -> None:
    house = a_standing_order()
    house.broker.fill("1", 10)

    house.restart()

    assert (house.the_order().status, house.the_position().quantity) == (OrderStatus.ONGOING, 10)
    (result,) = [e for e in house.told(EventName.RECONCILE_RESULT) if e.fields["applied_fills"]]
    assert result.fields["applied_fills"] == 1
    assert {"reconciled", "pending", "applied_fills", "expired", "errors"} <= result.fields.keys()


def test_a_restart_that_finds_nothing_new_changes_nothing() -> None:
    house = a_standing_order()
    house.broker.fill("1", 10)
    house.look()
    order, position, stories = house.the_order(), house.the_position(), house.count_rows("order_events")

    house.restart()

    assert (house.the_order(), house.the_position()) == (order, position)
    assert house.count_rows("order_events") == stories


def test_an_answer_lost_by_a_kill_and_an_absent_order_is_sent_once_more_with_the_same_id() -> None:
    house = House()
    house.broker.troubles["place"] = [OutcomeUnknown("timed out")]
    house.signals(a_signal(), settle=False)
    house.lanes.run_one("INFY")

    house.restart()

    assert house.broker.count("place") == 2
    assert tag_of(house.broker, "1") == house.the_order().coid


def test_an_order_of_a_day_that_is_over_is_not_sent_again_and_not_declared_unsent() -> None:
    house = House()
    house.signals(a_signal(), settle=False)
    house.clock.at = later(minutes=60 * 24)

    house.restart()

    (attempt,) = house.memory.attempts.values()
    assert "place" not in house.broker.calls
    assert (attempt.status, house.the_order().status) == (AttemptStatus.UNKNOWN, OrderStatus.PENDING)


def test_an_after_market_order_that_is_sent_again_in_the_session_goes_as_a_regular_one() -> None:
    house = House()
    house.broker.troubles["place"] = [AnswerLost("timed out")]
    house.signals(a_signal(), settle=False)

    house.restart()

    assert [row.variety for row in house.broker.rows.values()] == ["regular"]
    assert house.the_order().variety == "regular"


@pytest.mark.parametrize("coid", ["LEGACY000000000001", "IMPORT000000000001"])
def test_an_open_order_of_other_software_is_followed_by_its_number_at_the_broker(coid: str) -> None:
    order = an_order(coid=coid, broker_order_id="25112300001", placed_at=later(-60))
    attempt = an_attempt(order, broker_order_id="25112300001")
    house = House(stored=Changes(orders=[order], attempts=[attempt]), is_started=False)
    house.broker.rows["25112300001"] = a_broker_order(  # type: ignore[index]
        tag="", broker_order_id="25112300001", status="COMPLETE", filled_quantity=10
    )
    house.broker.executions = [a_trade(broker_order_id="25112300001", quantity=10)]

    house.start()

    assert (house.the_order().status, house.the_order().execution_qty) == (OrderStatus.ONGOING, 10)
    assert house.told(EventName.INTERNAL_FAULT) == house.told(EventName.MANUAL_ORDER_SEEN) == []
    house.restart()
    assert house.the_position().quantity == 10


def test_an_id_whose_order_could_not_be_saved_is_no_doubt_after_an_orderly_end() -> None:
    """Nothing is sent that is not saved; a process that was killed cannot say so, one that ends in order can."""
    refusals = [SaveFailed("the disk is full")]

    class Store:
        def __init__(self, store: OrderStore) -> None:
            self._store = store

        def save(self, changes: Changes) -> None:
            if refusals and changes.orders:
                raise refusals.pop()
            self._store.save(changes)

        def __getattr__(self, name: str) -> object:
            return getattr(self._store, name)

    house = House(books=lambda store, registry: (Store(store), registry), capabilities=NO_PROOF)  # type: ignore[arg-type,return-value]
    house.signals(a_signal())
    assert not refusals
    assert [entry.status for entry in house.registry.entries()] == [AttemptStatus.PENDING]

    house.engine.close()
    house.restart()
    house.signals(a_signal(2))

    assert house.broker.count("place") == 1
    assert house.memory.orphans == {}
