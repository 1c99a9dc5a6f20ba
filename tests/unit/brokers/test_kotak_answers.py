"""Kotak's answers in our words: made examples with the quirks that its users have seen."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tradebot.adapters.brokers.kotak import translate
from tradebot.adapters.brokers.kotak.feed import hint_of
from tradebot.domain.broker_views import BrokerOrder, BrokerWord
from tradebot.domain.orders import Variety

AN_ORDER: dict[str, Any] = {
    "nOrdNo": "250122000612876",
    "GuiOrdId": "A00000000000000001",
    "ordSt": "open",
    "stat": "open",
    "trdSym": "IDEA-EQ",
    "exSeg": "nse_cm",
    "trnsTp": "B",
    "prcTp": "L",
    "prod": "CNC",
    "qty": 10,
    "fldQty": 0,
    "unFldSz": 10,
    "prc": "9.39",
    "trgPrc": "0.00",
    "avgPrc": "0.00",
    "rejRsn": "--",
    "ordDtTm": "22-Jan-2025 14:28:01",
    "hsUpTm": "2025/01/22 14:28:02",
    "exCfmTm": "NA",
    "updRecvTm": 1737536283000000000,
}


def an_order(**changes: object) -> BrokerOrder:
    return translate.order(AN_ORDER | changes)


def test_texts_numbers_and_three_forms_of_time_become_values() -> None:
    order = an_order(fldQty="4", avgPrc="9.38")
    assert (order.symbol, order.exchange, order.tag) == ("IDEA", "NSE", "A00000000000000001")
    assert (order.price, order.filled_quantity, order.average_price) == (Decimal("9.39"), 4, Decimal("9.38"))
    assert order.placed_at == datetime(2025, 1, 22, 8, 58, 1, tzinfo=UTC)
    assert order.updated_at == datetime(2025, 1, 22, 8, 58, 3, tzinfo=UTC)
    assert (order.status_text, order.trigger_price) == ("", None)


@pytest.mark.parametrize(
    ("status", "word", "variety"),
    [
        ("after market order req received", BrokerWord.OPEN, Variety.AMO),
        ("modify after market order req received", BrokerWord.OPEN, Variety.AMO),
        ("cancelled after market order", BrokerWord.CANCELLED, Variety.AMO),
        ("put order req received", BrokerWord.OPEN, Variety.REGULAR),
        ("traded", BrokerWord.EXECUTED, Variety.REGULAR),
        ("canceled", BrokerWord.CANCELLED, Variety.REGULAR),
        ("not cancelled", BrokerWord.OPEN, Variety.REGULAR),
        ("words nobody has seen", BrokerWord.UNKNOWN, Variety.REGULAR),
    ],
)
def test_only_whole_phrases_are_final(status: str, word: BrokerWord, variety: Variety) -> None:
    order = an_order(ordSt=status)
    assert (order.word, order.variety) == (word, variety)


@pytest.mark.parametrize("nothing", ["", "NA", "--", None])
def test_an_order_without_a_tag_is_nobodys(nothing: object) -> None:
    assert an_order(GuiOrdId=nothing).tag is None


def test_a_fill_of_part_of_a_share_is_no_answer() -> None:
    with pytest.raises(ValueError, match="whole"):
        an_order(fldQty="1.5")


def test_a_trade_has_its_day_and_its_time_apart() -> None:
    trade = translate.trade(
        {
            "nOrdNo": "1",
            "flId": "77",
            "trdSym": "IDEA-EQ",
            "trnsTp": "S",
            "fldQty": 3,
            "avgPrc": "9.40",
            "flDt": "22-Jan-2025",
            "flTm": "14:33:01",
            "tok": "",
        }
    )
    assert (trade.symbol, trade.quantity, trade.price) == ("IDEA", 3, Decimal("9.40"))
    assert trade.traded_at == datetime(2025, 1, 22, 9, 3, 1, tzinfo=UTC)


def held(**changes: object) -> dict[str, Any]:
    return {
        "displaySymbol": "IDEA-EQ",
        "exchangeSegment": "nse_cm",
        "quantity": 20,
        "sellableQuantity": 18,
        "averagePrice": "9.00",
    } | changes


def test_what_may_be_sold_is_never_more_than_kotak_lets_us_nor_than_is_left() -> None:
    standing = an_order(trnsTp="S", qty=5)
    bought = {"prod": "CNC", "trdSym": "IDEA-EQ", "exSeg": "nse_cm", "flBuyQty": "4", "flSellQty": "1"}
    (holding,) = translate.holdings([held()], [bought], [standing])
    assert (holding.quantity, holding.sellable_quantity) == (23, 18 + 3 - 5)
    (more,) = translate.holdings([held(sellableQuantity=99)], [], [])
    assert more.sellable_quantity == 20


def test_names_carry_the_series_on_the_wire_only() -> None:
    assert translate.trading_symbol_of("IDEA", "NSE") == "IDEA-EQ"
    assert translate.trading_symbol_of("BAJAJ-AUTO", "NSE") == "BAJAJ-AUTO-EQ"
    assert translate.trading_symbol_of("XYZ-BE", "NSE") == "XYZ-BE"
    assert translate.trading_symbol_of("NIFTY26SEPFUT", "NFO") == "NIFTY26SEPFUT"
    assert translate.symbol_of("BAJAJ-AUTO-EQ") == "BAJAJ-AUTO"


def test_money_is_what_is_free_and_what_is_blocked() -> None:
    funds = translate.funds({"Net": "1000.50", "MarginUsed": "200.25", "CollateralValue": "0.50"})
    assert (funds.available, funds.blocked) == (Decimal("1000.00"), Decimal("200.25"))


def test_a_quote_is_all_texts_and_its_previous_close_is_last_less_change() -> None:
    picture = translate.quote(
        {
            "display_symbol": "IDEA-EQ",
            "ltp": "9.40",
            "change": "0.10",
            "last_volume": "1200",
            "lstup_time": "1737536283",
            "ohlc": {"high": "9.5", "low": "9.2"},
            "depth": {
                "buy": [{"price": "9.39", "quantity": "100", "orders": "2"}, {"price": "0", "quantity": "0"}],
                "sell": [],
            },
        }
    )
    assert picture is not None
    assert (picture.previous_close, picture.best_bid, picture.best_ask) == (Decimal("9.30"), Decimal("9.39"), None)


def test_only_order_frames_are_hints() -> None:
    assert hint_of('{"type":"order","data":{"nOrdNo":"7"}}') == "7"
    for frame in ('{"ak":"ok","type":"cn","msg":"connected"}', '{"type":"position","data":{}}', "no", b"\xff"):
        assert hint_of(frame) is None
