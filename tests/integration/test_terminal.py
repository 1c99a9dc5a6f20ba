"""The dashboard on real terminals: it paints, it survives, and it leaves the terminal as it found it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 20.0
ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"


class Session:
    """A child with a terminal of its own, of which we are the reader. The shell's side stays open with us, so that
    settings can be looked at after the child has gone."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(120, 40)
        self.found = termios.tcgetattr(self.slave)
        self.diary = folder / "diary"
        self.diary.touch()
        self.read = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.dashboard_child", str(self.diary), *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environ},
            stdin=self.slave,
            stdout=self.slave,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=self._take_control,
        )

    def _take_control(self) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def send(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def until(self, wanted: Callable[[], bool]) -> None:
        """Read what the child writes until something holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not wanted():
            assert time.monotonic() < deadline, f"not in {PATIENCE_S} s; the last of it: {self.read[-600:]!r}"
            if select.select([self.master], [], [], 0.05)[0]:
                self.read += os.read(self.master, 65536)

    def until_shown(self, text: str) -> None:
        self.until(lambda: text.encode() in self.read)

    def until_ended(self) -> None:
        self.until(lambda: self.process.poll() is not None)
        while select.select([self.master], [], [], 0.1)[0]:
            self.read += os.read(self.master, 65536)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            os.close(descriptor)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(tmp_path)
    yield opened
    opened.close()


def is_restored(session: Session) -> bool:
    return termios.tcgetattr(session.slave) == session.found and LEFT in session.read


def screen_of(output: bytes, columns: int, lines: int) -> list[str]:
    """What a terminal shows after the output: a reader of the few sequences that are written, for nothing else."""
    screen = [[" "] * columns for _ in range(lines)]
    row = column = 0
    for part in re.finditer(rb"\x1b\[([?\d;]*)([A-Za-z])|([^\x1b]+)", output):
        numbers, command, text = part.groups()
        if text is not None:
            for character in text.decode():
                assert 0 <= row < lines, "painted outside of the screen"
                assert column < columns, "painted outside of the screen"
                screen[row][column] = character
                column += 1
        elif command == b"H":
            row, column = (int(number) - 1 for number in numbers.split(b";"))
        elif command == b"J":
            screen = [[" "] * columns for _ in range(lines)]
        else:
            assert command in b"mhl"
    return ["".join(line).rstrip() for line in screen]


def test_it_paints_a_whole_screen_and_stops_on_q_and_y(session: Session) -> None:
    session.until_shown(" quit")
    session.send(b"q")
    session.until_shown("y / N")
    painted = session.read[session.read.index(ENTERED) :]
    session.send(b"y")
    session.until_ended()

    shown = screen_of(painted, 120, 40)
    assert shown[0].startswith("● REPLAY")
    assert any("Orders 40" in line for line in shown)
    assert "y / N" in shown[39]
    assert session.diary.read_text().startswith("full ")
    assert session.process.returncode == 0
    assert is_restored(session)
    farewell = session.read.split(LEFT)[1].decode()
    assert "orders: 8 pending, 8 ongoing, 8 closed, 8 failed, 8 cancelled" in farewell
    assert "\x1b" not in farewell


def test_a_resize_paints_the_new_screen_whole(session: Session) -> None:
    session.until_shown(" quit")
    before = len(session.read)
    session.resize(80, 24)
    session.until(lambda: b"\x1b[2J" in session.read[before:])
    session.until(lambda: b"\x1b[24;1H" in session.read[before:])
    after = session.read[session.read.rindex(b"\x1b[2J") :]

    shown = screen_of(after, 80, 24)
    assert shown[3].startswith("1 pending 8")
    assert shown[23].startswith("? help")


def test_only_what_has_changed_is_written(session: Session) -> None:
    session.until_shown(" quit")
    time.sleep(0.5)
    session.until(lambda: not select.select([session.master], [], [], 0)[0])
    before = len(session.read)
    began = time.monotonic()
    session.until(lambda: time.monotonic() - began > 3.0)

    assert len(session.read) - before < 3 * 1000, "a tick of the clock costs hundreds of bytes"


def test_ctrl_c_ends_it_and_restores_the_terminal(session: Session) -> None:
    session.until_shown(" quit")
    session.send(b"\x03")
    session.until_ended()

    assert session.process.returncode == 0
    assert is_restored(session)


def test_ctrl_z_suspends_nothing(session: Session) -> None:
    session.until_shown(" quit")
    session.send(b"\x1a")
    session.until_shown("ctrl-z is ignored")
    turns = len(session.diary.read_text().splitlines())

    session.until(lambda: len(session.diary.read_text().splitlines()) > turns + 5)


def test_a_daemon_that_fails_leaves_the_terminal_restored(tmp_path: Path) -> None:
    session = Session(tmp_path, "raise")
    session.until_ended()

    assert session.process.returncode == 1
    assert is_restored(session)
    session.close()


def test_a_panel_that_fails_takes_nothing_else_with_it(tmp_path: Path) -> None:
    session = Session(tmp_path, "panel")
    session.until_shown(" quit")
    session.send(b"?")
    session.until_shown("this help")
    session.send(b"\x1b")
    session.until_shown("! cannot be shown: Attr")
    session.send(b"q")
    session.until_shown("y / N")
    session.send(b"y")
    session.until_ended()

    assert session.process.returncode == 0
    assert is_restored(session)
    session.close()


def test_keys_that_fail_end_the_dashboard_and_neither_the_daemon_nor_the_terminal(tmp_path: Path) -> None:
    session = Session(tmp_path, "keys")
    session.until_shown(" quit")
    session.send(b"j")
    session.until(lambda: is_restored(session))
    turns = len(session.diary.read_text().splitlines())
    wait_for(lambda: len(session.diary.read_text().splitlines()) > turns + 5)
    session.process.send_signal(signal.SIGTERM)
    session.until_ended()

    assert session.process.returncode == 0
    assert "TypeError" in session.diary.read_text()
    assert "the dashboard ended: TypeError" in session.read.decode()
    session.close()


def test_after_a_kill_the_guardian_restores_the_terminal(session: Session) -> None:
    session.until_shown(" quit")
    assert termios.tcgetattr(session.slave) != session.found
    session.process.kill()

    session.until(lambda: is_restored(session))


def test_a_terminal_that_hangs_up_takes_the_dashboard_and_not_the_daemon(session: Session) -> None:
    session.until_shown(" quit")
    os.close(session.master)
    session.master = os.open(os.devnull, os.O_RDONLY)

    wait_for(lambda: "the terminal has gone" in session.diary.read_text())
    turns = len(session.diary.read_text().splitlines())
    wait_for(lambda: len(session.diary.read_text().splitlines()) > turns + 5)
    session.process.send_signal(signal.SIGTERM)
    assert session.process.wait(PATIENCE_S) == 0


def test_a_terminal_that_nobody_reads_stops_neither_the_daemon_nor_its_end(session: Session) -> None:
    session.until_shown(" quit")
    for number in range(60):
        session.resize(120 + number % 2, 40)
        session.send(b"\x0c")
        time.sleep(0.02)
    turns = len(session.diary.read_text().splitlines())
    wait_for(lambda: len(session.diary.read_text().splitlines()) > turns + 20)
    session.process.send_signal(signal.SIGTERM)

    assert session.process.wait(5.0) == 0, "within five seconds"
    assert termios.tcgetattr(session.slave) == session.found


def test_ctrl_s_holds_the_screen_and_ctrl_q_goes_on(session: Session) -> None:
    session.until_shown(" quit")
    session.send(b"\x13")
    turns = len(session.diary.read_text().splitlines())
    wait_for(lambda: len(session.diary.read_text().splitlines()) > turns + 20)
    session.send(b"\x11?")
    session.until_shown("this help")
    painted = session.read[session.read.index(ENTERED) :]

    assert any("this help" in line for line in screen_of(painted, 120, 40))


def test_without_colour_no_colour_is_written(tmp_path: Path) -> None:
    session = Session(tmp_path, NO_COLOR="1")
    session.until_shown(" quit")
    session.close()

    codes = {code for codes in re.findall(rb"\x1b\[([\d;]+)m", session.read) for code in codes.split(b";")}
    assert codes <= {b"0", b"1", b"2", b"7"}


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_in_tmux_the_screen_is_whole_after_a_resize_and_the_shell_is_whole_afterwards(tmp_path: Path) -> None:
    def tmux(*arguments: str) -> str:
        command = ["tmux", "-S", str(tmp_path / "socket"), "-f", os.devnull, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout

    environ = {**os.environ, "LC_ALL": "C.UTF-8"}
    environ.pop("TMUX", None)
    child = f"{sys.executable} -m tests.integration.dashboard_child {tmp_path / 'diary'}"
    (tmp_path / "diary").touch()
    tmux("-u", "new-session", "-d", "-x", "120", "-y", "40", "-c", str(REPOSITORY), "sh -i")
    try:
        tmux("send-keys", "PS1='shell$ '; clear", "Enter")
        wait_for(lambda: tmux("capture-pane", "-p").strip() == "shell$")
        tmux("send-keys", child, "Enter")
        wait_for(lambda: " quit" in tmux("capture-pane", "-p"))
        tmux("resize-window", "-x", "80", "-y", "24")
        wait_for(lambda: "1 pending 8" in tmux("capture-pane", "-p"))
        shown = tmux("capture-pane", "-p").splitlines()
        tmux("send-keys", "q")
        wait_for(lambda: "y / N" in tmux("capture-pane", "-p"))
        tmux("send-keys", "y")
        wait_for(lambda: tmux("capture-pane", "-p").rstrip().endswith("shell$"))
        tmux("send-keys", "stty -a | grep -c ' echo '", "Enter")
        wait_for(lambda: re.search(r"^1$", tmux("capture-pane", "-p"), re.MULTILINE) is not None)
        afterwards = tmux("capture-pane", "-p")
    finally:
        tmux("kill-server")

    assert all(len(line) == 80 for line in shown if line.startswith(("│", "╭", "╰")))
    assert sum(line.startswith("╭") for line in shown) == 3
    assert "orders: 8 pending" in afterwards
    assert "Orders 40" not in afterwards


def wait_for(wanted: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < deadline, f"not in {PATIENCE_S} s"
        time.sleep(0.05)
