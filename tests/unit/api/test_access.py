"""Nobody gets in: tokens, scopes, hosts, origins, rates."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import httpx
import pytest

from docs.generate import FOLDER
from tests.unit.api.rig import DEADLINE_S, Rig, a_rig
from tradebot.domain.access import Scope
from tradebot.interfaces.api.services import Limits

ORDERS = "/api/v1/user/orders"


def test_without_any_token_a_program_of_this_machine_has_all_rights(rig: Rig) -> None:
    assert rig.get(ORDERS).status_code == 200
    assert rig.client.post("/control/pause").status_code == 200
    assert rig.client.post("/control/resume").status_code == 200


def test_with_a_token_made_nobody_comes_in_without_one(rig: Rig) -> None:
    headers = rig.token(Scope.READ)
    refused = rig.get(ORDERS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "no_token")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert rig.get(ORDERS, headers=headers).status_code == 200
    assert rig.get("/health").status_code == 200


@pytest.mark.parametrize("token", ["tb_00000000_wrong", "tb_ffffffff_x", "x", "tb__", "é"])
def test_a_wrong_token_is_refused_whatever_is_asked_for(rig: Rig, token: str) -> None:
    rig.token(Scope.READ)
    headers = [(b"authorization", f"Bearer {token}".encode())]
    refused = rig.client.get("/health", headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_token")


_WHO = {"order_id": "1", "user_id": "owner", "user_type": "demo"}
_LEG = {
    "tradingsymbol": "INFY",
    "exchange": "NSE",
    "transaction_type": "BUY",
    "quantity": 1,
    "order_type": "LIMIT",
    "product": "CNC",
    "price": "1000",
}
_READS = (
    *(ORDERS, f"{ORDERS}/", f"{ORDERS}/statistics", f"{ORDERS}/1", "/api/orders/1/resolve", "/metrics"),
    *("/api/v1/overview", "/api/v1/chart", "/api/v1/alerts"),
)
_OF_ONE: dict[str, dict[str, object]] = {
    "stoploss/add": {"stop_loss": 1},
    "takeprofit/add": {"take_profit": 1},
    "modify": {"order_price": 1},
    **{act: {} for act in ("stoploss/cancel", "takeprofit/cancel", "close", "cancel")},
}
NEEDED: dict[tuple[str, str], tuple[Scope, object]] = {
    **{("GET", path): (Scope.READ, None) for path in _READS},
    ("POST", ORDERS): (Scope.TRADE, {"symbol": "INFY", "side": "BUY", "quantity": 1, "price": "1000"}),
    ("POST", f"{ORDERS}/1/retry"): (Scope.TRADE, None),
    ("DELETE", f"{ORDERS}/1"): (Scope.TRADE, None),
    ("POST", f"{ORDERS}/sync"): (Scope.TRADE, None),
    ("POST", "/api/orders/place"): (
        Scope.TRADE,
        {
            "symbol": "INFY",
            "order_type": "BUY",
            "order_price": 1000,
            "order_quantity": 1,
            "user_id": "owner",
            "user_type": "demo",
        },
    ),
    **{("POST", f"/api/orders/{act}"): (Scope.TRADE, {**_WHO, **more}) for act, more in _OF_ONE.items()},
    ("POST", "/accounts/primary/batch-orders"): (Scope.TRADE, {"orders": [_LEG]}),
    ("POST", "/api/v1/alerts/fill_rate/acknowledge"): (Scope.TRADE, None),
    ("POST", "/control/pause"): (Scope.TRADE, None),
    ("POST", "/control/resume"): (Scope.ADMIN, None),
    ("POST", "/control/kill"): (Scope.ADMIN, None),
    ("POST", "/control/release"): (Scope.ADMIN, None),
    ("GET", "/accounts/primary/webhooks"): (Scope.ADMIN, None),
    ("POST", "/accounts/primary/webhooks"): (Scope.ADMIN, {"url": "http://127.0.0.1:9/", "events": ["order_placed"]}),
    ("DELETE", "/accounts/primary/webhooks/x"): (Scope.ADMIN, None),
}
FOR_EVERYBODY = {"/health", "/accounts/health/status", "/ws/status", "/login", "/logout", "/session"}


@pytest.mark.parametrize(("method", "path"), list(NEEDED))
def test_each_endpoint_needs_its_scope(shared_rig: Rig, method: str, path: str) -> None:
    needed, body = NEEDED[method, path]
    others = [scope for scope in Scope if scope is not needed]
    refused = shared_rig.client.request(method, path, headers=shared_rig.token(*others), json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "scope_missing")
    allowed = shared_rig.client.request(method, path, headers=shared_rig.token(needed), json=body)
    assert allowed.status_code not in (401, 403)


def test_every_endpoint_of_the_document_is_among_them() -> None:
    document = json.loads((FOLDER / "openapi.json").read_text())
    there = {
        (method.upper(), re.sub(r"\{[^}]*\}", "*", path))
        for path, methods in document["paths"].items()
        for method in methods
        if path not in FOR_EVERYBODY
    }
    asked = {(method, _pattern(path)) for method, path in NEEDED}
    assert there - asked == set()


def _pattern(path: str) -> str:
    """The path with a star for each part that names something."""
    parts = path.split("/")
    named = {"1", "primary", "x", "fill_rate"}
    return "/".join("*" if part in named else part for part in parts)


def test_a_revoked_token_is_refused_at_once(rig: Rig) -> None:
    headers = rig.token(Scope.READ)
    rig.token(Scope.READ)
    assert rig.get(ORDERS, headers=headers).status_code == 200
    assert rig.tokens.remove("00000000")
    assert rig.get(ORDERS, headers=headers).status_code == 401


def test_only_hashes_are_kept_and_only_the_user_may_read_them(rig: Rig, tmp_path: Path) -> None:
    token = rig.token(Scope.READ)["Authorization"].removeprefix("Bearer ")
    path = tmp_path / "api_tokens.json"
    assert token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    refused = rig.get(ORDERS, headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "tokens_unreadable")


def test_a_damaged_file_of_tokens_lets_nobody_in(rig: Rig, tmp_path: Path) -> None:
    rig.token(Scope.READ)
    path = tmp_path / "api_tokens.json"
    path.write_text(path.read_text()[:-20])
    assert rig.get(ORDERS).status_code == 503


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "@"])
def test_a_host_that_is_not_ours_is_refused(shared_rig: Rig, host: str) -> None:
    refused = shared_rig.get(ORDERS, headers={"Host": host})
    assert refused.status_code == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1", "https://localhost:1"])
def test_a_page_of_another_origin_may_not_call(shared_rig: Rig, origin: str) -> None:
    refused = shared_rig.client.post("/control/pause", headers={"Origin": origin})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "wrong_origin")


def test_our_own_page_may_call(rig: Rig) -> None:
    host = rig.client.base_url.netloc.decode()
    assert rig.client.post("/control/pause", headers={"Origin": f"http://{host}"}).status_code == 200


def test_too_many_requests_are_told_when_to_come_back(tmp_path: Path) -> None:
    with a_rig(tmp_path, limits=Limits(requests_per_s=1)) as rig:
        statuses = [rig.get("/health").status_code for _ in range(10)]
        refused = rig.get("/health")
    assert 429 in statuses[2:]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["error"]["code"] == "too_many_requests"


def test_every_error_has_one_shape_and_every_answer_its_ids(rig: Rig) -> None:
    with httpx.Client(base_url=rig.client.base_url, timeout=DEADLINE_S) as client:
        answers = [
            client.get("/nowhere"),
            client.put("/health"),
            client.get(f"{ORDERS}?limit=0"),
            client.get(f"{ORDERS}/nothing", headers={"X-Correlation-ID": "mine:1"}),
            client.get("/health", headers={"X-Correlation-ID": "not fit " + "x" * 100}),
        ]
    for answer in answers[:4]:
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "details", "correlation_id"}
        assert error["correlation_id"] == answer.headers["x-correlation-id"]
    assert [answer.status_code for answer in answers] == [404, 405, 422, 404, 200]
    assert answers[3].headers["x-correlation-id"] == "mine:1"
    assert len(answers[4].headers["x-correlation-id"]) == 36
    assert all(json.loads(answer.headers["x-process-time"][:-1]) >= 0 for answer in answers)
    assert all(answer.headers["x-process-time"].endswith("s") for answer in answers)
