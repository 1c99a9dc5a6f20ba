"""Draws docs/dashboard.svg and docs/dashboard.txt, a busy moment of the seeded day: `python -m docs.dashboard`."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.segment import SegmentLines

from config.loading import load_settings
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.replay import Replay, open_replay
from tradebot.domain.calendar import ist
from tradebot.engine.view_feed import Sources, ViewFeed, ViewMaker, ViewSlot
from tradebot.engine.views import DaemonView, RunFacts
from tradebot.interfaces.ui.browsing import Browsing
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Line, Look, plain_text
from tradebot.interfaces.ui.panels.header import Moment

PICTURE = Path(__file__).with_suffix(".svg")
PAGE = Path(__file__).with_suffix(".txt")
SIZE = (120, 40)
MOMENT = Moment(up_s=25.0)

_UNTIL = time(9, 30)
# The picture needs nothing from elsewhere: whoever has no Fira Code gets another monospaced font.
_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def view_of_the_day() -> DaemonView:
    """The state that the delivered configuration has come to at 09:30 IST of its day, from a real replay."""
    folder = PAGE.parents[1]
    settings = load_settings(folder, {}, {"mode": "replay", "speed": "0", "ui": "off"})
    feed = ViewFeed()
    with (
        TemporaryDirectory() as home,
        open_replay(settings, home=Path(home), folder=folder, listeners=[feed]) as replay,
    ):
        replay.engine.start()
        replay.loop.run(ist(settings.replay.first_day, _UNTIL))
        return _view(replay, feed)


def picture(lines: Sequence[Line]) -> str:
    """The lines as an SVG file, in the colours of the screen. The same lines give the same file."""
    console = Console(
        record=True, width=SIZE[0], file=io.StringIO(), force_terminal=True, color_system="standard", _environ={}
    )
    console.print(SegmentLines(lines, new_lines=True), end="")
    return _FONTS.sub("", console.export_svg(title="tradebot", unique_id="dashboard"))


def page(lines: Sequence[Line]) -> str:
    """The lines as text."""
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
        sources=Sources(marks=replay.marks),
        clock=replay.clock,
        real=RealClock(),
    ).refresh_now()
    assert slot.latest is not None
    return slot.latest


if __name__ == "__main__":
    drawn = frame(view_of_the_day(), Browsing(), SIZE, MOMENT)
    PICTURE.write_text(picture(drawn), encoding="utf-8")
    PAGE.write_text(page(drawn), encoding="utf-8")
