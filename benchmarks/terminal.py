"""The dashboard at 200x60 with 200 orders: what it costs, and what it does to the placements beside it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from threading import Event
from time import perf_counter, sleep, thread_time

import psutil

from benchmarks.figures import Goal, Line, Row, at_most, microseconds, milliseconds, percentile, pooled
from benchmarks.memory_broker import MemoryBroker
from benchmarks.placement import SendingLanes
from benchmarks.stage import Contents, Stage, entries, fill_folder, open_stage, standing_row
from benchmarks.terminal_day import SIZE, Lived, in_a_process, read_terminal
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.engine.view_feed import Sources, ViewFeed, ViewMaker, ViewSlot
from tradebot.engine.views import Marks, RunFacts
from tradebot.interfaces.ui.screen import Dashboard, DashboardOptions
from tradebot.interfaces.ui.terminal import Terminal

ORDERS = 200
NONE = "no dashboard"
REFRESHES = {NONE: 0.0, "2 s": 2.0, "0.5 s": 0.5}

_PLACEMENTS = 1_000
_MEAN_GAP_S = 0.008
_BACKLOG_S = 0.02
_SETTLED_S, _QUIET_S = 2.5, 5.0
_DAY_SPEED = 3_000
_FEW_SIGNALS = 12
_MEGABYTE = 1024 * 1024


def terminal(folder: Path, runs: int, days: int) -> Sequence[Row]:
    return [_placements(folder, runs), _day(folder), _memory(folder, days)]


def _placements(folder: Path, runs: int) -> Row:
    """Without a dashboard, and with one refreshed every 2 s and every 0.5 s, in turn within each run."""
    found: dict[str, list[_Run]] = {name: [] for name in REFRESHES}
    fill_folder(folder / "filled", Contents(standing=ORDERS, registry=ORDERS))
    for run in range(runs):
        for name, refresh_s in REFRESHES.items():
            home = folder / f"{run}-{name}"
            subprocess.run(["cp", "-r", str(folder / "filled"), str(home)], check=True)
            found[name].append(_measure(home, refresh_s, run))
    return Row(
        name=f"terminal, {SIZE[0]}x{SIZE[1]}, {ORDERS} orders and placements",
        peer="the same placements without it",
        headings=(
            "refresh", "CPU busy", "CPU quiet", "bytes a second busy", "bytes a quiet frame", "longest view ms",
            "placement p50 us", "placement p99.9 us",
        ),
        lines=[_line(name, of_runs) for name, of_runs in found.items()],
        notes=(
            f"placements arrive by chance, {1 / _MEAN_GAP_S:.0f} a second, {_PLACEMENTS:,} a run;"
            " one that comes while a view is made waits for it",
            "quiet: nothing happens but the clock; CPU of the dashboard's thread and of the views, of one core",
        ),
        goals=_goals(found),
    )  # fmt: skip


class _Run:
    """One run's figures; without a dashboard those of the screen stay empty."""

    def __init__(self) -> None:
        self.placements: list[float] = []
        self.cpu_busy = self.cpu_quiet = self.longest_view_s = 0.0
        self.bytes_busy_s = self.bytes_quiet_frame = 0.0


def _measure(home: Path, refresh_s: float, seed: int) -> _Run:
    broker = MemoryBroker([standing_row(number) for number in range(ORDERS)])
    broker.send = broker.numbered
    run, arrivals = _Run(), _Arrivals(Random(seed))
    with open_stage(home, broker, SendingLanes()) as stage:
        if not refresh_s:
            run.placements = [_place(stage, number, arrivals.wait()) for number in range(_PLACEMENTS)]
            return run
        with read_terminal() as (path, _), _dashboard(stage, path, refresh_s) as (dashboard, screen, maker):
            _busy(stage, run, screen, maker, arrivals)
            _quiet(run, dashboard, screen, maker)
    return run


class _Arrivals:
    """Instants at which placements come in, whether or not the engine has time for them."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._next_s = perf_counter()

    def wait(self) -> float:
        """Until the next one; when it came. Sleeping longer than asked for is not the engine's lateness, and a machine
        that is too slow for all of them leaves some out."""
        self._next_s = max(self._next_s, perf_counter() - _BACKLOG_S) + self._chance.expovariate(1 / _MEAN_GAP_S)
        left_s = self._next_s - perf_counter()
        if left_s <= 0:
            return self._next_s
        sleep(left_s)
        self._next_s = perf_counter()
        return self._next_s


def _busy(stage: Stage, run: _Run, screen: Terminal, maker: ViewMaker, arrivals: _Arrivals) -> None:
    began, cpu_s, written, views_s = perf_counter(), _cpu_s(), screen.written, 0.0
    for number in range(_PLACEMENTS):
        run.placements.append(_place(stage, number, arrivals.wait()))
        view_cpu_s, view_s = thread_time(), perf_counter()
        maker.refresh()
        views_s += thread_time() - view_cpu_s
        run.longest_view_s = max(run.longest_view_s, perf_counter() - view_s)
    took = perf_counter() - began
    run.cpu_busy = (_cpu_s() - cpu_s + views_s) / took
    run.bytes_busy_s = (screen.written - written) / took


def _quiet(run: _Run, dashboard: Dashboard, screen: Terminal, maker: ViewMaker) -> None:
    """As a daemon does it: views of nothing new, and the clock."""
    _go_on(maker, _SETTLED_S)
    began, cpu_s, written, frames, views_s = perf_counter(), _cpu_s(), screen.written, dashboard.frames, thread_time()
    _go_on(maker, _QUIET_S)
    run.cpu_quiet = (_cpu_s() - cpu_s + thread_time() - views_s) / (perf_counter() - began)
    run.bytes_quiet_frame = (screen.written - written) / max(1, dashboard.frames - frames)


def _go_on(maker: ViewMaker, seconds: float) -> None:
    began = perf_counter()
    while perf_counter() - began < seconds:
        sleep(0.1)
        maker.refresh()


def _place(stage: Stage, number: int, came_s: float) -> float:
    message = entries(number)
    stage.later()
    stage.inbox.put(message)
    stage.engine.run_pending()
    return perf_counter() - came_s


def _cpu_s() -> float:
    """Of every thread but the main one: the log's writer sleeps through most of it, so it is the dashboard's."""
    main = os.getpid()
    return sum(thread.user_time + thread.system_time for thread in psutil.Process().threads() if thread.id != main)


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


def _line(name: str, runs: Sequence[_Run]) -> Line:
    has_screen = name != NONE
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
            milliseconds(max(run.longest_view_s for run in runs)) if has_screen else "-",
            microseconds(median(percentile(run, 0.5) for run in placements)),
            microseconds(percentile(pooled(placements), 0.999)),
        )
    )


def _goals(found: dict[str, list[_Run]]) -> list[Goal]:
    def p999_ms(name: str) -> float:
        return 1_000 * percentile(pooled([run.placements for run in found[name]]), 0.999)

    def cpu_pct(name: str) -> float:
        return 100 * median(run.cpu_quiet for run in found[name])

    return [
        at_most("CPU, quiet, at 2 s", cpu_pct("2 s"), 1, "%"),
        at_most("CPU, quiet, at 0.5 s", cpu_pct("0.5 s"), 5, "%"),
        at_most("a quiet frame", median(run.bytes_quiet_frame for run in found["2 s"]), 1_000, "bytes"),
        *(
            at_most(f"placement p99.9 at {name}, more than without it", p999_ms(name) - p999_ms(NONE), 2, "ms")
            for name in REFRESHES
            if name != NONE
        ),
    ]


def _day(folder: Path) -> Row:
    """One replayed day with a few hundred orders."""
    found = {
        name: in_a_process(folder / f"day-{refresh_s}", refresh_s, _DAY_SPEED, 1, ORDERS)
        for name, refresh_s in REFRESHES.items()
    }
    return Row(
        name=f"terminal, {SIZE[0]}x{SIZE[1]}, one replayed day of {found[NONE].orders} orders at {_DAY_SPEED} times",
        peer="the same day without it",
        headings=(
            "refresh", "CPU screen", "CPU views", "bytes a second", "longest turn ms", "memory MB", "step p50 us",
            "step p99 ms", "took s",
        ),
        lines=[_day_line(name, lived) for name, lived in found.items()],
        notes=(
            "a step: from the inbox to the commit and the calls; its slowest places the evening's orders together;"
            " the longest turn: one call of what shows and serves, on the engine's thread",
            "an eventful hour passes in a second: every picture is another one",
        ),
        goals=[
            at_most(f"CPU at {name}", _day_cpu_pct(found[name]), limit, "%")
            for name, limit in (("2 s", 1), ("0.5 s", 5))
        ],
    )  # fmt: skip


def _day_line(name: str, lived: Lived) -> Line:
    has_screen = name != NONE
    screen = [f"{100 * cpu_s / lived.took_s:.2f} %" for cpu_s in (lived.screen_cpu_s, lived.view_cpu_s)]
    of_screen = [*screen, f"{lived.written / lived.took_s:,.0f}", milliseconds(lived.view_longest_s)]
    return Line(
        cells=(
            name,
            *(of_screen if has_screen else ["-"] * len(of_screen)),
            f"{lived.memory[-1] / _MEGABYTE:,.0f}",
            microseconds(lived.step_p50_s),
            milliseconds(lived.step_p99_s),
            f"{lived.took_s:.1f}",
        )
    )


def _day_cpu_pct(lived: Lived) -> float:
    return 100 * (lived.screen_cpu_s + lived.view_cpu_s) / lived.took_s


def _memory(folder: Path, days: int) -> Row:
    """As fast as it can, since it is the days that count."""
    found = {
        name: in_a_process(folder / f"days-{refresh_s}", refresh_s, 0, days, _FEW_SIGNALS)
        for name, refresh_s in ((NONE, 0.0), ("0.5 s", 0.5))
    }
    without, with_it = (_grown_mb(found[name].memory) for name in (NONE, "0.5 s"))
    return Row(
        name=f"terminal, memory over {days} trading days in virtual time",
        peer="the same days without it",
        headings=("refresh", "MB after day 1", f"MB after day {(days + 1) // 2}", f"MB after day {days}", "orders"),
        lines=[
            Line(cells=(name, *(_megabytes(lived.memory[at]) for at in (0, (days - 1) // 2, -1)), f"{lived.orders:,}"))
            for name, lived in found.items()
        ],
        notes=("gc and the size of the process at the end of each day; what both grow by is not the terminal's",),
        goals=[at_most("grows by, more than without it", with_it - without, 10, "MB")],
    )


def _grown_mb(memory: Sequence[int]) -> float:
    return (memory[-1] - memory[0]) / _MEGABYTE


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f}"
