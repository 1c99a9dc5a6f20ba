"""What the terminal does to the whole program: keys that may do nothing, a held screen, the background, the flags."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.terminals import Line, Tmux, needs_tmux
from tradebot.interfaces.ui.keys import ACTING, BINDINGS

HELD = r"─ Positions [1-9]/6"
XOFF, XON = b"\x13", b"\x11"
GROWTH_MB_MAX = 60
"""What a day of books, log and views adds to a process; a screen that queues its frames would add far more."""


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    opened = Tmux(tmp_path)
    yield opened
    opened.close()


@needs_tmux
def test_read_only_looks_and_does_nothing(tmux: Tmux) -> None:
    tmux.open(120, 40)
    tmux.play(60, "--read-only")
    tmux.until(HELD)
    for key in (binding.keys[0] for binding in BINDINGS if binding.action in ACTING):
        tmux.press(key)
        tmux.until(r"^read-only: this key does nothing here")
        tmux.press("j")
    tmux.press("C-c")
    tmux.until(r"^stopped at 2026-09-16", r"^exit 0$")


def test_held_by_ctrl_s_the_day_goes_on_to_its_end_and_memory_does_not_grow(tmp_path: Path) -> None:
    line = Line(tmp_path, speed=2000)
    found = termios.tcgetattr(line.master)
    line.until(lambda: b"Positions" in line.read)
    os.write(line.master, XOFF)
    held_mb = psutil.Process(line.process.pid).memory_info().rss / 2**20
    books = tmp_path / "state" / "tradebot.db"
    line.until(lambda: _days_closed(books) >= 2)
    grown_mb = psutil.Process(line.process.pid).memory_info().rss / 2**20 - held_mb
    os.write(line.master, XON)
    line.until(lambda: line.process.poll() is not None)
    line.end()
    after = termios.tcgetattr(line.master)
    os.close(line.master)

    assert line.process.returncode == 0
    assert after == found
    assert grown_mb < GROWTH_MB_MAX


@needs_tmux
def test_started_in_the_background_it_writes_lines(tmux: Tmux) -> None:
    tmux.open(120, 40)
    out = tmux.folder / "out"
    tmux.type(f"{sys.executable} main.py replay --speed 3000 --home {tmux.home} > {out} 2>&1 & wait; echo exit $?")
    tmux.until(r"^exit 0$")

    lines = out.read_text(encoding="utf-8").splitlines()
    assert any(re.search(r"  ORDER_FILLED ", line) for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.flag("ENABLE_LIVE_DASHBOARD")
def test_without_the_dashboard_the_heartbeat_is_its_header_alone(tmp_path: Path) -> None:
    line = Line(tmp_path, speed=3000, ui="auto", TRADEBOT_ENABLE_LIVE_DASHBOARD="false")
    line.until(lambda: line.process.poll() is not None)
    line.end()
    os.close(line.master)

    shown = line.read.decode()
    assert "REPLAY" in shown
    assert "next cycle" in shown
    assert "─ Orders" not in shown


@pytest.mark.flag("ENABLE_LIVE_MONITORS")
def test_without_live_monitors_a_terminal_gets_lines_in_colour(tmp_path: Path) -> None:
    line = Line(tmp_path, speed=3000, ui="auto", TRADEBOT_ENABLE_LIVE_MONITORS="false")
    line.until(lambda: line.process.poll() is not None)
    line.end()
    os.close(line.master)

    shown = line.read.decode()
    assert "  ORDER_FILLED " in shown
    assert "\x1b[33m" in shown, "a warning is coloured"
    assert "\x1b[?1049h" not in shown, "the screen is not taken"


def _days_closed(books: Path) -> int:
    """By the books, since the screen stands still."""
    connection = sqlite3.connect(f"file:{books}?mode=ro", uri=True)
    try:
        (count,) = connection.execute("select count(*) from job_runs where name = 'end_of_day'").fetchone()
    finally:
        connection.close()
    return int(count)
