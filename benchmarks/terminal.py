"""The dashboard at 200x60 with 200 orders: what it costs, and what it does to the placements beside it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter, sleep

import psutil

from benchmarks.figures import Line, Row, microseconds, percentile, pooled
from benchmarks.memory_broker import MemoryBroker
from benchmarks.placement import SendingLanes
from benchmarks.stage import Contents, Stage, entries, fill_folder, open_stage, standing_row
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.engine.view_feed import Sources, ViewFeed, ViewMaker, ViewSlot
from tradebot.engine.views import Marks, RunFacts
from tradebot.interfaces.ui.screen import Dashboard, DashboardOptions
from tradebot.interfaces.ui.terminal import Terminal

SIZE = (200, 60)
ORDERS = 200
_PLACEMENTS = 400
_EVERY_S = 0.005
_QUIET_S = 6.0
_HEADINGS = (
    "refresh", "CPU busy", "CPU quiet", "bytes a second busy", "bytes a quiet frame", "placement p50 us",
    "placement p99.9 us",
)  # fmt: skip


def terminal(folder: Path, runs: int) -> Row:
    """Without a dashboard, and with one refreshed every 2 s and every 0.5 s, in turn within each run."""
    lines: dict[str, list[_Run]] = {}
    fill_folder(folder / "filled", Contents(standing=ORDERS, registry=ORDERS))
    for run in range(runs):
        for name, refresh_s in (("no dashboard", None), ("2 s", 2.0), ("0.5 s", 0.5)):
            home = folder / f"{run}-{name}"
            subprocess.run(["cp", "-r", str(folder / "filled"), str(home)], check=True)
            lines.setdefault(name, []).append(_measure(home, refresh_s))
    return Row(
        name=f"terminal, {SIZE[0]}x{SIZE[1]}, {ORDERS} orders",
        peer="the same placements without it",
        headings=_HEADINGS,
        lines=[_line(name, of_runs) for name, of_runs in lines.items()],
        notes=(
            f"a placement every {_EVERY_S * 1000:.0f} ms; quiet: nothing happens but the clock;"
            " CPU of its thread, as a share of one core",
            "goal: below 1 % at 2 s and 5 % at 0.5 s, a quiet frame below 1,000 bytes, p99.9 at most 2 ms worse",
        ),
    )


class _Run:
    """One run's figures; without a dashboard those of the screen stay empty."""

    def __init__(self) -> None:
        self.placements: list[float] = []
        self.cpu_busy = self.cpu_quiet = 0.0
        self.bytes_busy_s = self.bytes_quiet_frame = 0.0


def _measure(home: Path, refresh_s: float | None) -> _Run:
    broker = MemoryBroker([standing_row(number) for number in range(ORDERS)])
    broker.send = broker.numbered
    run = _Run()
    with open_stage(home, broker, SendingLanes()) as stage:
        if refresh_s is None:
            run.placements = [_place(stage, number) for number in range(_PLACEMENTS)]
            return run
        with _reader() as path, _dashboard(stage, path, refresh_s) as (dashboard, screen, maker):
            _busy(stage, run, screen, maker)
            _quiet(run, dashboard, screen)
    return run


def _busy(stage: Stage, run: _Run, screen: Terminal, maker: ViewMaker) -> None:
    began, cpu_s, written = perf_counter(), _cpu_s(), screen.written
    for number in range(_PLACEMENTS):
        run.placements.append(_place(stage, number))
        maker.refresh()
    took = perf_counter() - began
    run.cpu_busy = (_cpu_s() - cpu_s) / took
    run.bytes_busy_s = (screen.written - written) / took


def _quiet(run: _Run, dashboard: Dashboard, screen: Terminal) -> None:
    began, cpu_s, written, frames = perf_counter(), _cpu_s(), screen.written, dashboard.frames
    sleep(_QUIET_S)
    run.cpu_quiet = (_cpu_s() - cpu_s) / (perf_counter() - began)
    run.bytes_quiet_frame = (screen.written - written) / max(1, dashboard.frames - frames)


def _place(stage: Stage, number: int) -> float:
    sleep(_EVERY_S)
    message = entries(number)
    stage.later()
    began = perf_counter()
    stage.inbox.put(message)
    stage.engine.run_pending()
    return perf_counter() - began


def _cpu_s() -> float:
    """Of every thread but the main one: the log's writer sleeps through most of it, so it is the dashboard's."""
    main = os.getpid()
    return sum(thread.user_time + thread.system_time for thread in psutil.Process().threads() if thread.id != main)


@contextmanager
def _reader() -> Iterator[str]:
    """A terminal whose other end another process reads; its device."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    script = f"import os\nwhile os.read({master}, 65536):\n    pass"
    reading = subprocess.Popen([sys.executable, "-c", script], pass_fds=(master,))
    try:
        yield os.ttyname(slave)
    finally:
        reading.kill()
        reading.wait()
        os.close(master)
        os.close(slave)


@contextmanager
def _dashboard(stage: Stage, path: str, refresh_s: float) -> Iterator[tuple[Dashboard, Terminal, ViewMaker]]:
    slot, clock, screen = ViewSlot(), RealClock(), Terminal(path)
    maker = ViewMaker(
        memory=stage.engine.memory,
        setting=stage.engine.setting,
        facts=RunFacts(name="tradebot", mode="paper", session="benchmark", started_s=clock.monotonic()),
        feed=ViewFeed(),
        slot=slot,
        sources=Sources(marks=lambda _: Marks()),
        clock=stage.clock,
        real=clock,
    )
    maker.refresh_now()
    dashboard = Dashboard(slot, screen, Event().set, clock, DashboardOptions(refresh_s=refresh_s))
    dashboard.start()
    try:
        yield dashboard, screen, maker
    finally:
        dashboard.stop(is_silent=True)


def _line(name: str, runs: list[_Run]) -> Line:
    has_screen = name != "no dashboard"
    placements = [run.placements for run in runs]

    def share(values: list[float]) -> str:
        return f"{100 * median(values):.2f} %" if has_screen else "-"

    def number(values: list[float]) -> str:
        return f"{median(values):,.0f}" if has_screen else "-"

    return Line(
        cells=(
            name,
            share([run.cpu_busy for run in runs]),
            share([run.cpu_quiet for run in runs]),
            number([run.bytes_busy_s for run in runs]),
            number([run.bytes_quiet_frame for run in runs]),
            microseconds(median(percentile(run, 0.5) for run in placements)),
            microseconds(percentile(pooled(placements), 0.999)),
        )
    )
