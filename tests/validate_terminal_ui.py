"""Before the terminal UI is switched on: what reaches a terminal, a pipe and a log is fit for it.

`python3 tests/validate_terminal_ui.py` runs these tests by itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config.loading import load_settings
from tests.simulator.killing import busy_day, write_market
from tests.unit.ui.builders import a_busy_view
from tradebot.interfaces.ui.browsing import Browsing, Page
from tradebot.interfaces.ui.choice import Switches, choose_ui
from tradebot.interfaces.ui.keys import ACTION_OF, BINDINGS, Action, decode
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Look, encoded
from tradebot.interfaces.ui.panels.header import Moment

SIZES = [(80, 24), (120, 40), (200, 60)]

_STYLES = re.compile(r"\x1b\[[\d;]*m")

at_each_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """A whole day of `main.py replay`, its lines into a pipe."""
    folder = tmp_path_factory.mktemp("lines")
    data = write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 14))
    return busy_day(folder / "home", data).run()


@at_each_size
@pytest.mark.parametrize("page", list(Page))
def test_a_terminal_gets_text_and_colours_and_nothing_else(size: tuple[int, int], page: Page) -> None:
    sent = _sent(size, page, Look())

    assert _STYLES.search(sent)
    assert _STYLES.sub("", sent).replace("\n", "").isprintable()


@at_each_size
def test_a_terminal_without_colours_gets_none_and_the_same_words(size: tuple[int, int]) -> None:
    plain = _sent(size, Page.MAIN, Look.of({"NO_COLOR": "1", "LANG": "C.UTF-8"}))
    codes = {code for style in _STYLES.findall(plain) for code in re.findall(r"\d+", style)}

    assert not any(re.fullmatch(r"[349]\d", code) for code in codes)
    assert _STYLES.sub("", plain) == _STYLES.sub("", _sent(size, Page.MAIN, Look()))


@at_each_size
def test_a_terminal_without_utf_8_gets_ascii_in_the_same_cells(size: tuple[int, int]) -> None:
    lines = _STYLES.sub("", _sent(size, Page.MAIN, Look.of({"LANG": "C"}))).split("\n")

    assert all(line.isascii() for line in lines)
    assert {len(line) for line in lines} == {size[0]}


def test_lines_have_no_control_characters(told: subprocess.CompletedProcess[str]) -> None:
    lines = told.stdout.splitlines()

    assert told.returncode == 0
    assert sum("  ORDER_FILLED " in line for line in lines) >= 3
    assert [line for line in lines if not line.isprintable()] == []
    assert told.stderr == ""


def test_a_pipe_gets_lines_whatever_is_asked_for() -> None:
    with Path(os.devnull).open("w") as pipe:
        assert {choose_ui(word, Switches(), pipe, {"TERM": "xterm"}) for word in ("auto", "full", "line")} == {"line"}


def test_every_action_has_a_key_and_no_key_has_two() -> None:
    keys = Counter(key for binding in BINDINGS for key in binding.keys)

    assert {binding.action for binding in BINDINGS} == set(Action)
    assert max(keys.values()) == 1
    assert set(ACTION_OF) == set(keys)


@pytest.mark.parametrize(
    ("typed", "action"),
    [
        (b"?", Action.HELP),
        (b"q", Action.QUIT),
        (b"\x1b[A", Action.UP),
        (b"\x1b[6~", Action.PAGE_DOWN),
        (b"\t", Action.NEXT_PANEL),
        (b"\r", Action.DETAIL),
        (b"\x1b", Action.BACK),
        (b"\x0c", Action.REPAINT),
        (b"\x1a", Action.SUSPEND),
    ],
)
def test_what_a_terminal_sends_for_a_key_does_what_the_table_says(typed: bytes, action: Action) -> None:
    keys, left = decode(typed, is_all=True)

    assert [ACTION_OF[key] for key in keys] == [action]
    assert left == b""


@pytest.mark.parametrize("line", ["ui", "LIVE_MONITOR_REFRESH_S"])
def test_the_delivered_configuration_names_the_keys_of_the_ui(line: str) -> None:
    text = (ROOT / "config" / "tradebot.toml").read_text(encoding="utf-8")

    assert re.search(rf"^{line} = ", text, re.MULTILINE)


def test_the_refresh_is_within_what_a_person_can_read() -> None:
    refresh = float(load_settings(ROOT, {}).screen.live_monitor_refresh_s)

    assert 0.5 <= refresh <= 5


def _sent(size: tuple[int, int], page: Page, look: Look) -> str:
    view = a_busy_view()
    browsing = Browsing(page=page, selected=view.orders[2].order.id)
    lines = frame(view, browsing, size, Moment(age_s=0.0, up_s=60.0))
    return b"\n".join(encoded(line, look) for line in lines).decode()


if __name__ == "__main__":
    if pytest.main([__file__, "-q", "-p", "no:cacheprovider"]) != 0:
        raise SystemExit(1)
    print("✓ All validations PASSED")
