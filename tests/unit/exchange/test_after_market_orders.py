"""After-market orders: their window, their release into the opening auction, and what is rejected there."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.exchange.builders import (
    FRI,
    ME,
    MON,
    THU,
    TUE,
    WED,
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
from tradebot.domain.orders import OrderType, Validity, Variety
from tradebot.exchange.commands import Accepted, ErrorType, Refused
from tradebot.exchange.rows import Status
from tradebot.exchange.settings import ExchangeSettings


def test_an_amo_waits_in_the_book_until_its_release() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy(tag="T1"))
    assert order_id == "250103000000001"
    run_to(exchange, at(MON, "08:59:59"))
    row = the_order(exchange, order_id)
    assert (row.status, row.trading_day, row.tag) == (Status.AMO_REQ_RECEIVED, MON, "T1")
    assert exchange.margins(ME).blocked == 0


@pytest.mark.parametrize("clock", ["08:58", "08:59", "09:30", "15:59"])
def test_outside_its_window_an_amo_is_refused_and_leaves_no_order(clock: str) -> None:
    exchange = an_exchange(opening=at(MON, clock))
    answer = exchange.place(ME, a_buy())
    assert isinstance(answer, Refused)
    assert "from 16:00 to 08:58" in answer.text
    assert exchange.order_book(ME) == []


def test_on_a_weekend_an_amo_is_taken_for_the_next_trading_day() -> None:
    exchange = an_exchange(opening=at(date(2025, 1, 4), "13:00"))
    assert the_order(exchange, placed(exchange, a_buy())).trading_day == MON


def test_no_amo_is_taken_for_an_etf() -> None:
    answer = an_exchange().place(ME, a_buy("ETF", price="20"))
    assert isinstance(answer, Refused)
    assert "ETF" in answer.text


def test_an_amo_beyond_the_calendar_is_refused_with_the_horizon() -> None:
    tape = a_tape().session("ABC", date(2025, 1, 31), [100])
    answer = an_exchange(tape, opening=at(date(2025, 1, 31), "18:00")).place(ME, a_buy())
    assert isinstance(answer, Refused)
    assert "2025-01-31" in answer.text


def test_a_buy_at_or_above_the_open_fills_at_the_open_price() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy(price="101"))
    updates = run_to(exchange, at(MON, "09:15"))
    row = the_order(exchange, order_id)
    assert (row.status, row.average_price) == (Status.COMPLETE, rupees(100))
    assert [(u.at, u.order.status) for u in updates] == [
        (at(MON, "09:00"), Status.OPEN),
        (at(MON, "09:08"), Status.COMPLETE),
    ]
    assert updates[1].trades == tuple(exchange.order_trades(ME, order_id))


def test_the_history_has_every_interim_status_in_order() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy(price="101"))
    run_to(exchange, at(MON, "10:00"))
    assert [step.status for step in exchange.order_history(ME, order_id)] == [
        Status.AMO_REQ_RECEIVED,
        Status.PUT_ORDER_REQ_RECEIVED,
        Status.VALIDATION_PENDING,
        Status.OPEN_PENDING,
        Status.OPEN,
        Status.COMPLETE,
    ]


def test_a_buy_below_the_open_rests_and_fills_at_its_own_limit_later() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy(price="99"))
    run_to(exchange, at(MON, "09:19"))
    assert the_order(exchange, order_id).filled_quantity == 0
    run_to(exchange, at(MON, "15:00"))
    row = the_order(exchange, order_id)
    assert (row.status, row.average_price, row.updated_at) == (
        Status.COMPLETE,
        rupees(99),
        at(MON, "09:20"),
    )


def test_a_buy_that_the_market_never_reaches_is_cancelled_after_the_session() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy(price="90"))
    run_to(exchange, at(MON, "15:29:59"))
    assert the_order(exchange, order_id).status is Status.OPEN
    run_to(exchange, at(MON, "15:30"))
    row = the_order(exchange, order_id)
    assert row.status is Status.CANCELLED
    assert "end of the day" in row.status_text
    assert exchange.margins(ME).blocked == 0


def test_in_the_auction_the_higher_buy_goes_first_and_then_the_earlier() -> None:
    settings = ExchangeSettings(opening_share_bps=100)
    exchange = an_exchange(settings=settings)
    low = placed(exchange, a_buy(price="100", quantity=400))
    high = placed(exchange, a_buy(price="101", quantity=40))
    later = placed(exchange, a_buy(price="100", quantity=400))
    run_to(exchange, at(MON, "09:14"))
    assert the_order(exchange, high).status is Status.COMPLETE
    assert 0 < the_order(exchange, low).filled_quantity < 400
    assert the_order(exchange, later).filled_quantity == 0


def test_an_order_larger_than_the_auctions_share_fills_in_parts_over_several_prints() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy(price="101", quantity=900))
    run_to(exchange, at(MON, "09:14"))
    in_auction = the_order(exchange, order_id).filled_quantity
    assert 50 <= in_auction <= 150
    run_to(exchange, at(MON, "15:30"))
    trades = exchange.order_trades(ME, order_id)
    assert len(trades) > 3
    assert the_order(exchange, order_id).filled_quantity == sum(trade.quantity for trade in trades)
    assert len({trade.trade_id for trade in trades}) == len(trades)


def test_a_price_outside_the_band_is_refused_in_words() -> None:
    answer = an_exchange().place(ME, a_buy(price="120.05"))
    assert isinstance(answer, Refused)
    assert answer.text == "Order rejected, Stock in circuit freeze. Place order within 80.00 to 120.00."


def test_until_the_evening_update_an_amo_is_checked_against_the_band_of_the_day_that_is_over() -> None:
    tape = a_tape()
    tape.session("ABC", MON, [100, 110])
    tape.session("ABC", TUE, [110, 110])
    exchange = an_exchange(tape, opening=at(MON, "16:10"))
    assert isinstance(exchange.place(ME, a_buy(price="125")), Refused)
    run_to(exchange, at(MON, "17:00"))
    placed(exchange, a_buy(price="125"))


def test_a_band_that_moved_overnight_rejects_at_the_release_with_both_texts() -> None:
    tape = a_tape()
    tape.session("ABC", MON, [100, 84])
    tape.session("ABC", TUE, [84, 84])
    exchange = an_exchange(tape, opening=at(MON, "16:10"))
    order_id = placed(exchange, a_buy(price="115"))
    run_to(exchange, at(TUE, "09:00"))
    row = the_order(exchange, order_id)
    assert row.status is Status.REJECTED
    assert row.status_text == "Order rejected, Stock in circuit freeze. Place order within 67.20 to 100.80."
    assert row.status_text_raw == "Rate Not Within Ckt Limit 67.20 To 100.80"
    assert row.exchange_order_id is None


def test_too_little_money_rejects_at_the_release_in_the_brokers_words() -> None:
    exchange = an_exchange(cash="1500")
    first = placed(exchange, a_buy(price="100"))
    second = placed(exchange, a_buy(price="100"))
    run_to(exchange, at(MON, "09:00"))
    assert the_order(exchange, first).status is Status.OPEN
    row = the_order(exchange, second)
    assert row.status is Status.REJECTED
    assert row.status_text == (
        "Insufficient funds. Required margin is 1000.00 but available margin is 500.00."
        " Check the orderbook for open orders."
    )
    assert row.status_text_raw.startswith("RMS:Margin Exceeds,Required:1000.00, Available:500.00")


def test_a_sale_of_shares_that_are_not_held_is_rejected_at_the_release() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_sell())
    run_to(exchange, at(MON, "09:00"))
    row = the_order(exchange, order_id)
    assert row.status is Status.REJECTED
    assert "more than the quantity you currently hold" in row.status_text


def test_two_sales_cannot_sell_the_same_shares() -> None:
    exchange = an_exchange()
    with_holding(exchange, quantity=10)
    first = placed(exchange, a_sell(quantity=7, price="110"))
    second = placed(exchange, a_sell(quantity=7, price="110"))
    run_to(exchange, at(TUE, "09:01"))
    assert the_order(exchange, first).status is Status.OPEN
    assert the_order(exchange, second).status is Status.REJECTED
    assert "available is 3" in the_order(exchange, second).status_text


def test_a_symbol_without_a_session_rejects_at_the_release() -> None:
    exchange = an_exchange(opening=at(MON, "18:00"))
    order_id = placed(exchange, a_buy("DEF", price="50"))
    run_to(exchange, at(TUE, "09:00"))
    row = the_order(exchange, order_id)
    assert row.status is Status.REJECTED
    assert "DEF has no session on 2025-01-07" in row.status_text


def test_a_halted_symbol_rejects_at_the_release_and_names_the_problem() -> None:
    tape = a_tape()
    tape.halts["ABC", MON] = "open 50 is 50 % below the close"
    exchange = an_exchange(tape)
    order_id = placed(exchange, a_buy())
    run_to(exchange, at(MON, "09:00"))
    assert "50 % below" in the_order(exchange, order_id).status_text
    assert exchange.terms("ABC")["ABC"].is_halted


def test_stop_and_ioc_orders_are_released_at_the_open_and_not_into_the_auction() -> None:
    exchange = an_exchange()
    stop = placed(exchange, a_buy(order_type=OrderType.SL, price="101", trigger_price="100.5"))
    ioc = placed(exchange, a_buy(validity=Validity.IOC, price="101"))
    run_to(exchange, at(MON, "09:14"))
    assert the_order(exchange, stop).status is Status.AMO_REQ_RECEIVED
    assert the_order(exchange, ioc).status is Status.AMO_REQ_RECEIVED
    run_to(exchange, at(MON, "09:15"))
    assert the_order(exchange, stop).status is Status.TRIGGER_PENDING
    assert the_order(exchange, ioc).status is Status.COMPLETE


def test_a_parked_amo_is_modified_and_cancelled_as_an_amo_only() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy())
    wrong = exchange.cancel(ME, order_id, Variety.REGULAR)
    assert isinstance(wrong, Refused)
    assert wrong.error_type is ErrorType.ORDER
    answer = exchange.modify(ME, order_id, Variety.AMO, quantity=5, price=rupees(99))
    assert isinstance(answer, Accepted)
    row = the_order(exchange, order_id)
    assert (row.quantity, row.price, row.status) == (5, rupees(99), Status.AMO_REQ_RECEIVED)
    assert row.steps[-2].status is Status.MODIFY_AMO_REQ_RECEIVED
    assert isinstance(exchange.cancel(ME, order_id, Variety.AMO), Accepted)
    assert the_order(exchange, order_id).status is Status.CANCELLED
    run_to(exchange, at(MON, "10:00"))
    assert the_order(exchange, order_id).filled_quantity == 0


def test_a_released_amo_answers_to_regular_and_times_out_for_amo() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy(price="90"))
    run_to(exchange, at(MON, "09:05"))
    answer = exchange.cancel(ME, order_id, Variety.AMO)
    assert isinstance(answer, Refused)
    assert (answer.http_status, answer.error_type) == (503, ErrorType.NETWORK)
    assert the_order(exchange, order_id).status is Status.OPEN
    assert isinstance(exchange.cancel(ME, order_id, Variety.REGULAR), Accepted)
    row = the_order(exchange, order_id)
    assert (row.status, row.variety) == (Status.CANCELLED, Variety.AMO)


def test_an_order_that_was_sent_again_a_moment_later_fills_the_same_way() -> None:
    def fills(delay: str) -> list[tuple[int, object, object]]:
        exchange = an_exchange()
        run_to(exchange, at(date(2025, 1, 3), delay))
        order_id = placed(exchange, a_buy(price="101", quantity=900, tag="SAME"))
        run_to(exchange, at(MON, "16:00"))
        return [(t.quantity, t.price, t.traded_at) for t in exchange.order_trades(ME, order_id)]

    assert fills("18:00:01") == fills("20:30:00")


def test_another_seed_fills_in_other_parts() -> None:
    def quantities(seed: int) -> list[int]:
        exchange = an_exchange(seed=seed)
        order_id = placed(exchange, a_buy(price="101", quantity=900))
        run_to(exchange, at(MON, "16:00"))
        return [trade.quantity for trade in exchange.order_trades(ME, order_id)]

    assert quantities(1) != quantities(2)


def test_order_ids_count_within_their_date() -> None:
    exchange = an_exchange()
    placed(exchange, a_buy())
    assert placed(exchange, a_buy()) == "250103000000002"
    run_to(exchange, at(MON, "16:30"))
    assert placed(exchange, a_buy()) == "250106000000001"


def test_amos_of_several_days_are_released_each_on_its_own_day() -> None:
    exchange = an_exchange()
    for day in (MON, TUE, WED, THU):
        run_to(exchange, at(day, "16:30"))
        placed(exchange, a_buy(price="90"))
    run_to(exchange, at(FRI, "09:01"))
    assert [row.status for row in exchange.order_book(ME)] == [Status.OPEN]
