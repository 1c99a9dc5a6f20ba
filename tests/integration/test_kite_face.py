"""The exchange process as Kite Connect shows it, through real sockets."""

from __future__ import annotations

import base64
import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from tests.venue import ANSWERS_WITHIN_S, Venue, running_venue, small_market, venue_in_thread

DAY = "2026-09-16"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    data = small_market(tmp_path)
    with venue_in_thread(tmp_path / "venue", at=f"{DAY}T09:00:00", has_rate_limits=False, data=data) as running:
        yield running


class Client:
    """A hand-written client of the documented protocol."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.token = venue.kite_login()

    def call(self, method: str, path: str, **fields: Any) -> requests.Response:
        is_form = method in ("POST", "PUT")
        headers = {"X-Kite-Version": "3", "Authorization": f"token {self.venue.app.api_key}:{self.token}"}
        return requests.request(
            method,
            self.venue.url + path,
            data=fields if is_form else None,
            params=None if is_form else fields,
            headers=headers,
            timeout=ANSWERS_WITHIN_S,
        )

    def data(self, method: str, path: str, **fields: Any) -> Any:
        answer = self.call(method, path, **fields)
        assert answer.json()["status"] == "success", answer.text
        return answer.json()["data"]

    def place(self, variety: str = "regular", **fields: Any) -> str:
        form = {
            "exchange": "NSE",
            "tradingsymbol": "INFY",
            "transaction_type": "BUY",
            "quantity": 5,
            "product": "CNC",
            "order_type": "LIMIT",
            "validity": "DAY",
            "tag": "T1",
        } | fields
        return str(self.data("POST", f"/orders/{variety}", **form)["order_id"])

    def quote(self, name: str = "NSE:INFY") -> Any:
        return self.data("GET", "/quote", i=name)[name]

    def history(self, order_id: str) -> list[str]:
        return [row["status"] for row in self.data("GET", f"/orders/{order_id}")]

    def row(self, order_id: str) -> Any:
        return next(row for row in self.data("GET", "/orders") if row["order_id"] == order_id)


@pytest.fixture
def client(venue: Venue) -> Client:
    return Client(venue)


def test_an_order_lives_from_its_placement_to_its_trades(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    price = client.quote()["depth"]["sell"][4]["price"]
    order_id = client.place(price=price)
    venue.advance(f"{DAY}T15:00:00")
    assert client.history(order_id)[:4] == ["PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN"]
    row = client.row(order_id)
    assert (row["status"], row["filled_quantity"], row["tag"]) == ("COMPLETE", 5, "T1")
    trades = client.data("GET", f"/orders/{order_id}/trades")
    assert sum(trade["quantity"] for trade in trades) == 5
    assert client.data("GET", "/portfolio/positions")["net"][0]["quantity"] == 5


def test_an_order_is_modified_and_cancelled(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    low = client.quote()["lower_circuit_limit"]
    order_id = client.place(price=low)
    client.data("PUT", f"/orders/regular/{order_id}", quantity=7, price=low)
    client.data("DELETE", f"/orders/regular/{order_id}")
    row = client.row(order_id)
    assert (row["status"], row["quantity"], row["modified"]) == ("CANCELLED", 7, True)
    assert (row["pending_quantity"], row["cancelled_quantity"]) == (7, 7)
    statuses = client.history(order_id)
    assert statuses[4:8] == ["MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "OPEN"]
    assert statuses[8:] == ["CANCEL PENDING", "CANCELLED"]


def test_a_stop_order_waits_for_its_trigger(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    last, high = client.quote()["last_price"], client.quote()["upper_circuit_limit"]
    wrong = client.call(
        "POST",
        "/orders/regular",
        exchange="NSE",
        tradingsymbol="INFY",
        transaction_type="BUY",
        quantity=1,
        product="CNC",
        order_type="SL",
        price=high,
        trigger_price=last,
    )
    assert (wrong.status_code, wrong.json()["error_type"]) == (400, "InputException")
    order_id = client.place(order_type="SL", price=high, trigger_price=high)
    row = client.row(order_id)
    assert (row["status"], row["order_type"], row["trigger_price"]) == ("TRIGGER PENDING", "SL", high)


def test_an_after_market_order_is_released_in_the_morning(tmp_path: Path) -> None:
    with venue_in_thread(tmp_path / "venue", at="2026-09-15T17:30:00", has_rate_limits=False) as venue:
        client = Client(venue)
        high = client.quote()["upper_circuit_limit"]
        order_id = client.place("amo", price=high)
        assert client.history(order_id) == ["AMO REQ RECEIVED"]
        venue.advance(f"{DAY}T08:30:00")
        refused = client.call("GET", "/orders")
        assert refused.json()["error_type"] == "TokenException", "the session dies at six"
        client.token = venue.kite_login()
        assert client.row(order_id)["status"] == "AMO REQ RECEIVED"
        venue.advance(f"{DAY}T09:16:00")
        row = client.row(order_id)
        assert (row["status"], row["variety"]) == ("COMPLETE", "amo")


def test_a_new_login_ends_the_one_before(client: Client, venue: Venue) -> None:
    before = client.token
    client.token = venue.kite_login()
    assert client.call("GET", "/user/profile").status_code == 200
    client.token = before
    dead = client.call("GET", "/user/profile")
    assert (dead.status_code, dead.json()["error_type"]) == (403, "TokenException")


def test_a_wrong_checksum_opens_nothing(venue: Venue) -> None:
    token = venue.admin("POST", "/kite/request-token")["request_token"]
    form = {"api_key": venue.app.api_key, "request_token": token, "checksum": "00"}
    answer = requests.post(f"{venue.url}/session/token", data=form, timeout=ANSWERS_WITHIN_S)
    assert (answer.status_code, answer.json()["error_type"]) == (403, "TokenException")


def test_the_rows_have_the_fields_of_the_published_ones(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    client.place(price=client.quote()["depth"]["sell"][4]["price"])
    venue.advance(f"{DAY}T15:00:00")
    for path, name in (("/orders", "orders"), ("/trades", "trades")):
        published = _published(f"{name}.json")["data"][0]
        assert set(published) <= set(client.data("GET", path)[0]), path
    assert set(_published("positions.json")["data"]["net"][0]) <= set(
        client.data("GET", "/portfolio/positions")["net"][0]
    )
    assert set(_published("quote.json")["data"]["NSE:INFY"]) <= set(client.quote())
    margins = client.data("GET", "/user/margins")["equity"]
    published_margins = _published("margins.json")["data"]["equity"]
    assert set(published_margins) == set(margins)
    assert set(published_margins["utilised"]) == set(margins["utilised"])


def test_the_instruments_come_as_the_published_table(client: Client) -> None:
    answer = client.call("GET", "/instruments/NSE")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert "csv" in answer.headers["content-type"]
    assert {row["tradingsymbol"] for row in table} >= {"INFY", "SBIN"}
    assert int(table[0]["instrument_token"]) == int(table[0]["exchange_token"]) * 256 + 1


def test_order_events_and_ticks_come_over_one_stream(client: Client, venue: Venue) -> None:
    venue.advance(f"{DAY}T09:30:00")
    quote = client.quote()
    url = f"{venue.ws_url}?api_key={venue.app.api_key}&access_token={client.token}"
    with connect(url) as stream:
        stream.send(json.dumps({"a": "mode", "v": ["full", [quote["instrument_token"]]]}))
        order_id = client.place(price=quote["depth"]["sell"][4]["price"])
        frames = _until(stream, lambda seen: _has_tick(seen) and any('"COMPLETE"' in str(frame) for frame in seen))
    events = [json.loads(frame)["data"] for frame in frames if isinstance(frame, str)]
    assert {event["order_id"] for event in events} == {order_id}
    assert events[-1]["status"] == "COMPLETE"
    tick = next(frame for frame in frames if isinstance(frame, bytes) and len(frame) > 100)
    assert int.from_bytes(tick[4:8], "big") == quote["instrument_token"]
    assert len(tick) == 2 + 2 + 184


def test_a_stream_without_a_session_is_refused(venue: Venue) -> None:
    with pytest.raises(Exception, match="403"), connect(f"{venue.ws_url}?api_key=x&access_token=y"):
        pass


def test_the_books_survive_a_killed_process(tmp_path: Path) -> None:
    with running_venue(tmp_path / "venue", at=f"{DAY}T09:30:00") as venue:
        client = Client(venue)
        order_id = client.place(price=client.quote()["lower_circuit_limit"])
        venue.kill()
    with running_venue(tmp_path / "venue", at=f"{DAY}T09:30:00") as again:
        assert [entry["order"]["order_id"] for entry in again.books()] == [order_id]
        client.venue = again
        assert client.row(order_id)["status"] == "OPEN", "and the session as well"


def _published(name: str) -> Any:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "kite-responses"
    if not folder.exists():
        pytest.skip(f"the published answers of Kite are not on this machine ({folder})")
    text = (folder / name).read_text()
    return json.loads(text) if name.endswith(".json") else base64.b64decode(text)


def _has_tick(frames: list[str | bytes]) -> bool:
    return any(isinstance(frame, bytes) and len(frame) > 100 for frame in frames)


def _until(stream: Any, is_enough: Callable[[list[str | bytes]], bool]) -> list[str | bytes]:
    """Everything that comes until it is enough; heartbeats never end, so there is a deadline."""
    frames: list[str | bytes] = []
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while not is_enough(frames):
        assert time.monotonic() < deadline, frames
        frames.append(stream.recv(timeout=ANSWERS_WITHIN_S))
    return frames
