"""`/api/orders`: a thin face over stop-loss, take-profit, close, change and cancel, by any id of the order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.unit.api.rig import Rig
from tests.unit.api.test_orders import ORDERS, fill
from tradebot.domain.access import Scope
from tradebot.domain.broker_views import Holding

API = "/api/orders"
WHO = {"user_id": "owner", "user_type": "demo"}
ACTS = ("stoploss/add", "takeprofit/add", "stoploss/cancel", "takeprofit/cancel", "modify", "close", "cancel")


def bought(rig: Rig) -> dict[str, Any]:
    """Five shares bought over HTTP, and held."""
    wanted = {"symbol": "INFY", "side": "BUY", "quantity": 5, "price": "1000.00"}
    order = dict(rig.client.post(ORDERS, json=wanted).json())
    # The answer comes when the order is durable: the broker's may come later.
    rig.do(lambda house: house.settle())
    order = dict(rig.get(f"{ORDERS}/{order['id']}").json()["order"])
    fill(rig, order)
    held = Holding(
        symbol="INFY",
        exchange="NSE",
        settled_quantity=5,
        t1_quantity=0,
        today_quantity=0,
        sellable_quantity=5,
        average_price=Decimal(1000),
    )
    rig.do(lambda house: house.broker.owned.append(held))
    return order


def act(rig: Rig, what: str, order_id: str, **more: Any) -> httpx.Response:
    prices = {
        "stoploss/add": {"stop_loss": "980"},
        "takeprofit/add": {"take_profit": 1050},
        "modify": {"order_price": 999},
    }
    return rig.client.post(f"{API}/{what}", json={"order_id": order_id, **WHO, **prices.get(what, {}), **more})


def resolved(rig: Rig, name: str) -> tuple[str, str, str]:
    found = rig.get(f"{API}/{name}/resolve").json()
    return found["order_id"], found["id_type"], found["status"]


def test_a_stop_loss_is_added_replaced_and_taken_back_and_each_id_leads_to_the_order(rig: Rig) -> None:
    order = bought(rig)
    first = act(rig, "stoploss/add", order["id"])
    assert first.status_code in (200, 202), first.text
    second = act(rig, "stoploss/add", order["coid"], stop_loss=985)
    assert resolved(rig, first.json()["id"]) == (order["id"], "stoploss_id", "replaced")
    assert resolved(rig, second.json()["id"]) == (order["id"], "stoploss_id", "active")
    back = act(rig, "stoploss/cancel", second.json()["id"])
    assert resolved(rig, back.json()["id"])[:2] == (order["id"], "stoploss_cancel_id")
    assert resolved(rig, order["broker_order_id"]) == (order["id"], "order_id", "executed")
    story = rig.get(f"{ORDERS}/{first.json()['id']}").json()
    assert {"order_id", "stoploss_id", "stoploss_cancel_id"} <= {entry["id_type"] for entry in story["lifecycle_ids"]}


def test_a_stop_loss_that_stands_is_shown_with_its_trigger(rig: Rig) -> None:
    order = bought(rig)
    act(rig, "stoploss/add", order["id"])
    rig.do(lambda house: house.advance(seconds=1))
    (stop,) = [found for found in rig.get(ORDERS).json()["orders"] if found["side"] == "sell"]
    assert (stop["order_type"], stop["trigger_price"], stop["status"]) == ("sl", "980.00", "pending")
    assert order["trigger_price"] is None


def test_what_an_order_has_bought_is_sold_by_a_close(rig: Rig) -> None:
    order = bought(rig)
    closed = act(rig, "close", order["id"])
    assert closed.status_code == 202, closed.text
    assert resolved(rig, closed.json()["id"])[:2] == (order["id"], "close_id")


def test_an_order_that_stands_gets_another_price_or_is_cancelled(rig: Rig) -> None:
    order = rig.client.post(ORDERS, json={"symbol": "INFY", "side": "BUY", "quantity": 5, "price": "1000.00"}).json()
    rig.do(lambda house: house.settle())
    assert act(rig, "modify", order["id"]).status_code == 202
    assert act(rig, "cancel", order["id"]).status_code == 202
    assert rig.do(lambda house: (house.broker.count("modify"), house.broker.count("cancel"))) == (1, 1)


def test_its_quantity_is_changed_and_what_the_guards_say_comes_with_figures(rig: Rig) -> None:
    order = rig.client.post(ORDERS, json={"symbol": "INFY", "side": "BUY", "quantity": 5, "price": "1000.00"}).json()
    rig.do(lambda house: house.settle())
    asked = rig.client.post(f"{API}/modify", json={"order_id": order["id"], **WHO, "order_quantity": 7})
    assert (asked.status_code, asked.json()["id"][:3]) == (202, "MOD"), asked.text
    rig.do(lambda house: house.look())
    shown = rig.get(f"{ORDERS}/{order['id']}").json()["order"]
    assert (shown["quantity"], shown["reason"]) == (7, "Quantity changed: 5 -> 7")
    refused = rig.client.post(f"{API}/modify", json={"order_id": order["id"], **WHO, "order_quantity": 200_000})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (422, "blocked")
    assert error["details"]["FREEZE_QUANTITY.quantity"] == "200000"
    assert error["details"]["FREEZE_QUANTITY.freeze_quantity"] == "100000"


@pytest.mark.parametrize("body", [{}, {"order_quantity": True}, {"order_quantity": 0}, {"order_quantity": "5"}])
def test_a_change_of_nothing_or_to_nonsense_is_422(rig: Rig, body: dict[str, Any]) -> None:
    assert rig.client.post(f"{API}/modify", json={"order_id": "1", **WHO, **body}).status_code == 422


@pytest.mark.parametrize("what", ACTS)
def test_each_refuses_strangers_wrong_kinds_and_ids_that_lead_nowhere(rig: Rig, what: str) -> None:
    order = bought(rig)
    assert act(rig, what, order["id"], user_id="somebody").status_code == 403
    assert act(rig, what, order["id"], user_type="live").status_code == 422
    assert act(rig, what, "nothing").status_code == 404
    assert act(rig, what, order["id"], more=1).status_code == 422
    reader = rig.token(Scope.READ)
    body = {"order_id": order["id"], **WHO}
    assert rig.client.post(f"{API}/{what}", json=body, headers=reader).status_code in (403, 422)


def test_what_the_state_does_not_allow_is_409(rig: Rig) -> None:
    order = bought(rig)
    assert act(rig, "takeprofit/cancel", order["id"]).status_code == 409
    assert act(rig, "modify", order["id"]).status_code == 409
    assert act(rig, "cancel", order["id"]).status_code == 409


def test_an_id_that_leads_nowhere_is_404_and_is_not_written_down(rig: Rig) -> None:
    assert rig.get(f"{API}/nothing/resolve").status_code == 404
    assert rig.do(lambda house: house.count_rows("dead_letters")) == 0
