"""The real process under test: a small market in a file, the command line on it, and a child that dies at an effect.

`python -m tests.simulator.killing --home DIR [--kill-at N]` is `main.py replay` with every adapter watched: it prints
the name of each effect before it happens, and kills itself with SIGKILL before effect number N.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import blake2b, sha256
from itertools import count
from pathlib import Path

from config.loading import load_settings
from config.market_rules import load_market
from tests.auditor.exchange_view import read_exchange
from tests.simulator.traced import Mark, TracedBroker, TracedLanes, TracedStore
from tradebot.adapters.disk import Durability, RealDisk
from tradebot.app.daemon import Ports
from tradebot.app.replay import open_replay

ROOT = Path(__file__).parents[2]
SYMBOLS = (
    "AXISBANK", "BEL", "CIPLA", "COALINDIA", "GAIL", "INFY", "ITC", "LT", "NTPC", "SBIN", "TCS", "TITAN",
)  # fmt: skip
DEADLINE_S = 300.0

_COLUMNS = ("date", "symbol", "series", "prev_close", "open", "high", "low", "last", "close", "volume")
_TICK = Decimal("0.05")
_QUERIES = {
    "orders": "select coid, side, status, reason, quantity, execution_qty, avg_price from orders order by coid",
    "fills": "select coid, quantity, price from fills order by coid, quantity, price",
    "positions": "select opened_by, symbol, quantity, cost, realised_pnl, closed_at is null from positions"
    " order by opened_by",
}


def write_market(path: Path, first: date, last: date, *, volume: int = 400_000, seed: int = 1) -> Path:
    """Daily bars of `SYMBOLS` in NSE's layout for every trading day: a walk by hashes, no real prices."""
    days = load_market(ROOT / "config" / "market").calendar.trading_days_between(first, last)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_COLUMNS)
        for symbol in SYMBOLS:
            close = Decimal(200) + Decimal(int(_chance(seed, symbol, "start") * 1_000))
            for day in days:
                previous, key = close, f"{symbol} {day.day}"
                opening = _moved(previous, seed, key, "open", Decimal("0.006"))
                close = _moved(opening, seed, key, "close", Decimal("0.012"))
                high = _moved(max(opening, close), seed, key, "high", Decimal("0.008"), only=1)
                low = _moved(min(opening, close), seed, key, "low", Decimal("0.008"), only=-1)
                rows.writerow([day.day, symbol, "EQ", previous, opening, high, low, close, close, volume])
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command line on one home: the same whenever it is run again. `variables` are settings without TRADEBOT_."""

    home: Path
    options: Sequence[str]
    variables: Mapping[str, str]

    def run(self, *before: str) -> subprocess.CompletedProcess[str]:
        """`main.py replay`, by itself or as the last words of another program (`strace ...`)."""
        return self._run([*before, sys.executable, "main.py", "replay", *self._arguments()])

    def start(self) -> subprocess.Popen[str]:
        """The same in the background; its output is the caller's to read."""
        words = [sys.executable, "main.py", "replay", *self._arguments()]
        return subprocess.Popen(
            words, cwd=ROOT, env=self._environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run_watched(self, kill_at: int | None = None) -> subprocess.CompletedProcess[str]:
        """The same under this module's eyes: its output is the names of the effects."""
        death = [] if kill_at is None else ["--kill-at", str(kill_at)]
        return self._run([sys.executable, "-m", "tests.simulator.killing", "--home", str(self.home), *death])

    def in_home(self, home: Path) -> Command:
        return replace(self, home=home)

    def _arguments(self) -> list[str]:
        return ["--home", str(self.home), *self.options]

    def _environment(self) -> dict[str, str]:
        return environment(self.variables)

    def _run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=ROOT, env=self._environment(), text=True, capture_output=True, timeout=DEADLINE_S, check=False
        )


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Ours, without settings of whoever runs the tests, and with these; no HTTP interface unless it is wanted."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TRADEBOT_")}
    # Whoever wants the HTTP interface says so: two runs at a time could not have the same port.
    wanted = {"ENABLE_HTTP_API": "false", **variables}
    return ours | {f"TRADEBOT_{name}": value for name, value in wanted.items()}


def run_main(*words: str | Path, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`main.py` with these words, as somebody would type them."""
    return subprocess.run(
        [sys.executable, "main.py", *map(str, words)],
        cwd=ROOT,
        env=environment(variables or {}),
        text=True,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )


def busy_day(home: Path, data: Path, *, speed: int = 0) -> Command:
    """About thirty orders from the evening before 2026-09-10 to its end, everything in settings of the environment."""
    return Command(
        home=home,
        options=(),
        variables={
            "DATA": str(data),
            "FROM": "2026-09-10",
            "TO": "2026-09-10",
            "SPEED": str(speed),
            "UI": "line",
            "DURABILITY": "power",
            "STRATEGIES": '[{ name = "generator", signals_per_day = 16 }]',
            "CAPITAL_PER_TRADE": "20000",
            "MAX_POSITIONS": "50",
            "MAX_TRADES_PER_DAY": "500",
            "MAX_EXPOSURE_PCT": "100",
            "MAX_SYMBOL_EXPOSURE_PCT": "50",
        },
    )


def outcome(home: Path) -> dict[str, object]:
    """What a finished run leaves: the exchange's orders by tag, money and shares there, and our own books."""
    exchange = read_exchange(home / "state" / "exchange")
    found: dict[str, object] = {
        "exchange orders": sorted(
            (row.tag or "", row.symbol, row.side, row.quantity, row.filled, row.status, row.average_price)
            for row in exchange.orders
        ),
        "cash": dict(exchange.cash),
        "holdings": {holding: quantity for holding, quantity in exchange.holdings.items() if quantity},
    }
    with sqlite3.connect(f"file:{home / 'state' / 'tradebot.db'}?mode=ro", uri=True) as connection:
        found |= {name: connection.execute(query).fetchall() for name, query in _QUERIES.items()}
    connection.close()
    return found


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file and folder below this one, with a hash of what stands in it."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def _chance(seed: int, *what: str) -> float:
    digest = blake2b(f"{seed}|{'|'.join(what)}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _moved(price: Decimal, seed: int, key: str, what: str, most: Decimal, *, only: int = 0) -> Decimal:
    """The price up or down by at most the share `most`, on a tick; `only` 1 is up, -1 is down."""
    drawn = Decimal(_chance(seed, key, what))
    share = most * (only * drawn if only else 2 * drawn - 1)
    return ((price * (1 + share)) / _TICK).to_integral_value() * _TICK


class WatchedDisk(RealDisk):
    """Tells of each effect on a file before it happens."""

    def __init__(self, mark: Mark, durability: Durability) -> None:
        super().__init__(durability=durability)
        self._mark = mark

    def append(self, path: Path, data: bytes) -> None:
        self._mark(f"append {path.name}")
        super().append(path, data)

    def sync(self, path: Path) -> None:
        self._mark(f"sync {path.name}")
        super().sync(path)

    def replace(self, source: Path, target: Path) -> None:
        self._mark(f"replace {target.name}")
        super().replace(source, target)

    def sync_dir(self, folder: Path) -> None:
        self._mark(f"sync folder {folder.name}")
        super().sync_dir(folder)

    def truncate(self, path: Path, size: int) -> None:
        self._mark(f"truncate {path.name}")
        super().truncate(path, size)

    def remove(self, path: Path) -> None:
        self._mark(f"remove {path.name}")
        super().remove(path)


def watched(ports: Ports, mark: Mark) -> Ports:
    """The same ports; commits, calls, answers and hand-overs are told before they happen."""
    return replace(
        ports,
        store=TracedStore(ports.store, mark),
        broker=TracedBroker(ports.broker, mark),
        lanes=TracedLanes(mark),
    )


def _main() -> int:
    parser = argparse.ArgumentParser(description="run a replay, and die")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--kill-at", type=int)
    options = parser.parse_args()
    numbers = count()

    def mark(effect: str) -> None:
        number = next(numbers)
        sys.stdout.write(f"{number} {effect}\n")
        sys.stdout.flush()
        if number == options.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = load_settings(ROOT, os.environ, {"mode": "replay"})
    disk = WatchedDisk(mark, settings.run.durability_in_force)
    with open_replay(
        settings, home=options.home, folder=ROOT, disk=disk, wrap=lambda ports: watched(ports, mark)
    ) as run:
        run.engine.start()
        run.loop.run(run.end)
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
