"""A peer in the same run, where somebody has installed one: nautilus_trader, in an environment of its own.

It is heavy (some hundred megabytes), so nothing here depends on it. `--peers PYTHON` names an interpreter that has it:

    python -m venv /tmp/peers && /tmp/peers/bin/pip install nautilus_trader
    python -m benchmarks peers --peers /tmp/peers/bin/python
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.figures import Goal, Line, Row, at_least
from benchmarks.replay import MANY_SIGNALS, in_a_process
from benchmarks.tick_day import write_ticks
from benchmarks.ticks import play_in_a_process

_SCRIPT = Path(__file__).with_name("peer_nautilus.py")
_TICKS, _ORDERS = 200_000, 5_000
_HEADINGS = ("what", "tradebot", "nautilus_trader", "ours / theirs")
_NOT_COMPARED = "OpenAlgo, freqtrade and vnpy are not run here: docs/performance.md gives what was seen elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What nautilus_trader did, a second."""

    version: str
    ticks_a_second: float
    orders_a_second: float
    orders: int


def peers(folder: Path, python: str | None, ticks_s: int | None, last_day: date) -> Row:
    if python is None:
        return _not_measured("no peer is named: --peers PYTHON, an interpreter with nautilus_trader")
    asked = subprocess.run(
        [python, str(_SCRIPT), str(_TICKS), str(_ORDERS)], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        return _not_measured(f"{python} cannot run it: {asked.stderr.strip().splitlines()[-1]}")
    peer = Peer(**json.loads(asked.stdout.splitlines()[-1]))
    file = write_ticks(folder / "ticks.csv", ticks_s)
    played = play_in_a_process(folder / "ticks", file)
    days = in_a_process(folder / "days", last_day, MANY_SIGNALS)
    pairs = {
        "ticks a second": (file.ticks / played.played_s, peer.ticks_a_second),
        "orders a second": (days.orders / sum(days.days_s), peer.orders_a_second),
    }
    return Row(
        name=f"peers: nautilus_trader {peer.version}",
        peer="the same machine, one after the other",
        headings=_HEADINGS,
        lines=[_line(what, *pair) for what, pair in pairs.items()],
        notes=(
            "ours: whole days with exits, fills, books and log; theirs: a strategy that does nothing, and"
            " one that buys and sells at the market, nothing saved",
            _NOT_COMPARED,
        ),
        goals=[_ahead(what, *pair) for what, pair in pairs.items()],
    )


def _not_measured(why: str) -> Row:
    lines = [Line(cells=("not measured", "-", "-", "-"))]
    return Row(name="peers", peer="a peer", headings=_HEADINGS, lines=lines, notes=(why, _NOT_COMPARED))


def _line(what: str, ours: float, theirs: float) -> Line:
    return Line(cells=(what, f"{ours:,.0f}", f"{theirs:,.0f}", f"{ours / theirs:.2f}"))


def _ahead(what: str, ours: float, theirs: float) -> Goal:
    return at_least(f"{what}, ours / theirs", ours / theirs, 1.0)
