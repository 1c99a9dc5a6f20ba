"""Takes the pictures of the orders page: `python -m docs.screenshots` plays a day and looks at it in a real browser.

It needs chromium (`/usr/bin/chromium`, or `CHROMIUM=path`); docs/page-*.png are what it makes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": (1440, 1000), "phone": (390, 844)}
READY_MS = 120_000
SPEED = "300"


def main() -> None:
    with tempfile.TemporaryDirectory() as home, a_day(Path(home)) as url, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for size in SIZES:
            for colours in ("light", "dark"):
                take(browser, url, size, colours)
        browser.close()


@contextmanager
def a_day(home: Path) -> Iterator[str]:
    """The seeded day of `make run`, at the pace at which there is something to see; gives the page's address."""
    words = [sys.executable, "main.py", "replay", "--home", str(home), "--ui", "off", "--speed", SPEED]
    environ = {**os.environ, "TRADEBOT_ENABLE_HTTP_API": "true", "TRADEBOT_HTTP_PORT": "0"}
    with subprocess.Popen(words, cwd=FOLDER.parent, env=environ, stderr=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stderr is not None
            found = next(found for line in daemon.stderr if (found := re.search(r"http://\S+:\d+/", line)))
            yield found[0]
        finally:
            daemon.terminate()


def take(browser: Browser, url: str, size: str, colours: str) -> None:
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if colours == "dark" else "light",
        device_scale_factor=1,
        reduced_motion="reduce",
    )
    page.goto(url)
    page.wait_for_selector(".positions tbody tr", timeout=READY_MS)
    page.wait_for_selector(".plot canvas", timeout=READY_MS)
    open_an_order(page)
    page.screenshot(path=FOLDER / f"page-{size}-{colours}.png")
    page.close()


def open_an_order(page: Page) -> None:
    """The detail of one that is held shows events, fills and ids."""
    page.click("#tab-ongoing")
    page.wait_for_selector("[data-order]", timeout=READY_MS)
    page.locator("[data-order]").first.click()
    page.wait_for_selector(".events li")


if __name__ == "__main__":
    main()
