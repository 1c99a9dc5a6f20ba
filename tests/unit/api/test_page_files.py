"""The page's files: vendored ones as they were published, nothing else served, and a policy that lets no other in."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.unit.api.rig import Rig
from tradebot.interfaces.api.routes.page import FOLDER

VENDOR = FOLDER / "vendor"


def test_vendored_files_are_as_they_were_published_and_their_licences_lie_beside_them() -> None:
    sums = dict(reversed(line.split("  ")) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    files = {file.name for file in VENDOR.iterdir()} - {"SHA256SUMS", "README.md"}
    assert set(sums) == files
    for name, expected in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == expected, name
    assert {"LICENSE.preact", "LICENSE.htm", "LICENSE.uplot"} <= files


def test_every_part_of_the_page_is_served_with_its_kind(shared_rig: Rig) -> None:
    index = shared_rig.get("/")
    assert index.headers["content-type"].startswith("text/html")
    parts = set(re.findall(r'"(/page/[^"]+)"', index.text))
    parts |= {f"/page/{file.name}" for file in FOLDER.glob("*.mjs")}
    for path in parts:
        answer = shared_rig.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].split(";")[0] in ("text/javascript", "text/css", "image/svg+xml")


@pytest.mark.parametrize(
    "path",
    ["../routes/page.py", "..%2froutes%2fpage.py", "index.html", "vendor/SHA256SUMS", "vendor", "", "/etc/passwd"],
)
def test_nothing_else_is_served(shared_rig: Rig, path: str) -> None:
    assert shared_rig.get(f"/page/{path}").status_code == 404


def test_the_policy_allows_our_own_scripts_and_no_inline_ones(shared_rig: Rig) -> None:
    policy = shared_rig.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert shared_rig.get("/health").headers["content-security-policy"].startswith("default-src 'none'")


def test_the_cookie_of_a_login_is_kept_from_scripts_and_other_sites(rig: Rig) -> None:
    from tradebot.domain.access import Scope

    token = rig.token(Scope.READ)["Authorization"].removeprefix("Bearer ")
    answer = rig.client.post("/login", json={"token": token})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert answer.json() == {"user_id": "owner", "account_ids": ["primary"], "scopes": ["read"]}
    assert rig.get("/api/v1/user/orders").status_code == 200
    assert rig.client.post("/login", json={"token": "tb_x_y"}).status_code == 401
    rig.client.post("/logout")
    rig.client.cookies.clear()
    assert rig.get("/api/v1/user/orders").status_code == 401


def test_the_overview_and_the_chart_tell_what_the_engine_knows(rig: Rig) -> None:
    from tests.unit.api.test_orders import fill, place

    (order,) = place(rig, "INFY")
    fill(rig, order)
    overview = rig.get("/api/v1/overview").json()
    assert [(row["symbol"], row["quantity"]) for row in overview["positions"]] == [("INFY", order["quantity"])]
    assert overview["positions_open"] == 1
    chart = rig.get("/api/v1/chart").json()
    assert (chart["symbol"], [found["quantity"] for found in chart["fills"]]) == ("INFY", [order["quantity"]])
    assert {point["price"] for point in chart["prices"]} == {"1010"}
