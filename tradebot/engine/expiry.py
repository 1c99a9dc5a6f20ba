"""Until when a failed order can be tried again, and the sweep that cancels what is past that."""

from __future__ import annotations

from datetime import datetime

from tradebot.domain.calendar import IST, retry_expiry
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.orders import Order, OrderStatus
from tradebot.engine import ledger
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit


def expires_at(order: Order, setting: Setting) -> datetime:
    """A retry does not move it: the first failure counts, or the order's beginning where none is known."""
    failed_at = order.first_failed_at or order.created_at
    return retry_expiry(failed_at, setting.calendar, setting.policy.times.expiry)


def sweep_expired(unit: Unit, setting: Setting) -> int:
    """Cancel every failed order whose last hour has come; returns how many."""
    return sum(
        expire_if_due(unit, order, setting) for order in unit.orders.values() if order.status is OrderStatus.FAILED
    )


def expire_if_due(unit: Unit, order: Order, setting: Setting) -> bool:
    expiry = expires_at(order, setting)
    if unit.now < expiry:
        return False
    end = f"{expiry.astimezone(IST):%Y-%m-%d %H:%M}"
    reason = f"Order expired - past next trading day market close ({end})"
    ledger.change(unit, order, Transition(change=OrderChange.EXPIRED, at=unit.now, reason=reason, source="sweep"))
    return True
