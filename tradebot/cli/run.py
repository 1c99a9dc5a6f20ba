"""`main.py` and `main.py replay`: runs the market, shows what happens, and sums it up."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from config.kinds import Mode
from config.market_rules import Market
from config.settings import Settings
from tradebot.adapters.replay_home import Begin
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.configuration import ConfigSource
from tradebot.app.http import HttpFace, check_http
from tradebot.app.live import Live, open_live
from tradebot.app.paper import Paper, open_paper
from tradebot.app.replay import Replay, open_replay
from tradebot.cli.confirming import confirm
from tradebot.cli.exit_codes import ExitCode
from tradebot.cli.face import Face
from tradebot.cli.report import leave_summary
from tradebot.cli.stopping import StoppedEarly, Stopping
from tradebot.domain.calendar import IST, ist_date
from tradebot.domain.events import Event, EventName
from tradebot.interfaces.text.summary import RunFigures, run_summary


def run(options: argparse.Namespace) -> int:
    """Ends with a summary; 0 also when it was stopped in between."""
    folder, home = options.config.absolute().parent, options.home.absolute()
    source = ConfigSource(folder=folder, environ=dict(os.environ), overrides=_overrides(options))
    settings = source.settings_at_start()
    check_http(settings, home)
    face = Face.of_process(settings, RealClock(), is_ascii=options.ascii, is_read_only=options.read_only)
    try:
        match settings.run.mode:
            case Mode.REPLAY:
                return _replay(settings, home, source, face)
            case Mode.PAPER:
                return _paper_or_live(settings, home, source, face, waits=not options.now)
            case Mode.LIVE:
                confirm(settings, is_told=options.yes_live)
                return _paper_or_live(settings, home, source, face, waits=not options.now)
    except StoppedEarly:
        print("stopped before it began: nothing was sent")
        return ExitCode.OK


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


def _replay(settings: Settings, home: Path, source: ConfigSource, face: Face) -> int:
    clock = RealClock()
    stopping = Stopping(face.hang_up, face.come_back)
    http = HttpFace(settings, home)

    def turn() -> None:
        face.turn()
        http.turn()

    opened = open_replay(settings, home=home, folder=source.folder, listeners=[face], source=source, on_turn=turn)
    with face, opened as replay, http.beside(replay, _tell):
        lines = _began(replay)
        stopping.then(replay.pace.stop)
        face.show(replay, replay.pace.stop)
        start = clock.monotonic()
        replay.engine.start()
        is_finished = replay.loop.run(replay.end)
        face.finish()
        figures = _figures(settings, replay, replay.market, home, clock.monotonic() - start)
        leave_summary(replay.session, figures)
        if not is_finished:
            at = replay.exchange.now.astimezone(IST)
            lines.append(f"stopped at {at:%Y-%m-%d %H:%M:%S} IST; the same command goes on from there")
    print("\n".join([*lines, run_summary(figures)]))
    return ExitCode.OK


def _paper_or_live(settings: Settings, home: Path, source: ConfigSource, face: Face, *, waits: bool) -> int:
    """In real time, or at the pace of an exchange process, until it is stopped."""
    clock = RealClock()
    stopping = Stopping(face.hang_up, face.come_back)
    http = HttpFace(settings, home)

    def turn() -> None:
        face.turn()
        http.turn()

    is_live = settings.run.mode is Mode.LIVE
    if is_live:
        stopping.never_suspended(face.refuse_suspension)
    open_run: Callable[..., AbstractContextManager[Paper | Live]] = open_live if is_live else open_paper
    heard, folder = [face, _say_that_it_waits], source.folder
    opened = open_run(settings, home=home, folder=folder, listeners=heard, source=source, on_turn=turn, waits=waits)
    with face, opened as run, http.beside(run, _tell):
        stopping.then(run.loop.stop)
        face.show(run, run.loop.stop)
        start = clock.monotonic()
        is_clean = run.loop.run()
        face.finish()
        figures = _figures(settings, run, run.market, home, clock.monotonic() - start)
        leave_summary(run.session, figures)
    lines = [] if is_clean else ["some calls had not ended: their orders are looked up at the next start"]
    print("\n".join([*lines, run_summary(figures)]))
    return ExitCode.OK


def _say_that_it_waits(event: Event) -> None:
    """Nothing else is seen of a start that holds itself back."""
    if event.name is EventName.START_WAITS:
        _tell(event.message)


def _tell(text: str) -> None:
    print(f"tradebot: {text}", file=sys.stderr, flush=True)


def _began(replay: Replay) -> list[str]:
    lines = [] if replay.report is None else [str(replay.report)]
    if replay.begin is Begin.RESUMED:
        lines.append(f"went on from {replay.exchange.now.astimezone(IST):%Y-%m-%d %H:%M:%S} IST")
    return lines


def _figures(settings: Settings, run: Replay | Paper | Live, market: Market, home: Path, took_s: float) -> RunFigures:
    summary = run.orders.summary()
    now = run.clock.now() if isinstance(run, Live) else run.exchange.now
    days = market.calendar.trading_days_between(ist_date(run.start), ist_date(now))
    return RunFigures(
        start=run.start,
        end=now,
        trading_days=sum(day.opens_at > run.start for day in days),
        orders=summary.orders,
        order_events=run.engine.events_written,
        fills=summary.fills,
        realised_pnl=summary.realised_pnl,
        open_positions=summary.open_positions,
        cash=run.cash() if isinstance(run, Live) else run.exchange.margins(settings.run.account_id).cash,
        took_s=took_s,
        places={"session": str(run.session), "log": str(home / "logs")},
    )
