"""The frame: which panels there are at which size, and how their lines come together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from textwrap import wrap

from rich.segment import SegmentLines

from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.browsing import Browsing, Focus, Page, footer
from tradebot.interfaces.ui.keys import HINTS
from tradebot.interfaces.ui.look import ALARM, BAD, BOLD, DIM, Line, boxed, fitted, words
from tradebot.interfaces.ui.panels import (
    alerts,
    blocks,
    calls,
    detail,
    events,
    fills,
    flags,
    header,
    orders,
    positions,
    rollout,
    schedule,
    watchlist,
)
from tradebot.interfaces.ui.panels.header import Moment
from tradebot.interfaces.ui.panels.help import help_page

SMALLEST = (60, 16)
MIDDLE_COLUMNS = 100
WIDE_COLUMNS = 160

# Below these heights (header and footer left out) there are fewer boxes, so that each has room for some rows.
_WIDE_LINES = 30
_MEDIUM_LINES = 20
_THREE_BOXES_LINES = 16

_LEFT = 34
_LEFT_WIDE = 66
# So wide that no name of a flag, and neither instant of a job, is cut.
_FLAGS, _SCHEDULE = 45, 43

Body = Callable[[int, int], SegmentLines]
"""From the width and height inside of the box to what stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A box: its title and its body, both of which may fail without harm to any other."""

    title: Callable[[], str]
    body: Body
    is_focused: bool = False


def frame(view: DaemonView, browsing: Browsing, size: tuple[int, int], moment: Moment) -> list[Line]:
    """As many lines as the screen has, each as wide as the screen. `size` is columns and lines."""
    return [*top(view, moment, size), *body(view, browsing, size)]


def top(view: DaemonView, moment: Moment, size: tuple[int, int]) -> Sequence[Line]:
    """The header; it goes on with the clock while the body stands."""
    columns = size[0]
    if _is_small(size):
        return _safely(lambda: header.one_line(view, moment, columns), columns, 1)
    return _safely(lambda: header.header(view, moment, columns), columns, header.LINES)


def body(view: DaemonView, browsing: Browsing, size: tuple[int, int]) -> list[Line]:
    """Everything below the header: the same for the same view, browsing and size."""
    columns, lines = size
    if not _is_small(size):
        last = fitted(_last_line(browsing, columns), columns)
        return [*_middle(view, browsing, columns, lines - header.LINES - 1), last]
    said = wrap(footer(browsing), max(1, columns)) if browsing.page is Page.MAIN else []
    below = [fitted(words((text, ALARM if browsing.question is not None else BAD)), columns) for text in said]
    return [*below, *([fitted([], columns)] * lines)][: lines - 1]


def _last_line(browsing: Browsing, columns: int) -> Line:
    """A question or a word; else as many keys as there is room for."""
    said = footer(browsing)
    if said:
        return words((said, ALARM if browsing.question is not None else BAD if browsing.notice else DIM))
    filtered = (f"filter {browsing.filter!r} (esc clears it)", BAD) if browsing.filter else ""
    line = words("READ-ONLY" if browsing.is_read_only else "", filtered)
    for key, word in HINTS:
        longer = [*line, *words("  " if line else "", (key, BOLD), (f" {word}", DIM), gap="")]
        if sum(len(segment.text) for segment in longer) > columns:
            break
        line = longer
    return line


def _is_small(size: tuple[int, int]) -> bool:
    return size[0] < SMALLEST[0] or size[1] < SMALLEST[1]


def _middle(view: DaemonView, browsing: Browsing, columns: int, lines: int) -> list[Line]:
    match browsing.page:
        case Page.HELP:
            page = Panel(title=lambda: "Help", body=partial(help_page, browsing.offset), is_focused=True)
            return _drawn(page, columns, lines)
        case Page.DETAIL:
            page = Panel(
                title=lambda: detail.title(view, browsing),
                body=partial(detail.detail, view, browsing),
                is_focused=True,
            )
            return _drawn(page, columns, lines)
        case Page.MAIN if not browsing.has_panels:
            return [fitted([], columns)] * lines
        case Page.MAIN:
            panels = _panels(view, browsing)
            if columns < MIDDLE_COLUMNS or lines < _MEDIUM_LINES:
                return _narrow(view, browsing, panels, columns, lines)
            if columns < WIDE_COLUMNS or lines < _WIDE_LINES:
                return _medium(view, browsing, panels, columns, lines)
            return _wide(view, browsing, panels, columns, lines)


def _narrow(view: DaemonView, browsing: Browsing, panels: dict[Focus, Panel], columns: int, lines: int) -> list[Line]:
    """Orders, positions, and events or whichever other panel has the focus, one below the other; where the screen is
    low, orders and one of the others."""
    third = Focus.EVENTS if browsing.focus in (Focus.ORDERS, Focus.POSITIONS) else browsing.focus
    if lines < _THREE_BOXES_LINES:
        shown = [Focus.ORDERS, Focus.POSITIONS if browsing.focus is Focus.POSITIONS else third]
    else:
        shown = [Focus.ORDERS, Focus.POSITIONS, third]
    heights = _shares(lines - 1, (4, 3, 3)[: len(shown)])
    boxes = [_drawn(panels[focus], columns, height) for focus, height in zip(shown, heights, strict=True)]
    return [orders.counts_in_a_line(view, browsing, columns), *(line for box in boxes for line in box)]


def _medium(view: DaemonView, browsing: Browsing, panels: dict[Focus, Panel], columns: int, lines: int) -> list[Line]:
    """Counts beside orders, blocks beside positions; below them events, beside alerts or whichever other panel has the
    focus."""
    counts = Panel(title=lambda: "By status", body=partial(orders.counts, view, browsing))
    has_place = (Focus.ORDERS, Focus.POSITIONS, Focus.BLOCKS, Focus.EVENTS)
    beside = browsing.focus if browsing.focus not in has_place else Focus.ALERTS if view.alerts else Focus.SCHEDULE
    first, second, last = _shares(lines, (5, 3, 4))
    right = columns - _LEFT
    beside_columns = columns * 2 // 5
    return [
        *_side_by_side(_drawn(counts, _LEFT, first), _drawn(panels[Focus.ORDERS], right, first)),
        *_side_by_side(_drawn(panels[Focus.BLOCKS], _LEFT, second), _drawn(panels[Focus.POSITIONS], right, second)),
        *_side_by_side(
            _drawn(panels[beside], beside_columns, last),
            _drawn(panels[Focus.EVENTS], columns - beside_columns, last),
        ),
    ]


def _wide(view: DaemonView, browsing: Browsing, panels: dict[Focus, Panel], columns: int, lines: int) -> list[Line]:
    """Everything: what is counted at the left, what happens at the right."""
    counts = Panel(title=lambda: "By status", body=partial(orders.counts, view, browsing))
    by_status = min(8, lines // 4)
    counted = (Focus.WATCHLIST, Focus.BLOCKS, Focus.FILLS, Focus.CALLS, Focus.ROLLOUT)
    left = [panels[focus] for focus in counted]
    right = columns - _LEFT_WIDE
    first, second, third, last = _shares(lines, (6, 4, 4, 5))
    flags_columns, schedule_columns = min(_FLAGS, right // 3), min(_SCHEDULE, right // 3)
    alerts_columns = right - flags_columns - schedule_columns
    return _side_by_side(
        [*_drawn(counts, _LEFT_WIDE, by_status), *_stacked(left, (4, 2, 4, 4, 3), _LEFT_WIDE, lines - by_status)],
        [
            *_drawn(panels[Focus.ORDERS], right, first),
            *_drawn(panels[Focus.POSITIONS], right, second),
            *_side_by_side(
                _side_by_side(
                    _drawn(panels[Focus.ALERTS], alerts_columns, third),
                    _drawn(panels[Focus.SCHEDULE], schedule_columns, third),
                ),
                _drawn(panels[Focus.FLAGS], flags_columns, third),
            ),
            *_drawn(panels[Focus.EVENTS], right, last),
        ],
    )


def _stacked(panels: Sequence[Panel], weights: tuple[int, ...], columns: int, lines: int) -> list[Line]:
    heights = _shares(lines, weights)
    return [line for panel, height in zip(panels, heights, strict=True) for line in _drawn(panel, columns, height)]


def _panels(view: DaemonView, browsing: Browsing) -> dict[Focus, Panel]:
    focus = browsing.focus

    def panel(of: Focus, title: Callable[[], str], body: Callable[[int, int, int], SegmentLines]) -> Panel:
        return Panel(title=title, body=partial(body, browsing.offset if of is focus else 0), is_focused=of is focus)

    made = (
        (Focus.ORDERS, lambda: orders.title(view, browsing), lambda _, *size: orders.orders(view, browsing, *size)),
        (Focus.POSITIONS, lambda: positions.title(view), partial(positions.positions, view)),
        (Focus.EVENTS, lambda: events.title(view, browsing), partial(events.events, view, browsing)),
        (Focus.ALERTS, lambda: alerts.title(view), partial(alerts.alerts, view)),
        (Focus.WATCHLIST, lambda: watchlist.title(view), partial(watchlist.watchlist, view)),
        (Focus.BLOCKS, lambda: blocks.title(view), partial(blocks.blocks, view)),
        (Focus.FILLS, lambda: fills.title(view), partial(fills.fills, view)),
        (Focus.CALLS, lambda: "Calls", partial(calls.calls, view)),
        (Focus.SCHEDULE, lambda: "Schedule", partial(schedule.schedule, view)),
        (Focus.ROLLOUT, lambda: rollout.title(view), partial(rollout.rollout, view)),
        (Focus.FLAGS, lambda: "Flags", partial(flags.flags, view)),
    )
    return {of: panel(of, title, body) for of, title, body in made}


def _drawn(panel: Panel, columns: int, lines: int) -> list[Line]:
    """The panel in its box; a failure is a line in that box."""
    body = _safely(lambda: panel.body(columns - 4, lines - 2), columns - 4, 1)
    title = "?"
    try:
        title = panel.title()
    except Exception as fault:  # one panel's failure stays its own
        body = [_fault(fault, columns - 4)]
    return boxed(title, body, columns, lines, is_focused=panel.is_focused)


def _safely(draw: Callable[[], SegmentLines], columns: int, lines: int) -> Sequence[Line]:
    try:
        return draw().lines
    except Exception as fault:  # one panel's failure stays its own
        return [_fault(fault, columns), *([fitted([], columns)] * (lines - 1))]


def _fault(fault: Exception, columns: int) -> Line:
    return fitted(words((f"! cannot be shown: {type(fault).__name__}: {fault}", ALARM)), columns)


def _shares(lines: int, weights: tuple[int, ...]) -> list[int]:
    """The lines in parts of these weights; what is left over goes to the first."""
    parts = [lines * weight // sum(weights) for weight in weights]
    parts[0] += lines - sum(parts)
    return parts


def _side_by_side(left: Sequence[Line], right: Sequence[Line]) -> list[Line]:
    return [[*one, *other] for one, other in zip(left, right, strict=True)]
