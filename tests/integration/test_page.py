"""The orders page in a real browser, against a real daemon behind its real server."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

from docs.screenshots import ARGUMENTS
from tests.unit.api.rig import DEADLINE_S, Rig, a_rig
from tests.unit.api.test_orders import fail, fill, place
from tests.unit.storage.builders import an_order
from tradebot.domain.access import Scope
from tradebot.domain.alerts import AlertName, Severity
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.orders import OrderStatus
from tradebot.domain.stored import Changes
from tradebot.engine.messages import AlertChanged
from tradebot.interfaces.api.application import make_app
from tradebot.interfaces.api.metering import NoMeter
from tradebot.interfaces.api.server import HttpServer

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
PHONE = {"width": 390, "height": 844}
DESK_WIDTH = 1280
"""From here on nothing of an order is out of sight; on less, its middle moves sideways below its buttons."""
DAY_BEFORE = datetime(2026, 9, 15, 10, 35, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="no chromium: `apt install chromium`, or CHROMIUM=path"
)
expect.set_options(timeout=DEADLINE_S * 1000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as tools:
        found = tools.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with a_rig(tmp_path) as fresh:
        yield fresh


class Desk:
    """The page as somebody looks at it; what its console says as an error is kept."""

    def __init__(self, browser: Browser, rig: Rig, **options: object) -> None:
        self.page: Page = browser.new_page(**options)  # type: ignore[arg-type]
        self.page.set_default_timeout(DEADLINE_S * 1000)
        self.errors: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(str(rig.client.base_url))

    def row(self, symbol: str) -> object:
        return self.page.locator("[data-order]", has_text=symbol)

    def counts(self) -> dict[str, str]:
        tabs = self.page.get_by_role("tab").all()
        return {tab.inner_text().split()[0]: tab.locator(".count").inner_text() for tab in tabs}

    def confirm(self, verb: str) -> None:
        self.page.get_by_role("dialog").get_by_role("button", name=verb, exact=True).click()

    def close(self) -> None:
        self.page.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)


@pytest.fixture
def desk(browser: Browser, rig: Rig) -> Iterator[Desk]:
    found = Desk(browser, rig)
    yield found
    found.close()
    assert found.errors == []


def test_a_fill_moves_an_order_to_its_tab_and_the_counts_follow_without_a_reload(rig: Rig, desk: Desk) -> None:
    page = desk.page
    expect(page.locator(".empty")).to_have_text("Nothing stands at the broker right now.")
    page.evaluate("window.isSame = true")
    (order,) = place(rig, "INFY")
    row = page.locator("[data-order]", has_text="INFY")
    expect(row).to_contain_text("BUY")
    assert desk.counts() == {"Pending": "1", "Ongoing": "0", "Failed": "0", "Closed": "0", "Cancelled": "0"}

    fill(rig, order, 4)
    expect(row.locator(".quantity")).to_contain_text("4/10")
    fill(rig, order, 6)

    expect(page.locator(".empty")).to_be_visible()
    expect(page.locator("#tab-ongoing .count")).to_have_text("1")
    page.get_by_role("tab", name="Ongoing").click()
    expect(row.locator(".status")).to_have_text("ongoing")
    expect(page.locator(".positions")).to_contain_text("INFY")
    assert page.evaluate("window.isSame") is True


def test_a_failed_order_is_dropped_after_a_question_and_disabled_meanwhile(rig: Rig, desk: Desk) -> None:
    page = desk.page
    fail(rig, "INFY", "margin is missing")
    page.get_by_role("tab", name="Failed").click()
    row = page.locator("[data-order]", has_text="INFY")
    expect(row).to_contain_text("margin is missing")
    for header in ("Retries", "Last retry", "Expires"):
        expect(page.locator(".orders thead")).to_contain_text(header)

    row.get_by_role("button", name="Drop INFY").click()
    expect(page.get_by_role("dialog")).to_contain_text("Drop: INFY buy 10")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row).to_be_visible()

    held: list[Route] = []
    page.route(
        re.compile(r"/orders/[0-9]+$"),
        lambda route: held.append(route) if route.request.method == "DELETE" else route.continue_(),
    )
    row.get_by_role("button", name="Drop INFY").click()
    desk.confirm("Drop")
    expect(row.locator(".act-drop")).to_be_disabled()
    expect(row.locator(".act-drop")).to_have_attribute("aria-busy", "true")
    expect(row.locator(".act-retry")).to_be_disabled()
    held[0].continue_()
    expect(page.locator(".empty")).to_have_text("Nothing has failed. Good.")
    expect(page.locator("#tab-cancelled .count")).to_have_text("1")


def test_a_failed_order_is_tried_again_after_a_question(rig: Rig, desk: Desk) -> None:
    page = desk.page
    rig.do(lambda house: house.broker.troubles.setdefault("place", []).append(BrokerRejected("no margin")))
    rig.client.post("/api/v1/user/orders", json={"symbol": "INFY", "side": "BUY", "quantity": 5, "price": "1000.00"})
    page.get_by_role("tab", name="Failed").click()
    page.get_by_role("button", name="Retry INFY").click()
    desk.confirm("Retry")
    expect(page.locator(".empty")).to_have_text("Nothing has failed. Good.")
    expect(page.locator("#tab-pending .count")).to_have_text("1")
    assert rig.do(lambda house: house.broker.count("place")) == 2


def test_an_action_that_fails_says_why_in_its_row(rig: Rig, desk: Desk) -> None:
    page = desk.page
    (order,) = place(rig, "INFY")
    row = page.locator("[data-order]", has_text="INFY")
    row.get_by_role("button", name="Cancel INFY").click()
    page.context.route("**/statistics", lambda route: None)
    fill(rig, order)
    desk.confirm("Cancel")
    expect(page.locator(".fault [role=alert]")).to_contain_text("is ongoing: it cannot be cancelled")
    desk.errors[:] = [error for error in desk.errors if "400" not in error]
    page.context.unroute_all()


def test_the_detail_opens_in_place_and_everything_can_be_done_with_keys(rig: Rig, desk: Desk) -> None:
    page = desk.page
    (order,) = place(rig, "INFY")
    fill(rig, order, 3)
    expect(page.locator("[data-order]")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    detail = page.locator(".detail")
    for words in ("Recorded", "Accepted", "Partially filled", order["coid"], order["broker_order_id"], "T1"):
        expect(detail).to_contain_text(words)
    fill(rig, order, 2)
    expect(detail.locator(".fills tbody tr")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_contain_text("Cancel: INFY")
    page.keyboard.press("Enter")
    expect(page.locator("#tab-ongoing .count")).to_have_text("1")
    assert rig.do(lambda house: house.broker.count("cancel")) == 1
    page.keyboard.press("3")
    expect(page.get_by_role("tab", name="Failed")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("/")
    expect(page.locator("#reason")).to_be_focused()


def test_orders_are_filtered_by_reason_and_day(rig: Rig, desk: Desk) -> None:
    page = desk.page
    orders = [
        an_order(1, user_id="owner", account_id="primary", status=OrderStatus.CANCELLED, reason="Expired"),
        an_order(2, user_id="owner", account_id="primary", status=OrderStatus.CANCELLED, reason="Dropped by hand"),
    ]
    rig.do(lambda house: house.database.store.save(Changes(orders=orders)))
    page.get_by_role("tab", name="Cancelled").click()
    expect(page.locator("[data-order]")).to_have_count(2)
    page.fill("#reason", "BY HAND")
    expect(page.locator("[data-order]")).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("[data-order]")).to_have_count(2)
    page.get_by_label("From").fill("2026-12-31")
    expect(page.locator(".empty")).to_have_text("No order matches these filters.")


def test_entries_are_paused_and_resumed_from_the_head_of_the_page(rig: Rig, desk: Desk) -> None:
    page = desk.page
    page.get_by_role("button", name="Pause entries").click()
    desk.confirm("Pause entries")
    expect(page.locator(".banner.warn")).to_contain_text("Entries are paused")
    assert rig.do(lambda house: house.memory.is_paused)
    page.get_by_role("button", name="Resume entries").click()
    desk.confirm("Resume entries")
    expect(page.get_by_role("button", name="Pause entries")).to_be_visible()


def test_the_kill_switch_is_latched_and_released_from_the_page(rig: Rig, desk: Desk) -> None:
    page = desk.page
    page.get_by_role("button", name="Kill switch").click()
    page.get_by_role("radio", name="No new entries").check()
    desk.confirm("Kill switch")
    expect(page.locator(".banner.bad")).to_contain_text("Kill switch: stop")
    assert (
        rig.client.post(
            "/api/v1/user/orders", json={"symbol": "INFY", "side": "BUY", "quantity": 5, "price": "1000.00"}
        ).status_code
        == 422
    )
    page.get_by_role("button", name="Release kill switch").click()
    desk.confirm("Release kill switch")
    expect(page.locator(".banner.bad")).to_have_count(0)


def test_an_alert_that_fires_is_shown_and_marked_as_seen(rig: Rig, desk: Desk) -> None:
    found = AlertChanged(name=AlertName.FILL_RATE, severity=Severity.CRITICAL, figure=Decimal(60), events=25)
    rig.do(lambda house: house.tell(found))
    banner = desk.page.locator(".alerts .banner", has_text="Fill rate: 60 per cent")
    banner.get_by_role("button", name="Seen").click()
    expect(banner).to_contain_text("seen by")
    expect(banner.get_by_role("button", name="Seen")).to_have_count(0)


def test_what_a_broker_says_is_shown_as_text_and_never_run(rig: Rig, desk: Desk) -> None:
    """A refusal's words become the reason; so does whatever somebody could put into them."""
    words = '<script>window.owned = 1</script><img src=x onerror="window.owned = 1">'
    fail(rig, "INFY", words)
    desk.page.get_by_role("tab", name="Failed").click()
    row = desk.page.locator("[data-order]", has_text="INFY")
    expect(row).to_contain_text("<script>window.owned = 1</script>")
    row.click()
    expect(desk.page.locator(".events li").last).to_contain_text("onerror=")
    assert desk.page.evaluate("window.owned") is None
    assert desk.page.locator("main img[src=x]").count() == 0


def test_the_policy_keeps_a_script_that_somebody_puts_into_the_page_from_running(rig: Rig, desk: Desk) -> None:
    desk.page.evaluate(
        """() => {
            const inline = document.createElement("script");
            inline.textContent = "window.owned = 1";
            document.body.append(inline);
            const elsewhere = document.createElement("img");
            elsewhere.src = "http://elsewhere.example/steal?it";
            document.body.append(elsewhere);
        }"""
    )
    desk.page.wait_for_function("() => true")
    assert desk.page.evaluate("window.owned") is None
    refused = [error for error in desk.errors if "Content Security Policy" in error]
    assert len(refused) == 2, desk.errors
    desk.errors.clear()


def test_no_token_is_left_where_a_script_or_a_history_finds_it(browser: Browser, rig: Rig) -> None:
    token = rig.token(Scope.READ)["Authorization"].removeprefix("Bearer ")
    desk = Desk(browser, rig)
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    desk.page.get_by_label("Token").fill(token)
    desk.page.get_by_role("button", name="Open the desk").click()
    expect(desk.page.locator(".link")).to_have_text("Live")
    stored = desk.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert token not in stored
    assert stored == '[{"theme":"auto"},{},""]'
    assert token not in desk.page.url
    assert not [url for url in asked if token in url]
    desk.close()


def test_the_page_survives_a_restart_of_the_daemon(rig: Rig, desk: Desk) -> None:
    page = desk.page
    (order,) = place(rig, "INFY")
    expect(page.locator(".link")).to_have_text("Live")
    port = rig.server.port
    rig.server.stop()
    expect(page.locator(".link")).to_have_text("Reconnecting")
    fill(rig, order)
    rig.server = HttpServer("127.0.0.1", port)
    rig.server.start(lambda: make_app(rig.services, NoMeter()))
    expect(page.locator(".link")).to_have_text("Live")
    expect(page.locator("#tab-ongoing .count")).to_have_text("1")
    # A browser says so itself when nobody listens.
    desk.errors[:] = [error for error in desk.errors if "ERR_CONNECTION" not in error and "WebSocket" not in error]


def test_with_tokens_made_the_page_asks_for_one_and_shows_what_it_allows(browser: Browser, rig: Rig) -> None:
    token = rig.token(Scope.READ)["Authorization"].removeprefix("Bearer ")
    place_quietly = rig.do(lambda house: house.memory.is_paused)
    assert place_quietly is False
    desk = Desk(browser, rig)
    desk.page.get_by_label("Token").fill("tb_nothing_x")
    desk.page.get_by_role("button", name="Open the desk").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("not known")
    desk.errors.clear()
    desk.page.get_by_label("Token").fill(token)
    desk.page.get_by_role("button", name="Open the desk").click()
    expect(desk.page.locator(".link")).to_have_text("Live")
    expect(desk.page.get_by_role("button", name="Pause entries")).to_have_count(0)
    assert desk.page.evaluate("document.cookie") == ""
    assert desk.errors == []
    desk.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def test_it_fits_a_phone_and_a_desk_in_light_and_dark(
    browser: Browser, rig: Rig, size: dict[str, int], colours: str
) -> None:
    fail(rig, "INFY", "a long reason " * 20)
    desk = Desk(browser, rig, viewport=size, color_scheme=colours)
    page = desk.page
    page.get_by_role("tab", name="Failed").click()
    page.locator("[data-order]").click()
    expect(page.locator(".events li").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    brightness = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((a, b) => a + +b, 0)"
    )
    assert (brightness < 200) == (colours == "dark")
    assert desk.errors == []
    desk.close()


@pytest.mark.parametrize("width", [800, 1024, 1280, 1440, 1680])
def test_nothing_covers_the_buttons_of_a_failed_order(browser: Browser, rig: Rig, width: int) -> None:
    """Its row is the longest one: beside three more columns it has two buttons."""
    row = an_order(
        1,
        user_id="owner",
        account_id="primary",
        symbol="MCDOWELL-N",
        quantity=12_345,
        price=Decimal("123456.05"),
        status=OrderStatus.FAILED,
        reason="insufficient balance - shortfall: Rs 5,000,000.00",
        first_failed_at=DAY_BEFORE,
        last_retry_attempt=DAY_BEFORE,
    )
    rig.do(lambda house: house.database.store.save(Changes(orders=[row])))
    desk = Desk(browser, rig, viewport={"width": width, "height": 800})
    page = desk.page
    page.get_by_role("tab", name="Failed").click()
    page.locator("[data-order]").click()
    expect(page.locator(".detail")).to_be_visible()

    for action in ("Retry", "Drop"):
        page.get_by_role("button", name=f"{action} MCDOWELL-N").click()
        expect(page.get_by_role("dialog")).to_contain_text(f"{action}: MCDOWELL-N buy 12345")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box = page.locator(".story").bounding_box()
    assert box is not None and box["x"] + box["width"] <= width
    if width >= DESK_WIDTH:
        assert page.evaluate("(panel => panel.scrollWidth <= panel.clientWidth)(document.querySelector('#orders'))")
    assert desk.errors == []
    desk.close()


@pytest.mark.parametrize(("path", "words"), [("/docs", "Place one"), ("/redoc", "Orders, the newest first")])
def test_the_documents_are_shown_without_anything_from_elsewhere(
    browser: Browser, rig: Rig, path: str, words: str
) -> None:
    desk = Desk(browser, rig)
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    desk.page.goto(f"{rig.client.base_url}{path}")
    expect(desk.page.locator("#root")).to_contain_text(words)
    assert all(url.startswith((str(rig.client.base_url), "data:", "blob:")) for url in asked)
    assert desk.errors == []
    desk.close()
