"""`/api/v1/user/orders` on a real daemon: lists, counts, stories, cancels."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOON, a_signal, some_terms
from tests.unit.api.rig import Rig
from tests.unit.engine.fakes import unreachable
from tests.unit.engine.house import House
from tests.unit.storage.builders import an_event
from tests.unit.storage.builders import an_order as a_stored_order
from tradebot.domain.access import Scope
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.orders import OrderStatus
from tradebot.domain.stored import Changes

ORDERS = "/api/v1/user/orders"
TOMORROW = a_stored_order(1).created_at + timedelta(days=1)
SYMBOLS = ("INFY", "TCS", "SBIN")


def place(rig: Rig, *symbols: str) -> list[dict[str, Any]]:
    """An order for each symbol, accepted by the broker; as HTTP shows them."""
    signals = [a_signal(sum(symbol.encode()), symbol) for symbol in symbols]

    def happens(house: House) -> None:
        house.broker.symbol_terms |= {symbol: some_terms(symbol) for symbol in symbols}
        house.signals(*signals)

    rig.do(happens)
    return list(rig.get(ORDERS).json()["orders"])


def fail(rig: Rig, symbol: str, reason: str = "not enough margin") -> dict[str, Any]:
    """An order that the broker refuses."""
    rig.do(lambda house: house.broker.troubles.setdefault("place", []).append(BrokerRejected(reason)))
    return place(rig, symbol)[0]


def fill(rig: Rig, order: dict[str, Any], quantity: int | None = None) -> None:
    def happens(house: House) -> None:
        house.broker.fill(order["broker_order_id"], quantity or order["quantity"])
        house.look()

    rig.do(happens)


def test_a_list_shows_every_field_of_an_order_with_exact_money_and_aware_times(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    assert set(order) >= {
        *("id", "symbol", "side", "quantity", "price", "status", "created_at", "updated_at", "reason"),
        *("first_failed_at", "last_retry_attempt", "retry_count", "last_status_check", "execution_price"),
        *("execution_qty", "execution_time", "coid", "broker_order_id", "expires_at"),
    }
    assert isinstance(order["id"], str)
    assert isinstance(order["price"], str)
    assert order["created_at"] == NOON.isoformat()
    assert (order["symbol"], order["side"], order["status"]) == ("INFY", "buy", "pending")


def test_the_newest_come_first_in_pages_with_or_without_a_slash(rig: Rig) -> None:
    orders = [
        a_stored_order(number, created_at=NOON + timedelta(minutes=number), user_id="owner", account_id="primary")
        for number in range(1, 6)
    ]
    rig.do(lambda house: house.database.store.save(Changes(orders=orders)))
    first, second = (
        rig.get(f"{ORDERS}{slash}?limit=2&offset={offset}").json() for slash, offset in (("", 0), ("/", 2))
    )
    assert [order["id"] for order in first["orders"] + second["orders"]] == [o.id for o in orders[:0:-1]]
    assert first["total"] == second["total"] == 5


def test_orders_are_found_by_status_reason_and_ist_day(rig: Rig) -> None:
    orders = [
        a_stored_order(1, user_id="owner", account_id="primary", reason="Margin 100% of it missing"),
        a_stored_order(2, user_id="owner", account_id="primary", created_at=TOMORROW),
        a_stored_order(3, user_id="owner", account_id="primary", status=OrderStatus.CANCELLED),
    ]
    rig.do(lambda house: house.database.store.save(Changes(orders=orders)))

    def found(words: str) -> list[str]:
        return sorted(order["id"] for order in rig.get(f"{ORDERS}?{words}").json()["orders"])

    assert found("status=cancelled") == found("status=canceled") == [orders[2].id]
    assert found("reason=mARGIN 100%") == found("failure_reason=margin") == [orders[0].id]
    assert found("reason=1_0") == []
    day = f"{orders[0].created_at:%Y-%m-%d}"
    assert found(f"to_date={day}") == sorted([orders[0].id, orders[2].id])
    assert found(f"from_date={TOMORROW:%Y-%m-%d}") == [orders[1].id]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("status=executed", 422),
        ("status=PENDING", 422),
        ("from_date=16-09-2026", 400),
        ("to_date=2026-02-30", 400),
        ("to_date=२०२६-०१-०१", 400),
        ("limit=0", 422),
        ("limit=201", 422),
        ("offset=-1", 422),
        ("offset=1e3", 422),
        ("limit=NaN", 422),
        ("limit=1&limit=2", 422),
        ("unknown=1", 422),
        ("reason=" + "x" * 300, 422),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(shared_rig: Rig, words: str, status: int) -> None:
    refused = shared_rig.get(f"{ORDERS}?{words}")
    assert refused.status_code == status
    if words.startswith("status"):
        assert refused.json()["error"]["details"]["allowed"] == ["pending", "ongoing", "closed", "failed", "cancelled"]


def test_the_statistics_count_what_stands_in_the_books(rig: Rig) -> None:
    orders = place(rig, *SYMBOLS)
    fill(rig, orders[0])
    figures = rig.get(f"{ORDERS}/statistics").json()
    assert figures["total"] == len(orders)
    assert figures["distribution"] == {"pending": 2, "ongoing": 1, "closed": 0, "failed": 0, "cancelled": 0}
    assert figures["executed"] == 1


def test_a_story_has_the_events_fills_and_ids_of_its_order(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    fill(rig, order, 1)
    story = rig.get(f"{ORDERS}/{order['id']}").json()
    assert [event["event"] for event in story["events"]][:2] == ["recorded", "accepted"]
    assert story["events"][-1]["figures"]["filled_quantity"] == "1"
    assert [fill["quantity"] for fill in story["fills"]] == [1]
    assert [attempt["coid"] for attempt in story["attempts"]] == [order["coid"]]
    for other in (order["coid"], order["broker_order_id"]):
        assert rig.get(f"{ORDERS}/{other}").json()["order"]["id"] == order["id"]


def test_an_order_that_is_not_there_is_404_and_that_of_another_user_403(rig: Rig) -> None:
    stranger = a_stored_order(1, user_id="stranger", account_id="primary")
    rig.do(lambda house: house.database.store.save(Changes(orders=[stranger], events=[an_event(stranger)])))
    for method in ("GET", "DELETE"):
        assert rig.client.request(method, f"{ORDERS}/nothing").status_code == 404
        refused = rig.client.request(method, f"{ORDERS}/{stranger.id}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_yours")
    assert rig.get(ORDERS).json()["total"] == 0


def test_a_token_sees_its_accounts_alone(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    other = rig.token(Scope.READ, accounts=("other",))
    mine = rig.token(Scope.READ)
    assert rig.get(ORDERS, headers=other).json()["total"] == 0
    assert rig.get(f"{ORDERS}/{order['id']}", headers=other).status_code == 403
    assert rig.get(ORDERS, headers=mine).json()["total"] == 1


def test_a_pending_order_is_cancelled_at_the_broker_and_the_request_is_found_in_its_story(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    asked = rig.client.delete(f"{ORDERS}/{order['id']}", headers={"X-Correlation-ID": "desk-7"})
    assert (asked.status_code, asked.json()["cancel_requested"]) == (202, True)
    assert rig.do(lambda house: house.broker.count("cancel")) == 1
    events = rig.get(f"{ORDERS}/{order['id']}").json()["events"]
    assert [event["correlation_id"] for event in events if event["event"] == "cancel_asked"] == ["desk-7"]


def test_a_failed_order_is_dropped_and_nothing_is_sent(rig: Rig) -> None:
    order = fail(rig, "INFY")
    dropped = rig.client.delete(f"{ORDERS}/{order['id']}")
    assert (dropped.status_code, dropped.json()["status"]) == (200, "cancelled")
    assert rig.do(lambda house: house.broker.count("cancel")) == 0
    assert rig.client.delete(f"{ORDERS}/{order['id']}").status_code == 400


def test_an_order_that_is_neither_pending_nor_failed_cannot_be_cancelled(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    fill(rig, order)
    refused = rig.client.delete(f"{ORDERS}/{order['id']}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "wrong_status")
    assert rig.do(lambda house: house.broker.count("cancel")) == 0


def test_a_sync_books_what_the_broker_shows_before_it_answers(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    rig.do(lambda house: house.broker.fill(order["broker_order_id"], order["quantity"]))
    answer = rig.client.post(f"{ORDERS}/sync")
    assert answer.json() == {"synced": 1, "updated": 1, "executed": 1, "rejected": 0, "cancelled": 0, "errors": 0}
    assert rig.get(f"{ORDERS}/{order['id']}").json()["order"]["status"] == "ongoing"


def test_a_sync_says_so_when_the_broker_does_not_answer(rig: Rig) -> None:
    rig.do(lambda house: house.broker.troubles.setdefault("order_book", []).append(unreachable()))
    refused = rig.client.post(f"{ORDERS}/sync")
    assert (refused.status_code, "does not answer" in refused.json()["error"]["message"]) == (503, True)


def test_a_failed_order_is_tried_again_while_the_market_is_open(rig: Rig) -> None:
    rig.do(lambda house: house.broker.troubles.setdefault("place", []).append(BrokerRejected("no margin")))
    rig.client.post(ORDERS, json={"symbol": "INFY", "side": "BUY", "quantity": 5, "price": "1000.00"})
    rig.do(lambda house: house.settle())
    (order,) = rig.get(f"{ORDERS}?status=failed").json()["orders"]
    again = rig.client.post(f"{ORDERS}/{order['id']}/retry", headers={"X-Correlation-ID": "desk-3"})
    assert again.status_code == 200, again.text
    assert again.json()["retry_count"] > order["retry_count"]
    assert rig.do(lambda house: house.broker.count("place")) == 2
    events = rig.get(f"{ORDERS}/{order['id']}").json()["events"]
    assert "desk-3" in {event["correlation_id"] for event in events}


def test_with_the_market_closed_a_retry_waits_for_the_next_run(rig: Rig) -> None:
    order = fail(rig, "INFY")
    rig.do(lambda house: setattr(house.clock, "at", NOON + timedelta(hours=8)))
    again = rig.client.post(f"{ORDERS}/{order['id']}/retry").json()
    assert (again["status"], again["reason"]) == ("failed", "Manual retry requested")
    assert again["retry_count"] == order["retry_count"] + 1
    assert again["last_retry_attempt"] is not None
    assert rig.do(lambda house: house.broker.count("place")) == 1


def test_only_a_failed_order_that_has_not_expired_is_tried_again(rig: Rig) -> None:
    (pending,) = place(rig, "INFY")
    assert rig.client.post(f"{ORDERS}/{pending['id']}/retry").status_code == 400
    assert rig.client.post(f"{ORDERS}/nothing/retry").status_code == 404
    expired = fail(rig, "TCS")
    rig.do(lambda house: setattr(house.clock, "at", NOON + timedelta(days=5)))
    assert rig.client.post(f"{ORDERS}/{expired['id']}/retry").status_code == 409


def test_requests_with_one_correlation_id_get_each_its_own_answer(rig: Rig) -> None:
    """They go one after the other: an answer is found by its correlation id."""
    orders = place(rig, *SYMBOLS)
    headers = {"X-Correlation-ID": "together"}
    answers = [rig.client.delete(f"{ORDERS}/{order['id']}", headers=headers) for order in orders]
    assert [answer.json()["id"] for answer in answers] == [order["id"] for order in orders]
