"""The exchange process as Kotak Neo shows it, through real sockets."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from config.market_rules import load_market
from tests.venue import ANSWERS_WITHIN_S, ROOT, Venue, small_market, venue_in_thread
from tradebot.exchange.wire.directory import Directory

DAY = "2026-09-16"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    data = small_market(tmp_path)
    with venue_in_thread(tmp_path / "venue", at=f"{DAY}T09:00:00", has_rate_limits=False, data=data) as running:
        yield running


class Client:
    """A hand-written client of the protocol."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.session = venue.kotak_login()

    def call(self, method: str, path: str, data: dict[str, str] | None = None) -> requests.Response:
        headers = {
            "Auth": self.session.token,
            "Sid": self.session.sid,
            "Authorization": self.venue.kotak.access_token,
            "neo-fin-key": "neotradeapi",
        }
        body = None if data is None else {"jData": json.dumps(data, separators=(",", ":"))}
        url = self.session.base_url + path
        return requests.request(method, url, data=body, headers=headers, timeout=ANSWERS_WITHIN_S)

    def place(self, **fields: str) -> requests.Response:
        data = {
            "am": "NO",
            "dq": "0",
            "es": "nse_cm",
            "mp": "0",
            "pc": "CNC",
            "pt": "L",
            "qt": "5",
            "rt": "DAY",
            "tp": "0",
            "ts": "INFY-EQ",
            "tt": "B",
            "ig": "T1",
            "os": "NEOTRADEAPI",
        } | fields
        return self.call("POST", "/quick/order/rule/ms/place", data)

    def placed(self, **fields: str) -> str:
        answer = self.place(**fields).json()
        assert (answer["stat"], answer["stCode"]) == ("Ok", 200), answer
        return str(answer["nOrdNo"])

    def scrips(self) -> list[dict[str, str]]:
        paths = self.call("GET", "/script-details/1.0/masterscrip/file-paths").json()["data"]["filesPaths"]
        text = requests.get(paths[0], timeout=ANSWERS_WITHIN_S).text
        return [{name.strip(" ;"): value for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))]

    def quote(self, symbol: str = "INFY") -> Any:
        number = directory().exchange_token(symbol)
        return self.call("GET", f"/script-details/1.0/quotes/neosymbol/nse_cm|{number}/all").json()[0]

    def row(self, order_id: str) -> Any:
        rows = self.call("GET", "/quick/user/orders").json()["data"]
        return next(row for row in rows if row["nOrdNo"] == order_id)


@cache
def directory() -> Directory:
    """The exchange's numbers, without waiting for the scrip master in every test."""
    return Directory(load_market(ROOT / "config" / "market").instruments)


@pytest.fixture
def client(venue: Venue) -> Client:
    return Client(venue)


def test_an_order_lives_from_its_placement_to_its_trades(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    order_id = client.placed(pr=client.quote()["depth"]["sell"][4]["price"])
    row = client.row(order_id)
    assert (row["ordSt"], row["GuiOrdId"], row["rejRsn"]) == ("complete", "T1", "--")
    assert (row["fldQty"], row["unFldSz"], row["qty"]) == (5, 0, 5)
    trades = client.call("GET", "/quick/user/trades").json()["data"]
    assert (sum(trade["fldQty"] for trade in trades), trades[0]["tok"]) == (5, "")
    history = client.call("POST", "/quick/order/history", {"nOrdNo": order_id}).json()["data"]
    assert history[-1]["ordSt"] == "put order req received", "newest first"
    position = client.call("GET", "/portfolio/v2/positions").json()["data"][0]
    assert (position["flBuyQty"], position["trdSym"]) == ("5", "INFY-EQ")


def test_an_order_is_modified_and_cancelled_and_then_completed(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    low = client.quote()["low_price_range"]
    order_id = client.placed(pr=low)
    modified = client.call(
        "POST",
        "/quick/order/vr/modify",
        {"no": order_id, "pr": low, "pt": "L", "qt": "7", "vd": "DAY", "tp": "0", "dq": "0", "mp": "0", "am": "NO"},
    )
    assert modified.json()["stat"] == "Ok"
    assert client.row(order_id)["qty"] == 7
    cancel = {"on": order_id, "am": "NO"}
    assert client.call("POST", "/quick/order/cancel", cancel).json()["stat"] == "Ok"
    assert client.row(order_id)["ordSt"] == "cancelled"
    again = client.call("POST", "/quick/order/cancel", cancel)
    assert (again.status_code, again.json()["stCode"]) == (400, 1021)


def test_an_after_market_order_has_words_of_its_own(tmp_path: Path) -> None:
    with venue_in_thread(tmp_path / "venue", at="2026-09-15T17:30:00", has_rate_limits=False) as venue:
        client = Client(venue)
        order_id = client.placed(am="YES", pr=client.quote()["low_price_range"])
        assert client.row(order_id)["ordSt"] == "after market order req received"
        client.call("POST", "/quick/order/cancel", {"on": order_id, "am": "YES"})
        assert client.row(order_id)["ordSt"] == "cancelled after market order"


def test_the_scrip_master_is_the_published_table(client: Client) -> None:
    row = next(row for row in client.scrips() if row["pTrdSymbol"] == "INFY-EQ")
    assert row["pSymbol"] == str(directory().exchange_token("INFY"))
    assert float(row["dTickSize"]) in (1, 5, 10, 50), "paise"
    assert float(row["dLowPriceRange"]) < float(row["dHighPriceRange"])


def test_an_empty_book_is_an_error(client: Client) -> None:
    answer = client.call("GET", "/quick/user/orders")
    assert answer.json() == {"stat": "Not_Ok", "stCode": 5203, "errMsg": "No Data"}


def test_a_zero_with_decimals_is_refused(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    answer = client.place(pr=client.quote()["low_price_range"], tp="0.0")
    assert (answer.status_code, answer.json()["stCode"]) == (400, 1007)


def test_a_market_order_becomes_a_limit_order_with_protection(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    last = float(client.quote()["ltp"])
    row = client.row(client.placed(pt="MKT", pr="0"))
    assert row["prcTp"] == "L"
    assert last < float(row["prc"]) < last * 1.03


def test_stop_orders_without_a_limit_are_refused(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    high = client.quote()["high_price_range"]
    assert client.place(pt="SL-M", pr="0", tp=high).json()["errMsg"] == "Market order with Algo Id not allowed"
    assert client.row(client.placed(pt="SL", pr=high, tp=high))["ordSt"] == "trigger pending"


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"ucc": "OTHER"}, "Invalid UCC"), ({"totp": "000000"}, "Invalid TOTP")],
    ids=["user", "code"],
)
def test_a_wrong_login_is_refused_with_200(venue: Venue, changed: dict[str, str], told: str) -> None:
    data = {"mobileNumber": venue.kotak.mobile, "ucc": venue.kotak.ucc, "totp": "000000"} | changed
    answer = requests.post(
        f"{venue.url}/login/1.0/tradeApiLogin",
        headers={"Authorization": venue.kotak.access_token},
        json=data,
        timeout=ANSWERS_WITHIN_S,
    )
    assert (answer.status_code, answer.json()["errMsg"]) == (200, told)


def test_a_dead_session_asks_nothing(client: Client, venue: Venue) -> None:
    venue.admin("POST", "/sessions/end")
    answer = client.call("GET", "/quick/user/orders")
    assert (answer.status_code, answer.json()["stCode"]) == (403, 100022)


def test_quotes_need_no_session_and_refuse_a_bad_symbol(client: Client, venue: Venue) -> None:
    venue.admin("POST", "/sessions/end")
    assert client.quote()["display_symbol"] == "INFY-EQ"
    bad = client.call("GET", "/script-details/1.0/quotes/neosymbol/nse_cm|1/all")
    assert (bad.status_code, bad.json()["stCode"]) == (200, 1009)


@pytest.mark.parametrize("form", ["raw", "json"])
def test_the_order_feed_tells_of_an_order(client: Client, venue: Venue, form: str) -> None:
    venue.advance(f"{DAY}T09:30:00")
    token, sid = client.session.token, client.session.sid
    who = f"{{type:cn,Authorization:{token},Sid:{sid},src:WEB}}"
    if form == "json":
        who = json.dumps({"type": "cn", "Authorization": token, "Sid": sid, "src": "WEB"})
    with connect(f"{venue.ws_url}/realtime") as stream:
        stream.send(who)
        assert json.loads(stream.recv(timeout=ANSWERS_WITHIN_S))["ak"] == "ok"
        order_id = client.placed(pr=client.quote()["depth"]["sell"][4]["price"])
        event = _next_order(stream)
    assert (event["nOrdNo"], event["ordSt"]) == (order_id, "complete")


def test_the_order_feed_refuses_a_stranger(venue: Venue) -> None:
    with connect(f"{venue.ws_url}/realtime") as stream:
        stream.send("{type:cn,Authorization:x,Sid:y,src:WEB}")
        answer = json.loads(stream.recv(timeout=ANSWERS_WITHIN_S))
    assert (answer["ak"], answer["msg"]) == ("nk", "Authentication Failed")


def _next_order(stream: ClientConnection) -> Any:
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while time.monotonic() < deadline:
        message = json.loads(stream.recv(timeout=ANSWERS_WITHIN_S))
        if message["type"] == "order":
            return message["data"]
    raise AssertionError("no order event came")
