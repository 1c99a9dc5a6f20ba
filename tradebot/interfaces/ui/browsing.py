"""Where the reader of the screen is: what has the focus, what is chosen and filtered, and what a key changes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tradebot.domain.events import Event
from tradebot.domain.orders import OrderId, OrderStatus
from tradebot.engine.views import DaemonView, OrderRow
from tradebot.interfaces.ui.keys import ACTION_OF, BINDINGS, Action

REFRESH_S_MIN = 0.5
REFRESH_S_MAX = 5.0
FILTER_LENGTH_MAX = 40

_REFRESH_STEP_S = 0.5
_PAGE_LINES = 10
_FACT_LINES = 19


class Focus(StrEnum):
    """The panels, in the order of the tab key."""

    ORDERS = "orders"
    POSITIONS = "positions"
    EVENTS = "events"
    BLOCKS = "blocks"
    SCHEDULE = "schedule"
    FLAGS = "flags"


class Page(StrEnum):
    MAIN = "main"
    DETAIL = "detail"
    HELP = "help"


class Command(StrEnum):
    """What a key asks of the screen itself."""

    QUIT = "quit"
    PAUSE = "pause"
    RESUME = "resume"
    REPAINT = "repaint"
    SCREENSHOT = "screenshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsing:
    """`offset` counts lines from where the focused panel rests: from the top, with events from the newest one.

    `selected` is the order under the cursor, None for the first one. `held_at` is the number of events told when the
    reader stopped following; None while the newest are shown. `typing` is a filter that is not finished.
    """

    page: Page = Page.MAIN
    focus: Focus = Focus.ORDERS
    status: OrderStatus | None = None
    selected: OrderId | None = None
    offset: int = 0
    held_at: int | None = None
    filter: str = ""
    typing: str | None = None
    is_quitting: bool = False
    refresh_s: float = 2.0
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    after: Browsing
    command: Command | None = None


def press(browsing: Browsing, key: str, view: DaemonView) -> Step:
    """What one key does. A key that means nothing changes nothing."""
    browsing = replace(browsing, notice="")
    if browsing.is_quitting:
        return _answer(browsing, key)
    if browsing.typing is not None:
        return Step(_type(browsing, key))
    action = ACTION_OF.get(key)
    if action is None:
        return Step(browsing)
    if action in _COMMANDS:
        return Step(browsing, _COMMANDS[action])
    if action in _MOVES:
        return Step(_move(browsing, _MOVES[action], view))
    if action in _STATUSES:
        chosen = replace(browsing, page=Page.MAIN, focus=Focus.ORDERS, selected=None, offset=0)
        return Step(replace(chosen, status=_STATUSES[action]))
    if action in _CHANGES:
        return Step(_CHANGES[action](browsing))
    return Step(_detail(browsing, view) if action is Action.DETAIL else _follow(browsing, view))


def visible_orders(view: DaemonView, browsing: Browsing) -> Sequence[OrderRow]:
    """The rows of the chosen status that match the filter."""
    return [
        row
        for row in view.orders
        if (browsing.status is None or row.order.status is browsing.status) and _matches(browsing, _order_text(row))
    ]


def visible_events(view: DaemonView, browsing: Browsing) -> Sequence[Event]:
    """The events that match the filter, oldest first, up to where the reader has stopped."""
    events = view.tail.events
    if browsing.held_at is not None:
        events = events[: max(0, len(events) - (_told(view) - browsing.held_at))]
    return [event for event in events if _matches(browsing, f"{event.name} {event.message}")]


def selected_at(rows: Sequence[OrderRow], browsing: Browsing) -> int:
    """The index of the row under the cursor; the first when the chosen order is not among them."""
    return next((at for at, row in enumerate(rows) if row.order.id == browsing.selected), 0)


def selected_row(view: DaemonView, browsing: Browsing) -> OrderRow | None:
    """The chosen order, also where the filter hides it; None when it is not shown any more."""
    return next((row for row in view.orders if row.order.id == browsing.selected), None)


def events_of(view: DaemonView, row: OrderRow) -> Sequence[Event]:
    """What the last events say about an order and about its position."""
    order = row.order
    return [
        event
        for event in view.tail.events
        if event.fields.get("order_id") == order.id
        or (order.position_id is not None and event.fields.get("position_id") == order.position_id)
    ]


def footer(browsing: Browsing) -> str:
    """The last line: the question that waits for an answer, or what there is to press."""
    if browsing.is_quitting:
        return "Stop tradebot? What is in flight ends or is written down as uncertain.  y / N"
    if browsing.typing is not None:
        return f"filter: {browsing.typing}_   enter: show   esc: leave it"
    if browsing.notice:
        return browsing.notice
    if browsing.page is not Page.MAIN:
        return "esc back   q quit"
    filtered = f"filter {browsing.filter!r} (esc clears it)   " if browsing.filter else ""
    return f"{filtered}? help   q quit   tab panel   0-5 status   enter detail   / filter   p pause"


def _answer(browsing: Browsing, key: str) -> Step:
    browsing = replace(browsing, is_quitting=False)
    if key in ("y", "Y"):
        return Step(replace(browsing, notice="stopping ..."), Command.QUIT)
    return Step(replace(browsing, notice="not stopped"))


def _type(browsing: Browsing, key: str) -> Browsing:
    typed = browsing.typing or ""
    match key:
        case "enter":
            return replace(browsing, typing=None, filter=typed, selected=None, offset=0)
        case "esc":
            return replace(browsing, typing=None)
        case "backspace":
            return replace(browsing, typing=typed[:-1])
        case _ if len(key) == 1 and len(typed) < FILTER_LENGTH_MAX:
            return replace(browsing, typing=typed + key)
        case _:
            return browsing


def _move(browsing: Browsing, lines: int, view: DaemonView) -> Browsing:
    if browsing.page is Page.MAIN and browsing.focus is Focus.ORDERS:
        rows = visible_orders(view, browsing)
        if not rows:
            return browsing
        at = min(max(selected_at(rows, browsing) + lines, 0), len(rows) - 1)
        return replace(browsing, selected=rows[at].order.id if at else None)
    if browsing.page is Page.MAIN and browsing.focus is Focus.EVENTS:
        return _move_events(browsing, lines, view)
    return replace(browsing, offset=min(max(browsing.offset + lines, 0), _last_offset(browsing, view)))


def _move_events(browsing: Browsing, lines: int, view: DaemonView) -> Browsing:
    """Upwards holds the events; back at the newest one they are followed again."""
    if browsing.held_at is None:
        browsing = replace(browsing, held_at=_told(view))
    last = max(0, len(visible_events(view, browsing)) - 1)
    offset = min(max(browsing.offset - lines, 0), last)
    return replace(browsing, offset=offset, held_at=browsing.held_at if offset else None)


def _last_offset(browsing: Browsing, view: DaemonView) -> int:
    """So far that the last line is still to be seen."""
    if browsing.page is Page.HELP:
        return len(BINDINGS) - 1
    if browsing.page is Page.DETAIL:
        return _detail_lines(browsing, view) - 1
    lengths = {
        Focus.POSITIONS: len(view.positions),
        Focus.BLOCKS: len(view.tail.blocks),
        Focus.SCHEDULE: len(view.schedule),
        Focus.FLAGS: len(view.flags),
    }
    return max(0, lengths.get(browsing.focus, 0) - 1)


def _detail_lines(browsing: Browsing, view: DaemonView) -> int:
    """About as many lines as the page has; it may have more where texts are folded."""
    row = selected_row(view, browsing)
    if row is None:
        return 1
    return _FACT_LINES + len(row.order.metadata) + len(row.attempts) + len(events_of(view, row))


def _told(view: DaemonView) -> int:
    return sum(view.tail.told.values())


def _order_text(row: OrderRow) -> str:
    order = row.order
    return f"{order.symbol} {order.side} {order.status} {order.reason} {order.id} {order.coid} {order.broker_order_id}"


def _matches(browsing: Browsing, text: str) -> bool:
    return not browsing.filter or browsing.filter.lower() in text.lower()


def _next_panel(browsing: Browsing) -> Browsing:
    if browsing.page is not Page.MAIN:
        return browsing
    panels = list(Focus)
    following = panels[(panels.index(browsing.focus) + 1) % len(panels)]
    return replace(browsing, focus=following, offset=0, held_at=None)


def _detail(browsing: Browsing, view: DaemonView) -> Browsing:
    rows = visible_orders(view, browsing)
    if browsing.page is not Page.MAIN or browsing.focus is not Focus.ORDERS or not rows:
        return browsing
    chosen = rows[selected_at(rows, browsing)].order.id
    return replace(browsing, page=Page.DETAIL, selected=chosen, offset=0)


def _help(browsing: Browsing) -> Browsing:
    return replace(browsing, page=Page.HELP, offset=0)


def _quit(browsing: Browsing) -> Browsing:
    return replace(browsing, is_quitting=True)


def _back(browsing: Browsing) -> Browsing:
    if browsing.page is not Page.MAIN:
        return replace(browsing, page=Page.MAIN, offset=0)
    return replace(browsing, filter="", offset=0, held_at=None)


def _begin_filter(browsing: Browsing) -> Browsing:
    return replace(browsing, page=Page.MAIN, typing=browsing.filter)


def _follow(browsing: Browsing, view: DaemonView) -> Browsing:
    held_at = _told(view) if browsing.held_at is None else None
    return replace(browsing, held_at=held_at, offset=0, focus=Focus.EVENTS)


def _faster(browsing: Browsing) -> Browsing:
    return _refreshed(browsing, -_REFRESH_STEP_S)


def _slower(browsing: Browsing) -> Browsing:
    return _refreshed(browsing, _REFRESH_STEP_S)


def _refreshed(browsing: Browsing, by_s: float) -> Browsing:
    refresh_s = min(max(browsing.refresh_s + by_s, REFRESH_S_MIN), REFRESH_S_MAX)
    return replace(browsing, refresh_s=refresh_s, notice=f"refreshed every {refresh_s:g} s")


def _ignore_suspend(browsing: Browsing) -> Browsing:
    return replace(browsing, notice="ctrl-z is ignored: a suspended tradebot looks after nothing; q stops it")


_COMMANDS: Mapping[Action, Command] = {
    Action.REPAINT: Command.REPAINT,
    Action.SCREENSHOT: Command.SCREENSHOT,
    Action.PAUSE: Command.PAUSE,
    Action.RESUME: Command.RESUME,
}
_MOVES: Mapping[Action, int] = {
    Action.DOWN: 1,
    Action.UP: -1,
    Action.PAGE_DOWN: _PAGE_LINES,
    Action.PAGE_UP: -_PAGE_LINES,
    Action.TOP: -1_000_000,
    Action.BOTTOM: 1_000_000,
}
_STATUSES: Mapping[Action, OrderStatus | None] = {
    Action.ALL: None,
    Action.PENDING: OrderStatus.PENDING,
    Action.ONGOING: OrderStatus.ONGOING,
    Action.CLOSED: OrderStatus.CLOSED,
    Action.FAILED: OrderStatus.FAILED,
    Action.CANCELLED: OrderStatus.CANCELLED,
}
_CHANGES: Mapping[Action, Callable[[Browsing], Browsing]] = {
    Action.HELP: _help,
    Action.QUIT: _quit,
    Action.NEXT_PANEL: _next_panel,
    Action.BACK: _back,
    Action.FILTER: _begin_filter,
    Action.FASTER: _faster,
    Action.SLOWER: _slower,
    Action.SUSPEND: _ignore_suspend,
}
