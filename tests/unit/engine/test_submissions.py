"""Orders that somebody gives: one road, the same guards, an answer once the row is durable, one order a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import EVENING, NOON, a_position, a_quote, a_signal, some_terms
from tests.unit.engine.house import House
from tradebot.domain.errors import BrokerRejected, BrokerUnavailable
from tradebot.domain.orders import EntryType, OrderId, OrderStatus, OrderType, Side, Source, Variety
from tradebot.domain.policy import Policy, RiskLimits
from tradebot.domain.stored import Changes
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import PauseEntries, SubmitOrder


def a_submission(**changes: Any) -> SubmitOrder:
    """A limit buy of ten at Rs 1,000 through HTTP."""
    command = SubmitOrder(
        account_id="primary",
        user_id="owner",
        symbol="INFY",
        side=Side.BUY,
        quantity=10,
        price=Decimal("1000.00"),
        correlation_id="me",
    )
    return replace(command, **changes)


def a_house(**options: Any) -> House:
    house = House(**options)
    house.market.prices["INFY"] = a_quote(at=house.clock.at)
    return house


def submit(house: House, **changes: Any) -> Answer:
    command = a_submission(**changes)
    future = house.answers.expect(command.correlation_id)
    house.tell(command)
    return future.result(timeout=0)


def test_a_submission_becomes_an_order_that_is_answered_by_its_id() -> None:
    house = a_house()

    answer = submit(house)

    order = house.the_order()
    assert (answer.outcome, answer.order_ids) == (Outcome.DONE, (order.id,))
    assert (order.orig_source, order.entry_type, order.variety) == (Source.API, EntryType.MANUAL, Variety.REGULAR)
    assert house.broker.count("place") == 1
    assert [decision.outcome for decision in house.memory.decisions.values()] == ["sent"]
    assert house.count_rows("decisions") == 1


def test_the_answer_waits_until_the_row_is_durable_and_not_for_the_broker() -> None:
    house = a_house()
    future = house.answers.expect("me")

    house.put(a_submission())
    assert not future.done()
    house.lanes.run_one("market")
    house.engine.run_pending()

    assert future.result(timeout=0).outcome is Outcome.DONE
    assert house.count_rows("orders") == 1
    assert house.broker.count("place") == 0


def test_the_same_key_is_the_same_order() -> None:
    house = a_house()

    first = submit(house, idempotency_key="k1")
    second = submit(house, idempotency_key="k1", correlation_id="again")

    assert first.order_ids == second.order_ids == (house.the_order().id,)
    assert second.outcome is Outcome.DONE
    assert house.broker.count("place") == 1


def test_two_with_the_same_key_that_arrive_together_are_one_order_and_both_are_answered() -> None:
    house = a_house()
    futures = [house.answers.expect(name) for name in ("one", "two")]

    house.tell(*(a_submission(idempotency_key="k1", correlation_id=name) for name in ("one", "two")))

    assert {future.result(timeout=0).order_ids for future in futures} == {(house.the_order().id,)}
    assert house.broker.count("place") == 1


def test_the_same_key_is_the_same_order_after_a_restart_and_after_the_broker_refused_it() -> None:
    house = a_house()
    house.broker.troubles["place"] = [BrokerRejected("not today")]
    first = submit(house, idempotency_key="k1")
    assert house.the_order().status is OrderStatus.FAILED

    house.restart()
    second = submit(house, idempotency_key="k1")

    assert second.order_ids == first.order_ids
    assert house.broker.count("place") == 1


def test_a_key_is_known_when_memory_and_registry_have_let_the_order_go() -> None:
    house = a_house()
    first = submit(house, idempotency_key="k1")
    house.broker.fill("1", 10)
    house.look()
    coid = house.the_order().coid
    for table in (house.memory.orders, house.memory.attempts):
        for key in table.names():
            table.drop(key)  # type: ignore[arg-type]
    house.registry.fold(house.clock.at + timedelta(days=30))
    assert house.registry.get(coid) is None

    second = submit(house, idempotency_key="k1")

    assert second.order_ids == first.order_ids
    assert house.broker.count("place") == 1


def test_the_same_key_with_another_order_is_a_conflict() -> None:
    house = a_house()
    submit(house, idempotency_key="k1")

    answer = submit(house, idempotency_key="k1", quantity=11)

    assert answer.outcome is Outcome.CONFLICT
    assert house.broker.count("place") == 1


def test_equal_orders_without_a_key_are_two_orders() -> None:
    house = a_house()

    submit(house)
    submit(house)

    assert len(house.orders()) == 2
    assert house.broker.count("place") == 2


def test_what_stands_or_is_held_in_the_symbol_blocks_no_order_of_a_person() -> None:
    house = a_house()
    house.signals(a_signal(), variety=Variety.REGULAR)

    assert submit(house).outcome is Outcome.DONE


def test_risk_limits_count_and_the_answer_has_their_figures() -> None:
    house = a_house(policy=replace(Policy(), risk=RiskLimits(order_notional_max=Decimal(9_999))))

    answer = submit(house)

    assert (answer.outcome, answer.text, answer.order_ids) == (Outcome.BLOCKED, "RISK_LIMIT_ORDER_NOTIONAL", ())
    assert answer.figures["RISK_LIMIT_ORDER_NOTIONAL.allowed"] == "9999"
    assert house.count_rows("orders") == 0
    assert [decision.outcome for decision in house.memory.decisions.values()] == ["blocked"]
    assert house.broker.count("place") == 0


def test_a_full_portfolio_leaves_a_failed_order_that_the_answer_names() -> None:
    house = a_house(policy=replace(Policy(), risk=RiskLimits(positions_max=0)))

    answer = submit(house, idempotency_key="k1")

    order = house.the_order()
    assert (answer.outcome, answer.order_ids, order.status) == (Outcome.BLOCKED, (order.id,), OrderStatus.FAILED)
    assert submit(house, idempotency_key="k1").order_ids == (order.id,)


def test_paused_entries_block_a_buy_and_let_a_sell_pass() -> None:
    house = a_house(stored=Changes(positions=[a_position()]))
    house.tell(PauseEntries(is_paused=True, correlation_id="x"))

    assert submit(house).text == "PAUSED"
    assert submit(house, side=Side.SELL).outcome is Outcome.DONE
    assert house.the_order().position_id == "P1"


@pytest.mark.parametrize(("quantity", "reason"), [(11, "NOT_HELD"), (10, "")])
def test_a_sell_is_for_what_is_held(quantity: int, reason: str) -> None:
    house = a_house(stored=Changes(positions=[a_position()]))

    answer = submit(house, side=Side.SELL, quantity=quantity)

    assert answer.text == (reason or "Sell order placed at target")


def test_a_sell_of_what_is_not_held_says_that_none_are() -> None:
    answer = submit(a_house(), side=Side.SELL, quantity=5)

    assert (answer.text, answer.figures) == ("NOT_HELD", {"NOT_HELD.symbol": "INFY", "NOT_HELD.found": "0"})


def test_two_sells_of_one_position_that_arrive_together_are_one() -> None:
    house = a_house(stored=Changes(positions=[a_position()]))
    futures = [house.answers.expect(name) for name in ("one", "two")]

    house.tell(*(a_submission(side=Side.SELL, correlation_id=name) for name in ("one", "two")))

    outcomes = sorted(future.result(timeout=0).outcome for future in futures)
    assert outcomes == [Outcome.BLOCKED, Outcome.DONE]
    assert house.broker.count("place") == 1


def test_a_market_order_is_sent_as_a_protected_marketable_limit() -> None:
    house = a_house()

    submit(house, order_type=OrderType.MARKET, price=None)

    order = house.the_order()
    assert order.order_type is OrderType.MARKET
    assert order.price is not None
    assert Decimal(1000) < order.price <= Decimal(1200)
    assert house.broker.rows["1"].order_type is OrderType.LIMIT  # type: ignore[index]


def test_a_market_order_without_a_book_is_blocked_for_want_of_data() -> None:
    house = House()

    answer = submit(house, order_type=OrderType.MARKET, price=None)

    assert (answer.outcome, answer.text) == (Outcome.BLOCKED, "NO_MARKET_DATA")


def test_a_stop_order_carries_its_trigger_on_the_tick() -> None:
    house = a_house()

    submit(house, order_type=OrderType.SL, price=Decimal("1010.02"), trigger_price=Decimal("1005.03"))

    row = house.broker.rows["1"]  # type: ignore[index]
    assert (row.order_type, row.trigger_price, row.price) == (OrderType.SL, Decimal("1005.00"), Decimal("1010.00"))


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 0},
        {"quantity": -5},
        {"price": None},
        {"price": Decimal(-1)},
        {"price": Decimal("NaN")},
        {"price": Decimal("Infinity")},
        {"trigger_price": Decimal(1)},
        {"order_type": OrderType.SL},
        {"account_id": "nobody"},
        {"disclosed_quantity": 11},
    ],
)
def test_what_makes_no_sense_is_answered_in_words_and_asks_nobody(changes: dict[str, Any]) -> None:
    house = a_house()
    house.broker.calls.clear()

    answer = submit(house, **changes)

    assert answer.outcome is Outcome.INVALID
    assert answer.text
    assert house.broker.calls == []


@pytest.mark.parametrize("changes", [{"symbol": "NOBODY"}, {"exchange": "NFO"}])
def test_what_is_not_traded_here_is_refused_in_words(changes: dict[str, Any]) -> None:
    answer = submit(a_house(), **changes)

    assert answer.outcome is Outcome.INVALID
    assert "is not traded on" in answer.text


def test_in_the_evening_it_is_an_after_market_order_for_the_next_day() -> None:
    house = a_house(at=EVENING)

    submit(house)

    order = house.the_order()
    assert order.variety is Variety.AMO
    assert order.trading_day > NOON.date()


def test_while_nothing_takes_orders_it_is_a_conflict_that_says_when() -> None:
    house = a_house(at=NOON + timedelta(hours=3, minutes=40))  # 15:40 IST

    answer = submit(house)

    assert answer.outcome is Outcome.CONFLICT
    assert "after-market" in answer.text


def test_lots_are_rounded_down_and_less_than_one_is_refused() -> None:
    house = a_house()
    house.broker.symbol_terms["INFY"] = some_terms(lot_size=4)

    submit(house)

    assert house.the_order().quantity == 8
    assert submit(house, quantity=3).outcome is Outcome.INVALID


def test_without_a_picture_of_the_market_nobody_is_placed() -> None:
    house = a_house()
    house.broker.troubles["funds"] = [BrokerUnavailable("down")]

    answer = submit(house)

    assert (answer.outcome, answer.text) == (Outcome.BLOCKED, "NO_MARKET_DATA")
    assert submit(house).outcome is Outcome.DONE


def test_all_that_wait_share_one_look() -> None:
    house = a_house()
    house.broker.calls.clear()
    names = [f"caller-{number}" for number in range(20)]
    futures = [house.answers.expect(name) for name in names]

    house.tell(*(a_submission(correlation_id=name, quantity=1) for name in names))

    assert all(future.result(timeout=0).outcome is Outcome.DONE for future in futures)
    assert (house.broker.count("funds"), house.broker.count("place")) == (1, 20)


def test_submissions_wait_until_the_start_has_looked_at_the_book() -> None:
    house = House(is_started=False)
    house.market.prices["INFY"] = a_quote()
    future = house.answers.expect("me")
    house.put(a_submission())
    assert not house.lanes.waiting

    house.start()

    assert future.result(timeout=0).order_ids == (house.the_order().id,)


def test_a_submission_that_was_never_answered_is_forgotten_by_a_restart() -> None:
    house = a_house()
    house.put(a_submission(idempotency_key="k1"))

    house.restart()
    assert house.orders() == []

    assert submit(house, idempotency_key="k1").outcome is Outcome.DONE
    assert house.broker.count("place") == 1


def test_an_order_id_is_a_string() -> None:
    (order_id,) = submit(a_house()).order_ids
    assert isinstance(order_id, str)
    assert OrderId(order_id)


def test_a_thousand_copies_that_arrive_together_are_one_order_and_each_gets_its_answer() -> None:
    house = a_house()
    names = [f"copy-{number}" for number in range(1_000)]
    futures = [house.answers.expect(name) for name in names]

    house.tell(*(a_submission(idempotency_key="k1", correlation_id=name) for name in names))

    assert {future.result(timeout=0).order_ids for future in futures} == {(house.the_order().id,)}
    assert house.broker.count("place") == 1
