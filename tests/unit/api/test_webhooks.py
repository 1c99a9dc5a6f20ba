"""Webhooks out, against a receiver on a real socket: signed, at least once, and never to a private place."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

from tests.builders import NOON
from tests.unit.api.rig import DEADLINE_S, Rig
from tests.unit.api.test_orders import fail, fill, place
from tradebot.adapters.storage.outbox_reader import OutboxReader
from tradebot.adapters.webhooks.courier import Courier
from tradebot.adapters.webhooks.sending import UnfitUrl, address_of, check_url
from tradebot.domain.access import Scope
from tradebot.domain.outbox import OutboxEntry, OutboxKind, OutboxState
from tradebot.domain.webhooks import WebhookEvent
from tradebot.engine.messages import OutboxMarked

WEBHOOKS = "/accounts/primary/webhooks"
EVENTS = [str(event) for event in WebhookEvent]


class Receiver:
    """Takes what is sent to it; `statuses` are its next answers, 204 after them."""

    def __init__(self) -> None:
        self.taken: SimpleQueue[tuple[dict[str, str], bytes]] = SimpleQueue()
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.taken.put((dict(self.headers), body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?x=1"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        headers, body = self.taken.get(timeout=DEADLINE_S)
        return headers, json.loads(body)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


def courier(rig: Rig, *, allows_private: bool = True) -> Courier:
    return Courier(
        OutboxReader(rig.reader),
        rig.webhooks.find,
        lambda entries: rig.do(lambda house: house.tell(OutboxMarked(entries=tuple(entries)))),
        rig.house.clock,
        rig.real,
        allows_private=allows_private,
    )


def add(rig: Rig, url: str, events: list[str] = EVENTS, **more: Any) -> dict[str, Any]:
    answer = rig.client.post(WEBHOOKS, json={"url": url, "events": events, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def waiting(rig: Rig) -> list[OutboxEntry]:
    return list(OutboxReader(rig.reader).waiting(OutboxKind.WEBHOOK, 100))


def test_what_happens_to_orders_is_sent_and_signed(rig: Rig, receiver: Receiver) -> None:
    webhook = add(rig, receiver.url)
    running = courier(rig)
    running.start()
    (order,) = place(rig, "INFY")
    fill(rig, order)
    fail(rig, "TCS")
    told = [receiver.next() for _ in range(3)]
    running.stop()
    assert {body["event"] for _, body in told} == {"order_placed", "order_completed", "order_rejected"}
    headers, body = next(pair for pair in told if pair[1]["event"] == "order_placed")
    assert body["order"]["order_id"] == order["id"]
    assert body["account_id"] == "primary"
    assert headers["X-Tradebot-Event-ID"] == body["event_id"]
    signed = f"{headers['X-Tradebot-Timestamp']}.".encode() + json.dumps(body, ensure_ascii=False).encode()
    expected = hmac.new(webhook["secret"].encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Tradebot-Signature"] == f"sha256={expected}"


def test_a_receiver_hears_only_what_it_asked_for(rig: Rig, receiver: Receiver) -> None:
    add(rig, receiver.url, ["order_cancelled"])
    (order,) = place(rig, "INFY")
    fill(rig, order)
    assert waiting(rig) == []


def test_what_is_not_taken_is_sent_again_later_under_the_same_id(rig: Rig, receiver: Receiver) -> None:
    add(rig, receiver.url, ["order_placed"])
    receiver.statuses = [500, 302]
    place(rig, "INFY")
    sending = courier(rig)
    (first,) = waiting(rig)
    again = sending.deliver(first)
    assert (again.state, again.attempts, again.detail) == (OutboxState.WAITING, 1, "answered 500")
    assert again.next_attempt_at > first.next_attempt_at
    third = sending.deliver(sending.deliver(again))
    assert (third.state, third.detail) == (OutboxState.DELIVERED, "204")
    assert len({receiver.next()[1]["event_id"] for _ in range(3)}) == 1


def test_after_a_day_it_is_given_up_with_the_reason(rig: Rig, receiver: Receiver) -> None:
    add(rig, receiver.url, ["order_placed"])
    receiver.statuses = [503]
    place(rig, "INFY")
    (entry,) = waiting(rig)
    rig.house.clock.at = NOON + timedelta(days=1)
    dead = courier(rig).deliver(entry)
    assert (dead.state, dead.detail) == (OutboxState.DEAD, "given up after a day: answered 503")


def test_a_receiver_that_was_removed_gets_nothing_more(rig: Rig, receiver: Receiver) -> None:
    webhook = add(rig, receiver.url, ["order_placed"])
    place(rig, "INFY")
    assert rig.client.delete(f"{WEBHOOKS}/{webhook['id']}").status_code == 200
    assert rig.client.delete(f"{WEBHOOKS}/{webhook['id']}").status_code == 404
    (entry,) = waiting(rig)
    assert courier(rig).deliver(entry).state is OutboxState.DEAD
    assert receiver.taken.empty()


def test_a_receiver_that_is_not_there_costs_no_order_anything(rig: Rig) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        add(rig, f"http://127.0.0.1:{taken.getsockname()[1]}/", ["order_placed"])
        place(rig, "INFY")
        (entry,) = waiting(rig)
        assert "ConnectionRefusedError" in courier(rig).deliver(entry).detail


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:192.168.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "http://8.8.8.8/",
        "ftp://8.8.8.8/",
        "https://user:word@8.8.8.8/",
        "https://8.8.8.8:99999/",
        "https:///x",
        "https://8.8.8.8/\r\nX: y",
        "file:///etc/passwd",
        "",
    ],
)
def test_private_places_and_odd_addresses_are_refused(url: str) -> None:
    with pytest.raises(UnfitUrl):
        address_of(check_url(url, allows_private=False), allows_private=False)


def test_one_that_became_private_is_given_up_before_anything_is_sent(rig: Rig, receiver: Receiver) -> None:
    add(rig, receiver.url, ["order_placed"])
    place(rig, "INFY")
    (entry,) = waiting(rig)
    assert courier(rig, allows_private=False).deliver(entry).state is OutboxState.DEAD
    assert receiver.taken.empty()


def test_an_account_has_ten_at_most_and_no_secret_is_shown_again(rig: Rig, tmp_path: Path) -> None:
    secrets = {add(rig, f"http://127.0.0.1:9/{number}")["secret"] for number in range(10)}
    assert len(secrets) == 10
    full = rig.client.post(WEBHOOKS, json={"url": "http://127.0.0.1:9/", "events": ["order_placed"]})
    assert (full.status_code, full.json()["error"]["code"]) == (409, "too_many_webhooks")
    shown = rig.get(WEBHOOKS)
    assert len(shown.json()["webhooks"]) == 10
    assert not any(secret in shown.text for secret in secrets)
    assert (tmp_path / "webhooks.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "change", [{"events": []}, {"events": ["order_flew"]}, {"url": "ftp://x"}, {"secret": "short"}, {"more": 1}]
)
def test_a_receiver_that_makes_no_sense_is_refused(shared_rig: Rig, change: dict[str, object]) -> None:
    body = {"url": "http://127.0.0.1:9/", "events": ["order_placed"], **change}
    assert shared_rig.client.post(WEBHOOKS, json=body).status_code == 422


def test_only_an_admin_manages_receivers_of_its_own_accounts(rig: Rig) -> None:
    trader, admin = rig.token(Scope.TRADE, Scope.READ), rig.token(Scope.ADMIN)
    assert rig.get(WEBHOOKS, headers=trader).status_code == 403
    assert rig.get(WEBHOOKS, headers=admin).status_code == 200
    assert rig.get("/accounts/other/webhooks", headers=admin).status_code == 404
