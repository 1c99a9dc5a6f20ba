"""The whole program under its dashboard: in tmux as an operator has it, and on terminals that are taken away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.terminals import ENVIRONMENT, PATIENCE_S, ROOT, Line, Tmux, needs_tmux, wait_for

LEFT = b"\x1b[?1049l"
BOX = ("│", "╭", "╰")


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    opened = Tmux(tmp_path)
    yield opened
    opened.close()


def is_whole(screen: list[str], columns: int, lines: int) -> bool:
    """Every box is as wide as the screen, is closed, and the last line is the footer."""
    boxed = [line for line in screen if line.startswith(BOX)]
    is_closed = all(line.endswith(("│", "╮", "╯")) and len(line) == columns for line in boxed)
    corners = sum(line.count("╭") for line in boxed), sum(line.count("╯") for line in boxed)
    return is_closed and corners[0] == corners[1] > 0 and len(screen) == lines and screen[-1].startswith("? help")


def days_ended(home: Path) -> int:
    """The replay says at 18:00 of each day that it has closed it; the last one is that of the day that is played."""
    files = home.glob("logs/*.jsonl")
    return sum(file.read_text(encoding="utf-8").count('"DAY_SUMMARY"') for file in files)


@needs_tmux
@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (200, 60)])
def test_it_shows_header_orders_positions_and_events_and_ends_by_itself(tmux: Tmux, columns: int, lines: int) -> None:
    tmux.open(columns, lines)
    tmux.play(speed=3000)
    busy = tmux.until(r"^● REPLAY ", r"─ Orders [1-9]\d*", r"─ Positions [1-9]/6", r"─ Events \d+  following", "ORDER_")
    tmux.until(r"^exit 0$")
    after = tmux.screen()

    assert is_whole(busy, columns, lines), "\n".join(busy)
    assert sum(line.startswith("orders ") for line in after) == 1, "one summary, and not two"
    period = "period    2026-09-15 16:00 to 2026-09-16 23:30"
    assert any(line.startswith(period) for line in after), "\n".join(after)
    assert not any(character in "\n".join(after) for character in "│╭╰●")


@needs_tmux
def test_resized_while_it_is_busy_every_frame_is_whole_and_q_and_y_stop_it(tmux: Tmux) -> None:
    tmux.open(120, 40)
    tmux.play(speed=300)
    tmux.until(r"─ Positions [1-9]/6")
    for columns, lines in [(80, 24), (200, 60), (61, 17), (120, 40), (160, 50)]:
        tmux.resize(columns, lines)
        wait_for(lambda: is_whole(tmux.screen(), columns, lines), lambda: "\n".join(tmux.screen()))  # noqa: B023
    tmux.press("q")
    tmux.until(r"^Stop tradebot\?.*y / N")
    tmux.press("n")
    tmux.until(r"^left as it is")
    tmux.press("q", "y")
    tmux.until(r"^exit 0$")
    after = tmux.screen()
    tmux.type("stty -a")
    settings = "\n".join(tmux.until(r" icanon ", r" echo "))

    assert any(line.startswith("stopped at 2026-09-16") for line in after), "\n".join(after)
    assert not any(character in "\n".join(after) for character in "│╭╰●")
    assert "susp = ^Z" in settings


@needs_tmux
def test_ctrl_c_ends_it_with_a_summary_and_the_same_command_goes_on(tmux: Tmux) -> None:
    tmux.open(120, 40)
    before = tmux.settings()
    tmux.play(speed=300)
    tmux.until(r"─ Positions [1-9]/6")
    tmux.press("C-c")
    tmux.until(r"^stopped at 2026-09-16", r"^exit 0$")
    assert tmux.settings() == before
    tmux.type("clear")
    tmux.play(speed=3000)
    tmux.until(r"─ Events")
    tmux.until(r"^went on from 2026-09-16 \d\d:\d\d:\d\d IST$", r"^exit 0$")


@needs_tmux
def test_after_kill_9_the_shell_has_a_sane_terminal_and_a_new_start_goes_on(tmux: Tmux) -> None:
    tmux.open(120, 40)
    before = tmux.settings()
    tmux.play(speed=300)
    tmux.until(r"─ Positions [1-9]/6")
    during = tmux.settings()
    os.kill(tmux.pid(), signal.SIGKILL)
    wait_for(lambda: tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").strip() == "0 1")
    wait_for(lambda: tmux.settings() == before)
    tmux.type("clear; stty -a")
    tmux.until(r" icanon ", r" echo ")
    tmux.type("clear")
    tmux.play(speed=3000)
    tmux.until(r"^went on from 2026-09-16 \d\d:\d\d:\d\d IST$", r"^exit 0$")

    assert during != before
    assert tmux.settings() == before


@needs_tmux
def test_stopped_and_in_the_foreground_again_it_paints_and_takes_keys(tmux: Tmux) -> None:
    """Ctrl-Z is a key of ours; this is the signal that nothing can refuse, and the shell's `fg`."""
    tmux.open(120, 40)
    before = tmux.settings()
    tmux.play(speed=60)
    tmux.until(r"^● REPLAY ", r"^\? help ")
    pid = tmux.pid()
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    tmux.type("stty sane; clear; echo in the shell; fg")
    # Until then the picture may be the old one, and a key goes to the shell.
    wait_for(lambda: psutil.Process(pid).status() != psutil.STATUS_STOPPED)
    tmux.until(r"^● REPLAY ", r"─ Orders \d+", r"^\? help ")
    tmux.press("?")
    tmux.until(r"this help")
    tmux.press("q", "y")
    tmux.until(r"^stopped at 2026-09-1[56]")
    wait_for(lambda: tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").strip() == "0 1")
    wait_for(lambda: tmux.settings() == before)


@needs_tmux
def test_started_in_the_background_of_a_terminal_it_writes_lines_and_leaves_the_shell_alone(tmux: Tmux) -> None:
    tmux.open(120, 40)
    before = tmux.settings()
    options = f"replay --ui full --speed 1000 --home {tmux.home}"
    tmux.type(f"clear; {sys.executable} main.py {options} & echo started")
    tmux.until(r"^started")
    tmux.until(r"ORDER_|CYCLE|SYSTEMS_INITIALIZED")
    is_screen_taken = tmux("display-message", "-p", "#{alternate_on}").strip()
    tmux.type("echo the shell answers; wait; echo exit $?")
    tmux.until(r"^exit 0$")

    assert is_screen_taken == "0"
    assert "the shell answers" in tmux("capture-pane", "-p", "-S", "-2000")
    assert tmux.settings() == before


def test_auto_into_a_pipe_gives_lines_without_control_characters(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "main.py", "replay", "--ui", "auto", "--speed", "0", "--home", str(tmp_path)],
        cwd=ROOT,
        env={**ENVIRONMENT, "TERM": "xterm-256color"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )

    lines = ended.stdout.splitlines()
    assert any("  ORDER_FILLED " in line for line in lines)
    assert lines[-1].startswith("log ")
    assert all(line.isprintable() for line in lines)
    assert ended.stderr == ""


def test_a_lost_terminal_takes_the_dashboard_and_the_replay_goes_on_to_its_end(tmp_path: Path) -> None:
    line = Line(tmp_path, speed=2000)
    line.until(lambda: b"Positions 1/6" in line.read or b"Positions 4/6" in line.read)
    os.close(line.master)

    code = line.process.wait(PATIENCE_S)
    line.end()

    assert code == 0
    assert days_ended(tmp_path) == 2, "the evening before, and the day itself"
    (lines,) = tmp_path.glob("sessions/*/lines.txt")
    written = lines.read_text(encoding="utf-8").splitlines()
    assert any("  ORDER_" in line for line in written)
    assert any("  DAY_SUMMARY " in line for line in written)
    assert all(line.isprintable() for line in written)


def test_a_hang_up_signal_alone_gives_the_terminal_back_and_the_replay_goes_on(tmp_path: Path) -> None:
    line = Line(tmp_path, speed=2000)
    line.until(lambda: b"Positions 1/6" in line.read or b"Positions 4/6" in line.read)
    line.process.send_signal(signal.SIGHUP)
    line.until(lambda: LEFT in line.read)
    is_running = line.process.poll() is None
    line.until(lambda: line.process.poll() is not None and b"\nlog " in line.read)
    line.end()
    os.close(line.master)

    after = line.read.split(LEFT)[1].decode()
    assert is_running
    assert line.process.returncode == 0
    assert after.startswith("period "), "neither a summary of the dashboard's nor lines"
    assert days_ended(tmp_path) == 2
