"""The panels of the dashboard on the state of a real replay, at the sizes that people have.

`python3 tests/test_terminal_ui.py` runs these tests by itself.
"""

from __future__ import annotations

import html
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs import dashboard
from tradebot.domain.events import Level
from tradebot.domain.orders import OrderStatus
from tradebot.engine.alerts_view import Alert
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.browsing import Browsing, Focus, Page
from tradebot.interfaces.ui.keys import BINDINGS
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Look, plain_text

SIZES = [(80, 24), (120, 40), (200, 60)]
PANELS = {Focus.ORDERS: "Orders", Focus.POSITIONS: "Positions", Focus.EVENTS: "Events", Focus.BLOCKS: "Guard blocks"}

_PIECE = re.compile(r"<text [^>]*>([^<]*)</text>")

at_each_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))


@pytest.fixture(scope="module")
def view() -> DaemonView:
    """Half past nine on the day of the delivered configuration."""
    return dashboard.view_of_the_day()


def screen(view: DaemonView, size: tuple[int, int], browsing: Browsing | None = None) -> list[str]:
    lines = frame(view, browsing or Browsing(), size, dashboard.MOMENT)
    return [plain_text(line, Look()) for line in lines]


def test_the_view_is_busy_enough_to_prove_something(view: DaemonView) -> None:
    assert len(view.orders) > 10
    assert len(view.positions) >= 2
    assert view.tail.blocks


@at_each_size
def test_every_panel_is_there_and_none_has_failed(view: DaemonView, size: tuple[int, int]) -> None:
    for focus, title in PANELS.items():
        text = "\n".join(screen(view, size, Browsing(focus=focus)))

        assert f"─ {title}" in text
        assert text.startswith("● REPLAY ")
        assert "09:30:00 IST" in text.splitlines()[0]
        assert "cannot be shown" not in text


@at_each_size
@pytest.mark.parametrize("focus", list(Focus))
def test_each_focus_fills_the_screen_to_the_last_cell(view: DaemonView, size: tuple[int, int], focus: Focus) -> None:
    columns, lines = size

    found = frame(view, Browsing(focus=focus), size, dashboard.MOMENT)

    assert len(found) == lines
    assert {cell_len("".join(segment.text for segment in line)) for line in found} == {columns}


@at_each_size
def test_what_is_held_is_shown_with_its_quantity(view: DaemonView, size: tuple[int, int]) -> None:
    rows = screen(view, size, Browsing(focus=Focus.POSITIONS))

    for shown in view.positions:
        position = shown.position
        assert any(re.search(rf"\b{position.symbol} .*\b{position.quantity}\b", row) for row in rows), position.symbol


@pytest.mark.parametrize("size", SIZES[1:], ids=lambda size: "x".join(map(str, size)))
def test_orders_are_counted_by_status(view: DaemonView, size: tuple[int, int]) -> None:
    text = "\n".join(screen(view, size))

    for status in OrderStatus:
        count = sum(shown.order.status is status for shown in view.orders)
        assert re.search(rf"\d {status} +{count}\b", text), f"{status} {count}"


@at_each_size
def test_an_order_is_explained_on_a_page_of_its_own(view: DaemonView, size: tuple[int, int]) -> None:
    order = next(shown.order for shown in view.orders if shown.order.status is OrderStatus.CLOSED)

    text = "\n".join(screen(view, size, Browsing(page=Page.DETAIL, selected=order.id)))

    assert order.symbol in text
    assert order.coid in text


@at_each_size
def test_stopped_entries_are_told_in_words(view: DaemonView, size: tuple[int, int]) -> None:
    stopped = replace(view, alerts=(Alert(level=Level.CRITICAL, text="entries stopped: disk full"),))

    assert any("entries stopped: disk full" in row for row in screen(stopped, size))


def test_the_help_is_the_key_table(view: DaemonView) -> None:
    rows = screen(view, (120, 40), Browsing(page=Page.HELP))[4:]

    told = [row.strip("│ ") for row in rows if row.startswith("│ ")][1 : len(BINDINGS) + 1]
    assert [re.split(r" {2,}", row, maxsplit=1) for row in told] == [
        [binding.shown, binding.does] for binding in BINDINGS
    ]


def test_the_picture_of_the_documents_is_this_screen(view: DaemonView) -> None:
    """The words of docs/dashboard.svg, piece by piece, and all of docs/dashboard.txt; how the picture is drawn around
    its words is the library's. If a change is wanted: python -m docs.dashboard."""
    lines = frame(view, Browsing(), dashboard.SIZE, dashboard.MOMENT)

    assert _words(dashboard.PICTURE.read_text(encoding="utf-8")) == _words(dashboard.picture(lines))
    assert dashboard.PAGE.read_text(encoding="utf-8") == dashboard.page(lines)


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    assert "url(http" not in dashboard.PICTURE.read_text(encoding="utf-8")


def _words(picture: str) -> list[str]:
    return [html.unescape(piece) for piece in _PIECE.findall(picture)]


if __name__ == "__main__":
    if pytest.main([__file__, "-q", "-p", "no:cacheprovider"]) != 0:
        raise SystemExit(1)
    print("✓ All terminal UI tests passed!")
