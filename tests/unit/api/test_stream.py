"""The order stream over real sockets: greeting, sequence, what was missed, slow clients, rights."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.builders import a_signal
from tests.unit.api.rig import ACCOUNT, DEADLINE_S, Rig
from tests.unit.api.test_orders import fill, place
from tests.unit.engine.fakes import FakeClock
from tests.unit.storage.builders import an_event, an_order
from tradebot.domain.access import Scope
from tradebot.domain.stored import Changes
from tradebot.interfaces.api.stream.subscriber import BURST_MAX, PATIENCE_S, QUEUE_MAX, Subscriber


@contextmanager
def listening(rig: Rig, path: str = f"/ws/orders/{ACCOUNT}", **options: Any) -> Iterator[ClientConnection]:
    with connect(f"ws://127.0.0.1:{rig.server.port}{path}", open_timeout=DEADLINE_S, **options) as socket:
        yield socket


def next_of(socket: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(socket.recv(DEADLINE_S)))


def greeting(socket: ClientConnection) -> tuple[dict[str, Any], dict[str, Any]]:
    return next_of(socket), next_of(socket)


def end_of(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(DEADLINE_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_a_client_is_greeted_gets_what_stands_and_then_every_change_in_sequence(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    with listening(rig) as socket:
        hello, snapshot = greeting(socket)
        assert (hello["type"], hello["account_id"], hello["seq"]) == ("connection_established", ACCOUNT, 2)
        assert (snapshot["type"], snapshot["seq"]) == ("snapshot", 2)
        assert [standing["order_id"] for standing in snapshot["orders"]] == [order["id"]]

        fill(rig, order, 4)
        partly = next_of(socket)
        fill(rig, order, 6)
        wholly = next_of(socket)

    assert [partly["seq"], wholly["seq"]] == [3, 4]
    assert partly["type"] == "order_update"
    assert partly["data"]["filled_quantity"] == 4
    assert (wholly["data"]["filled_quantity"], wholly["data"]["status"]) == (10, "ongoing")
    assert set(wholly["data"]) >= {
        *("order_id", "coid", "broker_order_id", "status", "broker_status", "filled_quantity"),
        *("average_price", "reason", "event"),
    }


def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    with listening(rig) as socket:
        seen = greeting(socket)[0]["seq"]
    for _ in range(3):
        fill(rig, order, 1)
    with listening(rig, f"/ws/orders/{ACCOUNT}?since={seen}") as socket:
        next_of(socket)
        missed = [next_of(socket) for _ in range(3)]
        fill(rig, order, 1)
        live = next_of(socket)
    assert [update["seq"] for update in [*missed, live]] == [seen + 1, seen + 2, seen + 3, seen + 4]
    assert [update["data"]["filled_quantity"] for update in [*missed, live]] == [1, 2, 3, 4]


@pytest.mark.parametrize("since", ["9999999", "-1", "x", "१", "1" * 40])
def test_a_since_that_makes_no_sense_brings_a_new_picture(shared_rig: Rig, since: str) -> None:
    with listening(shared_rig, f"/ws/orders/{ACCOUNT}?since={since}") as socket:
        assert greeting(socket)[1]["type"] == "snapshot"


def test_a_client_that_does_not_read_is_closed_with_a_reason_and_slows_nobody(rig: Rig) -> None:
    count = 40 * QUEUE_MAX
    order = an_order(1, user_id="owner", account_id=ACCOUNT, reason="x" * 500)
    with listening(rig, max_queue=1) as slow, listening(rig) as quick:
        greeting(slow), greeting(quick)
        for number in range(0, count, 100):
            events = [
                an_event(order, sequence, account_id=ACCOUNT, reason=order.reason)
                for sequence in range(number + 1, number + 101)
            ]
            rig.do(lambda house, events=events: house.engine.bus.saved(Changes(orders=[order], events=events)))  # type: ignore[misc]
            assert [next_of(quick)["seq"] for _ in range(100)] == [event.sequence for event in events]
        code, reason = end_of(slow)
    assert (code, "since" in reason) == (1013, True)


def test_a_transaction_with_more_updates_than_may_wait_closes_nobody_that_reads(rig: Rig) -> None:
    order = an_order(1, user_id="owner", account_id=ACCOUNT)
    events = [an_event(order, sequence, account_id=ACCOUNT) for sequence in range(1, 20 * QUEUE_MAX + 1)]
    with listening(rig) as socket:
        greeting(socket)
        rig.do(lambda house: house.engine.bus.saved(Changes(orders=[order], events=events)))
        told = [next_of(socket)["seq"] for _ in events]
    assert told == [event.sequence for event in events]


def test_a_client_may_be_behind_for_a_second_and_by_a_burst_and_no_more() -> None:
    clock = FakeClock()

    def behind_by(count: int) -> Subscriber:
        subscriber = Subscriber((ACCOUNT,), clock)
        for sequence in range(1, count + 1):
            subscriber.put(ACCOUNT, sequence, "{}")
        return subscriber

    in_a_burst, beyond_it, for_long, caught_up = (
        behind_by(count) for count in (BURST_MAX, BURST_MAX + 1, QUEUE_MAX + 1, QUEUE_MAX + 1)
    )
    asyncio.run(caught_up.take())
    clock.at += timedelta(seconds=PATIENCE_S + 0.1)
    was_slow = in_a_burst.is_slow
    for subscriber in (for_long, caught_up):
        subscriber.put(ACCOUNT, BURST_MAX, "{}")

    assert (was_slow, beyond_it.is_slow, for_long.is_slow, caught_up.is_slow) == (False, True, True, False)


def test_words_are_answered_and_channels_chosen(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    with listening(rig) as socket:
        greeting(socket)
        for word in ("ping", "subscribe:positions", "unsubscribe:orders", "subscribe:everything", "\x00"):
            socket.send(word)
        assert socket.recv(DEADLINE_S) == "pong"
        assert next_of(socket) == {"type": "subscribed", "channel": "positions"}
        assert next_of(socket) == {"type": "unsubscribed", "channel": "orders"}
        assert [next_of(socket)["type"] for _ in range(2)] == ["error", "error"]
        fill(rig, order)
        told = next_of(socket)
    assert (told["type"], told["data"]["symbol"]) == ("position_update", "INFY")


def test_who_has_no_right_is_closed_with_1008(rig: Rig) -> None:
    trader = rig.token(Scope.TRADE)
    stranger = rig.token(Scope.READ, accounts=("other",))
    for headers in (trader, stranger, {"Authorization": "Bearer tb_x_y"}):
        with listening(rig, additional_headers=headers) as socket:
            assert end_of(socket)[0] == 1008
    with listening(rig) as socket:
        socket.send("let me in")
        assert end_of(socket) == (1008, "no token")
    with listening(rig, origin="http://evil.example") as socket:  # type: ignore[arg-type]
        assert end_of(socket) == (1008, "wrong_origin")


def test_a_token_comes_as_header_subprotocol_cookie_or_first_word(rig: Rig) -> None:
    headers = rig.token(Scope.READ)
    token = headers["Authorization"].removeprefix("Bearer ")
    ways: list[dict[str, Any]] = [
        {"additional_headers": headers},
        {"additional_headers": {"Cookie": f"tradebot_token={token}"}},
        {"subprotocols": ["tradebot", f"token.{token}"]},
    ]
    for options in ways:
        with listening(rig, **options) as socket:
            assert greeting(socket)[0]["type"] == "connection_established"
    with listening(rig) as socket:
        socket.send(json.dumps({"type": "auth", "token": token}))
        assert greeting(socket)[0]["type"] == "connection_established"


def test_all_accounts_of_a_token_are_heard_in_one_stream(rig: Rig) -> None:
    place(rig, "INFY")
    with listening(rig, "/ws/orders", additional_headers=rig.token(Scope.READ, accounts=(ACCOUNT, "other"))) as socket:
        words = [next_of(socket) for _ in range(4)]
        assert [(word["type"], word["account_id"], word["seq"]) for word in words] == [
            ("connection_established", ACCOUNT, 2),
            ("snapshot", ACCOUNT, 2),
            ("connection_established", "other", 0),
            ("snapshot", "other", 0),
        ]


def test_an_account_has_at_most_a_hundred_connections(rig: Rig) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        for _ in range(100):
            socket = stack.enter_context(listening(rig))
            greeting(socket)
        assert rig.get("/ws/status").json()["total_clients"] == 100
        with listening(rig) as refused:
            assert end_of(refused)[0] == 1008


def test_the_status_of_the_stream_is_always_told(rig: Rig) -> None:
    rig.token(Scope.READ)
    status = rig.get("/ws/status")
    assert status.status_code == 200
    assert status.json() == {
        "status": "up",
        "total_clients": 0,
        "channels": ["orders", "positions", "alerts"],
        "upstream": {"connected": True},
    }


def test_the_status_follows_who_listens_and_what_the_broker_does(rig: Rig) -> None:
    reader = rig.token(Scope.READ)

    def clients() -> int:
        return int(rig.get("/ws/status").json()["total_clients"])

    with listening(rig, additional_headers=reader) as first, listening(rig, additional_headers=reader) as second:
        greeting(first), greeting(second)
        assert clients() == 2
        with listening(rig, additional_headers={"Authorization": "Bearer tb_x_y"}) as refused:
            assert end_of(refused)[0] == 1008
        assert clients() == 2
        second.close()
        until(rig, lambda: clients() == 1)
        rig.upstream = {"connected": False, "reconnects": 3}
        rig.do(lambda house: house.signals(a_signal()))
        assert next_of(first)["data"]["event"] == "recorded"
        assert rig.get("/ws/status").json()["upstream"] == {"connected": False, "reconnects": 3}
    until(rig, lambda: clients() == 0)


@pytest.mark.parametrize("authorization", ["Bearer tb_00000000_wrong", "Bearer x", "Basic eDp5"])
def test_the_status_is_told_to_who_has_a_wrong_token_too(rig: Rig, authorization: str) -> None:
    rig.token(Scope.READ)
    answer = rig.get("/ws/status", headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["status"]) == (200, "up")


def until(rig: Rig, is_so: Callable[[], bool]) -> None:
    ends_at = rig.real.monotonic() + DEADLINE_S
    while not is_so():
        assert rig.real.monotonic() < ends_at
        Event().wait(0.02)


def test_a_server_that_stops_closes_its_clients(rig: Rig) -> None:
    with listening(rig) as socket:
        greeting(socket)
        rig.server.stop()
        assert end_of(socket)[0] in (1012, 1001)


def test_signals_of_the_engine_reach_a_client_that_listens(rig: Rig) -> None:
    with listening(rig) as socket:
        assert greeting(socket)[1]["orders"] == []
        rig.do(lambda house: house.signals(a_signal()))
        assert [next_of(socket)["data"]["event"] for _ in range(2)] == ["recorded", "accepted"]


@pytest.mark.parametrize("frame", ["{", "[]", "null", "\x00", b"\xff\xfe", "x" * 1_000_000])
def test_a_frame_that_makes_no_sense_hurts_its_own_client_alone(rig: Rig, frame: str | bytes) -> None:
    """Also one of a megabyte: it is answered with an error, or its client is closed."""
    (order,) = place(rig, "INFY")
    with listening(rig) as quiet, listening(rig) as odd:
        greeting(quiet), greeting(odd)
        with suppress(ConnectionClosed):
            odd.send(frame)
            odd.recv(DEADLINE_S)
        fill(rig, order, 4)
        assert next_of(quiet)["data"]["filled_quantity"] == 4


def test_many_clients_that_come_back_at_once_cost_no_update_of_the_others(rig: Rig) -> None:
    (order,) = place(rig, "INFY")

    def come_and_go(_number: int) -> int:
        with listening(rig) as socket:
            return int(greeting(socket)[0]["seq"])

    with listening(rig) as steady, ThreadPoolExecutor(20) as crowd:
        first = greeting(steady)[0]["seq"]
        coming = [crowd.submit(come_and_go, number) for number in range(200)]
        for _ in range(10):
            fill(rig, order, 1)
        told = [next_of(steady)["seq"] for _ in range(10)]
        assert all(future.result(DEADLINE_S) >= first for future in coming)
    assert told == list(range(first + 1, first + 11))
