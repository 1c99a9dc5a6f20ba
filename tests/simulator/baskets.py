"""A morning on which somebody places baskets: one that goes well, one that is taken back, one in sequence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from tests.simulator.script import ACCOUNT, Act
from tradebot.domain.orders import OrderType, Side
from tradebot.engine.commands import LegWish, SubmitBatch

FAR_TOO_MANY = 5_000
"""Shares that no account of the simulation can pay for: the exchange refuses them after it has taken the order."""

Close = Callable[[str], Decimal]


def a_basket_trader(opens_at: datetime, close: Close) -> tuple[Act, ...]:
    """`close` gives the last close of a symbol, in rupees; each basket has a key, so that a repeat is the same one."""
    return (
        _act("well", opens_at + timedelta(minutes=10), [_at_market("ITC"), _below("INFY", close), _at_market("SBIN")]),
        _act(
            "taken-back",
            opens_at + timedelta(minutes=20),
            [_at_market("HDFCBANK"), _below("TCS", close), _too_much("RELIANCE", close)],
        ),
        _act(
            "taken-back-and-left",
            opens_at + timedelta(minutes=30),
            [_at_market("ICICIBANK"), _below("TCS", close), _too_much("RELIANCE", close)],
            unwind_filled=False,
        ),
        _act(
            "in-sequence",
            opens_at + timedelta(minutes=40),
            [_below("INFY", close), _too_much("RELIANCE", close), _at_market("ITC")],
            sequential=True,
        ),
        _act("well-again", opens_at + timedelta(minutes=50), [_at_market("SBIN")], rollback_on_failure=False),
    )


def _act(name: str, at: datetime, legs: list[LegWish], **changes: bool) -> Act:
    options = {"unwind_filled": True, "sequential": False, "rollback_on_failure": True, **changes}
    command = SubmitBatch(
        account_id=ACCOUNT, user_id="owner", legs=tuple(legs), idempotency_key=name, correlation_id="", **options
    )
    return Act(name=name, at=at, make=lambda _: command)


def _at_market(symbol: str) -> LegWish:
    return LegWish(symbol=symbol, side=Side.BUY, quantity=5, order_type=OrderType.MARKET)


def _below(symbol: str, close: Close) -> LegWish:
    """It stands, and is not filled."""
    price = (close(symbol) * Decimal("0.93")).quantize(Decimal(1))
    return LegWish(symbol=symbol, side=Side.BUY, quantity=5, order_type=OrderType.LIMIT, price=price)


def _too_much(symbol: str, close: Close) -> LegWish:
    price = (close(symbol) * Decimal("0.95")).quantize(Decimal(1))
    return LegWish(symbol=symbol, side=Side.BUY, quantity=FAR_TOO_MANY, order_type=OrderType.LIMIT, price=price)
