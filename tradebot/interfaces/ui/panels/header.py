"""The header: what runs, what the market does, what it earns, and what is wrong, to be seen from across the room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.cells import cell_len
from rich.segment import Segment, SegmentLines

from tradebot.domain.calendar import IST
from tradebot.domain.events import Level
from tradebot.domain.orders import OrderStatus
from tradebot.domain.rollout import phase_of
from tradebot.engine.alerts_view import Alert
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.look import ALARM, BAD, BOLD, DIM, PLAIN, REVERSE, Cell, Line, fitted, words
from tradebot.interfaces.ui.panels.words import age, clock, clock_near, gain, money

LINES = 3

_STALE_S = 5.0
_GAP = 3
_SHORT_COLUMNS = 100
_ROOMY_COLUMNS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Real seconds at the painting: how old the view is, and how long the daemon has been running."""

    age_s: float = 0.0
    up_s: float = 0.0


def header(view: DaemonView, moment: Moment, width: int) -> SegmentLines:
    """Three lines. All of them are in reverse while entries are stopped."""
    lines = [
        fitted(line, width) for line in (_run(view, moment, width), _figures(view, width), _state(view, moment, width))
    ]
    if any(alert.level is Level.CRITICAL for alert in view.alerts):
        lines = [[Segment(segment.text, REVERSE) for segment in line] for line in lines]
    return SegmentLines(lines, new_lines=True)


def one_line(view: DaemonView, moment: Moment, width: int) -> SegmentLines:
    """All that fits into one line, the most important first."""
    ordered = sorted(view.counts, key=lambda count: count.status is not OrderStatus.FAILED)
    counts: list[Cell] = [
        (f"{count.status}:{count.count}", BAD if count.status is OrderStatus.FAILED else PLAIN)
        for count in ordered
        if count.count
    ]
    stopped = [("STOPPED", REVERSE)] if any(alert.level is Level.CRITICAL for alert in view.alerts) else []
    cells: list[Cell] = [
        (_mode(view), BOLD),
        *stopped,
        clock(shown_now(view, moment)),
        _phase(view),
        _prefixed("day", gain(view.money.realised)),
        *counts,
    ]
    return SegmentLines([fitted(_as_many(cells, width, " "), width)], new_lines=True)


def shown_now(view: DaemonView, moment: Moment) -> datetime:
    """The daemon's clock as it goes on after the view was made: at its own rate, and never past the next job, where
    it would wait."""
    now = view.now + timedelta(seconds=moment.age_s * view.facts.rate)
    following = min((row.next_at for row in view.schedule if row.next_at is not None), default=now)
    return max(view.now, min(now, following))


def _run(view: DaemonView, moment: Moment, width: int) -> Line:
    now = shown_now(view, moment)
    facts, local, is_wide = view.facts, now.astimezone(IST), width >= _SHORT_COLUMNS
    phase = view.vitals.rollout_phase
    cells: list[Cell] = [
        (f"● {_mode(view)}", BOLD),
        _rollout(phase, width),
        (f"{local:%a %Y-%m-%d %H:%M:%S} IST" if is_wide else f"{local:%Y-%m-%d %H:%M:%S} IST", BOLD),
        _market(view, now, is_wide),
        _link(view),
        f"day {view.progress.day} of {view.progress.days}" if view.progress else "",
        _pace(view.facts.rate),
        f"up {age(timedelta(seconds=moment.up_s))}" if is_wide else "",
    ]
    if width >= _ROOMY_COLUMNS:
        cells += [f"account {view.account_id}", (facts.session, DIM)]
    return _as_many(cells, width)


def _as_many(cells: Sequence[Cell], width: int, gap: str = "   ") -> Line:
    """As many of the first cells as there is room for: half a word says less than none."""
    for count in range(len(cells), 1, -1):
        line = words(*cells[:count], gap=gap)
        if _length(line) <= width:
            return line
    return words(*cells[:1])


def _rollout(phase: int | None, width: int) -> str:
    if phase is None:
        return ""
    return f"phase {phase} {phase_of(phase).name}" if width >= _ROOMY_COLUMNS else f"phase {phase}"


def _link(view: DaemonView) -> Cell:
    """Whether the broker answers, and how quickly it took the day's orders (p50/p99); not told on virtual time."""
    if view.unreachable_since is not None:
        return f"broker GONE {age(view.now - view.unreachable_since)}", ALARM
    p50, p99 = view.calls.answer_p50, view.calls.answer_p99
    if not p50 or not p99:
        return "broker ok"
    return f"broker ok {1000 * p50.total_seconds():.0f}/{1000 * p99.total_seconds():.0f} ms"


def _figures(view: DaemonView, width: int) -> Line:
    money_of = view.money
    cells: list[Cell] = [
        _prefixed("day", gain(money_of.realised)),
        _prefixed("open", gain(money_of.open_gain)),
        f"invested {money(money_of.invested)}",
    ]
    if width >= _SHORT_COLUMNS:
        cells += [f"free {money(money_of.free)}", f"positions {view.positions_open}/{view.positions_max}"]
    errors = view.errors_recent
    cells.append((f"errors 5m {errors}!", BAD) if errors else "errors 5m 0")
    upcoming = next((row for row in view.schedule if row.next_at is not None), None)
    if upcoming is not None:
        cells.append(f"next {upcoming.name.replace('_', ' ')} {clock_near(upcoming.next_at, view.now)}")
    return _as_many(cells, width, "   " if width >= _SHORT_COLUMNS else "  ")


def _state(view: DaemonView, moment: Moment, width: int) -> Line:
    """The worst alert at the left; at the right as much of the machine's state as it leaves room for."""
    alert, machine = _alert(view, moment), _machine(view)
    while machine:
        right = words(*machine)
        gap = width - _length(alert) - _length(right)
        if gap >= _GAP:
            return [*alert, Segment(" " * gap, PLAIN), *right]
        machine.pop(0)
    return alert


def _length(line: Line) -> int:
    return sum(cell_len(segment.text) for segment in line)


def _machine(view: DaemonView) -> list[Cell]:
    """What can be missed best comes first: it goes first where there is no room."""
    vitals = view.vitals
    budget = vitals.orders_in_second, vitals.orders_per_second
    found: list[Cell] = [
        "" if vitals.cpu_pct is None else f"cpu {vitals.cpu_pct:.0f}%",
        "" if None in budget else f"order calls {budget[0]}/{budget[1]} a second",
        "" if vitals.memory_mb is None else f"memory {vitals.memory_mb:.0f} MB",
        "" if vitals.disk_pct is None else f"disk {vitals.disk_pct:.0f}%",
        "database ok" if view.is_saved else ("database FAILS", ALARM),
    ]
    return [cell for cell in found if cell]


def _alert(view: DaemonView, moment: Moment) -> Line:
    stale = (f"shown is the state of {moment.age_s:.0f} s ago", BAD) if moment.age_s > _STALE_S else ""
    if not view.alerts:
        return words(stale or ("no alerts", DIM))
    worst = max(view.alerts, key=_severity)
    others = len(view.alerts) - 1
    text = f"! {worst.level}  {worst.text}"
    return words(stale, (text, ALARM), f"(+{others} more)" if others else "")


def _severity(alert: Alert) -> int:
    return list(Level).index(alert.level)


def _market(view: DaemonView, now: datetime, is_wide: bool) -> str:
    market = view.market
    if market.following is None or market.changes_at is None:
        return _phase(view)
    wait = f" (in {age(market.changes_at - now)})" if is_wide else ""
    return f"{_phase(view)}, {market.following.replace('_', ' ')} {clock_near(market.changes_at, now)}{wait}"


def _phase(view: DaemonView) -> str:
    phase = view.market.phase
    return "beyond the calendar" if phase is None else phase.replace("_", " ").upper()


def _mode(view: DaemonView) -> str:
    """In words and in place, since a colour alone would be overlooked."""
    mode = view.facts.mode.upper()
    return f"{mode} OBSERVE: nothing is sent" if view.is_observed_only else mode


def _pace(rate: float) -> str:
    if rate == 1:
        return ""
    return f"{rate:g}x" if rate else "as fast as it can"


def _prefixed(name: str, cell: Cell) -> Cell:
    text, style = cell if isinstance(cell, tuple) else (cell, PLAIN)
    return f"{name} {text.strip()}", style
