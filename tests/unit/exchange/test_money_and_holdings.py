"""Money, delivery and corporate actions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.unit.exchange.builders import (
    ME,
    MON,
    NEXT_TUE,
    SATURDAY_TWO_WINDOWS,
    TUE,
    WED,
    HandTape,
    a_buy,
    a_sell,
    a_split,
    a_tape,
    an_exchange,
    at,
    placed,
    run_to,
    rupees,
    the_order,
    with_holding,
)
from tradebot.domain.corporate_actions import ActionKind, CorporateAction
from tradebot.domain.orders import Variety
from tradebot.exchange.commands import Refused
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.rows import HoldingRow, Status

REGULAR: dict[str, Any] = {"variety": Variety.REGULAR}


def the_holding(exchange: Exchange, symbol: str = "ABC") -> HoldingRow:
    return next(row for row in exchange.holdings(ME) if row.symbol == symbol)


def test_a_buy_blocks_its_price_from_its_release_and_pays_at_the_fill() -> None:
    exchange = an_exchange(cash="10000")
    placed(exchange, a_buy(price="99", quantity=10))
    run_to(exchange, at(MON, "09:05"))
    waiting = exchange.margins(ME)
    assert (waiting.cash, waiting.blocked, waiting.available) == (rupees(10000), rupees(990), rupees(9010))
    run_to(exchange, at(MON, "10:00"))
    paid = exchange.margins(ME)
    assert (paid.cash, paid.blocked) == (rupees(9010), rupees(0))


def test_the_proceeds_of_a_sale_can_be_spent_at_once() -> None:
    exchange = an_exchange(cash="1000")
    with_holding(exchange, quantity=9)
    assert exchange.margins(ME).available == 100
    run_to(exchange, at(TUE, "09:15:30"))
    placed(exchange, a_sell(quantity=9, price="95", **REGULAR))
    proceeds = sum(trade.price * trade.quantity for trade in exchange.trades(ME))
    assert exchange.margins(ME).available == 100 + proceeds
    order_id = placed(exchange, a_buy(price="99", quantity=9, **REGULAR))
    assert the_order(exchange, order_id).status is Status.OPEN


def test_bought_shares_are_todays_then_t1_and_settled_in_the_evening_of_the_next_settlement_day() -> None:
    exchange = an_exchange()
    placed(exchange, a_buy(price="101"))
    run_to(exchange, at(MON, "16:00"))
    today = the_holding(exchange)
    assert (today.settled_quantity, today.t1_quantity, today.today_quantity) == (0, 0, 10)
    assert today.sellable_quantity == 10
    run_to(exchange, at(TUE, "06:00"))
    t1 = the_holding(exchange)
    assert (t1.settled_quantity, t1.t1_quantity, t1.today_quantity) == (0, 10, 0)
    assert t1.sellable_quantity == 10
    run_to(exchange, at(TUE, "17:30"))
    settled = the_holding(exchange)
    assert (settled.settled_quantity, settled.t1_quantity) == (10, 0)


def test_a_day_without_settlement_delivers_nothing() -> None:
    friday = date(2025, 1, 17)
    tape = a_tape()
    tape.session("ABC", friday, [100])
    tape.session("ABC", SATURDAY_TWO_WINDOWS, [100])
    exchange = an_exchange(tape, opening=at(date(2025, 1, 16), "18:00"))
    placed(exchange, a_buy(price="101", quantity=5))
    run_to(exchange, at(SATURDAY_TWO_WINDOWS, "23:00"))
    assert the_holding(exchange).t1_quantity == 5
    run_to(exchange, at(date(2025, 1, 20), "17:30"))
    assert the_holding(exchange).settled_quantity == 5


def test_a_sale_shows_as_a_negative_position_and_leaves_the_holding_the_next_morning() -> None:
    exchange = an_exchange()
    with_holding(exchange, quantity=10)
    run_to(exchange, at(TUE, "09:15:30"))
    placed(exchange, a_sell(quantity=4, price="95", **REGULAR))
    sold = the_holding(exchange)
    assert (sold.t1_quantity, sold.today_quantity, sold.quantity, sold.sellable_quantity) == (10, -4, 6, 6)
    assert [(p.symbol, p.quantity, p.sell_quantity) for p in exchange.positions(ME)] == [("ABC", -4, 4)]
    run_to(exchange, at(WED, "06:00"))
    carried = the_holding(exchange)
    assert (carried.quantity, carried.settled_quantity, carried.today_quantity) == (6, 6, 0)
    assert exchange.positions(ME) == []


def test_shares_bought_today_can_be_sold_today_and_then_there_is_nothing_to_deliver() -> None:
    exchange = an_exchange(opening=at(MON, "09:15:30"))
    placed(exchange, a_buy(price="110", **REGULAR))
    order_id = placed(exchange, a_sell(price="95", **REGULAR))
    assert the_order(exchange, order_id).status is Status.COMPLETE
    run_to(exchange, at(TUE, "07:00"))
    assert exchange.holdings(ME) == []


def test_a_days_sales_are_taken_from_its_purchases_first() -> None:
    exchange = an_exchange()
    with_holding(exchange, quantity=10)
    run_to(exchange, at(TUE, "09:15:30"))
    placed(exchange, a_buy(price="110", quantity=6, **REGULAR))
    placed(exchange, a_sell(quantity=4, price="95", **REGULAR))
    run_to(exchange, at(WED, "07:00"))
    held = the_holding(exchange)
    assert (held.settled_quantity, held.t1_quantity) == (10, 2)


def test_a_holding_that_was_sold_whole_disappears_the_next_morning() -> None:
    exchange = an_exchange()
    with_holding(exchange)
    run_to(exchange, at(TUE, "09:15:30"))
    placed(exchange, a_sell(price="95", **REGULAR))
    assert the_holding(exchange).quantity == 0
    run_to(exchange, at(WED, "07:00"))
    assert exchange.holdings(ME) == []


def test_the_average_price_is_over_all_purchases_and_stays_in_a_sale() -> None:
    tape = a_tape()
    tape.session("ABC", TUE, [110, 110, 110])
    exchange = an_exchange(tape)
    with_holding(exchange, quantity=10)
    placed(exchange, a_buy(price="112", quantity=10))
    run_to(exchange, at(WED, "09:15:30"))
    assert the_holding(exchange).average_price == 105
    placed(exchange, a_sell(quantity=5, price="95", **REGULAR))
    assert the_holding(exchange).average_price == 105


def split_tape() -> HandTape:
    """ABC halves its price on Wednesday."""
    tape = a_tape()
    tape.session("ABC", WED, ["50", "50.5", "49.5", "50"], previous_close="101")
    return tape


def test_a_split_multiplies_the_holding_and_divides_its_average_on_the_ex_dates_morning() -> None:
    exchange = an_exchange(split_tape(), actions=[a_split("ABC", WED)])
    with_holding(exchange, quantity=7)
    cash = exchange.margins(ME).cash
    run_to(exchange, at(WED, "05:59"))
    assert the_holding(exchange).quantity == 7
    run_to(exchange, at(WED, "06:00"))
    holding = the_holding(exchange)
    assert (holding.quantity, holding.settled_quantity, holding.average_price) == (14, 14, rupees(50))
    assert exchange.margins(ME).cash == cash


def test_a_split_moves_base_price_and_band_from_the_evening_before() -> None:
    exchange = an_exchange(split_tape(), actions=[a_split("ABC", WED)], opening=at(TUE, "16:59"))
    assert exchange.terms("ABC")["ABC"].previous_close == 100
    run_to(exchange, at(TUE, "17:00"))
    terms = exchange.terms("ABC")["ABC"]
    assert (terms.day, terms.previous_close) == (WED, rupees("50.50"))
    assert (terms.lower_limit, terms.upper_limit) == (rupees("40.40"), rupees("60.60"))


def test_an_amo_priced_before_the_ex_date_is_cancelled_and_one_priced_in_new_shares_trades() -> None:
    exchange = an_exchange(split_tape(), actions=[a_split("ABC", WED)], opening=at(TUE, "16:10"))
    old = placed(exchange, a_buy(price="101"))
    run_to(exchange, at(TUE, "17:30"))
    new = placed(exchange, a_buy(price="50.5"))
    run_to(exchange, at(WED, "06:00"))
    assert the_order(exchange, old).status is Status.CANCELLED
    assert "corporate action of 2025-01-08" in the_order(exchange, old).status_text
    run_to(exchange, at(WED, "09:10"))
    assert the_order(exchange, new).average_price == 50


def test_fractions_of_a_bonus_are_paid_out_in_cash() -> None:
    bonus = CorporateAction(ex_date=WED, symbol="ABC", kind=ActionKind.BONUS, numerator=1, denominator=2, source="test")
    exchange = an_exchange(actions=[bonus])
    with_holding(exchange, quantity=7)
    cash = exchange.margins(ME).cash
    run_to(exchange, at(WED, "06:00"))
    assert the_holding(exchange).quantity == 10
    base = exchange.terms("ABC")["ABC"].previous_close
    assert exchange.margins(ME).cash == cash + round(base / 2, 2)


def test_an_unadjusted_holding_of_another_symbol_is_left_alone() -> None:
    exchange = an_exchange(actions=[a_split("DEF", WED)])
    with_holding(exchange, quantity=7)
    run_to(exchange, at(WED, "07:00"))
    assert the_holding(exchange).quantity == 7


def test_two_accounts_have_money_and_shares_of_their_own() -> None:
    exchange = an_exchange(accounts={ME: Decimal(10_000), "other": Decimal(5_000)})
    placed(exchange, a_buy(price="101"))
    placed(exchange, a_buy(price="101", quantity=5), "other")
    run_to(exchange, at(MON, "16:00"))
    assert exchange.margins(ME).cash == 9_000
    assert exchange.margins("other").cash == 4_500
    assert the_holding(exchange).quantity == 10
    assert [row.quantity for row in exchange.holdings("other")] == [5]


def test_a_sale_in_the_closing_minutes_of_a_long_holding_period_still_adds_up() -> None:
    exchange = an_exchange()
    with_holding(exchange, quantity=10)
    run_to(exchange, at(NEXT_TUE, "09:15:30"))
    assert the_holding(exchange).settled_quantity == 10
    placed(exchange, a_sell(price="95", **REGULAR))
    assert the_holding(exchange).quantity == 0
    assert isinstance(exchange.place(ME, a_sell(price="200", **REGULAR)), Refused)
