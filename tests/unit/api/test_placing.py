"""Placing over HTTP: exactly once for each key, refused with figures, and nothing hostile gets in."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.api.rig import DEADLINE_S, Rig, a_rig
from tradebot.domain.access import Scope
from tradebot.interfaces.api.services import Limits

ORDERS = "/api/v1/user/orders"
PLACE = "/api/orders/place"
WANTED = {"symbol": "INFY", "side": "BUY", "quantity": 5, "price": "1000.00"}
SIMPLE = {
    "symbol": "INFY",
    "order_type": "BUY",
    "order_price": 1000,
    "order_quantity": 5,
    "user_id": "owner",
    "user_type": "demo",
}


def place(rig: Rig, body: object = WANTED, key: str | None = None, **options: Any) -> httpx.Response:
    headers = {**options.pop("headers", {}), **({"Idempotency-Key": key} if key else {})}
    return rig.client.post(ORDERS, json=body, headers=headers, **options)


def sent(rig: Rig) -> int:
    return int(rig.do(lambda house: house.broker.count("place")))


def test_an_order_is_durable_when_it_is_answered_and_carries_the_callers_correlation_id(rig: Rig) -> None:
    answer = place(rig, headers={"X-Correlation-ID": "desk-1"})
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert (order["symbol"], order["side"], order["quantity"], order["price"]) == ("INFY", "buy", 5, "1000.00")
    assert rig.do(lambda house: house.count_rows("orders")) == 1
    story = rig.get(f"{ORDERS}/{order['id']}").json()
    assert {event["correlation_id"] for event in story["events"]} == {"desk-1"}
    assert sent(rig) == 1


def test_the_same_key_and_body_is_the_same_order_and_another_body_a_conflict(rig: Rig) -> None:
    first = place(rig, key="key-1")
    again = place(rig, {**WANTED, "price": 1000}, key="key-1")
    other = place(rig, {**WANTED, "quantity": 6}, key="key-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 409
    assert place(rig, key="key-2").json().get("id") != first.json()["id"]


def test_a_hundred_requests_at_once_with_one_key_place_one_order(rig: Rig) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: place(rig, key="together"), range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sent(rig) == 1


def test_what_a_guard_blocks_is_refused_with_its_figures(rig: Rig) -> None:
    rig.client.post("/control/pause")
    refused = place(rig)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "blocked")
    assert refused.json()["error"]["message"]
    assert sent(rig) == 0


def test_the_same_key_gets_the_same_refusal(rig: Rig) -> None:
    """Of an order too large for its symbol a failed row is kept."""
    first, again = (place(rig, {**WANTED, "quantity": 5_000}, key="large") for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert first.json()["error"]["message"] == again.json()["error"]["message"]
    assert first.json()["error"]["details"] == again.json()["error"]["details"]
    assert sent(rig) == 0


def test_the_kill_switch_stops_entries_until_it_is_released(rig: Rig) -> None:
    assert rig.client.post("/control/kill", json={"mode": "STOP"}).status_code == 200
    assert place(rig).status_code == 422
    assert rig.client.post("/control/release").status_code == 200
    assert place(rig).status_code == 201
    assert rig.client.post("/control/kill", json={"mode": "panic"}).status_code == 422


def test_an_account_that_the_token_does_not_name_is_not_there(rig: Rig) -> None:
    assert place(rig, {**WANTED, "account_id": "other"}).status_code == 404
    reader = rig.token(Scope.READ)
    assert place(rig, headers=reader).status_code == 403
    assert rig.client.post(PLACE, json=SIMPLE, headers=reader).status_code == 403
    assert sent(rig) == 0


def test_the_words_of_older_programs_place_the_same_order(rig: Rig) -> None:
    assert rig.client.post(PLACE, json=SIMPLE).status_code == 201
    assert rig.client.post(PLACE, json={**SIMPLE, "user_id": "somebody"}).status_code == 403
    assert rig.client.post(PLACE, json={**SIMPLE, "user_type": "live"}).json()["error"]["code"] == "wrong_user_type"
    assert rig.client.post(PLACE, json={**SIMPLE, "symbol": "NOSUCH"}).status_code == 422
    assert sent(rig) == 1


def changed(name: str, value: str) -> bytes:
    """The body with one field's value as it is written in JSON."""
    fields = {field: json.dumps(given) for field, given in WANTED.items()} | {name: value}
    return ("{" + ",".join(f'"{field}":{given}' for field, given in fields.items()) + "}").encode()


HOSTILE = [
    *(
        changed("price", value)
        for value in ("NaN", "Infinity", "-Infinity", "1e999", "-0.0", "0", "-1", "1e30", "10.00001")
    ),
    *(changed("price", value) for value in ("true", "null", '""', '"1e3"', '"१००"', '"NaN"', "[1]", "{}", "1000001")),
    *(
        changed("quantity", value)
        for value in ("true", "false", "1.0", '"5"', "0", "-1", "100000000000000000000", "1e1")
    ),
    *(changed("side", value) for value in ('"hold"', '""', "1", "null", '"BUY\\u0000"')),
    *(
        changed("symbol", value)
        for value in ('""', '"IN FY"', '"../x"', '"\\uff29NFY"', '"\\ud800"', "5", f'"{"A" * 65}"')
    ),
    changed("unknown", "1"),
    changed("quantity", "1")[:-1] + b',"quantity":2}',
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"{",
    b"\xff\xfe{}",
    b"[" * 10_000,
    b'{"a":' * 5_000,
    changed("price", "9" * 5_000),
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:60]))
def test_a_hostile_body_is_refused_and_nothing_is_sent(shared_rig: Rig, body: bytes) -> None:
    for path in (ORDERS, PLACE):
        refused = shared_rig.client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= refused.status_code < 500, refused.text
        assert set(refused.json()["error"]) == {"code", "message", "details", "correlation_id"}
    assert sent(shared_rig) == 0


@pytest.mark.parametrize("body", ["3.5", "1e2", "7", "[]", '"stop"', "true"])
def test_a_kill_is_never_read_into_a_body_that_is_no_object(shared_rig: Rig, body: str) -> None:
    """A framework's model whose fields all have defaults takes a Decimal for one of its own."""
    headers = {"Content-Type": "application/json"}
    assert shared_rig.client.post("/control/kill", content=body, headers=headers).status_code == 422


def test_a_body_of_ten_megabytes_is_refused_before_it_is_read(shared_rig: Rig) -> None:
    big = b"x" * 10_000_000
    with socket.create_connection(("127.0.0.1", shared_rig.server.port), timeout=DEADLINE_S) as raw:
        head = f"POST {ORDERS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(big)}\r\n\r\n"
        raw.sendall(head.encode())
        assert b" 413 " in raw.recv(1_000)


def test_a_body_without_a_length_is_cut_at_the_bound(shared_rig: Rig) -> None:
    with socket.create_connection(("127.0.0.1", shared_rig.server.port), timeout=DEADLINE_S) as raw:
        raw.sendall(f"POST {ORDERS} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(5):
            raw.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        assert b" 413 " in raw.recv(1_000)


def test_a_slow_body_is_given_up(tmp_path: Path) -> None:
    with (
        a_rig(tmp_path, limits=Limits(body_s_max=0.2)) as rig,
        socket.create_connection(("127.0.0.1", rig.server.port), timeout=DEADLINE_S) as raw,
    ):
        raw.sendall(f"POST {ORDERS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{{".encode())
        assert b" 408 " in raw.recv(1_000)
        assert sent(rig) == 0


def test_a_body_that_is_cut_off_places_nothing(rig: Rig) -> None:
    body = json.dumps(WANTED).encode()
    with socket.create_connection(("127.0.0.1", rig.server.port), timeout=DEADLINE_S) as raw:
        head = f"POST {ORDERS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        raw.sendall(f"{head}Content-Length: {len(body) + 10}\r\n\r\n".encode() + body)
    assert rig.get("/health").status_code == 200
    assert sent(rig) == 0
