"""Batches over HTTP: answered when every leg is settled, once for each key, and nothing sent when a field is wrong."""

from __future__ import annotations

from typing import Any

import httpx

from tests.unit.api.rig import Rig
from tradebot.domain.access import Scope
from tradebot.domain.errors import BrokerRejected

BATCHES = "/accounts/primary/batch-orders"
LEG = {
    "tradingsymbol": "INFY",
    "exchange": "NSE",
    "transaction_type": "buy",
    "quantity": 5,
    "order_type": "limit",
    "product": "cnc",
    "price": "1000.00",
}


def place(rig: Rig, *legs: dict[str, Any], **more: Any) -> httpx.Response:
    return rig.client.post(BATCHES, json={"orders": list(legs), **more})


def sent(rig: Rig) -> int:
    return int(rig.do(lambda house: house.broker.count("place")))


def test_a_batch_is_answered_with_what_became_of_each_leg(rig: Rig) -> None:
    answer = place(rig, LEG)
    assert answer.status_code == 200, answer.text
    batch = answer.json()
    assert (batch["status"], batch["total_orders"], batch["succeeded"], batch["failed"]) == ("success", 1, 1, 0)
    assert [leg["status"] for leg in batch["legs"]] == ["placed"]
    assert batch["order_ids"] == ["1"]
    assert rig.get(f"/api/v1/user/orders/{batch['legs'][0]['order_id']}").status_code == 200


def test_the_status_is_200_whatever_becomes_of_the_batch(rig: Rig) -> None:
    rig.do(lambda house: house.broker.troubles.setdefault("place", []).append(BrokerRejected("no margin")))
    batch = place(rig, LEG)
    assert (batch.status_code, batch.json()["legs"][0]["status"]) == (200, "failed")
    assert "no margin" in batch.json()["legs"][0]["error"]
    assert batch.json()["status"] in ("failed", "rolled_back")


def test_the_same_key_is_the_same_batch_and_other_legs_a_conflict(rig: Rig) -> None:
    first, again = (place(rig, LEG, idempotency_key="k1") for _ in range(2))
    assert first.json()["batch_id"] == again.json()["batch_id"]
    assert place(rig, {**LEG, "quantity": 6}, idempotency_key="k1").status_code == 409
    assert sent(rig) == 1


def test_every_bad_field_of_every_leg_is_named_and_nothing_is_sent(rig: Rig) -> None:
    refused = place(rig, {**LEG, "quantity": 0}, {**LEG, "price": "NaN", "transaction_type": "hold"}, LEG)
    assert refused.status_code == 422
    fields = {field["field"] for field in refused.json()["error"]["details"]["fields"]}
    assert {"body.orders.0.quantity", "body.orders.1.price", "body.orders.1.transaction_type"} <= fields
    for legs in ([], [LEG] * 11, [{**LEG, "price": None}], [{**LEG, "tag": "x" * 21}]):
        assert place(rig, *legs).status_code == 422
    assert sent(rig) == 0


def test_an_account_that_is_not_known_is_404_and_a_reader_403(rig: Rig) -> None:
    assert rig.client.post("/accounts/other/batch-orders", json={"orders": [LEG]}).status_code == 404
    reader = rig.token(Scope.READ)
    assert rig.client.post(BATCHES, json={"orders": [LEG]}, headers=reader).status_code == 403
    assert sent(rig) == 0
