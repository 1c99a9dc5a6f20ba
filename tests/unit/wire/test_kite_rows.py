"""What Kite's face answers has every field of what Kite publishes."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

from tests.unit.exchange.builders import ME, TUE, a_sell, an_exchange, at, placed, run_to, with_holding
from tests.unit.wire.clients import MORNING, House, KiteClient, read
from tests.unit.wire.published import published
from tradebot.domain.orders import Variety
from tradebot.exchange.rows import OrderUpdate
from tradebot.exchange.wire.kite.stream import postback
from tradebot.exchange.wire.messages import Request


def test_a_session_has_the_published_fields() -> None:
    house = House(an_exchange(opening=MORNING))
    app, sessions = house.kite.sessions.app, house.kite.sessions
    token = sessions.request_token(MORNING)
    checksum = hashlib.sha256(f"{app.api_key}{token}{app.api_secret}".encode()).hexdigest()
    form = {"api_key": app.api_key, "request_token": token, "checksum": checksum}
    answer = house.kite.handle(Request(method="POST", path="/session/token", body=urlencode(form).encode()))
    assert set(published("generate_session.json")["data"]) <= set(read(answer)["data"])


def test_a_history_has_the_published_fields_and_begins_without_the_exchange() -> None:
    kite = KiteClient(House(an_exchange(opening=MORNING)))
    rows = read(kite.ask("GET", f"/orders/{kite.placed()}"))["data"]
    assert set(published("order_info.json")["data"][0]) <= set(rows[0])
    assert [row["exchange_order_id"] is not None for row in rows] == [False, False, False, True]


def test_holdings_are_without_what_was_sold_today() -> None:
    exchange = an_exchange()
    with_holding(exchange, "ABC", 10)
    run_to(exchange, at(TUE, "09:20"))
    kite = KiteClient(House(exchange))
    before = read(kite.ask("GET", "/portfolio/holdings"))["data"][0]
    assert set(published("holdings.json")["data"][0]) <= set(before)
    assert (before["quantity"], before["t1_quantity"]) == (0, 10)
    placed(exchange, a_sell("ABC", 4, "95", variety=Variety.REGULAR))
    after = read(kite.ask("GET", "/portfolio/holdings"))["data"][0]
    assert (after["quantity"], after["t1_quantity"], after["used_quantity"]) == (0, 6, 4)
    assert read(kite.ask("GET", "/portfolio/positions"))["data"]["net"][0]["quantity"] == -4


def test_a_postback_is_signed_and_has_the_published_fields() -> None:
    house = House(an_exchange(opening=MORNING))
    kite, told = KiteClient(house), list[OrderUpdate]()
    house.venue.listeners.append(told.append)
    kite.ask("DELETE", f"/orders/regular/{kite.placed()}")
    app = house.kite.sessions.app
    body: dict[str, Any] = json.loads(postback(house.kite.rows, app, told[0]))
    assert set(published("postback.json")) <= set(body)
    signed = f"{body['order_id']}{body['order_timestamp']}{app.api_secret}"
    assert body["checksum"] == hashlib.sha256(signed.encode()).hexdigest()


def test_a_rejected_order_has_no_number_of_the_exchange() -> None:
    kite = KiteClient(House(an_exchange(opening=MORNING, cash=100)))
    kite.placed()
    row = kite.book()[0]
    assert (row["status"], row["exchange_order_id"], row["exchange_timestamp"]) == ("REJECTED", None, None)
    assert (row["pending_quantity"], row["cancelled_quantity"]) == (0, 0)
    assert row["status_message"].startswith("Insufficient funds. Required margin is 950.00 but available")
    assert row["status_message_raw"].startswith("RMS:Margin Exceeds,Required:950.00")


def test_an_order_of_yesterday_is_gone_from_the_history() -> None:
    house = House(an_exchange(opening=MORNING))
    kite = KiteClient(house)
    order_id = kite.placed()
    house.run_to(at(TUE, "09:00"))
    kite.log_in()
    assert read(kite.ask("GET", f"/orders/{order_id}"))["error_type"] == "OrderException"
    assert kite.book() == []
    assert house.venue.exchange.order(ME, order_id) is not None
