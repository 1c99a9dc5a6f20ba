"""Replayed days under a dashboard on a terminal that somebody reads, or under none: a process of its own.

`python -m benchmarks.terminal_day FOLDER REFRESH_S SPEED DAYS SIGNALS` lives through them (REFRESH_S 0: no dashboard)
and prints what it found as one line of JSON.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, time
from itertools import islice
from pathlib import Path
from time import perf_counter, thread_time
from typing import TextIO

import psutil

from benchmarks.figures import percentile
from benchmarks.replay import busy
from benchmarks.soak import FIRST_DAY
from config.loading import load_settings
from config.market_rules import load_market
from config.settings import Settings
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.replay import Replay, open_replay
from tradebot.cli.face import Face
from tradebot.domain.calendar import ist
from tradebot.interfaces.ui.look import Look

SIZE = (200, 60)

_ROOT = Path(__file__).parents[1]
_DASHBOARD = "dashboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What the days cost. Times in seconds, of processor where they are named so; `step_*` of the engine's turns that
    had something to do; `memory` in bytes after each day; `written` are the bytes that the
    terminal was sent."""

    took_s: float
    orders: int
    steps: int
    step_p50_s: float
    step_p99_s: float
    screen_cpu_s: float = 0.0
    view_cpu_s: float = 0.0
    view_longest_s: float = 0.0
    written: int = 0
    memory: list[int] = field(default_factory=list)


def in_a_process(folder: Path, refresh_s: float, speed: int, days: int, signals: int) -> Lived:
    words = (str(folder), str(refresh_s), str(speed), str(days), str(signals))
    command = [sys.executable, "-m", "benchmarks.terminal_day", *words]
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2_000:])
    return Lived(**json.loads(answer.stdout.splitlines()[-1]))


_READER = """
import os, sys
master, count, total = int(sys.argv[1]), int(sys.argv[2]), 0
while data := os.read(master, 65536):
    total += len(data)
    os.pwrite(count, b"%d" % total, 0)
"""


@contextmanager
def read_terminal(size: tuple[int, int] = SIZE) -> Iterator[tuple[str, Callable[[], int]]]:
    """A terminal whose other end another process reads: its device, and how many bytes were read there so far."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    with tempfile.TemporaryFile() as count:
        words = (str(master), str(count.fileno()))
        command = [sys.executable, "-c", _READER, *words]
        reading = subprocess.Popen(command, pass_fds=(master, count.fileno()))
        try:
            yield os.ttyname(slave), lambda: int(os.pread(count.fileno(), 32, 0) or b"0")
        finally:
            reading.kill()
            reading.wait()
            os.close(master)
            os.close(slave)


def live_through(folder: Path, refresh_s: float, speed: int, days: int, signals: int) -> Lived:
    """The days themselves, in this process."""
    with read_terminal() as (path, read), Path(path).open("w", encoding="utf-8") as terminal:
        return _lived(folder, _settings(refresh_s, speed, days, signals), terminal if refresh_s else None, read)


def _lived(folder: Path, settings: Settings, terminal: TextIO | None, read: Callable[[], int]) -> Lived:
    face = Face(
        "full" if terminal is not None else "off",
        settings,
        RealClock(),
        look=Look(),
        stdout=terminal or sys.stdout,
        stderr=sys.stderr,
    )
    views = _Timed()

    def turn() -> None:
        with views.one():
            face.turn()

    opened = open_replay(settings, home=folder, folder=_ROOT, listeners=[face] if terminal else [], on_turn=turn)
    with face, opened as run:
        steps = _timed_steps(run)
        face.show(run, run.pace.stop)
        run.engine.start()
        began, memory = perf_counter(), []
        for day in _days(run, settings):
            run.loop.run(ist(day, time(23, 30)))
            gc.collect()
            memory.append(psutil.Process().memory_info().rss)
        took_s, screen_cpu_s = perf_counter() - began, _screen_cpu_s()
        orders = sum(run.orders.summary().orders.values())
    return Lived(
        took_s=took_s,
        orders=orders,
        steps=len(steps),
        step_p50_s=percentile(steps, 0.5),
        step_p99_s=percentile(steps, 0.99),
        screen_cpu_s=screen_cpu_s,
        view_cpu_s=views.cpu_s if terminal else 0.0,
        view_longest_s=views.longest_s if terminal else 0.0,
        written=read(),
        memory=memory,
    )


class _Timed:
    """Processor time of what is done under `one`, and the longest of them by the clock on the wall."""

    def __init__(self) -> None:
        self.cpu_s = self.longest_s = 0.0

    @contextmanager
    def one(self) -> Iterator[None]:
        began, cpu_s = perf_counter(), thread_time()
        yield
        self.cpu_s += thread_time() - cpu_s
        self.longest_s = max(self.longest_s, perf_counter() - began)


def _timed_steps(run: Replay) -> list[float]:
    """From now on, how long each turn of the engine takes that has something to do: from the inbox to the commit, and
    the calls."""
    found: list[float] = []
    plain = run.engine.run_pending

    def timed(timeout_s: float = 0.0, batches_max: int | None = None) -> int:
        has_work, began = len(run.engine.inbox) > 0, perf_counter()
        count = plain(timeout_s, batches_max)
        if has_work:
            found.append(perf_counter() - began)
        return count

    run.engine.run_pending = timed  # type: ignore[method-assign]
    return found


def _days(run: Replay, settings: Settings) -> list[date]:
    between = run.market.calendar.trading_days_between(settings.replay.first_day, settings.replay.last_day)
    return [day.day for day in between]


def _screen_cpu_s() -> float:
    ids = {thread.native_id for thread in threading.enumerate() if thread.name == _DASHBOARD}
    return sum(it.user_time + it.system_time for it in psutil.Process().threads() if it.id in ids)


def _settings(refresh_s: float, speed: int, days: int, signals: int) -> Settings:
    overrides = {"mode": "replay", "from": FIRST_DAY, "to": FIRST_DAY, "speed": speed, "ui": "full", "seed": 1}
    settings = busy(load_settings(_ROOT, {}, overrides), signals)
    calendar = load_market(_ROOT / "config" / "market").calendar
    last = list(islice(calendar.trading_days_between(FIRST_DAY, calendar.last), days))[-1].day
    screen = settings.screen.model_copy(update={"live_monitor_refresh_s": refresh_s or 2.0})
    replay = settings.replay.model_copy(update={"last_day": last})
    return settings.model_copy(update={"screen": screen, "replay": replay})


if __name__ == "__main__":
    lived = live_through(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    print(json.dumps(asdict(lived)))
