"""Writes docs/dashboard.txt, the dashboard at a busy moment of the seeded day: `python -m docs.dashboard`."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from tempfile import TemporaryDirectory

from config.settings import load_settings
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app import Replay, open_replay
from tradebot.domain.calendar import ist
from tradebot.engine.view_feed import ViewFeed, ViewMaker, ViewSlot
from tradebot.engine.views import DaemonView, RunFacts
from tradebot.interfaces.ui.browsing import Browsing
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Look, plain_text
from tradebot.interfaces.ui.panels.header import Moment

PAGE = Path(__file__).with_suffix(".txt")
SIZE = (120, 40)

_UNTIL = time(9, 30)
_UP_S = 25.0


def dashboard() -> str:
    """The frame that the delivered configuration shows at 09:30 IST of its day, as text."""
    folder = PAGE.parents[1]
    settings = load_settings(folder, {}, {"mode": "replay", "speed": "0", "ui": "off"})
    feed = ViewFeed()
    with (
        TemporaryDirectory() as home,
        open_replay(settings, home=Path(home), folder=folder, listeners=[feed]) as replay,
    ):
        replay.engine.start()
        replay.loop.run(ist(settings.replay.first_day, _UNTIL))
        view = _view(replay, feed)
    lines = frame(view, Browsing(), SIZE, Moment(up_s=_UP_S))
    return "".join(f"{plain_text(line, Look())}\n" for line in lines)


def _view(replay: Replay, feed: ViewFeed) -> DaemonView:
    day = replay.end.date()
    facts = RunFacts(name="tradebot", mode="replay", session=replay.session.name, started_s=0, rate=1000, days=(day,))
    slot = ViewSlot()
    ViewMaker(
        memory=replay.engine.memory,
        setting=replay.engine.setting,
        facts=facts,
        feed=feed,
        slot=slot,
        marks=replay.marks,
        clock=replay.clock,
        real=RealClock(),
    ).refresh_now()
    assert slot.latest is not None
    return slot.latest


if __name__ == "__main__":
    PAGE.write_text(dashboard(), encoding="utf-8")
