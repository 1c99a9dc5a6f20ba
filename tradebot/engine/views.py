"""What the daemon shows of itself: one frozen picture of the engine's memory, for screens, pages and reports."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tradebot.domain.calendar import IST, AmoWindow, Calendar, CalendarHorizonError, Phase, ist, ist_date, retry_expiry
from tradebot.domain.events import Event, EventName
from tradebot.domain.kill import Latch
from tradebot.domain.orders import Attempt, Order, OrderId, OrderStatus, Side
from tradebot.domain.positions import Position
from tradebot.engine.alerts_view import Alert, alerts_of
from tradebot.engine.day_plan import plan_day
from tradebot.engine.figures_view import (
    CallFigures,
    Counts,
    FillFigures,
    Prices,
    Vitals,
    WatchRow,
    call_figures,
    fill_figures,
    watch_rows,
    watched_symbols,
)
from tradebot.engine.flags_view import flags_in_force
from tradebot.engine.messages import Job
from tradebot.engine.setting import Setting
from tradebot.engine.state import Memory
from tradebot.ports import PlannedJob

ROWS_PER_STATUS_MAX = 50
POSITIONS_MAX = 100

_NOTHING_KNOWN = Vitals()
_ONE_DAY = timedelta(days=1)
_RECENT = timedelta(minutes=5)
_NOT_SHOWN = frozenset({Job.PLAN, Job.CATCH_UP, Job.FIRST_START, Job.PAUSE, Job.HALTS, Job.VERIFY, Job.RESEND})


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

    `told` counts events by name since the start; `slippages` are the last entries' in basis points.
    """

    events: tuple[Event, ...] = ()
    blocks: tuple[BlockCount, ...] = ()
    errors: tuple[Event, ...] = ()
    told: Mapping[EventName, int] = field(default_factory=dict)
    slippages: tuple[Decimal, ...] = ()


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
class MarketView:
    """The exchange's phase and its next change; None where the calendar ends."""

    phase: Phase | None
    following: Phase | None = None
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCount:
    """One of the five words. `oldest_at` is when the oldest of these orders was made."""

    status: OrderStatus
    count: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order with its attempts, oldest first. `retry_until` is set for failed ones."""

    order: Order
    attempts: tuple[Attempt, ...]
    retry_until: datetime | None


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
class JobRow:
    name: str
    next_at: datetime | None
    last_at: datetime | None
    outcome: str


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
    latch: Latch | None
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
        schedule=schedule(now, memory, setting),
        flags=flags_in_force(setting.policy),
        alerts=alerts_of(memory, setting.policy, facts.mode),
        latch=memory.latch,
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


def market_view(now: datetime, calendar: Calendar, amo: AmoWindow) -> MarketView:
    """The phase of shares with derivatives (they have every session there is), and when it changes next."""
    phase = None
    try:
        phase = calendar.phase(now, True, amo)
        for at in _boundaries(now, calendar, amo):
            following = calendar.phase(at, True, amo)
            if following is not phase:
                return MarketView(phase=phase, following=following, changes_at=at)
    except CalendarHorizonError:
        pass
    return MarketView(phase=phase)


def schedule(now: datetime, memory: Memory, setting: Setting) -> tuple[JobRow, ...]:
    """The jobs of a trading day in the order in which they come next."""
    coming = _coming_jobs(now, setting)
    rows = []
    for job in Job:
        if job in _NOT_SHOWN:
            continue
        run = memory.job_runs.get(job)
        rows.append(
            JobRow(
                name=str(job),
                next_at=min((at for planned in coming if (at := _next_instant(planned, job, now))), default=None),
                last_at=run.finished_at if run else None,
                outcome=run.outcome if run else "",
            )
        )
    return tuple(sorted(rows, key=lambda row: row.next_at or datetime.max.replace(tzinfo=UTC)))


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
    attempts: dict[OrderId, list[Attempt]] = {order.id: [] for order in shown}
    for attempt in memory.attempts.values():
        if attempt.order_id in attempts:
            attempts[attempt.order_id].append(attempt)
    return tuple(
        OrderRow(order=order, attempts=tuple(attempts[order.id]), retry_until=_retry_until(order, setting))
        for order in shown
    )


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


def _boundaries(now: datetime, calendar: Calendar, amo: AmoWindow) -> list[datetime]:
    """Every instant after `now`, up to the end of the next trading day, at which the phase may change; ascending."""
    today = ist_date(now)
    found = {ist(today + _ONE_DAY, time(0, 0))}
    for day in (calendar.trading_day(today), calendar.next_trading_day(today)):
        if day is None:
            continue
        plan = day.plan(has_derivatives=True)
        found |= {ist(day.day, time(0, 0)), ist(day.day, amo.start), ist(day.day, amo.end)}
        found |= {plan.release_at, plan.opens_at, plan.ends_at, day.release_at, day.ends_at}
        found |= {at for window in plan.continuous for at in (window.start, window.end)}
        if plan.closing_auction is not None:
            found |= {plan.closing_auction.reference.start, plan.closing_auction.ends_at}
        if plan.post_close is not None:
            found |= {plan.post_close.start, plan.post_close.end}
    ordered = sorted(found)
    return ordered[bisect_right(ordered, now) :]


def _coming_jobs(now: datetime, setting: Setting) -> list[PlannedJob]:
    """The plans of this IST date and of the next trading day."""
    today = ist_date(now)
    try:
        following = setting.calendar.next_trading_day(today).day
        return [job for day in (today, following) for job in plan_day(day, setting.calendar, setting.policy.times)]
    except CalendarHorizonError:
        return []


def _next_instant(planned: PlannedJob, job: Job, now: datetime) -> datetime | None:
    """The first instant of a planned job after `now`; one that repeats is due at whole multiples in the IST hour."""
    if planned.name != job:
        return None
    if planned.until is None:
        return planned.at if planned.at > now else None
    step = timedelta(minutes=planned.every_minutes)
    start = max(planned.at, now + timedelta.resolution).astimezone(IST)
    hour = start.replace(minute=0, second=0, microsecond=0)
    steps = -((hour - start) // step)
    following = min(hour + steps * step, hour + timedelta(hours=1)).astimezone(UTC)
    return following if following <= planned.until else None
