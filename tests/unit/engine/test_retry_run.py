"""The retry run: when it goes, what each order meets, what is told of it, and that nothing is placed twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import MONDAY, a_broker_order, a_position, a_quote, a_signal, an_order, some_terms
from tests.unit.engine.fakes import AnswerLost, a_holding, unreachable
from tests.unit.engine.house import House
from tradebot.domain.calendar import ist
from tradebot.domain.errors import BrokerRejected, SessionExpired
from tradebot.domain.events import EventName
from tradebot.domain.orders import BrokerOrderId, EntryType, OrderId, OrderStatus, Product, Side, Source, Variety
from tradebot.domain.policy import Policy, RiskLimits
from tradebot.domain.quotes import Bar
from tradebot.domain.stored import Changes
from tradebot.engine.commands import PauseEntries
from tradebot.engine.messages import Job, JobDue

TUESDAY = MONDAY + timedelta(days=1)
FIGURES = ("retried", "placed", "failed", "skipped", "expired")


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return ist(day, time(hour, minute, second))


def a_bar(symbol: str, close: str = "1000", volume: int = 1_000_000) -> Bar:
    price = Decimal(close)
    return Bar(
        symbol=symbol, day=MONDAY, open=price, high=price, low=price, close=price, previous_close=price, volume=volume
    )


def a_house(*symbols: str, **options: Any) -> House:
    """Monday, 16:05; bars and terms are there for the symbols."""
    house = House(at=at(MONDAY, 16, 5), **options)
    for symbol in symbols or ("INFY",):
        house.broker.symbol_terms[symbol] = some_terms(symbol)
        house.market.days[symbol] = [a_bar(symbol)]
    return house


def with_failed(*symbols: str, reason: str = "margin exceeded", **options: Any) -> House:
    """A house in which a buy of each symbol was refused on Monday evening."""
    house = a_house(*symbols, **options)
    symbols = symbols or ("INFY",)
    house.broker.troubles["place"] = [BrokerRejected(reason)] * len(symbols)
    signals = [a_signal(n, s, trading_day=TUESDAY) for n, s in enumerate(symbols, 1)]
    house.signals(*signals, day=TUESDAY)
    assert [order.status for order in house.orders()] == [OrderStatus.FAILED] * len(symbols)
    return house


def run(house: House, when: datetime | None = None) -> dict[str, object]:
    """The run at that time, and its figures as they were told."""
    house.clock.at = when or at(TUESDAY, 8)
    house.job(Job.RETRY)
    return figures(house)


def figures(house: House) -> dict[str, object]:
    told = house.told(EventName.RUN_OF_FAILED)
    return {name: told[-1].fields[name] for name in FIGURES} if told else {}


def counts(**given: int) -> dict[str, int]:
    return dict.fromkeys(FIGURES, 0) | given


def test_a_failed_order_is_placed_again_in_its_own_row_under_the_next_id() -> None:
    house = with_failed()
    first = house.the_order()

    found = run(house)

    order = house.the_order()
    assert found == counts(retried=1, placed=1)
    assert (order.id, order.status, order.variety) == (first.id, OrderStatus.PENDING, Variety.AMO)
    assert order.coid != first.coid
    assert [(a.number, a.status) for a in house.memory.attempts.values()] == [(1, "rejected"), (2, "pending")]
    assert (order.first_failed_at, order.retry_count) == (first.first_failed_at, 1)
    assert order.trading_day == TUESDAY


def test_it_is_saved_before_it_is_sent() -> None:
    house = with_failed()
    house.clock.at = at(TUESDAY, 8)
    house.job(Job.RETRY, at(TUESDAY, 8))
    story = [event.event for event in house.story()]

    assert story == ["recorded", "refused", "retried", "accepted"]


def test_a_run_with_nothing_to_do_asks_the_broker_nothing() -> None:
    house = a_house()
    before = len(house.broker.calls)

    run(house)

    assert house.broker.calls[before:] == []
    done = house.run_of(Job.RETRY)
    assert done is not None
    assert done.outcome == "0 retried, 0 placed, 0 failed, 0 skipped, 0 expired"


def test_a_run_asks_each_question_once_however_many_orders_there_are() -> None:
    house = with_failed("INFY", "TCS", "ITC")
    before = len(house.broker.calls)

    run(house)

    asked = [call for call in house.broker.calls[before:] if call != "place"]
    assert sorted(asked[:4]) == ["funds", "holdings", "order_book", "terms"]
    assert house.broker.calls[before:].count("place") == 3


def test_an_order_that_fails_again_stays_in_its_row_with_its_age_and_counts() -> None:
    house = with_failed()
    first = house.the_order()
    house.broker.troubles["place"] = [BrokerRejected("again")]

    found = run(house)

    order = house.the_order()
    assert found == counts(retried=1, failed=1)
    assert (order.id, order.status, order.retry_count) == (first.id, OrderStatus.FAILED, 2)
    assert order.first_failed_at == first.first_failed_at
    assert order.reason == "Broker rejected: again"


def test_an_answer_that_is_lost_is_found_and_nothing_is_sent_twice() -> None:
    house = with_failed()
    house.broker.troubles["place"] = [AnswerLost("timed out")]

    found = run(house)

    assert found == counts(retried=1, placed=1)
    assert len(house.broker.rows) == 1


def test_a_crash_after_the_save_sends_the_order_once() -> None:
    house = with_failed()
    house.clock.at = at(TUESDAY, 8)
    house.inbox.put(_due(house))
    house.engine.run_pending()
    assert house.lanes.run_one("strategy")
    house.engine.run_pending()
    saved = house.the_order().status

    house.restart()

    assert saved is OrderStatus.PENDING
    assert len(house.broker.rows) == 1
    assert house.the_order().broker_order_id == "1"


def _due(house: House) -> Any:

    return JobDue(name=Job.RETRY, at=house.clock.at)


def test_the_portfolio_limit_stops_the_run_and_counts_what_is_left() -> None:
    house = with_failed("INFY", "TCS", "ITC", policy=replace(Policy(), risk=RiskLimits(positions_max=3)))
    house.memory.positions[a_position().id] = replace(a_position(), symbol="SBIN")

    found = run(house)

    assert found == counts(retried=2, placed=2, skipped=1)
    assert [order.status for order in house.orders()] == ["pending", "pending", "failed"]


@pytest.mark.parametrize("where", ["ours", "broker"])
def test_what_is_held_is_cancelled_as_not_needed(where: str) -> None:
    house = with_failed()
    if where == "ours":
        house.memory.positions[a_position().id] = a_position()
    else:
        house.broker.owned = [a_holding(5)]

    found = run(house)

    order = house.the_order()
    assert found == counts()
    assert (order.status, order.reason) == (OrderStatus.CANCELLED, "Already in holdings - order not needed")


def test_without_bars_an_order_is_skipped() -> None:
    house = with_failed()
    house.market.days.clear()

    assert run(house) == counts(skipped=1)
    assert house.the_order().status is OrderStatus.FAILED


def test_an_order_that_a_person_placed_by_hand_is_linked_and_followed() -> None:
    house = with_failed()
    row = a_broker_order(tag=None, quantity=12, price=Decimal("995.00"), variety=Variety.AMO)
    house.broker.rows[row.broker_order_id] = row

    found = run(house)
    house.broker.fill(row.broker_order_id, 12, "995")
    house.look()

    order = house.the_order()
    assert found == counts(retried=1, placed=1)
    assert house.broker.count("place") == 1, "only the one that was refused"
    assert (order.status, order.execution_qty, order.is_manual) == (OrderStatus.ONGOING, 12, True)
    assert order.broker_order_id == row.broker_order_id


def test_a_linked_order_is_followed_after_a_restart() -> None:
    house = with_failed()
    row = a_broker_order(tag=None, variety=Variety.AMO)
    house.broker.rows[row.broker_order_id] = row
    run(house)

    house.restart()
    house.broker.fill(row.broker_order_id, 10)
    house.look()

    assert house.the_order().status is OrderStatus.ONGOING


def test_too_much_of_the_volume_stays_failed_without_another_count() -> None:
    house = with_failed()
    house.market.days["INFY"] = [a_bar("INFY", volume=100)]

    found = run(house)

    assert found == counts(retried=1, failed=1)
    assert (house.the_order().status, house.the_order().retry_count) == (OrderStatus.FAILED, 1)


def test_too_little_money_counts_and_names_the_shortfall() -> None:
    house = with_failed()
    house.broker.cash = Decimal(5_000)

    found = run(house)

    order = house.the_order()
    assert found == counts(retried=1, failed=1)
    assert (order.retry_count, order.reason) == (2, "insufficient_funds - shortfall: Rs 5,000")


def test_a_live_order_of_ours_is_cancelled_first_and_the_failed_one_goes_then() -> None:
    house = with_failed()
    live = a_signal(2, entry_type=EntryType.REENTRY, trading_day=TUESDAY, limit_price=Decimal("990"))
    house.signals(live, day=TUESDAY)
    house.clock.at = at(TUESDAY, 9, 20)
    house.market.prices["INFY"] = a_quote(at=house.clock.at)

    found = run(house, at(TUESDAY, 9, 20))

    failed, other = house.orders()
    assert (other.status, other.reason) == (OrderStatus.CANCELLED, "Parameter update")
    assert failed.status is OrderStatus.PENDING
    assert found == counts(retried=1, placed=1)


def test_a_live_order_that_cannot_be_cancelled_leaves_the_failed_one_alone() -> None:
    house = with_failed()
    live = a_signal(2, entry_type=EntryType.REENTRY, trading_day=TUESDAY, limit_price=Decimal("990"))
    house.signals(live, day=TUESDAY)
    house.broker.troubles["cancel"] = [BrokerRejected("being processed")]

    found = run(house)

    failed, other = house.orders()
    assert (failed.status, failed.retry_count) == (OrderStatus.FAILED, 1)
    assert other.status is OrderStatus.PENDING
    assert found == counts(retried=1, skipped=1)


def test_a_pause_holds_for_retries_too() -> None:
    house = with_failed()
    house.tell(PauseEntries(is_paused=True, correlation_id="me"))

    assert run(house) == counts(skipped=1)


def test_no_login_at_eight_is_tried_again_each_minute() -> None:
    house = with_failed()
    house.jobs.timers.clear()
    house.broker.troubles["terms"] = [SessionExpired("log in"), unreachable()]

    assert run(house) == {}
    house.advance(minutes=1)
    assert figures(house) == {}
    house.advance(minutes=1)

    assert figures(house) == counts(retried=1, placed=1)


def test_after_ten_to_nine_the_run_waits_for_the_open_and_goes_as_regular_orders() -> None:
    house = with_failed()
    early = run(house, at(TUESDAY, 8, 51))
    house.market.prices["INFY"] = a_quote(at=at(TUESDAY, 9, 15))

    house.advance(minutes=25)

    assert early == {}
    assert house.the_order().variety is Variety.REGULAR
    assert figures(house) == counts(retried=1, placed=1)


def test_ten_to_nine_itself_is_in_time() -> None:
    house = with_failed()

    run(house, at(TUESDAY, 8, 50))

    assert house.the_order().variety is Variety.AMO


def test_a_run_that_was_missed_is_done_while_the_session_is_on() -> None:
    house = with_failed()
    house.clock.at = at(TUESDAY, 10)
    house.market.prices["INFY"] = a_quote(at=house.clock.at)

    house.restart()
    house.advance(minutes=1)

    assert (house.the_order().status, house.the_order().variety) == (OrderStatus.PENDING, Variety.REGULAR)


def test_a_failed_sell_is_sold_at_its_target_and_never_more_than_the_broker_has() -> None:
    position = replace(a_position(), metadata={"target": "1049.97"})
    sell = an_order(
        id=OrderId("8"),
        side=Side.SELL,
        status=OrderStatus.FAILED,
        position_id=position.id,
        quantity=10,
        first_failed_at=at(MONDAY, 16, 5),
    )
    house = a_house(stored=Changes(orders=[sell], positions=[position]))
    house.broker.owned = [a_holding(10, sellable=4)]

    found = run(house)

    order = house.the_order()
    assert found == counts(retried=1, placed=1)
    assert (order.quantity, order.price, order.variety) == (4, Decimal("1050.00"), Variety.AMO)


def test_legs_of_a_batch_are_not_tried_again_by_themselves() -> None:
    leg = an_order(status=OrderStatus.FAILED, orig_source=Source.BATCH, first_failed_at=at(MONDAY, 16, 5))
    house = a_house(stored=Changes(orders=[leg]))

    run(house)

    assert house.the_order().status is OrderStatus.FAILED
    assert house.broker.count("place") == 0


@pytest.mark.parametrize(
    ("now", "status"),
    [(at(TUESDAY, 15, 29, 59), OrderStatus.FAILED), (at(TUESDAY, 15, 30), OrderStatus.CANCELLED)],
)
def test_an_order_expires_at_half_past_three_and_not_a_second_sooner(now: datetime, status: OrderStatus) -> None:
    house = with_failed()
    house.clock.at = now

    house.job(Job.EXPIRY)

    assert house.the_order().status is status
    if status is OrderStatus.CANCELLED:
        reason = "Order expired - past next trading day market close (2026-11-17 15:30)"
        assert house.the_order().reason == reason


def test_a_retry_in_between_does_not_make_it_live_longer() -> None:
    house = with_failed()
    house.broker.troubles["place"] = [BrokerRejected("again")]
    run(house)
    house.clock.at = at(TUESDAY, 15, 30)

    house.job(Job.EXPIRY)

    assert house.the_order().status is OrderStatus.CANCELLED


def test_what_expired_before_the_run_is_in_its_figures() -> None:
    house = with_failed()
    house.memory.job_runs.drop(Job.EXPIRY)
    wednesday = TUESDAY + timedelta(days=1)

    assert run(house, at(wednesday, 8)) == counts(expired=1)


def test_a_second_failure_of_the_same_symbol_and_side_leaves_one_failed_row() -> None:
    house = with_failed()
    first = house.the_order()
    house.broker.troubles["place"] = [BrokerRejected("again")]
    again = a_signal(2, entry_type=EntryType.REENTRY, trading_day=TUESDAY)

    house.clock.at += timedelta(minutes=5)
    house.signals(again, day=TUESDAY)

    (failed,) = [order for order in house.orders() if order.status is OrderStatus.FAILED]
    assert (failed.first_failed_at, failed.retry_count) == (first.first_failed_at, 2)


def test_the_queue_tells_what_comes_and_goes() -> None:
    house = with_failed()
    house.broker.troubles["place"] = [BrokerRejected("again")]
    run(house)
    house.clock.at = at(TUESDAY, 15, 30)
    house.job(Job.EXPIRY)

    told = [event.fields["change"] for event in house.told(EventName.QUEUE_CHANGED)]

    assert told == ["added", "retried", "updated", "removed"]


def test_an_order_of_another_person_in_another_symbol_is_not_linked() -> None:
    house = with_failed()
    row = a_broker_order(tag=None, symbol="TCS", broker_order_id=BrokerOrderId("99"))
    house.broker.rows[row.broker_order_id] = row

    run(house)

    assert house.the_order().broker_order_id != "99"


def test_a_short_sale_that_failed_meets_the_guards_of_an_entry() -> None:
    short = an_order(
        side=Side.SELL,
        status=OrderStatus.FAILED,
        orig_source=Source.API,
        product=Product.MIS,
        entry_type=EntryType.MANUAL,
        first_failed_at=at(MONDAY, 16, 5),
    )
    house = a_house(stored=Changes(orders=[short]))
    house.tell(PauseEntries(is_paused=True, correlation_id="me"))

    assert run(house) == counts(skipped=1)


def test_a_stop_that_failed_keeps_its_own_price() -> None:
    position = replace(a_position(), metadata={"target": "1100"})
    stop = an_order(
        side=Side.SELL,
        status=OrderStatus.FAILED,
        position_id=position.id,
        price=Decimal(950),
        trigger_price=Decimal(955),
        first_failed_at=at(MONDAY, 16, 5),
    )
    house = a_house(stored=Changes(orders=[stop], positions=[position]))
    house.broker.owned = [a_holding(10)]

    run(house)

    assert house.the_order().price == Decimal(950)
