"""Sells: one per position at the broker, at its target or at the market, and never more than may be sold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import NOON, a_position, a_quote, a_signal, an_attempt, an_order, some_terms
from tests.unit.engine.fakes import AnswerLost, a_holding
from tests.unit.engine.house import House
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.events import EventName
from tradebot.domain.exits import ExitRule
from tradebot.domain.orders import AttemptStatus, OrderStatus, PositionId, RequestKind, RequestState, Side
from tradebot.domain.positions import Position
from tradebot.domain.stored import Changes
from tradebot.engine import ledger
from tradebot.engine.messages import Job, JobDue

TARGET = Decimal("1050")
OPENS = NOON.replace(hour=3, minute=45)


def holding(position: Position | None = None, *, sellable: int | None = None, **options: Any) -> House:
    """A house that holds ten shares bought at Rs 1,000, with a strategy that wants to sell them at Rs 1,050."""
    position = position or a_position(metadata={"strategy": "test"})
    buy = an_order(
        status=OrderStatus.ONGOING,
        execution_qty=position.quantity,
        execution_value=position.cost,
        position_id=position.id,
        filled_at=NOON,
    )
    bought = an_attempt(buy, status=AttemptStatus.FILLED, filled_quantity=position.quantity, broker_order_id="0")
    stored = Changes(orders=[buy], attempts=[bought], positions=[position])
    house = House(stored=stored, is_started=False, **options)
    house.registry.reserve([ledger.registry_entry(bought, buy)])
    house.broker.owned = [a_holding(position.quantity, sellable=sellable)]
    house.strategy.targets[position.id] = TARGET
    house.market.prices["INFY"] = a_quote()
    house.start()
    return house


def opened(**options: Any) -> House:
    house = holding(**options)
    house.job(Job.OPEN)
    return house


def quoted(house: House, bid: str) -> None:
    house.market.prices["INFY"] = a_quote(bid, str(Decimal(bid) + Decimal("0.05")))
    house.advance(seconds=1)
    house.cycle()


def test_at_the_open_a_sell_stands_at_the_target() -> None:
    house = opened()

    sell = house.the_order(Side.SELL)
    assert (sell.status, sell.price, sell.quantity) == (OrderStatus.PENDING, TARGET, 10)
    assert sell.position_id == house.the_position().id
    assert house.run_of(Job.OPEN) is not None


def test_a_target_is_rounded_up_to_the_tick() -> None:
    house = holding()
    house.strategy.targets[PositionId("P1")] = Decimal("1050.01")

    house.job(Job.OPEN)

    assert house.the_order(Side.SELL).price == Decimal("1050.05")


def test_a_target_above_the_days_band_waits() -> None:
    house = holding()
    house.strategy.targets[PositionId("P1")] = Decimal("1200.05")

    house.job(Job.OPEN)

    assert house.orders(Side.SELL) == []


def test_a_position_has_one_sell_however_often_it_is_looked_at() -> None:
    house = opened()

    for _ in range(3):
        house.cycle()
    house.job(Job.OPEN)

    assert len(house.orders(Side.SELL)) == house.broker.count("place") == 1


def test_a_restart_places_no_second_sell() -> None:
    house = opened()

    house.restart()
    house.job(Job.OPEN, house.clock.at + timedelta(seconds=1))

    assert house.broker.count("place") == 1


def test_a_cycle_before_the_days_targets_are_known_places_nothing_at_yesterdays() -> None:
    house = holding(a_position(metadata={"strategy": "test", "target": "1060"}), at=OPENS - timedelta(hours=1))
    house.advance(minutes=60)

    house.cycle()
    before = house.orders(Side.SELL)
    house.job(Job.OPEN)

    assert before == []
    assert house.the_order(Side.SELL).price == TARGET


def test_yesterdays_target_does_not_sell_before_todays_is_known() -> None:
    house = holding(a_position(metadata={"strategy": "test", "target": "1001"}), at=OPENS - timedelta(hours=1))
    house.advance(minutes=60)

    quoted(house, "1002")
    house.job(Job.OPEN)

    assert house.the_position().exit_rule is None
    assert house.the_order(Side.SELL).price == TARGET


def test_a_stop_does_not_wait_for_the_days_targets() -> None:
    house = holding(a_position(metadata={"strategy": "test", "target": "1060"}), at=OPENS - timedelta(hours=1))
    house.advance(minutes=60)

    quoted(house, "900")

    assert house.the_position().exit_rule == ExitRule.ATR_STOP
    assert house.the_order(Side.SELL).metadata["rule"] == ExitRule.ATR_STOP


def test_started_for_the_first_time_after_the_open_it_sells_at_the_targets_that_it_has() -> None:
    house = holding(a_position(metadata={"strategy": "test", "target": "1060"}))

    house.cycle()

    assert house.the_order(Side.SELL).price == 1060


def test_a_strategy_that_fails_keeps_no_position_from_its_sell() -> None:
    house = holding(a_position(metadata={"strategy": "test", "target": "1060"}))
    house.strategy.failure = ValueError("no column close")

    house.job(Job.OPEN)

    assert house.the_order(Side.SELL).price == 1060
    [told] = house.told(EventName.SIGNALS_UNUSABLE)
    assert told.message == "strategy test gives no targets today: ValueError: no column close"


def test_a_standing_sell_follows_its_target_down() -> None:
    house = opened()
    house.strategy.targets[PositionId("P1")] = Decimal(1040)

    house.advance(minutes=1)
    house.job(Job.OPEN)

    assert house.broker.rows["1"].price == 1040  # type: ignore[index]
    assert house.the_order(Side.SELL).price == 1040
    assert len(house.told(EventName.ORDER_MODIFIED)) == 1
    assert house.told(EventName.MANUAL_MODIFICATION) == []


def test_a_standing_sell_never_follows_its_target_up() -> None:
    house = opened()
    house.strategy.targets[PositionId("P1")] = Decimal(1060)

    house.advance(minutes=1)
    house.job(Job.OPEN)

    assert "modify" not in house.broker.calls
    assert house.the_order(Side.SELL).price == TARGET


def test_a_rule_that_hits_moves_the_standing_sell_to_the_market() -> None:
    house = opened()

    quoted(house, "990")

    (sell,) = house.orders(Side.SELL)
    # The bid less 12 basis points, rounded down to the tick.
    assert (sell.status, sell.price) == (OrderStatus.PENDING, Decimal("988.80"))
    assert house.broker.count("modify") == 1
    assert house.the_position().exit_rule == ExitRule.ATR_STOP
    assert len(house.told(EventName.EXIT_ATR_STOP_HIT)) == 1


def test_a_sell_that_trades_as_soon_as_it_is_moved_is_booked_at_the_limit_it_was_moved_to() -> None:
    house = opened()
    house.broker.fills_changes_at = "990"

    quoted(house, "990")

    sell = house.the_order(Side.SELL)
    assert (sell.status, sell.price, sell.execution_price) == (OrderStatus.CLOSED, Decimal("988.80"), Decimal(990))
    assert house.memory.attempts[sell.coid].price == Decimal("988.80")
    (filled,) = house.told(EventName.ORDER_FILLED)
    assert filled.fields["price"] == Decimal("988.80")
    (moved,) = house.told(EventName.ORDER_MODIFIED)
    assert moved.fields["reason"] == "Price changed: 1050.00 -> 988.80, atr_stop"


def test_a_move_whose_answer_was_lost_is_known_to_have_been_made_by_the_fill() -> None:
    house = opened()
    house.broker.fills_changes_at = "990"
    house.broker.troubles["modify"] = [AnswerLost("no answer")]

    quoted(house, "990")
    house.advance(seconds=5)
    house.look()

    sell = house.the_order(Side.SELL)
    (request,) = [row for row in house.memory.requests.flat().values() if row.kind is RequestKind.MODIFY]
    assert (sell.status, sell.price, request.state) == (OrderStatus.CLOSED, Decimal("988.80"), RequestState.ACKED)


def test_a_sell_that_was_filled_before_it_could_be_moved_keeps_the_limit_it_had() -> None:
    house = opened()
    house.broker.drops_changes = True
    house.broker.fills_changes_at = "1050"

    quoted(house, "990")

    sell = house.the_order(Side.SELL)
    assert (sell.status, sell.price) == (OrderStatus.CLOSED, TARGET)
    assert house.told(EventName.ORDER_MODIFIED) == []


def test_a_rule_that_has_hit_is_told_once_and_its_sell_follows_the_market_down() -> None:
    house = opened()
    quoted(house, "990")

    quoted(house, "980")
    quoted(house, "985")

    assert len(house.told(EventName.EXIT_ATR_STOP_HIT)) == 1
    assert [house.broker.count("modify"), house.the_order(Side.SELL).price] == [2, Decimal("978.80")]


def test_a_rule_that_has_hit_is_known_after_a_restart() -> None:
    house = opened()
    quoted(house, "990")

    house.restart()
    quoted(house, "1000")

    assert house.the_position().exit_rule == ExitRule.ATR_STOP
    assert house.the_order(Side.SELL).price == Decimal("988.80")


def test_a_rule_places_the_sell_where_none_stands() -> None:
    house = holding()

    quoted(house, "990")

    (sell,) = house.orders(Side.SELL)
    assert (sell.price, sell.metadata["rule"]) == (Decimal("988.80"), ExitRule.ATR_STOP)


def test_a_market_sell_never_goes_below_the_days_band() -> None:
    house = holding()

    quoted(house, "800.05")

    assert house.the_order(Side.SELL).price == 800


def test_a_refused_change_of_price_cancels_and_replaces() -> None:
    house = opened()
    house.broker.troubles["modify"] = [BrokerRejected("too many modifications")]

    quoted(house, "990")
    house.advance(seconds=1)
    house.look()
    quoted(house, "990")

    first, second = house.orders(Side.SELL)
    assert (first.status, second.status) == (OrderStatus.CANCELLED, OrderStatus.PENDING)
    assert second.price == Decimal("988.80")
    assert [row.status for row in house.broker.rows.values()] == ["CANCELLED", "OPEN"]


def test_nothing_is_placed_while_the_old_sell_still_stands() -> None:
    house = opened()
    house.broker.troubles["modify"] = [BrokerRejected("too many modifications")]
    house.market.prices["INFY"] = a_quote("990", "990.05")
    house.put(JobDue(name=Job.CYCLE, at=house.clock.at))
    for lane in ("book", "INFY"):
        assert house.lanes.run_one(lane)
        house.engine.run_pending()

    house.put(JobDue(name=Job.CYCLE, at=house.clock.at))
    while house.lanes.run_one("book"):
        house.engine.run_pending()

    assert house.the_order(Side.SELL).cancel_requested
    assert house.broker.count("place") == 1


def test_a_change_that_was_taken_and_never_made_is_asked_for_again() -> None:
    house = opened()

    house.broker.drops_changes = True

    quoted(house, "990")
    asked_once = house.broker.count("modify")
    house.advance(minutes=1)
    quoted(house, "990")

    assert (asked_once, house.broker.count("modify")) == (1, 2)


def test_three_sells_that_came_to_nothing_end_the_day_for_the_position() -> None:
    house = holding()
    house.broker.troubles["place"] = [BrokerRejected("margin")] * 9

    for _ in range(6):
        quoted(house, "990")

    assert house.broker.count("place") == 3
    (sell,) = house.orders(Side.SELL)
    assert (sell.status, sell.retry_count) == (OrderStatus.FAILED, 3)


def test_the_next_day_begins_to_count_anew() -> None:
    house = holding()
    house.broker.troubles["place"] = [BrokerRejected("margin")] * 3
    for _ in range(4):
        quoted(house, "990")
    house.clock.at = NOON + timedelta(days=1)

    quoted(house, "990")

    assert house.broker.count("place") == 4
    assert house.orders(Side.SELL)[-1].status is OrderStatus.PENDING


def test_a_sell_is_never_larger_than_the_broker_would_let_us_sell() -> None:
    house = opened(sellable=4)

    assert house.the_order(Side.SELL).quantity == 4


def test_nothing_sellable_is_nothing_to_sell() -> None:
    house = opened(sellable=0)

    assert house.orders(Side.SELL) == []


def test_less_at_the_broker_than_in_our_books_is_told() -> None:
    house = holding()
    house.broker.owned = [a_holding(4)]

    house.job(Job.OPEN)

    (event,) = house.told(EventName.HOLDINGS_DIFFER)
    assert (event.fields["ours"], event.fields["broker"]) == (10, 4)
    assert house.the_order(Side.SELL).quantity == 4


def test_what_the_broker_does_not_list_among_the_holdings_is_not_sold() -> None:
    house = holding()
    house.broker.owned = [a_holding(10, "TCS")]

    house.job(Job.OPEN)

    assert house.orders(Side.SELL) == []


def test_what_the_user_sold_meanwhile_is_not_sold_again() -> None:
    house = opened()
    house.broker.change("1", status="CANCELLED")
    house.broker.owned = [a_holding(3)]

    quoted(house, "990")

    assert house.orders(Side.SELL)[-1].quantity == 3


def test_a_partial_sell_reduces_the_position_and_the_rest_is_sold_next() -> None:
    house = opened()
    house.broker.fill("1", 4, "1050")
    house.look()
    part = house.the_position()
    house.broker.change("1", status="CANCELLED", status_text="exchange")
    house.advance(seconds=1)

    quoted(house, "990")

    first, second = house.orders(Side.SELL)
    assert (part.quantity, part.realised_pnl) == (6, Decimal(200))
    assert (first.status, first.execution_qty) == (OrderStatus.CANCELLED, 4)
    assert (second.status, second.quantity, second.coid[:-2]) == (OrderStatus.PENDING, 6, second.coid[:-2])
    assert second.coid != first.coid


def test_what_a_filled_sell_leaves_is_sold_without_waiting_for_the_next_cycle() -> None:
    house = opened(sellable=6)
    house.broker.owned = [a_holding(4)]
    house.broker.fill("1", 6, "1050")

    house.look()
    house.advance(seconds=1)

    first, second = house.orders(Side.SELL)
    assert (first.status, first.execution_qty) == (OrderStatus.CLOSED, 6)
    assert (second.status, second.quantity) == (OrderStatus.PENDING, 4)


def test_the_last_share_sold_closes_position_and_buy() -> None:
    house = opened()
    house.broker.fill("1", 10, "1050")

    house.look()

    assert not house.the_position().is_open
    assert house.the_position().realised_pnl == 500
    assert house.the_order(Side.BUY).status is OrderStatus.CLOSED
    assert house.the_order(Side.BUY).reason == "Position sold, P&L Rs 500.00"
    assert house.the_order(Side.SELL).status is OrderStatus.CLOSED
    assert house.the_order(Side.SELL).metadata["realised_pnl"] == "500"
    assert len(house.told(EventName.POSITION_CLOSED)) == 1


def test_after_the_close_nothing_more_is_sold() -> None:
    house = opened()
    house.broker.fill("1", 10, "1050")
    house.look()

    quoted(house, "900")

    assert len(house.orders(Side.SELL)) == 1


@pytest.mark.parametrize("minutes", [-166, 245])
def test_no_sell_is_placed_outside_the_session(minutes: float) -> None:
    house = holding(at=NOON + timedelta(minutes=minutes))

    quoted(house, "990")

    assert "place" not in house.broker.calls


def test_a_peak_that_arms_the_trailing_stop_is_kept_through_a_restart() -> None:
    house = holding()
    quoted(house, "1030")

    house.restart()
    quoted(house, "1019")

    assert house.the_position().peak_price == 1030
    assert house.the_position().exit_rule == ExitRule.TRAILING


def test_without_a_quote_nothing_is_judged() -> None:
    house = holding()
    house.market.prices.clear()

    house.cycle()

    assert house.orders(Side.SELL) == []
    assert house.the_position().exit_rule is None


def test_a_position_of_a_symbol_without_terms_waits() -> None:
    house = holding()
    house.broker.symbol_terms.clear()

    quoted(house, "990")

    assert "place" not in house.broker.calls


def test_more_sold_than_held_is_told() -> None:
    house = opened()
    house.memory.positions[PositionId("P1")] = replace(house.the_position(), quantity=4, cost=Decimal(4000))
    house.broker.fill("1", 10, "1050")

    house.look()

    assert house.told(EventName.HOLDINGS_DIFFER)


def test_our_own_change_is_not_by_hand_after_a_restart() -> None:
    house = opened()
    house.market.prices["INFY"] = a_quote("990", "990.05")
    house.put(JobDue(name=Job.CYCLE, at=house.clock.at))
    for lane in ("book", "INFY"):
        assert house.lanes.run_one(lane)
        house.engine.run_pending()

    house.restart()

    assert house.told(EventName.MANUAL_MODIFICATION) == []
    assert not house.the_order(Side.SELL).is_manual
    assert house.the_order(Side.SELL).price == Decimal("988.80")


def test_two_positions_are_sold_each_by_itself() -> None:
    house = holding()
    house.broker.symbol_terms["TCS"] = some_terms("TCS")
    house.broker.owned.append(a_holding(10, "TCS"))
    house.signals(a_signal(2, "TCS"))
    house.broker.fill("1", 10)
    house.look()
    house.market.prices["TCS"] = a_quote("900", "900.05", symbol="TCS")

    house.cycle()

    (sell,) = house.orders(Side.SELL)
    assert sell.symbol == "TCS"
