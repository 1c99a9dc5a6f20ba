"""`main.py` and `main.py replay`: runs the market, shows what happens, and sums it up."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.market_rules import Market
from config.settings import Settings, load_settings
from tradebot.adapters.replay_home import Begin
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app import Paper, Replay, open_paper, open_replay
from tradebot.cli.exit_codes import ExitCode
from tradebot.cli.progress import Progress
from tradebot.domain.calendar import IST, ist_date
from tradebot.engine.bus import Listener
from tradebot.interfaces.text.summary import RunFigures, run_summary
from tradebot.interfaces.ui.line import LineMode


def run(options: argparse.Namespace) -> int:
    """Ends with a summary; 0 also when it was stopped in between."""
    folder, home = options.config.absolute().parent, options.home.absolute()
    settings = load_settings(folder, os.environ, _overrides(options))
    if settings.run.mode == "paper":
        return _paper(settings, home, folder)
    return _replay(settings, home, folder)


def _overrides(options: argparse.Namespace) -> Mapping[str, object]:
    given = {
        "mode": "replay" if options.is_replay else None,
        "data": str(Path(options.data).absolute()) if options.data else None,
        "from": options.first_day,
        "to": options.last_day,
        "speed": options.speed,
        "seed": options.seed,
        "ui": options.ui,
    }
    return {name: value for name, value in given.items() if value is not None}


def _replay(settings: Settings, home: Path, folder: Path) -> int:
    listeners: list[Listener] = []
    with _face(settings, listeners), open_replay(settings, home=home, folder=folder, listeners=listeners) as replay:
        lines = _began(replay)
        _stop_on_signals(replay.pace.stop)
        clock = RealClock()
        start = clock.monotonic()
        replay.engine.start()
        is_finished = replay.loop.run(replay.end)
        figures = _figures(settings, replay, replay.market, home, clock.monotonic() - start)
        if not is_finished:
            at = replay.exchange.now.astimezone(IST)
            lines.append(f"stopped at {at:%Y-%m-%d %H:%M:%S} IST; the same command goes on from there")
    print("\n".join([*lines, run_summary(figures)]))
    return ExitCode.OK


def _paper(settings: Settings, home: Path, folder: Path) -> int:
    listeners: list[Listener] = []
    with _face(settings, listeners), open_paper(settings, home=home, folder=folder, listeners=listeners) as paper:
        _stop_on_signals(paper.loop.stop)
        clock = RealClock()
        start = clock.monotonic()
        is_clean = paper.loop.run()
        figures = _figures(settings, paper, paper.market, home, clock.monotonic() - start)
    lines = [] if is_clean else ["some calls had not ended: their orders are looked up at the next start"]
    print("\n".join([*lines, run_summary(figures)]))
    return ExitCode.OK


@contextmanager
def _face(settings: Settings, listeners: list[Listener]) -> Iterator[None]:
    """What the operator sees while it runs; with the screen off, a replay's progress on the error stream."""
    if settings.run.ui == "off":
        listeners.append(Progress(sys.stderr, RealClock(), settings.replay.first_day, settings.replay.last_day))
        yield
        return
    line = LineMode(sys.stdout, RealClock())
    listeners.append(line)
    line.start()
    try:
        yield
    finally:
        line.stop()


def _began(replay: Replay) -> list[str]:
    lines = [] if replay.report is None else [str(replay.report)]
    if replay.begin is Begin.RESUMED:
        lines.append(f"went on from {replay.exchange.now.astimezone(IST):%Y-%m-%d %H:%M:%S} IST")
    return lines


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """SIGINT and SIGTERM end the run in an orderly way; the handler only sets a flag."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())


def _figures(settings: Settings, run: Replay | Paper, market: Market, home: Path, took_s: float) -> RunFigures:
    summary = run.orders.summary()
    days = market.calendar.trading_days_between(ist_date(run.start), ist_date(run.exchange.now))
    return RunFigures(
        start=run.start,
        end=run.exchange.now,
        trading_days=sum(day.opens_at > run.start for day in days),
        orders=summary.orders,
        order_events=run.engine.events_written,
        fills=summary.fills,
        realised_pnl=summary.realised_pnl,
        open_positions=summary.open_positions,
        cash=run.exchange.margins(settings.run.account_id).cash,
        took_s=took_s,
        places={"session": str(run.session), "log": str(home / "logs")},
    )
