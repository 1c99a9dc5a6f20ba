"""What has happened, the newest last."""

from __future__ import annotations

from rich.segment import SegmentLines

from tradebot.domain.events import Event, Level
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.browsing import Browsing, visible_events
from tradebot.interfaces.ui.look import ALARM, BAD, DIM, PLAIN, Cell, Column, fitted, table, words
from tradebot.interfaces.ui.panels.words import clock

_COLUMNS = (
    Column(title="time", width=8, drop=2),
    Column(title="event", width=19),
    Column(title="level", width=4, drop=3),
    Column(title="what", width=20, grows=True),
)
_SHORT = {Level.DEBUG: "", Level.INFO: "", Level.WARNING: "WARN", Level.ERROR: "ERR", Level.CRITICAL: "CRIT"}
_STYLES = {
    Level.DEBUG: DIM,
    Level.INFO: PLAIN,
    Level.WARNING: BAD,
    Level.ERROR: ALARM,
    Level.CRITICAL: ALARM,
}


def title(view: DaemonView, browsing: Browsing) -> str:
    how = "following" if browsing.held_at is None else "held (f follows)"
    return f"Events {len(visible_events(view, browsing))}  {how}"


def events(view: DaemonView, browsing: Browsing, offset: int, width: int, height: int) -> SegmentLines:
    """The last lines that fit, or those that end `offset` lines before."""
    found = visible_events(view, browsing)
    if not found:
        return SegmentLines([fitted(words(("no events to show", DIM)), width)], new_lines=True)
    last = max(1, len(found) - offset)
    first = max(0, last - height)
    rows = [_cells(event) for event in found[first:last]]
    return SegmentLines(table(_COLUMNS, rows, width)[1:], new_lines=True)


def _cells(event: Event) -> list[Cell]:
    style = _STYLES[event.level]
    return [(clock(event.at), DIM), (str(event.name), style), (_SHORT[event.level], style), event.message]
