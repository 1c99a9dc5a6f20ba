"""The figures of one trading day, for the summary of the evening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tradebot.domain.calendar import Calendar, ist_date
from tradebot.domain.orders import Order, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """Of the orders that were meant for the day. `realised_pnl` in rupees; `oldest_pending_days` is the age of the
    oldest order that still waits, in trading days."""

    orders: int
    filled: int
    rejected: int
    cancelled: int
    by_hand: int
    realised_pnl: Decimal
    oldest_pending_days: int


def day_figures(orders: Sequence[Order], day: date, calendar: Calendar) -> DayFigures:
    of_day = [order for order in orders if order.trading_day == day]
    pending = [order for order in orders if order.status is OrderStatus.PENDING and order.trading_day <= day]
    return DayFigures(
        orders=len(of_day),
        filled=sum(order.execution_qty > 0 for order in of_day),
        rejected=sum(order.status is OrderStatus.FAILED for order in of_day),
        cancelled=sum(order.status is OrderStatus.CANCELLED for order in of_day),
        by_hand=sum(order.is_manual for order in of_day),
        realised_pnl=sum((Decimal(order.metadata.get("realised_pnl", "0")) for order in of_day), Decimal(0)),
        oldest_pending_days=max((age_in_trading_days(order, day, calendar) for order in pending), default=0),
    )


def age_in_trading_days(order: Order, day: date, calendar: Calendar) -> int:
    """How many trading days after the one on which it was made: nights, weekends and holidays make nothing older."""
    made = ist_date(order.created_at)
    return max(0, len(calendar.trading_days_between(made, day)) - 1) if made <= day else 0
