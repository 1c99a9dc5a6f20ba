"""The paper broker: the exchange's words and refusals in ours."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.unit.exchange.builders import ME, MON, TUE, an_exchange, at, run_to, rupees
from tradebot.adapters.brokers.paper import PaperBroker
from tradebot.adapters.marketdata.paper_quotes import PaperQuotes
from tradebot.domain.broker_views import BrokerWord, Ticket
from tradebot.domain.errors import (
    BrokerError,
    BrokerRejected,
    BrokerUnavailable,
    OutcomeUnknown,
    RateLimited,
    SessionExpired,
)
from tradebot.domain.orders import BrokerOrderId, Coid, OrderType, Product, Side, Validity, Variety
from tradebot.exchange.commands import ErrorType, Refused
from tradebot.exchange.dials import (
    COMMANDS,
    AnswerLostAfter,
    AnswerLostBefore,
    EmptyBookIsError,
    ErrorInstead,
)
from tradebot.exchange.edge import Dial, Edge
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.settings import ExchangeSettings
from tradebot.ports import Broker, MarketData

TAG = Coid("A000000000000000001")[:18]


def a_ticket(tag: str = TAG, **changes: object) -> Ticket:
    values: dict[str, object] = {
        "tag": Coid(tag),
        "symbol": "ABC",
        "exchange": "NSE",
        "side": Side.BUY,
        "quantity": 10,
        "order_type": OrderType.LIMIT,
        "price": rupees(101),
        "trigger_price": None,
        "product": Product.CNC,
        "validity": Validity.DAY,
        "variety": Variety.AMO,
    }
    return Ticket(**{**values, **changes})  # type: ignore[arg-type]


def a_broker(*dials: Dial, exchange: Exchange | None = None) -> tuple[PaperBroker, Exchange]:
    exchange = exchange or an_exchange()
    return PaperBroker(Edge(exchange, seed=1, dials=dials), ME), exchange


def test_it_is_a_broker_and_the_quotes_are_market_data() -> None:
    exchange = an_exchange()
    broker: Broker = PaperBroker(exchange, ME)
    quotes: MarketData = PaperQuotes(exchange)
    assert broker.capabilities.absence_is_proof
    assert broker.capabilities.visibility_delay == timedelta(0)
    assert broker.capabilities.tag_length_max == 20
    assert not broker.capabilities.refuses_duplicate_tag
    assert quotes.quotes(["NOPE"]) == {}


def test_an_order_comes_back_in_our_words_from_placement_to_fill() -> None:
    broker, exchange = a_broker()
    order_id = broker.place(a_ticket())
    (parked,) = broker.order_book()
    assert (parked.broker_order_id, parked.tag, parked.word) == (order_id, TAG, BrokerWord.OPEN)
    assert (parked.status, parked.average_price) == ("AMO REQ RECEIVED", None)
    run_to(exchange, at(MON, "10:00"))
    filled = broker.order(order_id)
    assert filled is not None
    assert (filled.word, filled.filled_quantity, filled.average_price) == (
        BrokerWord.EXECUTED,
        10,
        rupees(100),
    )
    (trade,) = broker.trades()
    assert (trade.broker_order_id, trade.quantity, trade.price) == (order_id, 10, rupees(100))
    assert broker.order_trades(order_id) == [trade]
    (holding,) = broker.holdings()
    assert (holding.symbol, holding.quantity, holding.today_quantity) == ("ABC", 10, 10)
    assert broker.funds().cash == 999_000


def test_an_order_of_an_earlier_day_is_still_found() -> None:
    broker, exchange = a_broker()
    order_id = broker.place(a_ticket())
    run_to(exchange, at(TUE, "10:00"))
    assert broker.order_book() == []
    found = broker.order(order_id)
    assert found is not None and found.word is BrokerWord.EXECUTED
    assert broker.order(BrokerOrderId("250103999999999")) is None


def test_a_refusal_before_there_is_an_order_is_a_rejection_with_the_text() -> None:
    broker, _ = a_broker()
    with pytest.raises(BrokerRejected, match="circuit freeze") as caught:
        broker.place(a_ticket(price=rupees(150)))
    assert caught.value.text.endswith("within 80.00 to 120.00.")
    assert broker.order_book() == []


def test_a_rejection_after_acceptance_is_seen_in_the_book() -> None:
    broker, exchange = a_broker(exchange=an_exchange(cash="10"))
    broker.place(a_ticket())
    run_to(exchange, at(MON, "09:01"))
    (order,) = broker.order_book()
    assert order.word is BrokerWord.REJECTED
    assert "Insufficient funds" in order.status_text


def test_modify_and_cancel_are_passed_on_and_refused_with_the_brokers_text() -> None:
    broker, _ = a_broker()
    order_id = broker.place(a_ticket())
    broker.modify(order_id, Variety.AMO, quantity=5, price=rupees(99))
    (order,) = broker.order_book()
    assert (order.quantity, order.price) == (5, rupees(99))
    broker.cancel(order_id, Variety.AMO)
    (cancelled,) = broker.order_book()
    assert cancelled.word is BrokerWord.CANCELLED
    with pytest.raises(BrokerRejected, match="being processed"):
        broker.cancel(order_id, Variety.AMO)


def test_cancelling_a_released_amo_as_an_amo_leaves_the_outcome_open() -> None:
    broker, exchange = a_broker()
    order_id = broker.place(a_ticket(price=rupees(90)))
    run_to(exchange, at(MON, "09:05"))
    with pytest.raises(OutcomeUnknown):
        broker.cancel(order_id, Variety.AMO)
    broker.cancel(order_id, Variety.REGULAR)


def refusal(http_status: int, error_type: ErrorType) -> Refused:
    return Refused(http_status=http_status, error_type=error_type, text="as told")


@pytest.mark.parametrize(
    ("dial", "error"),
    [
        (AnswerLostBefore(per_mille=1000), OutcomeUnknown),
        (AnswerLostAfter(per_mille=1000), OutcomeUnknown),
        (AnswerLostBefore(per_mille=1000, is_known=True), BrokerUnavailable),
        (ErrorInstead(per_mille=1000, refused=refusal(429, ErrorType.NETWORK)), RateLimited),
        (ErrorInstead(per_mille=1000, refused=refusal(403, ErrorType.TOKEN)), SessionExpired),
        (ErrorInstead(per_mille=1000, refused=refusal(503, ErrorType.NETWORK)), OutcomeUnknown),
        (ErrorInstead(per_mille=1000, refused=refusal(502, ErrorType.DATA)), OutcomeUnknown),
        (ErrorInstead(per_mille=1000, refused=refusal(500, ErrorType.GENERAL)), OutcomeUnknown),
        (ErrorInstead(per_mille=1000, refused=refusal(400, ErrorType.INPUT)), BrokerRejected),
        (ErrorInstead(per_mille=1000, refused=refusal(400, ErrorType.MARGIN)), BrokerRejected),
    ],
)
def test_faults_of_a_command_are_named_for_what_the_caller_does_next(dial: Dial, error: type[BrokerError]) -> None:
    broker, _ = a_broker(dial)
    with pytest.raises(error):
        broker.place(a_ticket())


@pytest.mark.parametrize(
    ("dial", "error"),
    [
        (EmptyBookIsError(), BrokerUnavailable),
        (AnswerLostBefore(per_mille=1000, calls=frozenset({"order_book"})), BrokerUnavailable),
        (
            ErrorInstead(per_mille=1000, refused=refusal(503, ErrorType.NETWORK), calls=COMMANDS | {"order_book"}),
            BrokerUnavailable,
        ),
        (
            ErrorInstead(per_mille=1000, refused=refusal(403, ErrorType.TOKEN), calls=frozenset({"order_book"})),
            SessionExpired,
        ),
    ],
)
def test_faults_of_a_question_are_never_an_empty_book(dial: Dial, error: type[BrokerError]) -> None:
    broker, _ = a_broker(dial)
    with pytest.raises(error):
        broker.order_book()


def test_terms_and_duplicate_tags_are_as_the_exchange_has_them() -> None:
    settings = ExchangeSettings(refuses_duplicate_tag=True)
    broker, _ = a_broker(exchange=an_exchange(settings=settings))
    assert broker.capabilities.refuses_duplicate_tag
    assert broker.terms(["ABC"])["ABC"].upper_limit == 120
    broker.place(a_ticket())
    with pytest.raises(BrokerRejected) as caught:
        broker.place(a_ticket())
    assert caught.value.code == "5204"


def test_quotes_leave_out_what_is_not_known() -> None:
    quotes = PaperQuotes(an_exchange(opening=at(MON, "09:16:30")))
    found = quotes.quotes(["ABC", "NOPE"])
    assert set(found) == {"ABC"}
    assert found["ABC"].last_price == rupees("100.5")


def test_threads_that_place_at_once_each_get_an_order_of_their_own() -> None:
    broker, _ = a_broker()
    ids: list[BrokerOrderId] = []

    def place_some(name: str) -> None:
        for number in range(25):
            ids.append(broker.place(a_ticket(tag=f"{name}{number}")))

    threads = [threading.Thread(target=place_some, args=(name,)) for name in "ABCD"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(set(ids)) == len(ids) == 100
    assert len(broker.order_book()) == 100
