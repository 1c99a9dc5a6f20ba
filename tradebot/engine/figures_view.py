"""Figures beside the orders: what is watched and what it waits for, how fills went, and how calls to the broker did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from tradebot.domain.calendar import ist_date
from tradebot.domain.orders import Decision, Order, OrderStatus, RequestState, Side
from tradebot.domain.rollout import Figures
from tradebot.engine.memory import Memory

WATCHED_MAX = 40
LATENCIES_MAX = 500
BINS: tuple[int, ...] = (-10, -5, 0, 5, 10, 15)
"""Edges of the slippage histogram in basis points; what lies outside has bins of its own."""

_WELL = (OrderStatus.ONGOING, OrderStatus.CLOSED)
"""Of these nobody asks why."""

_FULL = Decimal("99.9")
_HUNDRED = Decimal(100)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStanding:
    """The phase of the rollout at hand, its figures (None until they were counted), and those of the phase before."""

    phase: int
    since: datetime
    figures: Figures | None = None
    before: Figures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What the machine and the doors to the broker say; None for what is not known or switched off.

    `calls`, `delayed` and `joined` (spared, since the same was being fetched) count since the start; `orders_in_second`
    are the calls of orders in the second at hand, of `orders_per_second` that are allowed; `disk_pct` is how full the
    disk with the books is.
    """

    memory_mb: Decimal | None = None
    cpu_pct: Decimal | None = None
    disk_pct: Decimal | None = None
    calls: int | None = None
    delayed: int | None = None
    orders_in_second: int | None = None
    orders_per_second: int | None = None
    joined: int | None = None
    rollout_phase: int | None = None
    rollout: RolloutStanding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRow:
    """A symbol of today's decisions or of the operator's list. `drop_pct`: how far it is below the day's high."""

    symbol: str
    last: Decimal | None
    high: Decimal | None
    drop_pct: Decimal | None
    waits_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFigures:
    """Today's finished entries: how many were filled fully, in part and not at all, how long that took from placing
    to the last fill, and what it cost against the reference, in basis points (positive is worse)."""

    total: int
    full_pct: Decimal | None
    partial_pct: Decimal | None
    none_pct: Decimal | None
    latency_mean: timedelta | None
    latency_p95: timedelta | None
    slippage: tuple[tuple[str, int], ...]
    slippage_p50: Decimal | None
    slippage_p95: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """Calls to the broker since the start. `answer_p50` and `answer_p99` are of today's orders, changes and cancels."""

    calls: int | None
    delayed: int | None
    hits: int
    stale: int
    misses: int
    joined: int | None
    throttled: int
    failed: int
    answer_p50: timedelta | None
    answer_p99: timedelta | None

    @property
    def quotes(self) -> int:
        return self.hits + self.stale + self.misses


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the bus has told of calls since the start, by kind."""

    hits: int = 0
    stale: int = 0
    misses: int = 0
    throttled: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Last price and day's high by symbol, as far as they are known."""

    last: Mapping[str, Decimal] = field(default_factory=dict)
    highs: Mapping[str, Decimal] = field(default_factory=dict)


def watched_symbols(memory: Memory, listed: Sequence[str], today: date) -> list[str]:
    """Symbols of decisions for today or later, the newest decision first, then those of the list."""
    decided = [decision.symbol for decision in _current(memory, today)]
    return list(dict.fromkeys([*decided, *listed]))[:WATCHED_MAX]


def watch_rows(memory: Memory, symbols: Sequence[str], prices: Prices, today: date) -> tuple[WatchRow, ...]:
    newest: dict[str, Decision] = {}
    for decision in _current(memory, today):
        newest.setdefault(decision.symbol, decision)
    return tuple(_watch_row(symbol, newest.get(symbol), memory, prices) for symbol in symbols)


def fill_figures(orders: Iterable[Order], slippages: Sequence[Decimal], today: date) -> FillFigures:
    finished = [order for order in orders if _is_finished_entry(order, today)]
    rates = [_HUNDRED * order.execution_qty / order.quantity for order in finished]
    full, none = sum(rate >= _FULL for rate in rates), sum(rate == 0 for rate in rates)
    latencies = sorted(
        order.execution_time - order.placed_at
        for order in finished
        if order.execution_time is not None and order.placed_at is not None and order.execution_time >= order.placed_at
    )
    ordered = sorted(slippages)
    return FillFigures(
        total=len(finished),
        full_pct=_share(full, len(finished)),
        partial_pct=_share(len(finished) - full - none, len(finished)),
        none_pct=_share(none, len(finished)),
        latency_mean=sum(latencies, timedelta(0)) / len(latencies) if latencies else None,
        latency_p95=_at(latencies, 95),
        slippage=_histogram(ordered),
        slippage_p50=_at(ordered, 50),
        slippage_p95=_at(ordered, 95),
    )


def call_figures(memory: Memory, vitals: Vitals, counts: Counts, now: datetime) -> CallFigures:
    today = ist_date(now)
    answers = sorted(
        request.answered_at - request.prepared_at
        for request in memory.requests.values()[-LATENCIES_MAX:]
        if request.answered_at is not None
        and request.state in (RequestState.ACKED, RequestState.REFUSED)
        and ist_date(request.prepared_at) == today
    )
    return CallFigures(
        calls=vitals.calls,
        delayed=vitals.delayed,
        hits=counts.hits,
        stale=counts.stale,
        misses=counts.misses,
        joined=vitals.joined,
        throttled=counts.throttled,
        failed=counts.failed,
        answer_p50=_at(answers, 50),
        answer_p99=_at(answers, 99),
    )


def _current(memory: Memory, today: date) -> list[Decision]:
    return [decision for decision in reversed(memory.decisions.values()) if decision.trading_day >= today]


def _watch_row(symbol: str, decision: Decision | None, memory: Memory, prices: Prices) -> WatchRow:
    last, high = prices.last.get(symbol), prices.highs.get(symbol)
    return WatchRow(
        symbol=symbol,
        last=last,
        high=high,
        drop_pct=(high - last) * 100 / high if last is not None and high else None,
        waits_for=_waits_for(decision, memory, last),
    )


def _waits_for(decision: Decision | None, memory: Memory, last: Decimal | None) -> str:
    if decision is None:
        return "a signal"
    order = memory.orders.get(decision.order_id) if decision.order_id is not None else None
    if order is None:
        return f"{decision.outcome}: {decision.reason}" if decision.reason else decision.outcome
    if order.status is OrderStatus.PENDING and order.price is not None:
        away = f" ({abs(last - order.price) * 100 / last:.1f}%)" if last else ""
        return f"{order.side} {order.price:,.2f}{away}"
    return str(order.status) if order.status in _WELL else f"{order.status}: {order.reason}"


def _is_finished_entry(order: Order, today: date) -> bool:
    is_finished = order.status is not OrderStatus.PENDING and order.broker_order_id is not None
    return order.side is Side.BUY and is_finished and order.trading_day == today


def _share(part: int, whole: int) -> Decimal | None:
    return _HUNDRED * part / whole if whole else None


def _histogram(ordered: Sequence[Decimal]) -> tuple[tuple[str, int], ...]:
    if not ordered:
        return ()
    edges = [None, *BINS, None]
    rows = []
    for low, high in pairwise(edges):
        count = sum((low is None or value >= low) and (high is None or value < high) for value in ordered)
        label = f"< {high}" if low is None else f">= {low}" if high is None else f"{low}..{high}"
        rows.append((label, count))
    return tuple(rows)


def _at(ordered: Sequence[T], per_cent: int) -> T | None:
    """The value that so many per cent do not exceed."""
    return ordered[min(len(ordered) - 1, len(ordered) * per_cent // 100)] if ordered else None
