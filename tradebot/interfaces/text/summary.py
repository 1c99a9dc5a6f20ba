"""The summary at the end of a run: what was done, what it earned, how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradebot.domain.calendar import IST
from tradebot.domain.orders import OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What the summary tells. Money in rupees; `cash` is None where the broker does not say."""

    start: datetime
    end: datetime
    trading_days: int
    orders: Mapping[OrderStatus, int]
    order_events: int
    fills: int
    realised_pnl: Decimal
    open_positions: int
    cash: Decimal | None
    took_s: float
    places: Mapping[str, str]


def run_summary(figures: RunFigures) -> str:
    """Ten lines or so, without control characters."""
    orders = ", ".join(f"{count} {status}" for status, count in figures.orders.items() if count) or "none"
    rate = figures.order_events / figures.took_s if figures.took_s > 0 else 0.0
    lines = [
        ("period", f"{_when(figures.start)} to {_when(figures.end)} IST, {_days(figures.trading_days)}"),
        ("orders", f"{sum(figures.orders.values())} ({orders})"),
        ("fills", str(figures.fills)),
        ("positions", f"{figures.open_positions} open"),
        ("P&L", f"Rs {figures.realised_pnl:,.2f} realised"),
        ("cash", "not known" if figures.cash is None else f"Rs {figures.cash:,.2f}"),
        ("time", f"{figures.took_s:.1f} s, {rate:,.0f} order events a second"),
        *figures.places.items(),
    ]
    return "\n".join(f"{name.ljust(10)}{value}" for name, value in lines)


def _days(number: int) -> str:
    return f"{number} trading day{'' if number == 1 else 's'}"


def _when(at: datetime) -> str:
    return at.astimezone(IST).strftime("%Y-%m-%d %H:%M")
