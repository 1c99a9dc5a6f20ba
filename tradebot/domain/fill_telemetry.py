"""How orders were filled: one record of each that has ended, and the statistics of any number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.charges import charges
from tradebot.domain.guards import slippage_bps
from tradebot.domain.orders import Order, OrderStatus, Side

FULL_FROM = Decimal("0.999")
"""So much of an order filled counts as all of it."""

REFERENCE = "reference_price"
"""The key of an order's metadata with the price that its fills are compared with; without it, its limit."""

_TENTH = Decimal("0.1")


class Outcome(StrEnum):
    """`error`: refused by the broker or the exchange, or never sent successfully."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class FillRecord:
    """One order that has ended. Money in rupees; `latency_ms` is from its submission, or from the release of the
    session where it was submitted before, to its last fill."""

    order_id: str
    symbol: str
    side: Side
    submitted_at: datetime
    filled_at: datetime | None
    latency_ms: int | None
    quantity: int
    filled: int
    slippage_bps: Decimal | None
    fees: Decimal | None
    attempts: int
    outcome: Outcome
    ended_at: datetime

    @property
    def fill_rate(self) -> Decimal:
        return Decimal(self.filled) / self.quantity if self.quantity else Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a figure is spread: by the nearest rank, so that each percentile is a value that occurred."""

    mean: Decimal
    p50: Decimal
    p95: Decimal
    p99: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FillStatistics:
    """Counts by outcome, rates in per cent, and None where there is nothing to compute from."""

    orders: int
    full: int
    partial: int
    none: int
    error: int
    full_pct: Decimal | None
    filled_pct: Decimal | None
    latency_ms: Spread | None
    slippage_bps: Spread | None
    fees: Decimal
    attempts: int


def has_ended(order: Order) -> bool:
    """Nothing more is expected of it: a buy that is held has ended as an order."""
    return order.status is not OrderStatus.PENDING


def record_of(
    order: Order, attempts: int, submitted_at: datetime, released_at: datetime | None, ended_at: datetime
) -> FillRecord:
    """`released_at` is when the session of the order's day lets orders in; None where there is none."""
    filled_at = order.execution_time
    begins = max(submitted_at, released_at) if released_at is not None else submitted_at
    waited = (filled_at - begins).total_seconds() if filled_at is not None else None
    average = order.average_price
    reference = Decimal(order.metadata[REFERENCE]) if order.metadata.get(REFERENCE) else order.price
    slipped = slippage_bps(order.side, average, reference).quantize(_TENTH) if average and reference else None
    return FillRecord(
        order_id=order.id,
        symbol=order.symbol,
        side=order.side,
        submitted_at=submitted_at,
        filled_at=filled_at,
        latency_ms=None if waited is None else max(0, round(waited * 1000)),
        quantity=order.quantity,
        filled=order.execution_qty,
        slippage_bps=slipped,
        fees=charges(order.execution_value, order.side, order.product, order.exchange),
        attempts=attempts,
        outcome=_outcome(order),
        ended_at=ended_at,
    )


def statistics(records: Iterable[FillRecord]) -> FillStatistics:
    found = list(records)
    counts = {outcome: sum(record.outcome is outcome for record in found) for outcome in Outcome}
    wanted = sum(record.quantity for record in found)
    return FillStatistics(
        orders=len(found),
        full=counts[Outcome.FULL],
        partial=counts[Outcome.PARTIAL],
        none=counts[Outcome.NONE],
        error=counts[Outcome.ERROR],
        full_pct=_per_cent(counts[Outcome.FULL], len(found)),
        filled_pct=_per_cent(sum(record.filled for record in found), wanted),
        latency_ms=_spread([Decimal(record.latency_ms) for record in found if record.latency_ms is not None]),
        slippage_bps=_spread([record.slippage_bps for record in found if record.slippage_bps is not None]),
        fees=sum((record.fees for record in found if record.fees is not None), Decimal(0)),
        attempts=sum(record.attempts for record in found),
    )


def grouped(records: Iterable[FillRecord], name_of: Callable[[FillRecord], str]) -> dict[str, FillStatistics]:
    """The statistics of each group, by its name."""
    groups: dict[str, list[FillRecord]] = {}
    for record in records:
        groups.setdefault(name_of(record), []).append(record)
    return {name: statistics(groups[name]) for name in sorted(groups)}


def _outcome(order: Order) -> Outcome:
    if order.execution_qty and Decimal(order.execution_qty) >= FULL_FROM * order.quantity:
        return Outcome.FULL
    if order.execution_qty:
        return Outcome.PARTIAL
    return Outcome.ERROR if order.status is OrderStatus.FAILED else Outcome.NONE


def _per_cent(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) * 100 / whole).quantize(Decimal("0.01")) if whole else None


def _spread(values: Sequence[Decimal]) -> Spread | None:
    if not values:
        return None
    ranked = sorted(values)
    return Spread(
        mean=(sum(ranked, Decimal(0)) / len(ranked)).quantize(Decimal("0.01")),
        p50=_rank(ranked, 50),
        p95=_rank(ranked, 95),
        p99=_rank(ranked, 99),
    )


def _rank(ranked: Sequence[Decimal], per_cent: int) -> Decimal:
    return ranked[max(0, -(-len(ranked) * per_cent // 100) - 1)]
