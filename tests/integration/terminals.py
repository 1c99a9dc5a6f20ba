"""The whole program on real terminals: in tmux as an operator has it, and on a line whose other end is ours."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")},
    "LC_ALL": "C.UTF-8",
    "TRADEBOT_LIVE_MONITOR_REFRESH_S": "0.5",
}
PROMPT = "shell$"

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A shell in a tmux of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"

    def open(self, columns: int, lines: int) -> None:
        self("-u", "new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(ROOT), "sh -i")
        self.type(f"PS1='{PROMPT} '; clear")
        wait_for(lambda: self.screen() == [PROMPT])

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self.folder / "socket"), "-f", os.devnull, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT).stdout

    def type(self, text: str) -> None:
        self("send-keys", "-l", text)
        self("send-keys", "Enter")

    def play(self, speed: int, *more: str) -> None:
        self.run("replay", "--speed", str(speed), *more)

    def run(self, *options: str, **variables: str) -> None:
        """From a file, so that the typed line is short; the exit code is written behind what the run says."""
        script = self.folder / "play"
        given = [f"{name}={value}" for name, value in variables.items()]
        command = ["env", *given, sys.executable, "main.py", *options, "--ui", "full", "--home", str(self.home)]
        script.write_text(f"{shlex.join(command)}\necho exit $?\n")
        self.type(f". {script}")

    def press(self, *keys: str) -> None:
        self("send-keys", *keys)

    def resize(self, columns: int, lines: int) -> None:
        self("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self) -> list[str]:
        """The lines down to the last one that is not empty."""
        return self("capture-pane", "-p").rstrip().split("\n")

    def shows(self, pattern: str) -> bool:
        return re.search(pattern, "\n".join(self.screen()), re.MULTILINE) is not None

    def until(self, *patterns: str) -> list[str]:
        """One screen that shows all of these."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = self.screen()
            text = "\n".join(found)
            return all(re.search(pattern, text, re.MULTILINE) for pattern in patterns)

        wait_for(is_there, lambda: "\n".join(found))
        return found

    def settings(self) -> str:
        """Of the terminal, as `stty` on another one sees them."""
        command = ["stty", "-g", "-F", self("display-message", "-p", "#{pane_tty}").strip()]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def pid(self) -> int:
        """Of the program that runs in the shell."""
        shell = self("display-message", "-p", "#{pane_pid}").strip()
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", shell], capture_output=True, text=True, check=True)
        return int(found.stdout.split()[0])

    def close(self) -> None:
        """With what still runs in it: a daemon outlives its terminal."""
        with suppress(subprocess.CalledProcessError, IndexError, ProcessLookupError):
            os.kill(self.pid(), signal.SIGKILL)
        subprocess.run(["tmux", "-S", str(self.folder / "socket"), "kill-server"], capture_output=True, check=False)


class Line:
    """The program as the leader of a session on a terminal whose other end is ours: closing it hangs up."""

    def __init__(self, home: Path, speed: int, ui: str = "full", **variables: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        options = ["replay", "--ui", ui, "--speed", str(speed), "--home", str(home)]
        self.process = subprocess.Popen(
            [sys.executable, "main.py", *options],
            cwd=ROOT,
            env={**ENVIRONMENT, "TERM": "xterm-256color", **variables},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.read = b""

    def until(self, wanted: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not wanted():
            assert time.monotonic() < deadline, f"not in {PATIENCE_S} s; the last of it: {self.read[-600:]!r}"
            if select.select([self.master], [], [], 0.05)[0]:
                self.take()

    def take(self) -> None:
        try:
            self.read += os.read(self.master, 65536)
        except OSError:  # the other side has been closed by all who had it
            time.sleep(0.05)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def wait_for(wanted: Callable[[], bool], last: Callable[[], str] = lambda: "") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < deadline, f"not in {PATIENCE_S} s; the last of it:\n{last()}"
        time.sleep(0.1)
