"""Ticks: a recorded day of them through the whole daemon, and what one costs through quote, exits and guards.

The daemon is not woken by every tick. The exchange matches what stands against each of them and wakes the daemon where
an order changes; positions and waiting entries are looked at on each monitoring cycle, by the quote of that moment. So
there are two figures: a day that is played like that, and every tick taken for a quote that something is decided on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter

from benchmarks.figures import Line, Row, at_least
from benchmarks.replay import busy
from benchmarks.tick_day import DAY, TickFile, write_ticks
from config.loading import load_settings
from config.market_rules import load_market
from tests.builders import NOON, a_position
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.app.replay import open_replay
from tradebot.domain.exits import evaluate
from tradebot.domain.guards import Entry, judge_quote
from tradebot.domain.orders import Side
from tradebot.domain.policy import Policy
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Print
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.market import MarketFacts

NAUTILUS_S = 200_000
"""Ticks a second of nautilus_trader 1.231 with a strategy that does nothing, where it was seen."""

_ROOT = Path(__file__).parents[1]
_HEADINGS = ("what", "ticks", "seconds", "ticks a second", "bare / ours")
_SLICE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Seconds of reading the file and of playing its day, and what came of it."""

    read_s: float
    played_s: float
    orders: int
    fills: int


def ticks(folder: Path, seconds_max: int | None) -> Row:
    file = write_ticks(folder / "ticks.csv", seconds_max)
    played = play_in_a_process(folder / "home", file)
    bare_s = _bare(file.ticks)
    decided, decided_s = _decided(file)
    whole_s = played.read_s + played.played_s
    bare_rate = file.ticks / bare_s
    lines = [
        _line(
            "the daemon plays the day: exchange, fills, exits by cycle, everything saved", file.ticks, played.played_s
        ),
        _line("the same with the reading of the file", file.ticks, whole_s),
        _line("each tick: exchange, quote with depth, exits of a position, guards of an entry", decided, decided_s),
    ]
    return Row(
        name=f"replay of ticks: {len(file.symbols)} symbols, one day, a tick a second each",
        peer=f"a struct and two handlers for each tick, nothing else: {bare_rate:,.0f} a second",
        headings=_HEADINGS,
        lines=[replace(line, cells=(*line.cells, f"{bare_rate / rate:.0f}")) for line, rate in lines],
        notes=(
            f"{played.orders} orders and {played.fills} fills in that day; the third line is over {decided:,} ticks",
            "nautilus is as seen elsewhere, unless the row `peers` was measured",
        ),
        goals=[at_least("ticks, a day played (ahead of nautilus)", lines[0][1], NAUTILUS_S, "a second")],
    )


def _line(what: str, count: int, took_s: float) -> tuple[Line, float]:
    return Line(cells=(what, f"{count:,}", f"{took_s:.2f}", f"{count / took_s:,.0f}")), count / took_s


def play(home: Path, path: Path) -> Played:
    """The day of the file, with everything on."""
    overrides = {"mode": "replay", "from": DAY, "to": DAY, "speed": 0, "ui": "off", "data": str(path)}
    settings = busy(load_settings(_ROOT, {}, overrides))
    began = perf_counter()
    with open_replay(settings, home=home, folder=_ROOT) as opened:
        read = perf_counter()
        opened.engine.start()
        opened.loop.run(opened.end)
        ended = perf_counter()
        summary = opened.orders.summary()
    return Played(read_s=read - began, played_s=ended - read, orders=sum(summary.orders.values()), fills=summary.fills)


def play_in_a_process(home: Path, file: TickFile) -> Played:
    command = [sys.executable, "-m", "benchmarks.ticks", str(home), str(file.path)]
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return Played(**json.loads(answer.stdout))


def _decided(file: TickFile) -> tuple[int, float]:
    """How many ticks, and how long: second by second, every symbol's quote held against a position and an entry."""
    exchange, policy = _exchange(file), Policy()
    wanted = {symbol: _wishes(symbol) for symbol in file.symbols}
    at, count = exchange.now, 0
    for symbol in file.symbols:  # the day's path is made at the first question
        exchange.quote(symbol)
    began = perf_counter()
    while count < min(_SLICE, file.ticks // 2):
        at += timedelta(seconds=1)
        exchange.advance_to(at)
        for symbol, (position, entry) in wanted.items():
            quote = exchange.quote(symbol)
            assert quote is not None
            evaluate(position, quote.last_price, at, policy.exits)
            judge_quote(entry, quote, policy.quotes, at)
            count += 1
    return count, perf_counter() - began


def _wishes(symbol: str) -> tuple[Position, Entry]:
    price = Decimal(1000)
    return a_position(symbol=symbol), Entry(symbol=symbol, side=Side.BUY, quantity=10, price=price)


def _exchange(file: TickFile) -> Exchange:
    market = load_market(_ROOT / "config" / "market")
    tape, _ = open_tape(file.path, 1, market.calendar, market.rules, market.actions, market.instruments)
    facts = MarketFacts(
        calendar=market.calendar,
        rules=market.rules,
        actions=tuple(tape.actions),
        instruments=market.instruments,
        amo_windows=market.amo_windows,
    )
    day = market.calendar.trading_day(DAY)
    assert day is not None
    return Exchange(tape=tape, facts=facts, seed=1, opening=day.opens_at, accounts={"primary": Decimal(10) ** 9})


def _bare(count: int) -> float:
    """Python's own floor: a struct is made, and two functions look at it."""
    seen = {"last": Decimal(0), "peak": Decimal(0)}
    prices, at = [Decimal(100 + n % 50) for n in range(1_000)], NOON

    def last(one: Print) -> None:
        seen["last"] = one.price

    def peak(one: Print) -> None:
        if one.price > seen["peak"]:
            seen["peak"] = one.price

    began = perf_counter()
    for number in range(count):
        one = Print(at=at, price=prices[number % 1_000], quantity=1)
        last(one)
        peak(one)
    return perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(asdict(play(Path(sys.argv[1]), Path(sys.argv[2])))))
