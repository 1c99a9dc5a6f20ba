"""Kite's forms: what is read from them, and what its gateway refuses."""

from __future__ import annotations

import pytest

from tests.unit.exchange.builders import MON, TUE, an_exchange, at
from tests.unit.wire.clients import MORNING, House, KiteClient, read, refusal
from tradebot.exchange.wire.kite.face import CAPS
from tradebot.exchange.wire.rates import Rates


@pytest.fixture
def kite() -> KiteClient:
    return KiteClient(House(an_exchange(opening=MORNING)))


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": "0"},
        {"quantity": "1.5"},
        {"quantity": "\u0665"},
        {"quantity": ""},
        {"price": "NaN"},
        {"price": "1e999"},
        {"price": "-1"},
        {"transaction_type": "HOLD"},
        {"exchange": "MOON"},
        {"tradingsymbol": "NOBODY"},
        {"product": "MIS"},
        {"product": "CNC2"},
        {"order_type": "SL", "price": "110"},
        {"validity": "TTL"},
        {"tag": "x" * 21},
        {"tag": "with space"},
        {"autoslice": "true"},
        {"disclosed_quantity": "11"},
    ],
    ids=str,
)
def test_a_placement_that_makes_no_sense_is_an_input_error_and_no_order(
    kite: KiteClient, changes: dict[str, str]
) -> None:
    assert refusal(kite.place(**changes)) == (400, "InputException")
    assert kite.book() == []


@pytest.mark.parametrize("variety", ["co", "iceberg", "auction", "bo", "nonsense"])
def test_other_varieties_are_refused(kite: KiteClient, variety: str) -> None:
    assert refusal(kite.place(variety)) == (400, "InputException")


def test_a_market_order_needs_protection(kite: KiteClient) -> None:
    refused = kite.place(order_type="MARKET", price="0")
    assert refusal(refused) == (400, "OrderException")
    assert "without market protection" in read(refused)["message"]
    kite.placed(order_type="MARKET", price="0", market_protection="-1")
    kite.placed(order_type="MARKET", price="0", market_protection="2", transaction_type="BUY")
    assert [row["order_type"] for row in kite.book()] == ["LIMIT", "LIMIT"]
    assert [row["price"] for row in kite.book()] == [101.0, 102.0]


def test_a_change_to_a_market_order_is_refused(kite: KiteClient) -> None:
    order_id = kite.placed()
    refused = kite.ask("PUT", f"/orders/regular/{order_id}", order_type="MARKET")
    assert "without market protection" in read(refused)["message"]


def test_another_trigger_price_is_refused(kite: KiteClient) -> None:
    order_id = kite.placed(order_type="SL", price="110", trigger_price="109")
    same = kite.ask("PUT", f"/orders/regular/{order_id}", quantity="5", trigger_price="109")
    assert read(same)["status"] == "success"
    assert refusal(kite.ask("PUT", f"/orders/regular/{order_id}", trigger_price="108")) == (400, "OrderException")


def test_a_released_order_answers_to_regular_only() -> None:
    house = House(an_exchange(opening=at(MON, "18:00")))
    kite = KiteClient(house)
    order_id = kite.placed("amo", price="81")
    assert refusal(kite.ask("DELETE", f"/orders/regular/{order_id}")) == (400, "OrderException")
    house.run_to(at(TUE, "09:05"))
    kite.log_in()
    assert kite.book()[0]["variety"] == "amo"
    assert refusal(kite.ask("DELETE", f"/orders/amo/{order_id}")) == (503, "NetworkException")
    assert read(kite.ask("DELETE", f"/orders/regular/{order_id}"))["status"] == "success"


def test_a_token_dies_at_six_in_the_morning() -> None:
    house = House(an_exchange(opening=at(MON, "18:00")))
    kite = KiteClient(house)
    house.run_to(at(TUE, "05:59"))
    assert kite.book() == []
    house.run_to(at(TUE, "06:00"))
    assert refusal(kite.ask("GET", "/orders")) == (403, "TokenException")


def test_a_login_that_fails_leaves_the_session_alone(kite: KiteClient) -> None:
    assert refusal(kite.ask("POST", "/session/token", api_key="kitekey", request_token="x")) == (403, "TokenException")
    assert kite.book() == []


def test_a_request_token_works_once() -> None:
    house = House(an_exchange(opening=MORNING))
    sessions = house.kite.sessions
    token = sessions.request_token(MORNING)
    assert sessions.open(sessions.app.api_key, token, "wrong", MORNING) is None
    assert sessions.open(sessions.app.api_key, token, "wrong", MORNING) is None


def test_the_eleventh_order_of_a_second_is_too_many() -> None:
    house = House(an_exchange(opening=MORNING), kite_rates=Rates(CAPS))
    kite = KiteClient(house)
    answers = [kite.place(quantity=1) for _ in range(11)]
    assert [getattr(answer, "status", None) for answer in answers] == [200] * 10 + [429]
    house.run_to(at(MON, "10:00:01"))
    assert refusal(kite.place(price="0"))[0] == 400, "the next second is a new one"


def test_what_is_not_served_is_said_to_be_unknown(kite: KiteClient) -> None:
    assert refusal(kite.ask("GET", "/gtt/triggers")) == (404, "GeneralException")
    assert refusal(kite.ask("POST", "/orders/regular/1/2/3")) == (404, "GeneralException")
