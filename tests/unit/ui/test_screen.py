"""The dashboard's thread and its terminal, on pseudo-terminals of this process."""

from __future__ import annotations

import os
import pty
import select
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from tests.unit.ui.builders import a_busy_view, a_memory, a_view, an_event
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.events import EventName
from tradebot.engine.view_feed import ViewSlot
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.browsing import Browsing
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Look, encoded
from tradebot.interfaces.ui.panels.header import Moment
from tradebot.interfaces.ui.screen import Dashboard, DashboardOptions
from tradebot.interfaces.ui.screenshots import SCREENSHOTS_MAX, save_screenshot
from tradebot.interfaces.ui.summary import summary
from tradebot.interfaces.ui.terminal import Terminal, TerminalGone

PATIENCE_S = 10.0


class Pty:
    """A terminal whose reader we are."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.path = os.ttyname(self.slave)

    def taken(self) -> bytes:
        """What has been written so far and was not read before."""
        found = b""
        while select.select([self.master], [], [], 0)[0]:
            found += os.read(self.master, 65536)
        return found

    def read_until(self, wanted: bytes) -> bytes:
        found, until = b"", RealClock().monotonic() + PATIENCE_S
        while wanted not in found:
            assert RealClock().monotonic() < until, f"{wanted!r} not in {found[-300:]!r}"
            assert select.select([self.master], [], [], PATIENCE_S)[0], f"{wanted!r} not in {found[-300:]!r}"
            found += os.read(self.master, 65536)
        return found


@pytest.fixture
def tty() -> Iterator[Pty]:
    opened = Pty()
    yield opened
    os.close(opened.master)
    os.close(opened.slave)


@pytest.fixture
def terminal(tty: Pty) -> Iterator[Terminal]:
    opened = Terminal(tty.path)
    yield opened
    opened.close()


def rows(*texts: str) -> list[bytes]:
    return [text.encode() for text in texts]


def test_the_first_frame_is_written_whole_and_then_only_lines_that_differ(tty: Pty, terminal: Terminal) -> None:
    terminal.paint(rows("one", "two", "three"))
    first = tty.taken()
    terminal.paint(rows("one", "2", "three"))
    second = tty.taken()
    terminal.paint(rows("one", "2", "three"))

    assert all(text in first for text in (b"\x1b[2J", b"one", b"two", b"three"))
    assert second == b"\x1b[?2026h\x1b[2;1H2\x1b[?2026l"
    assert tty.taken() == b""


def test_after_a_repaint_everything_is_written_again(tty: Pty, terminal: Terminal) -> None:
    terminal.paint(rows("one", "two"))
    first = tty.taken()
    terminal.forget()
    terminal.paint(rows("one", "two"))

    assert tty.taken() == first


def test_another_number_of_lines_is_another_screen(tty: Pty, terminal: Terminal) -> None:
    terminal.paint(rows("one", "two"))
    tty.taken()
    terminal.paint(rows("one"))

    assert b"\x1b[2J" in tty.taken()


def test_a_terminal_that_nobody_reads_gets_no_second_frame_and_later_the_rest_of_the_first(
    tty: Pty, terminal: Terminal
) -> None:
    big = [b"x" * 10_000] * 20
    is_first = terminal.paint(big)
    others = [terminal.paint([b"%d" % number] * 20) for number in range(100)]
    stuck_at = terminal.written

    found = tty.taken()
    while not terminal.paint(rows("at last")):
        found += tty.taken()
    found += tty.taken()

    assert is_first
    assert not any(others)
    assert terminal.skipped >= 100
    assert stuck_at < 200_000, "the terminal has taken less than the frame"
    assert found.count(b"x") == 200_000
    assert b"99" not in found
    assert found.endswith(b"at last\x1b[?2026l")


def test_a_hang_up_is_told_as_such() -> None:
    hung = Pty()
    terminal = Terminal(hung.path)
    os.close(hung.master)

    with pytest.raises(TerminalGone):
        terminal.read(1.0)
    terminal.end(b"", RealClock().monotonic)
    terminal.close()
    os.close(hung.slave)


def test_a_wake_ends_the_wait(terminal: Terminal) -> None:
    waiter = Thread(target=terminal.read, args=(60.0,), daemon=True)
    waiter.start()
    terminal.wake()
    waiter.join(PATIENCE_S)

    assert not waiter.is_alive()


def a_dashboard(tty: Pty, view: DaemonView | None, folder: Path, quit_: Event | None = None) -> Dashboard:
    slot = ViewSlot()
    if view is not None:
        slot.put(replace(view, made_s=RealClock().monotonic()))
    options = DashboardOptions(refresh_s=0.5, screenshots=folder)
    return Dashboard(slot, Terminal(tty.path), (quit_ or Event()).set, RealClock(), options)


def test_it_paints_saves_its_screen_and_says_goodbye(tty: Pty, tmp_path: Path) -> None:
    dashboard = a_dashboard(tty, a_busy_view(), tmp_path)
    dashboard.start()
    tty.read_until(b" pause")
    os.write(tty.master, b"s")
    tty.read_until(b"saved:")
    dashboard.stop()

    assert "Orders 40" in (tmp_path / "screen-001.txt").read_text()
    assert b"orders: 8 pending" in tty.read_until(b"session:")
    assert dashboard.fault == ""
    assert dashboard.frames > 1


def test_q_and_y_ask_the_daemon_to_stop_and_go_on_painting(tty: Pty, tmp_path: Path) -> None:
    asked = Event()
    dashboard = a_dashboard(tty, a_busy_view(), tmp_path, asked)
    dashboard.start()
    tty.read_until(b" pause")
    os.write(tty.master, b"qy")

    assert asked.wait(PATIENCE_S)
    tty.read_until(b"stopping ...")
    dashboard.stop()


class JumpingClock:
    """The machine's, and so many seconds ahead of it."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._real = RealClock()

    def now(self) -> datetime:
        return self._real.now()

    def monotonic(self) -> float:
        return self._real.monotonic() + self.ahead_s


def test_a_word_of_what_was_done_makes_room_for_the_keys_again(tty: Pty) -> None:
    slot, clock = ViewSlot(), JumpingClock()
    slot.put(a_busy_view())
    dashboard = Dashboard(slot, Terminal(tty.path), Event().set, clock)
    dashboard.start()
    tty.read_until(b" pause")
    os.write(tty.master, b"+")
    tty.read_until(b"refreshed every")
    clock.ahead_s = 11.0
    tty.read_until(b" pause")
    dashboard.stop(is_silent=True)

    assert dashboard.fault == ""


def test_before_the_first_view_it_waits_and_stops_at_once(tty: Pty, tmp_path: Path) -> None:
    dashboard = a_dashboard(tty, None, tmp_path)
    dashboard.start()
    dashboard.stop()
    dashboard.stop()

    assert dashboard.frames == 0
    assert b"nothing was shown yet" in tty.taken()


def test_one_that_was_never_started_can_be_stopped(tty: Pty, tmp_path: Path) -> None:
    a_dashboard(tty, None, tmp_path).stop()

    assert tty.taken() == b""


def test_stopping_on_a_stuck_terminal_takes_a_moment_only(tty: Pty, tmp_path: Path) -> None:
    dashboard = a_dashboard(tty, a_busy_view(), tmp_path)
    dashboard.start()
    for _ in range(200):
        os.write(tty.master, b"\x0c")
    began = RealClock().monotonic()
    stopper = Thread(target=dashboard.stop, daemon=True)
    stopper.start()
    stopper.join(PATIENCE_S)

    assert not stopper.is_alive()
    assert RealClock().monotonic() - began < 4.0


def test_a_fault_of_the_dashboard_ends_the_dashboard_alone(tty: Pty, tmp_path: Path) -> None:
    broken = replace(a_busy_view(), counts=None, orders=None, facts=None)
    dashboard = a_dashboard(tty, broken, tmp_path)
    dashboard.start()
    found = tty.read_until(b"the dashboard ended")
    dashboard.stop()

    assert "AttributeError" in dashboard.fault
    assert b"\x1b[?1049l" in found


def test_who_is_told_of_the_end_hears_why_after_the_terminal_was_given_back(tty: Pty, tmp_path: Path) -> None:
    ended, slot = Event(), ViewSlot()
    slot.put(replace(a_busy_view(), counts=None, orders=None, facts=None))
    dashboard = Dashboard(slot, Terminal(tty.path), Event().set, RealClock(), on_end=ended.set)
    dashboard.start()

    assert ended.wait(PATIENCE_S)
    assert tty.read_until(b"\x1b[?1049l").endswith(b"\x1b[?1049l"), "nothing is left in the terminal"
    assert "AttributeError" in dashboard.fault
    assert not dashboard.is_terminal_gone
    dashboard.stop()


def test_a_dashboard_that_is_left_ends_soon_and_is_still_to_be_stopped(tty: Pty, tmp_path: Path) -> None:
    ended, slot = Event(), ViewSlot()
    dashboard = Dashboard(slot, Terminal(tty.path), Event().set, RealClock(), on_end=ended.set)
    dashboard.start()
    dashboard.leave("no view")

    assert ended.wait(PATIENCE_S)
    assert dashboard.fault == "no view"
    dashboard.stop()
    dashboard.leave("too late")
    assert dashboard.fault == "no view"


def test_the_newest_view_is_painted_at_the_end_and_a_silent_one_says_no_goodbye(tty: Pty, tmp_path: Path) -> None:
    ended, slot = Event(), ViewSlot()
    slot.put(a_busy_view())
    options = DashboardOptions(refresh_s=5.0)
    dashboard = Dashboard(slot, Terminal(tty.path), Event().set, RealClock(), options, on_end=ended.set)
    dashboard.start()
    tty.read_until(b" pause")
    slot.put(a_view(a_memory(entries_stopped="the very last")))
    dashboard.stop(is_silent=True)

    found = tty.read_until(b"\x1b[?1049l")
    assert b"the very last" in found
    assert found.endswith(b"\x1b[?1049l")
    assert not ended.is_set(), "it was stopped"


def test_ten_thousand_frames_leave_memory_flat(tty: Pty, terminal: Terminal) -> None:
    views = [a_busy_view(number) for number in (20, 21, 22)]
    memory, sizes = psutil.Process().memory_info, []

    for number in range(10_000):  # at the smallest size that has panels
        lines = frame(views[number % 3], Browsing(), (60, 16), Moment(up_s=float(number)))
        terminal.paint([encoded(line, Look()) for line in lines])
        tty.taken()
        if number % 1000 == 999:
            sizes.append(memory().rss)

    assert max(sizes[1:]) - sizes[1] < 2 * 1024 * 1024


def test_a_screenshot_is_refused_when_there_are_too_many(tmp_path: Path) -> None:
    for number in range(1, SCREENSHOTS_MAX + 1):
        (tmp_path / f"screen-{number:03d}.txt").touch()

    with pytest.raises(OSError, match="100 screenshots already"):
        save_screenshot(tmp_path, ["line"])


def test_the_summary_has_at_most_ten_lines_without_control_characters() -> None:
    view = a_view(
        a_memory(entries_stopped="a\x1b[2J\nb"),
        events=[an_event(EventName.ORDER_SENT, f"\x1b[31m{number}") for number in range(50)],
    )

    lines = summary(view)

    assert len(lines) <= 10
    assert all(line.isprintable() for line in lines)
