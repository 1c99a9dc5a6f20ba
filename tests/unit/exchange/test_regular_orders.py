"""Regular orders in the continuous session: resting, walking the book, stops, immediate-or-cancel, and the end."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.exchange.builders import (
    ME,
    MON,
    NEXT_MON,
    SATURDAY_TWO_WINDOWS,
    TUE,
    a_buy,
    a_sell,
    a_tape,
    an_exchange,
    at,
    placed,
    run_to,
    rupees,
    the_order,
    with_holding,
)
from tradebot.domain.orders import OrderType, Product, Validity, Variety
from tradebot.exchange.commands import Accepted, Refused
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.rows import Status
from tradebot.exchange.settings import ExchangeSettings

REGULAR: dict[str, Any] = {"variety": Variety.REGULAR}


def open_market(clock: str = "09:16:30", **changes: object) -> Exchange:
    return an_exchange(opening=at(MON, clock), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("clock", ["08:59", "09:08", "09:14:59", "15:30", "20:00"])
def test_outside_the_sessions_a_regular_order_is_refused(clock: str) -> None:
    exchange = open_market(clock)
    answer = exchange.place(ME, a_buy(**REGULAR))
    assert isinstance(answer, Refused)
    assert "closed" in answer.text
    assert exchange.order_book(ME) == []


def test_a_regular_limit_order_joins_the_opening_auction() -> None:
    exchange = open_market("09:01")
    order_id = placed(exchange, a_buy(price="101", **REGULAR))
    assert the_order(exchange, order_id).status is Status.OPEN
    run_to(exchange, at(MON, "09:08"))
    assert the_order(exchange, order_id).average_price == rupees(100)


def test_the_opening_auction_takes_limit_orders_for_the_day_only() -> None:
    answer = open_market("09:01").place(ME, a_buy(validity=Validity.IOC, **REGULAR))
    assert isinstance(answer, Refused)
    assert "Only limit orders" in answer.text


def test_a_buy_below_the_market_rests_and_fills_at_its_limit_when_a_print_reaches_it() -> None:
    exchange = open_market()
    order_id = placed(exchange, a_buy(price="99.5", **REGULAR))
    assert the_order(exchange, order_id).status is Status.OPEN
    assert exchange.margins(ME).blocked == rupees(995)
    updates = run_to(exchange, at(MON, "10:00"))
    assert [(u.at, u.order.average_price) for u in updates] == [(at(MON, "09:19"), rupees("99.5"))]


def test_a_marketable_buy_walks_the_offers_up_to_its_limit_and_the_rest_waits() -> None:
    exchange = open_market()
    quote = exchange.quote("ABC")
    assert quote is not None and quote.best_ask is not None
    shown = sum(level.quantity for level in quote.asks)
    order_id = placed(exchange, a_buy(price="110", quantity=shown + 500, **REGULAR))
    row = the_order(exchange, order_id)
    assert row.status is Status.OPEN
    assert row.filled_quantity == shown
    trades = exchange.order_trades(ME, order_id)
    assert [t.quantity for t in trades] == [level.quantity for level in quote.asks]
    assert all(t.price <= rupees(101) for t in trades)


def test_a_marketable_order_does_not_pay_more_than_its_limit() -> None:
    exchange = open_market()
    quote = exchange.quote("ABC")
    assert quote is not None and quote.best_ask is not None
    order_id = placed(exchange, a_buy(price=quote.best_ask, quantity=5000, **REGULAR))
    trades = exchange.order_trades(ME, order_id)
    assert [t.quantity for t in trades] == [quote.asks[0].quantity]


def test_our_trades_never_leave_the_days_range_on_the_tape() -> None:
    at_the_high = open_market("09:17:30")
    walking = placed(at_the_high, a_buy(price="110", quantity=5000, **REGULAR))
    assert {trade.price for trade in at_the_high.order_trades(ME, walking)} == {rupees(101)}
    early = open_market("09:15:30")
    resting = placed(early, a_buy(price="110", quantity=5000, **REGULAR))
    run_to(early, at(MON, "09:16"))
    last = early.order_trades(ME, resting)[-1]
    assert (last.traded_at, last.price) == (at(MON, "09:16"), rupees("100.5"))


def test_a_sale_at_the_days_low_gets_that_price() -> None:
    exchange = an_exchange()
    with_holding(exchange, quantity=50)
    run_to(exchange, at(TUE, "09:21:30"))
    order_id = placed(exchange, a_sell(price="90", quantity=50, **REGULAR))
    assert {trade.price for trade in exchange.order_trades(ME, order_id)} == {rupees("99.5")}


def test_an_order_that_comes_later_with_a_better_price_is_reached_first() -> None:
    exchange = open_market()
    placed(exchange, a_buy(price="98.5", **REGULAR))
    run_to(exchange, at(MON, "09:17"))
    better = placed(exchange, a_buy(price="99.5", **REGULAR))
    run_to(exchange, at(MON, "09:19"))
    assert the_order(exchange, better).status is Status.COMPLETE


def test_prints_without_a_quantity_fill_nothing() -> None:
    tape = a_tape().session("ABC", MON, ["100", "99", "99", "99"], quantity=0)
    exchange = an_exchange(tape, opening=at(MON, "09:15:30"))
    order_id = placed(exchange, a_buy(price="99", **REGULAR))
    run_to(exchange, at(MON, "15:30"))
    row = the_order(exchange, order_id)
    assert (row.status, row.filled_quantity) == (Status.CANCELLED, 0)


def test_resting_orders_share_one_print_by_price_and_then_time() -> None:
    exchange = open_market()
    cheap = placed(exchange, a_buy(price="99", quantity=5000, **REGULAR))
    dear = placed(exchange, a_buy(price="99.5", quantity=100, **REGULAR))
    later = placed(exchange, a_buy(price="99", quantity=5000, **REGULAR))
    run_to(exchange, at(MON, "09:20"))
    assert the_order(exchange, dear).status is Status.COMPLETE
    assert the_order(exchange, cheap).filled_quantity > 0
    assert the_order(exchange, later).filled_quantity == 0


def test_a_resting_order_gets_no_more_than_a_share_of_each_print() -> None:
    exchange = open_market(settings=ExchangeSettings(print_share_pct=20))
    order_id = placed(exchange, a_buy(price="99.5", quantity=50_000 // 10, **REGULAR))
    run_to(exchange, at(MON, "15:30"))
    trades = exchange.order_trades(ME, order_id)
    assert len(trades) >= 3
    assert all(100 <= trade.quantity <= 300 for trade in trades)


def test_a_sell_above_the_market_fills_at_its_limit() -> None:
    exchange = an_exchange()
    with_holding(exchange)
    run_to(exchange, at(TUE, "09:15:30"))
    order_id = placed(exchange, a_sell(price="102", **REGULAR))
    run_to(exchange, at(TUE, "10:00"))
    assert the_order(exchange, order_id).average_price == rupees(102)


def test_a_buy_stop_waits_for_its_trigger_and_then_takes_the_offers() -> None:
    exchange = open_market("09:15:30")
    order_id = placed(exchange, a_buy(order_type=OrderType.SL, price="102", trigger_price="101", **REGULAR))
    run_to(exchange, at(MON, "09:16:59"))
    assert the_order(exchange, order_id).status is Status.TRIGGER_PENDING
    run_to(exchange, at(MON, "09:17"))
    row = the_order(exchange, order_id)
    assert row.status is Status.COMPLETE
    assert row.average_price is not None and rupees(100) < row.average_price <= rupees(102)


def test_a_sell_stop_is_triggered_from_above() -> None:
    exchange = an_exchange()
    with_holding(exchange)
    run_to(exchange, at(TUE, "09:16"))
    order_id = placed(exchange, a_sell(order_type=OrderType.SL, price="99", trigger_price="100.5", **REGULAR))
    run_to(exchange, at(TUE, "10:00"))
    row = the_order(exchange, order_id)
    assert row.status is Status.COMPLETE
    assert row.steps[-2].status is Status.OPEN
    assert row.updated_at == at(TUE, "09:19")


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (a_buy(order_type=OrderType.SL, price="101", trigger_price="100", **REGULAR), "above the last"),
        (a_buy(order_type=OrderType.SL, price="101", trigger_price="101.5", **REGULAR), "at or above its"),
        (a_sell(order_type=OrderType.SL, price="99", trigger_price="101", **REGULAR), "below the last"),
        (a_sell(order_type=OrderType.SL, price="100", trigger_price="99", **REGULAR), "at or below its"),
        (a_buy(order_type=OrderType.SL, price="101", **REGULAR), "needs one"),
        (a_buy(trigger_price="101", **REGULAR), "needs one"),
        (a_buy(order_type=OrderType.SL, price="102", trigger_price="101.03", **REGULAR), "Tick size"),
        (a_buy(order_type=OrderType.MARKET, **REGULAR), "market protection"),
        (a_buy(order_type=OrderType.SL_M, **REGULAR), "not allowed"),
        (a_buy("NOPE", **REGULAR), "NSE:NOPE does not exist"),
        (a_buy(exchange="BSE", **REGULAR), "BSE:ABC does not exist"),
        (a_buy("NEW", **REGULAR), "NEW has no session"),
        (a_buy(product=Product.MIS, **REGULAR), "delivery (CNC) orders only"),
        (a_buy(price="100.03", **REGULAR), "Tick size for this script is 0.05"),
        (a_buy(price="0", **REGULAR), "above zero"),
        (a_buy(price="NaN", **REGULAR), "above zero"),
        (a_buy(price="-5", **REGULAR), "above zero"),
        (a_buy(quantity=0, **REGULAR), "above zero"),
        (a_buy(quantity=100_001, **REGULAR), "100000"),
        (a_buy(tag="x" * 21, **REGULAR), "20 letters"),
        (a_buy(tag="not ok", **REGULAR), "20 letters"),
        (a_buy(disclosed_quantity=11, **REGULAR), "Disclosed"),
        (a_buy(price="130", **REGULAR), "within 80.00 to 120.00"),
    ],
)
def test_what_is_wrong_is_refused_in_words_and_leaves_no_order(command: object, text: str) -> None:
    exchange = open_market()
    answer = exchange.place(ME, command)  # type: ignore[arg-type]
    assert isinstance(answer, Refused)
    assert text in answer.text
    assert exchange.order_book(ME) == []


def test_an_ioc_order_takes_what_is_there_and_the_rest_is_cancelled_at_once() -> None:
    exchange = open_market()
    order_id = placed(exchange, a_buy(price="110", quantity=5000, validity=Validity.IOC, **REGULAR))
    row = the_order(exchange, order_id)
    assert row.status is Status.CANCELLED
    assert 0 < row.filled_quantity < 5000
    assert "IOC" in row.status_text
    assert exchange.margins(ME).blocked == 0


def test_too_little_money_leaves_a_rejected_order() -> None:
    exchange = open_market(cash="100")
    order_id = placed(exchange, a_buy(**REGULAR))
    row = the_order(exchange, order_id)
    assert row.status is Status.REJECTED
    assert "Insufficient funds" in row.status_text


def test_a_halted_symbol_refuses_regular_orders() -> None:
    tape = a_tape()
    tape.halts["ABC", MON] = "undeclared jump"
    answer = an_exchange(tape, opening=at(MON, "10:00")).place(ME, a_buy(**REGULAR))
    assert isinstance(answer, Refused)
    assert "undeclared jump" in answer.text


def test_between_two_windows_of_a_day_orders_rest_and_new_ones_are_refused() -> None:
    tape = a_tape()
    tape.session("ABC", SATURDAY_TWO_WINDOWS, [100, 100, 99], every=timedelta(minutes=70))
    exchange = an_exchange(tape, opening=at(SATURDAY_TWO_WINDOWS, "09:20"))
    order_id = placed(exchange, a_buy(price="99", **REGULAR))
    run_to(exchange, at(SATURDAY_TWO_WINDOWS, "10:30"))
    assert isinstance(exchange.place(ME, a_buy(**REGULAR)), Refused)
    assert the_order(exchange, order_id).status is Status.OPEN
    run_to(exchange, at(SATURDAY_TWO_WINDOWS, "11:35"))
    assert the_order(exchange, order_id).status is Status.COMPLETE


def test_a_cancelled_order_goes_through_cancel_pending_and_is_final() -> None:
    exchange = open_market()
    order_id = placed(exchange, a_buy(price="99", **REGULAR))
    assert isinstance(exchange.cancel(ME, order_id, Variety.REGULAR), Accepted)
    assert [step.status for step in exchange.order_history(ME, order_id)][-2:] == [
        Status.CANCEL_PENDING,
        Status.CANCELLED,
    ]
    again = exchange.cancel(ME, order_id, Variety.REGULAR)
    assert isinstance(again, Refused)
    assert "being processed" in again.text
    run_to(exchange, at(MON, "15:30"))
    assert the_order(exchange, order_id).filled_quantity == 0


def test_an_unknown_order_and_another_accounts_order_do_not_exist() -> None:
    exchange = open_market(accounts={ME: Decimal(10**6), "other": Decimal(10**6)})
    order_id = placed(exchange, a_buy(price="99", **REGULAR))
    for account_id, wanted in ((ME, "250106000000009"), ("other", order_id)):
        answer = exchange.cancel(account_id, wanted, Variety.REGULAR)
        assert isinstance(answer, Refused)
        assert answer.text == f"The order for ID ({wanted}) does not exist"
    assert exchange.order("other", order_id) is None
    assert exchange.order_history("other", order_id) == ()
    assert exchange.order_trades("other", order_id) == ()
    assert exchange.order_book("other") == []


def test_a_modified_order_goes_through_its_statuses_and_trades_at_the_new_price() -> None:
    exchange = open_market()
    order_id = placed(exchange, a_buy(price="95", **REGULAR))
    exchange.modify(ME, order_id, Variety.REGULAR, quantity=20, price=rupees("99.5"))
    assert [step.status for step in exchange.order_history(ME, order_id)][-4:] == [
        Status.MODIFY_VALIDATION_PENDING,
        Status.MODIFY_PENDING,
        Status.MODIFIED,
        Status.OPEN,
    ]
    assert exchange.margins(ME).blocked == rupees(1990)
    run_to(exchange, at(MON, "09:19"))
    row = the_order(exchange, order_id)
    assert (row.status, row.quantity, row.average_price) == (Status.COMPLETE, 20, rupees("99.5"))


def test_an_order_modified_into_the_market_trades_at_once() -> None:
    exchange = open_market()
    order_id = placed(exchange, a_buy(price="95", **REGULAR))
    exchange.modify(ME, order_id, Variety.REGULAR, quantity=10, price=rupees(110))
    assert the_order(exchange, order_id).status is Status.COMPLETE


def test_a_modification_that_the_money_does_not_allow_leaves_the_old_order_alive() -> None:
    exchange = open_market(cash="1000")
    order_id = placed(exchange, a_buy(price="99", **REGULAR))
    answer = exchange.modify(ME, order_id, Variety.REGULAR, quantity=20, price=rupees(99))
    assert isinstance(answer, Accepted)
    row = the_order(exchange, order_id)
    assert (row.status, row.quantity, row.price) == (Status.OPEN, 10, rupees(99))
    assert row.steps[-2].status is Status.NOT_MODIFIED
    assert "Insufficient funds" in row.status_text


def test_a_modification_of_price_loses_its_place_in_time() -> None:
    exchange = open_market()
    first = placed(exchange, a_buy(price="98", quantity=5000, **REGULAR))
    second = placed(exchange, a_buy(price="99", quantity=5000, **REGULAR))
    exchange.modify(ME, first, Variety.REGULAR, quantity=5000, price=rupees(99))
    run_to(exchange, at(MON, "09:20"))
    assert the_order(exchange, first).filled_quantity == 0
    assert the_order(exchange, second).filled_quantity > 0


def test_a_modification_below_what_is_filled_or_off_the_tick_is_refused() -> None:
    exchange = open_market()
    order_id = placed(exchange, a_buy(price="110", quantity=5000, **REGULAR))
    filled = the_order(exchange, order_id).filled_quantity
    below = exchange.modify(ME, order_id, Variety.REGULAR, quantity=filled, price=rupees(99))
    off_tick = exchange.modify(ME, order_id, Variety.REGULAR, quantity=5000, price=rupees("99.01"))
    assert isinstance(below, Refused) and below.code == "16346"
    assert isinstance(off_tick, Refused) and "Tick size" in off_tick.text


def test_a_stop_cannot_be_modified_to_a_limit_on_the_wrong_side_of_its_trigger() -> None:
    exchange = open_market("09:15:30")
    command = a_buy(order_type=OrderType.SL, price="102", trigger_price="101.5", **REGULAR)
    order_id = placed(exchange, command)
    answer = exchange.modify(ME, order_id, Variety.REGULAR, quantity=10, price=rupees(101))
    assert isinstance(answer, Refused)


def test_an_order_can_be_modified_25_times() -> None:
    exchange = open_market()
    order_id = placed(exchange, a_buy(price="90", **REGULAR))
    for i in range(25):
        price = rupees("90.05") + i * rupees("0.05")
        answer = exchange.modify(ME, order_id, Variety.REGULAR, quantity=10, price=price)
        assert isinstance(answer, Accepted)
    last = exchange.modify(ME, order_id, Variety.REGULAR, quantity=10, price=rupees(95))
    assert isinstance(last, Refused)
    assert "modifications" in last.text


def test_a_repeated_tag_is_taken_unless_the_exchange_is_told_to_refuse_it() -> None:
    lenient, strict = open_market(), open_market(settings=ExchangeSettings(refuses_duplicate_tag=True))
    for exchange in (lenient, strict):
        placed(exchange, a_buy(price="99", tag="T1", **REGULAR))
    placed(lenient, a_buy(price="99", tag="T1", **REGULAR))
    answer = strict.place(ME, a_buy(price="99", tag="T1", **REGULAR))
    assert isinstance(answer, Refused)
    assert answer.code == "5204"
    placed(strict, a_buy(price="99", **REGULAR))
    placed(strict, a_buy(price="99", **REGULAR))


def test_stops_are_cancelled_when_the_closing_auction_begins_and_limits_go_on_to_its_price() -> None:
    exchange = an_exchange(opening=at(NEXT_MON, "15:00"))
    stop = placed(exchange, a_buy("FUT", order_type=OrderType.SL, price="212", trigger_price="210", **REGULAR))
    disclosed = placed(exchange, a_buy("FUT", price="190", disclosed_quantity=5, **REGULAR))
    marketable = placed(exchange, a_buy("FUT", price="200", **REGULAR))
    below = placed(exchange, a_buy("FUT", price="195", **REGULAR))
    run_to(exchange, at(NEXT_MON, "15:15"))
    assert "closing auction" in the_order(exchange, stop).status_text
    assert "closing auction" in the_order(exchange, disclosed).status_text
    assert the_order(exchange, stop).status is Status.CANCELLED
    run_to(exchange, at(NEXT_MON, "15:31"))
    assert the_order(exchange, marketable).average_price == rupees(200)
    assert the_order(exchange, below).status is Status.OPEN
    run_to(exchange, at(NEXT_MON, "15:35"))
    assert the_order(exchange, below).status is Status.CANCELLED


def test_the_closing_auction_takes_limits_near_its_reference_price_only() -> None:
    exchange = an_exchange(opening=at(NEXT_MON, "15:16"))
    assert isinstance(exchange.place(ME, a_buy("FUT", price="200", **REGULAR)), Refused)
    run_to(exchange, at(NEXT_MON, "15:21"))
    order_id = placed(exchange, a_buy("FUT", price="206", **REGULAR))
    too_far = exchange.place(ME, a_buy("FUT", price="206.05", **REGULAR))
    assert isinstance(too_far, Refused)
    assert "within 194.00 to 206.00" in too_far.text
    ioc = exchange.place(ME, a_buy("FUT", price="200", validity=Validity.IOC, **REGULAR))
    assert isinstance(ioc, Refused)
    run_to(exchange, at(NEXT_MON, "15:30"))
    assert the_order(exchange, order_id).average_price == rupees(200)


def test_an_order_without_a_tag_is_an_order_like_any_other() -> None:
    exchange = open_market()
    order_id = placed(exchange, a_buy(price="99", **REGULAR))
    assert the_order(exchange, order_id).tag is None
