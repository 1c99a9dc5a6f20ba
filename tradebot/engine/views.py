"""What the daemon shows of itself: one frozen picture of the engine's memory, for screens, pages and reports."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from tradebot.domain.calendar import CalendarHorizonError, ist_date, retry_expiry
from tradebot.domain.events import Event, EventName
from tradebot.domain.kill import Latch
from tradebot.domain.lifecycle_ids import LifecycleId
from tradebot.domain.orders import Attempt, Decision, Order, OrderId, OrderStatus, Side
from tradebot.domain.positions import Position
from tradebot.domain.rollout import PHASES, Check, gate, phase_of
from tradebot.engine.alerts_view import Alert, alerts_of
from tradebot.engine.figures_view import (
    CallFigures,
    Counts,
    FillFigures,
    Prices,
    RolloutStanding,
    Vitals,
    WatchRow,
    call_figures,
    fill_figures,
    watch_rows,
    watched_symbols,
)
from tradebot.engine.flags_view import flags_in_force
from tradebot.engine.memory import Memory
from tradebot.engine.schedule_view import JobRow, MarketView, market_view, schedule
from tradebot.engine.setting import Setting

ROWS_PER_STATUS_MAX = 50
POSITIONS_MAX = 100

_NOTHING_KNOWN = Vitals()
T = TypeVar("T", Attempt, LifecycleId)
_RECENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCount:
    """How often guards have blocked for one reason on the IST date at hand, and the last time."""

    reason: str
    count: int
    symbol: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What the bus has told: the last events (oldest first), today's blocks, the last errors, and all of the run.

    `told` counts events by name since the start; `slippages` are the last entries' in basis points; `cycled` is the
    last cycle that found something: the books keep no row of them.
    """

    events: tuple[Event, ...] = ()
    blocks: tuple[BlockCount, ...] = ()
    errors: tuple[Event, ...] = ()
    told: Mapping[EventName, int] = field(default_factory=dict)
    slippages: tuple[Decimal, ...] = ()
    cycled: Event | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What does not change while the daemon runs.

    `started_s` is the real monotonic clock at the start.
    `rate` is virtual seconds per real second: 1 on a real clock, 0 where the run does not wait for time at all.
    `days` are the trading days of a replay, in order; empty for a run without an end. `watchlist` are the symbols that
    the operator wants to see beside those of the signals.
    """

    name: str
    mode: str
    session: str
    started_s: float
    rate: float = 1.0
    days: tuple[date, ...] = ()
    watchlist: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What the market and the broker last said: last prices and day's highs by symbol, and the money that is free for
    new orders.

    What is not known is left out: nothing is shown for it.
    """

    prices: Mapping[str, Decimal] = field(default_factory=dict)
    highs: Mapping[str, Decimal] = field(default_factory=dict)
    free: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCount:
    """One of the five words. `oldest_at` is when the oldest of these orders was made."""

    status: OrderStatus
    count: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order with its attempts and all the ids it ever had, oldest first, and the decision it came from.
    `retry_until` is set for failed ones."""

    order: Order
    attempts: tuple[Attempt, ...]
    retry_until: datetime | None
    ids: tuple[LifecycleId, ...] = ()
    decision: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """An open position. `gain` in rupees and `gain_pct` are those of the shares still held, without fees."""

    position: Position
    last_price: Decimal | None
    gain: Decimal | None
    gain_pct: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """In rupees, without fees. `invested` is the cost of what is held, `realised` what the day's sells have brought.

    `open_gain` is None as long as the last price of some position is not known.
    """

    invested: Decimal
    free: Decimal | None
    realised: Decimal
    open_gain: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a replay is: trading day `day` (counted from 1; 0 before the first) of `days`."""

    day: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonView:
    """Everything that is shown, at one instant; made on the engine thread, read by anybody.

    `orders` hold at most ROWS_PER_STATUS_MAX rows of each status, the newest first; `counts` count all of them.
    `made_s` is the real monotonic clock at the making, for the age of what is shown. `flags` are names and values.
    `gates` are those of the next phase of the rollout, none where it was not begun; `is_saved` says that the database
    took the last change.
    """

    facts: RunFacts
    account_id: str
    now: datetime
    made_s: float
    market: MarketView
    counts: tuple[StatusCount, ...]
    orders: tuple[OrderRow, ...]
    positions: tuple[PositionRow, ...]
    positions_open: int
    positions_max: int
    money: Money
    schedule: tuple[JobRow, ...]
    flags: tuple[tuple[str, str], ...]
    alerts: tuple[Alert, ...]
    gates: tuple[Check, ...]
    latch: Latch | None
    is_saved: bool
    is_observed_only: bool
    unreachable_since: datetime | None
    watched: tuple[WatchRow, ...]
    fills: FillFigures
    calls: CallFigures
    vitals: Vitals
    errors_recent: int
    progress: Progress | None
    tail: Tail


def make_view(
    memory: Memory,
    setting: Setting,
    *,
    now: datetime,
    made_s: float,
    facts: RunFacts,
    tail: Tail,
    marks: Marks,
    vitals: Vitals = _NOTHING_KNOWN,
) -> DaemonView:
    """The picture at `now`. Reads memory, so it runs on the engine thread; costs about a millisecond for 200 orders."""
    orders, today = memory.orders.values(), ist_date(now)
    held = [position for position in memory.positions.values() if position.is_open]
    positions = tuple(_position_row(position, marks) for position in held[-POSITIONS_MAX:][::-1])
    return DaemonView(
        facts=facts,
        account_id=setting.policy.account_id,
        now=now,
        made_s=made_s,
        market=market_view(now, setting.calendar, setting.amo),
        counts=_counts(orders),
        orders=_order_rows(orders, memory, setting),
        positions=positions,
        positions_open=len(held),
        positions_max=setting.policy.risk.positions_max,
        money=_money(orders, held, marks, today),
        schedule=schedule(now, memory, setting, tail.cycled),
        flags=flags_in_force(setting.policy),
        alerts=alerts_of(memory, setting.policy, facts.mode),
        gates=_gates(vitals.rollout, is_observing=setting.policy.flags.observe_only),
        latch=memory.latch,
        is_saved=not memory.entries_stopped,
        is_observed_only=setting.policy.flags.observe_only,
        unreachable_since=memory.unreachable_since,
        watched=watch_rows(
            memory,
            watched_symbols(memory, facts.watchlist, today),
            Prices(last=marks.prices, highs=marks.highs),
            today,
        ),
        fills=fill_figures(orders, tail.slippages, today),
        calls=call_figures(memory, vitals, _counts_of_calls(tail), now),
        vitals=vitals,
        errors_recent=sum(event.at > now - _RECENT for event in tail.errors),
        progress=_progress(facts.days, today),
        tail=tail,
    )


def _gates(standing: RolloutStanding | None, *, is_observing: bool) -> tuple[Check, ...]:
    """What has to be a go before the next phase; nothing until it was counted."""
    if standing is None or standing.figures is None:
        return ()
    is_first = standing.phase == PHASES[0].number
    phase = phase_of(standing.phase)
    return tuple(gate(phase, standing.figures, standing.before, is_observing=is_observing and is_first))


def _counts(orders: Sequence[Order]) -> tuple[StatusCount, ...]:
    counts = dict.fromkeys(OrderStatus, 0)
    oldest: dict[OrderStatus, datetime] = {}
    for order in orders:
        counts[order.status] += 1
        known = oldest.get(order.status)
        if known is None or order.created_at < known:
            oldest[order.status] = order.created_at
    return tuple(
        StatusCount(status=status, count=count, oldest_at=oldest.get(status)) for status, count in counts.items()
    )


def _order_rows(orders: Sequence[Order], memory: Memory, setting: Setting) -> tuple[OrderRow, ...]:
    left = dict.fromkeys(OrderStatus, ROWS_PER_STATUS_MAX)
    shown: list[Order] = []
    for order in reversed(orders):
        if left[order.status]:
            left[order.status] -= 1
            shown.append(order)
    shown.sort(key=lambda order: (order.created_at, int(order.id)), reverse=True)
    wanted = {order.id for order in shown}
    attempts, ids = _by_order(memory.attempts.values(), wanted), _by_order(memory.lifecycle_ids.values(), wanted)
    return tuple(
        OrderRow(
            order=order,
            attempts=tuple(attempts.get(order.id, ())),
            retry_until=_retry_until(order, setting),
            ids=tuple(ids.get(order.id, ())),
            decision=memory.decisions.get(order.decision_id),
        )
        for order in shown
    )


def _by_order(entries: Iterable[T], wanted: Set[OrderId]) -> dict[OrderId, list[T]]:
    found: dict[OrderId, list[T]] = {}
    for entry in entries:
        if entry.order_id in wanted:
            found.setdefault(entry.order_id, []).append(entry)
    return found


def _retry_until(order: Order, setting: Setting) -> datetime | None:
    if order.status is not OrderStatus.FAILED:
        return None
    try:
        return retry_expiry(order.first_failed_at or order.created_at, setting.calendar, setting.policy.times.expiry)
    except CalendarHorizonError:
        return None


def _position_row(position: Position, marks: Marks) -> PositionRow:
    gain = _gain(position, marks)
    return PositionRow(
        position=position,
        last_price=marks.prices.get(position.symbol),
        gain=gain,
        gain_pct=gain * 100 / position.cost if gain is not None and position.cost else None,
    )


def _gain(position: Position, marks: Marks) -> Decimal | None:
    price = marks.prices.get(position.symbol)
    return None if price is None else price * position.quantity - position.cost


def _money(orders: Sequence[Order], held: Sequence[Position], marks: Marks, today: date) -> Money:
    gains = [_gain(position, marks) for position in held]
    known = [gain for gain in gains if gain is not None]
    sells = (order for order in orders if order.side is Side.SELL and order.execution_time is not None)
    return Money(
        invested=sum((position.cost for position in held), Decimal(0)),
        free=marks.free,
        realised=sum((_realised(order) for order in sells if _is_of(order, today)), Decimal(0)),
        open_gain=sum(known, Decimal(0)) if len(known) == len(gains) else None,
    )


def _is_of(order: Order, today: date) -> bool:
    return order.execution_time is not None and ist_date(order.execution_time) == today


def _realised(order: Order) -> Decimal:
    """What a sell has brought so far; the ledger keeps it with the order."""
    return Decimal(order.metadata.get("realised_pnl", "0"))


def _counts_of_calls(tail: Tail) -> Counts:
    told = tail.told
    return Counts(
        hits=told.get(EventName.CACHE_HIT, 0),
        stale=told.get(EventName.CACHE_STALE, 0),
        misses=told.get(EventName.CACHE_MISS, 0),
        throttled=told.get(EventName.RATE_LIMIT_THROTTLE, 0),
        failed=told.get(EventName.BROKER_UNREACHABLE, 0),
    )


def _progress(days: Sequence[date], today: date) -> Progress | None:
    return Progress(day=bisect_right(days, today), days=len(days)) if days else None
