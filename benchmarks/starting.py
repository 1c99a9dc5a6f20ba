"""From the start of the process to its first job, with nothing and with many open orders, and the memory it takes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import psutil

from benchmarks.figures import Goal, Line, Row, at_most
from benchmarks.full_home import fill_home
from tests.simulator.killing import environment

ORDERS = 10_000
FIRST_JOB = "RECONCILE_RESULT"
"""Told when the books agree with the broker's: at that moment the first job, which catches up on others, begins."""

_ROOT = Path(__file__).parents[1]
_MEGABYTE = 1024 * 1024
_SETTLE_S = 2.0
_LIBRARIES = (
    "alembic", "apscheduler", "fastapi", "filelock", "prometheus_client", "psutil", "pydantic_settings",
    "pythonjsonlogger", "requests", "rich", "sqlalchemy", "uvicorn", "websockets",
)  # fmt: skip
_BARE = {"python -c pass": "pass", "importing the same libraries": f"import {', '.join(_LIBRARIES)}"}
_WAIT = "; print(flush=True); input()"


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds to the first job, and the memory of the process some moments later, in MB."""

    took_s: float
    memory_mb: float


def starting(folder: Path, runs: int) -> Row:
    """Paper trading in real time; the processes take turns, run by run. The first start, which compiles, does not
    count."""
    told_s = fill_home(folder / "full", ORDERS)
    compiled = _compiled(folder / "compiled")
    _daemon(folder / "first", "true", compiled)
    kinds: Mapping[str, tuple[Path | None, str]] = {
        "empty": (None, "true"),
        "empty, without HTTP": (None, "false"),
        f"{ORDERS:,} open orders": (folder / "full", "true"),
    }
    found: dict[str, list[Start]] = {}
    for run in range(runs):
        for name, (filled, http) in kinds.items():
            home = folder / f"{run}-{name.replace(',', '').replace(' ', '-')}"
            if filled is not None:
                shutil.copytree(filled, home)
            found.setdefault(name, []).append(_daemon(home, http, compiled))
        for name, program in _BARE.items():
            found.setdefault(name, []).append(_bare(program, compiled))
    middle = {name: _middle(starts) for name, starts in found.items()}
    return Row(
        name="start: from the process to its first job",
        peer="an empty process, and one that imports the same libraries",
        headings=("what", "seconds", "MB"),
        lines=[Line(cells=(name, f"{it.took_s:.2f}", f"{it.memory_mb:.0f}")) for name, it in middle.items()],
        notes=(
            f"median of {runs}; the memory of a daemon {_SETTLE_S:g} s after its first job",
            "compiled files are there, as they are after a first start",
            f"the exchange itself takes {told_s:.2f} s to open and tell its books of {ORDERS:,}",
        ),
        goals=_goals(middle, told_s),
    )


def _goals(found: Mapping[str, Start], told_s: float) -> Sequence[Goal]:
    empty, full = found["empty"], found[f"{ORDERS:,} open orders"]
    return [
        at_most("start, empty", empty.took_s, 1.5, "s"),
        at_most("memory, empty", empty.memory_mb, 120, "MB"),
        at_most(
            f"recovery of {ORDERS:,} orders: how much longer, beside the exchange's own time",
            full.took_s - empty.took_s - told_s,
            1.0,
            "s",
        ),
    ]


def _compiled(folder: Path) -> Mapping[str, str]:
    """The environment in which Python keeps compiled files, whatever ours says about that."""
    ours = {name: value for name, value in environment({}).items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, "PYTHONPYCACHEPREFIX": str(folder)}


def _daemon(home: Path, http: str, compiled: Mapping[str, str]) -> Start:
    settings = {"MODE": "paper", "UI": "line", "ENABLE_HTTP_API": http, "HTTP_PORT": "0"}
    variables = {**compiled, **{f"TRADEBOT_{name}": value for name, value in settings.items()}}
    words = [sys.executable, "main.py", "--home", str(home)]
    began = perf_counter()
    with subprocess.Popen(
        words, cwd=_ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            if not any(FIRST_JOB in line for line in process.stdout):
                raise RuntimeError("the daemon ended before its first job")
            took_s = perf_counter() - began
            sleep(_SETTLE_S)
            memory_mb = psutil.Process(process.pid).memory_info().rss / _MEGABYTE
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
    return Start(took_s, memory_mb)


def _bare(program: str, compiled: Mapping[str, str]) -> Start:
    began = perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=compiled)
    took_s = perf_counter() - began
    with subprocess.Popen(
        [sys.executable, "-c", program + _WAIT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=compiled,
    ) as waiting:
        assert waiting.stdout is not None
        waiting.stdout.readline()
        memory_mb = psutil.Process(waiting.pid).memory_info().rss / _MEGABYTE
        waiting.communicate("\n")
    return Start(took_s, memory_mb)


def _middle(starts: Sequence[Start]) -> Start:
    return Start(median(it.took_s for it in starts), median(it.memory_mb for it in starts))
