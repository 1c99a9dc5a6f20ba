"""`main.py` and `main.py replay`: runs the market, shows what happens, and sums it up."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.settings import Settings, load_settings
from tradebot.adapters.replay_home import Begin
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app import Replay, open_replay
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.calendar import IST, ist_date
from tradebot.domain.events import Event
from tradebot.interfaces.text.summary import RunFigures, run_summary
from tradebot.interfaces.ui.line import LineMode


def run(options: argparse.Namespace) -> int:
    """Ends with a summary; 0 also when it was stopped in between."""
    folder = options.config.absolute().parent
    settings = load_settings(folder, os.environ, _overrides(options))
    return _replay(settings, home=options.home.absolute(), folder=folder)


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


def _replay(settings: Settings, *, home: Path, folder: Path) -> int:
    listeners: list[Callable[[Event], None]] = []
    with _face(settings, listeners), open_replay(settings, home=home, folder=folder, listeners=listeners) as replay:
        began = _began(replay)
        _stop_on_signals(replay.pace.stop)
        clock = RealClock()
        start = clock.monotonic()
        replay.engine.start()
        is_finished = replay.loop.run(replay.end)
        figures = _figures(settings, replay, home, clock.monotonic() - start)
        stopped_at = None if is_finished else replay.exchange.now.astimezone(IST)
    if stopped_at is not None:
        began.append(f"stopped at {stopped_at:%Y-%m-%d %H:%M:%S} IST; the same command goes on from there")
    print("\n".join([*began, run_summary(figures)]))
    return ExitCode.OK


@contextmanager
def _face(settings: Settings, listeners: list[Callable[[Event], None]]) -> Iterator[None]:
    """What the operator sees while it runs."""
    if settings.run.ui == "off":
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


def _figures(settings: Settings, replay: Replay, home: Path, took_s: float) -> RunFigures:
    summary = replay.orders.summary()
    days = replay.market.calendar.trading_days_between(settings.replay.first_day, ist_date(replay.exchange.now))
    return RunFigures(
        start=replay.start,
        end=replay.exchange.now,
        trading_days=len(days),
        orders=summary.orders,
        order_events=replay.engine.events_written,
        fills=summary.fills,
        realised_pnl=summary.realised_pnl,
        open_positions=summary.open_positions,
        cash=replay.exchange.margins(settings.run.account_id).cash,
        took_s=took_s,
        places={"session": str(replay.session), "log": str(home / "logs")},
    )
