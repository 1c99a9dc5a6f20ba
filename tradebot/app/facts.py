"""What does not change while a run lasts, for whoever shows it."""

from __future__ import annotations

from config.settings import Settings
from tradebot import __version__
from tradebot.app.live import Live
from tradebot.app.paper import Paper
from tradebot.app.replay import Replay
from tradebot.engine.views import RunFacts


def run_facts(settings: Settings, run: Replay | Paper | Live, started_s: float) -> RunFacts:
    """`started_s` is the real monotonic clock at the start."""
    first, last = settings.replay.first_day, settings.replay.last_day
    days = run.market.calendar.trading_days_between(first, last) if isinstance(run, Replay) else ()
    return RunFacts(
        name=f"tradebot {__version__}",
        mode=settings.run.mode,
        session=run.session.name,
        started_s=started_s,
        rate=_rate(settings, run),
        days=tuple(day.day for day in days),
        watchlist=settings.screen.watched,
    )


def _rate(settings: Settings, run: Replay | Paper | Live) -> float:
    """How much faster than the machine's the clock of the run is."""
    if isinstance(run, Replay):
        return settings.replay.speed
    return run.rate if isinstance(run, Live) else 1
