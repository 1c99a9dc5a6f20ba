"""A replay of some weeks of the seeded market with a busy generator: whole processes, and the cost of each day."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from statistics import mean, median
from time import perf_counter

from benchmarks.figures import Goal, Line, Row, at_least, at_most
from config.kinds import StrategyUse
from config.loading import load_settings
from config.settings import Settings
from tradebot.app.replay import open_replay
from tradebot.domain.calendar import ist

FIRST_DAY = date(2026, 9, 1)
SIGNALS_PER_DAY = 40
MANY_SIGNALS = 500
"""As many as the generator makes: what an order costs shows where there are many of them for each minute."""

_ROOT = Path(__file__).parents[1]
_HEADINGS = (
    "signals a day", "days", "orders", "order events", "whole process s", "order events a second", "orders a second",
    "raw events a second", "raw / ours", "ms a day, first third", "last third", "last / first",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysRun:
    """What one process did: seconds of each trading day without the start, and counts over all of them."""

    days_s: Sequence[float]
    orders: int
    order_events: int


Found = Sequence[tuple[DaysRun, float, float]]
"""Of each process: its days, the seconds of the whole process, and those of the raw writing."""


def replay(folder: Path, runs: int, last_day: date) -> Row:
    """`runs` processes, one after the other, each followed by the raw writing of as many events; and one process with
    many signals."""
    few = [_run(folder / f"few-{run}", last_day, SIGNALS_PER_DAY) for run in range(runs)]
    many = [_run(folder / "many", last_day, MANY_SIGNALS)]
    return Row(
        name="replay",
        peer="the same number of events, each a raw commit and a written line, durable to the process",
        headings=_HEADINGS,
        lines=[_line(SIGNALS_PER_DAY, few), _line(MANY_SIGNALS, many)],
        notes=(
            f"everything on (registry, log, flight record, books); median of {runs} processes, one with many signals;"
            " orders and events a second are those of the days, without the start of the process",
            "the first day's cost holds the growing of the market's history, so the thirds begin at the second day",
        ),
        goals=_goals(few, many),
    )


def _run(folder: Path, last_day: date, signals: int) -> tuple[DaysRun, float, float]:
    folder.mkdir()
    began = perf_counter()
    days = in_a_process(folder / "home", last_day, signals)
    whole_s = perf_counter() - began
    return days, whole_s, _raw_events_s(folder / "raw", days.order_events)


def run_days(home: Path, last_day: date, signals: int = SIGNALS_PER_DAY) -> DaysRun:
    """The replay itself, day by day."""
    settings = busy(load_settings(_ROOT, {}, _overrides(last_day)), signals)
    with open_replay(settings, home=home, folder=_ROOT) as opened:
        days = opened.market.calendar.trading_days_between(FIRST_DAY, last_day)
        days_s = []
        opened.engine.start()
        for day in days:
            began = perf_counter()
            opened.loop.run(ist(day.day, time(23, 30)))
            days_s.append(perf_counter() - began)
        orders = sum(opened.orders.summary().orders.values())
        return DaysRun(days_s=days_s, orders=orders, order_events=opened.engine.events_written)


def _overrides(last_day: date) -> dict[str, object]:
    return {"mode": "replay", "from": FIRST_DAY, "to": last_day, "speed": 0, "ui": "off", "seed": 1}


def busy(settings: Settings, signals: int = SIGNALS_PER_DAY) -> Settings:
    """Room for many orders, and a generator that makes them."""
    risk = {"capital_per_trade": Decimal(20_000), "max_positions": max(50, signals), "max_trades_per_day": 5_000}
    use = (StrategyUse(name="generator", parameters=(("signals_per_day", signals),)),)
    return settings.model_copy(
        update={
            "risk": settings.risk.model_copy(update=risk),
            "run": settings.run.model_copy(update={"opening_cash": Decimal(20_000_000)}),
            "strategies": settings.strategies.model_copy(update={"use": use}),
        }
    )


def in_a_process(home: Path, last_day: date, signals: int) -> DaysRun:
    command = [sys.executable, "-m", "benchmarks.replay", str(home), last_day.isoformat(), str(signals)]
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return DaysRun(**json.loads(answer.stdout))


def _raw_events_s(folder: Path, count: int) -> float:
    folder.mkdir(parents=True)
    with (
        closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as connection,
        (folder / "raw.jsonl").open("wb", buffering=0) as lines,
    ):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE events (sequence INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        began = perf_counter()
        for number in range(count):
            text = json.dumps({"sequence": number, "event": "accepted", "reason": "Order placed", "source": "broker"})
            connection.execute("INSERT INTO events VALUES (?, ?)", (number, text))
            lines.write(text.encode() + b"\n")
        return perf_counter() - began


def _goals(few: Found, many: Found) -> Sequence[Goal]:
    first, last = _thirds(few)
    return [
        at_least(
            f"orders, {MANY_SIGNALS} signals a day (vnpy 4: 966 where it was seen, nautilus 1.231: 856)",
            many[0][0].orders / sum(many[0][0].days_s),
            966,
            "a second",
        ),
        at_most("a day of the last third / of the first", last / first, 1.2),
    ]


def _thirds(found: Found) -> tuple[float, float]:
    """Seconds of a day in the first and in the last third."""
    first, last = (median(_third(days.days_s, which) for days, _, _ in found) for which in (0, 2))
    return first, last


def _line(signals: int, found: Found) -> Line:
    whole_s = median(took for _, took, _ in found)
    events, orders = found[0][0].order_events, found[0][0].orders
    raw_s = median(raw for _, _, raw in found)
    played_s = median(sum(days.days_s) for days, _, _ in found)
    first, last = _thirds(found)
    return Line(
        cells=(
            str(signals),
            str(len(found[0][0].days_s)),
            f"{orders:,}",
            f"{events:,}",
            f"{whole_s:.1f}",
            f"{events / played_s:,.0f}",
            f"{orders / played_s:,.0f}",
            f"{events / raw_s:,.0f}",
            f"{played_s / raw_s:,.0f}",
            f"{first * 1_000:,.0f}",
            f"{last * 1_000:,.0f}",
            f"{last / first:.2f}",
        )
    )


def _third(days_s: Sequence[float], which: int) -> float:
    """The mean day of a third (0 to 2) of the days after the first."""
    later = days_s[1:]
    size = max(1, len(later) // 3)
    return mean(later[:size] if which == 0 else later[-size:])


if __name__ == "__main__":
    print(json.dumps(asdict(run_days(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), int(sys.argv[3])))))
