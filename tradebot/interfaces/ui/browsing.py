"""Where the reader of the screen is: what has the focus, what is chosen and filtered, and what a key changes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tradebot.domain.events import Event, Level
from tradebot.domain.orders import OrderId, OrderStatus
from tradebot.engine.commands import AcknowledgeAlert, Command, PauseEntries
from tradebot.engine.views import DaemonView, OrderRow
from tradebot.interfaces.ui import asking
from tradebot.interfaces.ui.asking import BY, Question
from tradebot.interfaces.ui.keys import ACTING, ACTION_OF, BINDINGS, Action

REFRESH_S_MIN = 0.5
REFRESH_S_MAX = 5.0
FILTER_LENGTH_MAX = 40

_REFRESH_STEP_S = 0.5
_PAGE_LINES = 10
_FACT_LINES = 22
_FILL_LINES = 2
_CALL_LINES = 9


class Focus(StrEnum):
    """The panels, in the order of the tab key."""

    ORDERS = "orders"
    POSITIONS = "positions"
    EVENTS = "events"
    ALERTS = "alerts"
    WATCHLIST = "watchlist"
    BLOCKS = "blocks"
    FILLS = "fills"
    CALLS = "calls"
    SCHEDULE = "schedule"
    ROLLOUT = "rollout"
    FLAGS = "flags"


class Page(StrEnum):
    MAIN = "main"
    DETAIL = "detail"
    HELP = "help"


class Wish(StrEnum):
    """What a key asks of the screen itself."""

    QUIT = "quit"
    REPAINT = "repaint"
    SCREENSHOT = "screenshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsing:
    """`offset` counts lines from where the focused panel rests: from the top, with events from the newest one.

    `selected` is the order under the cursor, None for the first one. `held_at` is the number of events told when the
    reader stopped following; None while the newest are shown. `typing` is a filter that is not finished, `question`
    what waits for a yes or a word. Without `has_panels` the main page is empty below the header.
    """

    page: Page = Page.MAIN
    focus: Focus = Focus.ORDERS
    status: OrderStatus | None = None
    selected: OrderId | None = None
    offset: int = 0
    held_at: int | None = None
    filter: str = ""
    typing: str | None = None
    question: Question | None = None
    refresh_s: float = 2.0
    notice: str = ""
    is_read_only: bool = False
    has_panels: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """What a key led to: where the reader is then, and what is to be done by the screen or by the engine."""

    after: Browsing
    wish: Wish | None = None
    command: Command | None = None


def press(browsing: Browsing, key: str, view: DaemonView) -> Step:
    """What one key does. A key that means nothing changes nothing."""
    browsing = replace(browsing, notice="")
    if browsing.question is not None:
        return _answer(browsing, browsing.question, key)
    if browsing.typing is not None:
        return Step(_type(browsing, key))
    action = ACTION_OF.get(key)
    if action is None:
        return Step(browsing)
    if action in ACTING:
        return _act(browsing, action, view)
    return _look_around(browsing, action, view)


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
    """What the last line says in place of the keys: the question that waits for an answer, or a word of what was
    done; empty for the keys."""
    if browsing.question is not None:
        return browsing.question.shown
    if browsing.typing is not None:
        return f"filter: {browsing.typing}_   enter: show   esc: leave it"
    if browsing.notice:
        return browsing.notice
    return "esc back   j k scroll   q quit" if browsing.page is not Page.MAIN else ""


def _answer(browsing: Browsing, question: Question, key: str) -> Step:
    reply = asking.press(question, key)
    if reply.question is not None:
        return Step(replace(browsing, question=reply.question))
    browsing = replace(browsing, question=None)
    if not reply.is_yes:
        return Step(replace(browsing, notice="left as it is"))
    if reply.command is None:
        return Step(replace(browsing, notice="stopping ..."), wish=Wish.QUIT)
    return Step(browsing, command=reply.command)


def _act(browsing: Browsing, action: Action, view: DaemonView) -> Step:
    """What changes something outside: at once where it can be taken back with a key, else after a question."""
    if browsing.is_read_only:
        return Step(replace(browsing, notice="read-only: this key does nothing here"))
    match action:
        case Action.PAUSE | Action.RESUME:
            return Step(browsing, command=PauseEntries(is_paused=action is Action.PAUSE, correlation_id=BY))
        case Action.KILL:
            return Step(replace(browsing, question=asking.about_killing(is_killed=view.latch is not None)))
        case Action.RETRY | Action.DROP:
            return Step(_about_order(browsing, action, view))
        case Action.ACKNOWLEDGE:
            return _acknowledge(browsing, view)
        case _:
            return Step(replace(browsing, question=asking.about_quitting()))


def _acknowledge(browsing: Browsing, view: DaemonView) -> Step:
    """The worst alert that nobody has seen yet."""
    unseen = [alert for alert in view.alerts if alert.name is not None and not alert.is_seen]
    if not unseen:
        return Step(replace(browsing, notice="no alert waits for anybody to see it"))
    first = max(unseen, key=lambda alert: list(Level).index(alert.level))
    assert first.name is not None
    return Step(browsing, command=AcknowledgeAlert(name=first.name, by=BY, correlation_id=BY))


def _about_order(browsing: Browsing, action: Action, view: DaemonView) -> Browsing:
    """The order under the cursor, or the one whose detail is shown."""
    rows = visible_orders(view, browsing)
    row = selected_row(view, browsing) if browsing.page is Page.DETAIL else None
    if row is None and rows and browsing.page is Page.MAIN:
        row = rows[selected_at(rows, browsing)]
    if row is None:
        return replace(browsing, notice="no order is chosen")
    found = asking.about_retrying(row) if action is Action.RETRY else asking.about_dropping(row)
    return replace(browsing, notice=found) if isinstance(found, str) else replace(browsing, question=found)


def _look_around(browsing: Browsing, action: Action, view: DaemonView) -> Step:
    if action in _WISHES:
        return Step(browsing, wish=_WISHES[action])
    if action in _MOVES:
        return Step(_move(browsing, _MOVES[action], view))
    if action in _STATUSES:
        chosen = replace(browsing, page=Page.MAIN, focus=Focus.ORDERS, selected=None, offset=0)
        return Step(replace(chosen, status=_STATUSES[action]))
    if action in _CHANGES:
        return Step(_CHANGES[action](browsing))
    return Step(_detail(browsing, view) if action is Action.DETAIL else _follow(browsing, view))


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
        Focus.ALERTS: len(view.alerts),
        Focus.WATCHLIST: len(view.watched),
        Focus.FILLS: _FILL_LINES + len(view.fills.slippage),
        Focus.CALLS: _CALL_LINES,
        Focus.SCHEDULE: len(view.schedule),
        Focus.ROLLOUT: len(view.gates),
        Focus.FLAGS: len(view.flags),
    }
    return max(0, lengths.get(browsing.focus, 0) - 1)


def _detail_lines(browsing: Browsing, view: DaemonView) -> int:
    """About as many lines as the page has; it may have more where texts are folded."""
    row = selected_row(view, browsing)
    if row is None:
        return 1
    figures = len(row.decision.figures) if row.decision is not None else 0
    own = len(row.order.metadata) + len(row.attempts) + len(row.ids) + figures
    return _FACT_LINES + own + len(events_of(view, row))


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


_WISHES: Mapping[Action, Wish] = {Action.REPAINT: Wish.REPAINT, Action.SCREENSHOT: Wish.SCREENSHOT}
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
    Action.NEXT_PANEL: _next_panel,
    Action.BACK: _back,
    Action.FILTER: _begin_filter,
    Action.FASTER: _faster,
    Action.SLOWER: _slower,
    Action.SUSPEND: _ignore_suspend,
}
