"""The contract of the Broker port: the same for the paper broker, for Kite and for Kotak."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.desks import Desk, a_desk, a_ticket, marketable, well_below
from tradebot.domain.broker_views import BrokerWord, Ticket, is_triggered, is_users_cancel
from tradebot.domain.errors import BrokerRejected, BrokerUnavailable, OutcomeUnknown, RateLimited
from tradebot.domain.market_rules import on_tick
from tradebot.domain.orders import BrokerOrderId, OrderType, Side, Variety
from tradebot.exchange.dials import AnswerLostAfter, AnswerLostBefore
from tradebot.exchange.gateway_dials import HtmlInstead, TooManyRequests

EVENING = "2026-09-15T16:10:00"
PARKED_UNTIL, TRADING = "2026-09-16T09:01:00", "2026-09-16T10:00:00"
NO_ORDER = BrokerOrderId("260916999999999")


@pytest.fixture(params=["paper", "kite", "kotak"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with a_desk(request.param, tmp_path, at=EVENING) as found:
        yield found


def test_an_order_goes_from_parked_to_filled_and_its_trades_holding_and_money_follow(desk: Desk) -> None:
    broker, before = desk.broker, desk.broker.funds()
    number = broker.place(a_ticket(price=marketable(desk, "INFY", Side.BUY)))
    (parked,) = broker.order_book()
    assert (parked.broker_order_id, parked.tag, parked.word) == (number, "A00000000000000001", BrokerWord.OPEN)
    assert (parked.symbol, parked.exchange, parked.side, parked.quantity) == ("INFY", "NSE", Side.BUY, 10)
    assert (parked.variety, parked.filled_quantity, parked.average_price) == (Variety.AMO, 0, None)

    desk.advance(TRADING)

    filled = broker.order(number)
    assert filled is not None
    assert (filled.word, filled.filled_quantity) == (BrokerWord.EXECUTED, 10)
    assert [row.broker_order_id for row in broker.order_book()] == [number]
    trades = broker.trades()
    assert trades and sum(trade.quantity for trade in trades) == 10
    assert sorted(t.trade_id for t in broker.order_trades(number)) == sorted(t.trade_id for t in trades)
    paid = sum((trade.price * trade.quantity for trade in trades), Decimal(0))
    assert filled.average_price is not None and abs(filled.average_price - paid / 10) <= Decimal("0.01")
    (holding,) = broker.holdings()
    assert (holding.symbol, holding.quantity, holding.today_quantity, holding.sellable_quantity) == ("INFY", 10, 10, 10)
    assert before.available - broker.funds().available == paid


def test_a_day_later_the_shares_are_held_and_the_book_is_empty(desk: Desk) -> None:
    number = desk.broker.place(a_ticket(price=marketable(desk, "INFY", Side.BUY)))
    desk.advance("2026-09-17T09:30:00")
    assert list(desk.broker.order_book()) == [] and list(desk.broker.trades()) == []
    (holding,) = desk.broker.holdings()
    assert (holding.quantity, holding.today_quantity, holding.sellable_quantity) == (10, 0, 10)
    found = desk.broker.order(number)
    assert found is None or found.word is BrokerWord.EXECUTED


def test_there_is_nothing_before_there_is_something(desk: Desk) -> None:
    broker = desk.broker
    assert [list(found) for found in (broker.order_book(), broker.trades(), broker.holdings())] == [[], [], []]
    assert broker.order(NO_ORDER) is None
    assert list(broker.order_trades(NO_ORDER)) == []
    assert broker.funds().available == 1_000_000


def test_a_refusal_leaves_no_order_and_says_why_in_the_brokers_words(desk: Desk) -> None:
    with pytest.raises(BrokerRejected) as caught:
        desk.broker.place(a_ticket(price=Decimal("99999")))
    assert caught.value.text
    with pytest.raises(BrokerRejected):
        desk.broker.place(a_ticket(symbol="NOSUCHTHING", price=Decimal(100)))
    assert list(desk.broker.order_book()) == []


def test_a_rejection_after_the_acknowledgement_is_in_the_book(desk: Desk) -> None:
    price = marketable(desk, "LT", Side.BUY)
    desk.broker.place(a_ticket(symbol="LT", quantity=9_000, price=price))
    desk.advance(PARKED_UNTIL)
    (row,) = desk.broker.order_book()
    assert row.word is BrokerWord.REJECTED
    assert "margin" in row.status_text.lower() or "funds" in row.status_text.lower()


def test_a_parked_order_is_changed_and_cancelled_and_then_it_is_over(desk: Desk) -> None:
    broker, terms = desk.broker, desk.broker.terms(["INFY"])["INFY"]
    number = broker.place(a_ticket(price=terms.upper_limit))
    broker.modify(number, Variety.AMO, quantity=7, price=terms.lower_limit)
    (changed,) = broker.order_book()
    assert (changed.quantity, changed.price, changed.word) == (7, terms.lower_limit, BrokerWord.OPEN)
    broker.cancel(number, Variety.AMO)
    (cancelled,) = broker.order_book()
    assert (cancelled.word, cancelled.filled_quantity) == (BrokerWord.CANCELLED, 0)
    with pytest.raises(BrokerRejected):
        broker.cancel(number, Variety.AMO)


def test_from_its_release_on_an_after_market_order_answers_as_a_regular_one_only(desk: Desk) -> None:
    broker = desk.broker
    number = broker.place(a_ticket(price=well_below(desk, "INFY")))
    desk.advance("2026-09-16T09:03:00")
    with pytest.raises(OutcomeUnknown):
        broker.cancel(number, Variety.AMO)
    broker.cancel(number, Variety.REGULAR)
    desk.advance("2026-09-16T09:20:00")
    found = broker.order(number)
    assert found is not None and found.word is BrokerWord.CANCELLED


def test_no_more_is_sellable_than_is_held_less_what_is_on_sale(desk: Desk) -> None:
    """A sell for what is sellable goes through, one share more does not, and nothing on sale counts twice."""
    broker = desk.broker
    broker.place(a_ticket(price=marketable(desk, "INFY", Side.BUY)))
    desk.advance(TRADING)
    high = broker.terms(["INFY"])["INFY"].upper_limit
    sell = a_ticket(tag="S1", side=Side.SELL, quantity=4, price=high, variety=Variety.REGULAR)
    number = broker.place(sell)
    desk.advance("2026-09-16T10:01:00")
    assert broker.holdings()[0].sellable_quantity == 6
    too_much = broker.place(a_ticket(tag="S2", side=Side.SELL, quantity=7, price=high, variety=Variety.REGULAR))
    desk.advance("2026-09-16T10:02:00")
    refused = broker.order(too_much)
    assert refused is not None and refused.word is BrokerWord.REJECTED
    assert broker.holdings()[0].sellable_quantity == 6
    broker.place(a_ticket(tag="S3", side=Side.SELL, quantity=6, price=high, variety=Variety.REGULAR))
    desk.advance("2026-09-16T10:03:00")
    assert broker.holdings()[0].sellable_quantity == 0
    broker.cancel(number, Variety.REGULAR)
    desk.advance("2026-09-16T10:04:00")
    assert broker.holdings()[0].sellable_quantity == 4


def a_stop(desk: Desk, tag: str, distance: int) -> Ticket:
    """A stop-loss for ten shares, so many ticks below the last price, its limit a little lower."""
    tick = desk.broker.terms(["INFY"])["INFY"].tick_size
    trigger = desk.market_data.quotes(["INFY"])["INFY"].last_price - distance * tick
    return a_ticket(
        tag=tag,
        side=Side.SELL,
        order_type=OrderType.SL,
        price=trigger - 40 * tick,
        trigger_price=trigger,
        variety=Variety.REGULAR,
    )


def test_a_stop_loss_waits_for_its_trigger_and_is_taken_back_like_any_order(desk: Desk) -> None:
    broker = desk.broker
    broker.place(a_ticket(price=marketable(desk, "INFY", Side.BUY)))
    desk.advance(TRADING)
    wanted = a_stop(desk, "S1", 300)
    number = broker.place(wanted)
    desk.advance("2026-09-16T10:01:00")

    row = broker.order(number)
    assert row is not None
    assert (row.word, row.order_type, row.side) == (BrokerWord.OPEN, OrderType.SL, Side.SELL)
    assert (row.trigger_price, row.price) == (wanted.trigger_price, wanted.price)
    assert not is_triggered(row.status)
    assert broker.holdings()[0].sellable_quantity == 0

    broker.cancel(number, Variety.REGULAR)
    desk.advance("2026-09-16T10:02:00")
    row = broker.order(number)
    assert row is not None and row.word is BrokerWord.CANCELLED
    assert broker.holdings()[0].sellable_quantity == 10


def test_a_stop_loss_on_the_wrong_side_of_the_market_is_refused(desk: Desk) -> None:
    desk.broker.place(a_ticket(price=marketable(desk, "INFY", Side.BUY)))
    desk.advance(TRADING)
    with pytest.raises(BrokerRejected):
        desk.broker.place(a_stop(desk, "S1", -300))


def test_a_stop_loss_is_triggered_and_sells_and_one_that_is_not_is_sent_off_before_the_auction(desk: Desk) -> None:
    broker = desk.broker
    broker.place(a_ticket(price=marketable(desk, "INFY", Side.BUY), quantity=20))
    desk.advance(TRADING)
    near, far = broker.place(a_stop(desk, "S1", 1)), broker.place(a_stop(desk, "S2", 600))
    desk.advance("2026-09-16T15:14:00")
    sold, waiting = broker.order(near), broker.order(far)
    assert sold is not None and (sold.word, sold.filled_quantity) == (BrokerWord.EXECUTED, 10)
    assert waiting is not None and not is_triggered(waiting.status)

    desk.advance("2026-09-16T15:16:00")
    waiting = broker.order(far)
    assert waiting is not None and waiting.word is BrokerWord.CANCELLED
    assert not is_users_cancel(waiting.status_text)


def test_terms_are_the_days_and_quotes_have_depth(desk: Desk) -> None:
    desk.advance(TRADING)
    terms = desk.broker.terms(["INFY", "SBIN", "NOSUCHTHING"])
    assert set(terms) == {"INFY", "SBIN"}
    for found in terms.values():
        assert found.lower_limit < found.previous_close < found.upper_limit
        assert on_tick(found.lower_limit, found.tick_size) and on_tick(found.upper_limit, found.tick_size)
        assert found.freeze_quantity > 1 and found.lot_size == 1 and not found.is_halted
        assert f"{found.day}" == "2026-09-16"
    quotes = desk.market_data.quotes(["INFY", "NOSUCHTHING"])
    assert set(quotes) == {"INFY"}
    quote = quotes["INFY"]
    assert quote.best_bid is not None and quote.best_ask is not None and quote.best_bid < quote.best_ask
    assert len(quote.bids) == len(quote.asks) == 5
    assert quote.day_low <= quote.last_price <= quote.day_high
    assert quote.previous_close == terms["INFY"].previous_close
    assert abs((quote.at - desk.clock.now()).total_seconds()) < 60


@pytest.mark.parametrize("dial", [AnswerLostAfter(per_mille=1000), HtmlInstead(per_mille=1000, is_carried_out=True)])
def test_a_placement_whose_answer_is_lost_is_found_by_its_tag(desk: Desk, dial: AnswerLostAfter) -> None:
    price = marketable(desk, "INFY", Side.BUY)
    desk.turn(dial)
    with pytest.raises(OutcomeUnknown):
        desk.broker.place(a_ticket(price=price))
    desk.turn()
    assert [row.tag for row in desk.broker.order_book()] == ["A00000000000000001"]


def test_what_is_refused_for_its_rate_is_certainly_not_there(desk: Desk) -> None:
    price = marketable(desk, "INFY", Side.BUY)
    desk.turn(TooManyRequests(per_mille=1000))
    with pytest.raises(RateLimited):
        desk.broker.place(a_ticket(price=price))
    desk.turn()
    assert list(desk.broker.order_book()) == []


def test_a_question_without_an_answer_is_never_an_empty_book(desk: Desk) -> None:
    everything = frozenset({"order_book", "trades", "holdings"})
    desk.turn(AnswerLostBefore(per_mille=1000, calls=everything))
    for ask in (desk.broker.order_book, desk.broker.trades, desk.broker.holdings):
        with pytest.raises(BrokerUnavailable):
            ask()
