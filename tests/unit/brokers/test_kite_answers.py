"""Kite's answers in our words: made examples with the quirks that were seen, and the published ones where they lie."""

from __future__ import annotations

import csv
import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradebot.adapters.brokers.kite import translate
from tradebot.adapters.brokers.kite.feed import hint_of
from tradebot.domain.broker_views import BrokerOrder, BrokerWord
from tradebot.domain.orders import OrderType, Product, Side, Variety

ROOT = Path(__file__).parents[3]
RECORDED = Path(os.environ.get("TRADEBOT_TEST_KITE_RESPONSES", str(ROOT.parent / "shared/data/kite-responses")))

AN_ORDER: dict[str, Any] = {
    "order_id": "1953341975595868160",
    "exchange_order_id": None,
    "status": "OPEN",
    "status_message": None,
    "status_message_raw": None,
    "order_timestamp": "2026-09-16 09:00:03",
    "exchange_update_timestamp": None,
    "exchange_timestamp": None,
    "variety": "amo",
    "exchange": "NSE",
    "tradingsymbol": "INFY",
    "order_type": "LIMIT",
    "transaction_type": "BUY",
    "product": "CNC",
    "quantity": 10,
    "price": Decimal("1500.10"),
    "trigger_price": 0,
    "average_price": 0,
    "filled_quantity": 0,
    "pending_quantity": 10,
    "cancelled_quantity": 0,
    "tag": "A00000000000000001",
}


def an_order(**changes: object) -> BrokerOrder:
    return translate.order(AN_ORDER | changes)


def test_a_number_of_nineteen_digits_stays_a_text_and_times_are_utc() -> None:
    order = an_order()
    assert order.broker_order_id == "1953341975595868160"
    assert order.placed_at == datetime(2026, 9, 16, 3, 30, 3, tzinfo=UTC)
    assert (order.variety, order.trigger_price, order.average_price) == (Variety.AMO, None, None)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("PUT ORDER REQ RECEIVED", BrokerWord.OPEN),
        ("AMO REQ RECEIVED", BrokerWord.OPEN),
        ("NOT MODIFIED", BrokerWord.OPEN),
        ("NOT CANCELLED", BrokerWord.OPEN),
        ("CANCEL PENDING", BrokerWord.OPEN),
        ("COMPLETE", BrokerWord.EXECUTED),
        ("CANCELLED AMO", BrokerWord.CANCELLED),
        ("CANCELLED BY SYSTEM", BrokerWord.CANCELLED),
        ("REJECTED", BrokerWord.REJECTED),
        ("A WORD NOBODY HAS SEEN", BrokerWord.UNKNOWN),
    ],
)
def test_only_whole_phrases_are_final(status: str, word: BrokerWord) -> None:
    assert an_order(status=status).word is word


def test_an_order_of_a_kind_that_we_never_send_is_left_out_unless_it_has_a_tag() -> None:
    assert translate.orders([AN_ORDER | {"product": "MTF", "tag": None}]) == []
    with pytest.raises(KeyError):
        translate.orders([AN_ORDER | {"product": "MTF"}])


def held(**changes: object) -> dict[str, Any]:
    return {
        "tradingsymbol": "INFY",
        "exchange": "NSE",
        "quantity": 20,
        "t1_quantity": 5,
        "average_price": 1,
    } | changes


def position(**changes: object) -> dict[str, Any]:
    return {
        "tradingsymbol": "INFY",
        "exchange": "NSE",
        "product": "CNC",
        "quantity": 0,
        "average_price": 2,
    } | changes


def test_what_may_be_sold_is_settled_and_t1_and_bought_today_less_what_is_on_sale() -> None:
    standing = an_order(transaction_type="SELL", quantity=9, filled_quantity=2, average_price=1)
    (holding,) = translate.holdings([held()], [position(quantity=3)], [standing])
    assert (holding.quantity, holding.sellable_quantity) == (28, 28 - 7)


@pytest.mark.parametrize("status", ["COMPLETE", "CANCELLED", "REJECTED"])
def test_a_sell_that_is_over_holds_nothing_back(status: str) -> None:
    over = an_order(transaction_type="SELL", quantity=9, status=status)
    assert translate.holdings([held()], [], [over])[0].sellable_quantity == 25


def test_what_was_sold_today_is_gone_from_the_quantity_already() -> None:
    (holding,) = translate.holdings([held(quantity=16)], [position(quantity=-4)], [])
    assert (holding.quantity, holding.settled_quantity, holding.sellable_quantity) == (21, 20, 21)


def test_more_on_sale_than_held_makes_nothing_sellable_and_intraday_counts_for_nothing() -> None:
    much = an_order(transaction_type="SELL", quantity=99)
    (holding,) = translate.holdings([held()], [position(quantity=50, product="MIS")], [much])
    assert (holding.quantity, holding.sellable_quantity) == (25, 0)


def test_shares_bought_today_show_as_a_holding() -> None:
    (holding,) = translate.holdings([], [position(quantity=7)], [])
    assert (holding.symbol, holding.today_quantity, holding.sellable_quantity) == ("INFY", 7, 7)


def test_only_order_frames_are_hints() -> None:
    assert hint_of('{"type":"order","data":{"order_id":"7"}}') == "7"
    for frame in ('{"type":"error","data":"no"}', '{"type":"message"}', "no json", "[]", b"\x00", '{"type":"order"}'):
        assert hint_of(frame) is None


def recorded(name: str) -> Any:
    path = RECORDED / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the recorded answers are not there ({path})")
    return json.loads(path.read_text(), parse_float=Decimal)["data"]


def test_the_recorded_book_is_read_whole() -> None:
    rows = recorded("orders")
    found = {order.broker_order_id: order for order in translate.orders(rows)}
    assert len(found) == len([row for row in rows if row["product"] in ("CNC", "MIS", "NRML") or row["tag"]])
    words = {order.word for order in found.values()}
    assert words >= {BrokerWord.CANCELLED, BrokerWord.EXECUTED, BrokerWord.REJECTED}
    cancelled = found[translate.BrokerOrderId("100000000000000")]
    assert (cancelled.word, cancelled.quantity, cancelled.filled_quantity) == (BrokerWord.CANCELLED, 1, 0)
    refused = next(order for order in found.values() if order.word is BrokerWord.REJECTED)
    assert "Insufficient funds" in refused.status_text


def test_the_recorded_history_goes_through_interim_words() -> None:
    steps = [translate.order(row) for row in recorded("order_info")]
    assert {step.word for step in steps} == {BrokerWord.OPEN}
    assert steps[-1].status == "OPEN"


def test_the_recorded_trades_holdings_and_money_are_read() -> None:
    trades = [translate.trade(row) for row in recorded("trades")]
    assert trades[0].traded_at == datetime(2021, 5, 31, 3, 46, 39, tzinfo=UTC)
    assert trades[0].price == Decimal("420.65")
    holdings = translate.holdings(recorded("holdings"), recorded("positions")["net"], [])
    assert [(h.symbol, h.exchange, h.sellable_quantity) for h in holdings[:2]] == [
        ("AARON", "NSE", 1),
        ("SBIN", "BSE", 16),
    ]
    funds = translate.funds(recorded("margins")["equity"])
    assert funds.available == Decimal("99725.05000000002")


def test_the_recorded_quote_has_one_side_of_the_book() -> None:
    picture = translate.quote("INFY", recorded("quote")["NSE:INFY"])
    assert picture is not None
    assert (picture.last_price, picture.best_bid, picture.best_ask) == (Decimal("1412.95"), None, Decimal("1412.95"))
    assert picture.previous_close == Decimal("1389.65")


def test_the_recorded_instrument_file_has_the_columns_that_are_read() -> None:
    path = RECORDED / "instruments_nse.csv"
    if not path.exists():
        pytest.skip(f"the recorded answers are not there ({path})")
    with path.open() as file:
        row = next(csv.DictReader(file))
    assert {"tradingsymbol", "tick_size", "lot_size", "instrument_type"} <= set(row)


def test_orders_are_sent_in_kites_words() -> None:
    assert translate.SIDES[Side.SELL] == "SELL"
    assert translate.ORDER_TYPES[OrderType.SL] == "SL"
    assert translate.PRODUCTS[Product.CNC] == "CNC"
