"""A day on which somebody holds three shares and protects them: stops that stand, move, give way and are executed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from tests.simulator.script import ACCOUNT, Act
from tradebot.domain.orders import Order, OrderStatus, OrderType, Side
from tradebot.domain.protection import Protection
from tradebot.engine.commands import AddProtection, CancelProtection, CloseOrder, Command, ModifyOrder, SubmitOrder
from tradebot.engine.memory import Memory

STOP, PROFIT = Protection.STOP_LOSS, Protection.TAKE_PROFIT


def a_careful_holder(opens_at: datetime, last_close_of_tcs: Decimal, *, closes: bool) -> tuple[Act, ...]:
    """ITC: a stop, a tighter one, a take-profit in its place, the stop again, none, another. INFY: a stop so near that
    it hits. SBIN: a stop that the exchange sends off before the closing auction. TCS: an order far below the market
    that gets another quantity, and then another price with it."""

    def at(minutes: int, name: str, make: Callable[[Memory], Command | None]) -> Act:
        return Act(name=name, at=opens_at + timedelta(minutes=minutes), make=make)

    low = (last_close_of_tcs * Decimal("0.93")).quantize(Decimal(1))
    return (
        *(at(7, f"buy-{symbol}", _buy(symbol)) for symbol in ("ITC", "INFY", "SBIN")),
        at(8, "buy-tcs", _buy_at("TCS", low)),
        at(12, "more-tcs", _modify("TCS", quantity=9)),
        at(16, "cheaper-tcs", _modify("TCS", quantity=8, price=low - 20)),
        at(20, "stop-itc", _protect("ITC", STOP, "0.95")),
        at(21, "stop-infy", _protect("INFY", STOP, "0.999")),
        at(22, "stop-sbin", _protect("SBIN", STOP, "0.90")),
        at(35, "tighter-itc", _protect("ITC", STOP, "0.96")),
        at(50, "profit-itc", _protect("ITC", PROFIT, "1.08")),
        at(65, "no-profit-itc", _unprotect("ITC", PROFIT)),
        at(80, "no-stop-itc", _unprotect("ITC", STOP)),
        at(95, "stop-itc-again", _protect("ITC", STOP, "0.94")),
        *((at(110, "close-itc", _close("ITC")),) if closes else ()),
    )


def _buy(symbol: str) -> Callable[[Memory], Command]:
    return lambda _: SubmitOrder(
        account_id=ACCOUNT,
        user_id="owner",
        symbol=symbol,
        side=Side.BUY,
        quantity=7,
        order_type=OrderType.MARKET,
        price=None,
        idempotency_key=f"buy {symbol}",
        correlation_id="",
    )


def _buy_at(symbol: str, price: Decimal) -> Callable[[Memory], Command]:
    return lambda _: SubmitOrder(
        account_id=ACCOUNT,
        user_id="owner",
        symbol=symbol,
        side=Side.BUY,
        quantity=7,
        price=price,
        idempotency_key=f"buy {symbol}",
        correlation_id="",
    )


def _modify(symbol: str, *, quantity: int, price: Decimal | None = None) -> Callable[[Memory], Command | None]:
    def make(memory: Memory) -> Command | None:
        found = (order for order in memory.orders.values() if order.symbol == symbol)
        order = next((order for order in found if order.status is OrderStatus.PENDING), None)
        if order is None:
            return None
        return ModifyOrder(order_id=order.id, price=price, quantity=quantity, correlation_id="")

    return make


def _protect(symbol: str, protection: Protection, of_price: str) -> Callable[[Memory], Command | None]:
    def make(memory: Memory) -> Command | None:
        order = _held(memory, symbol)
        if order is None or order.average_price is None:
            return None
        price = (order.average_price * Decimal(of_price)).quantize(Decimal("0.1"))
        return AddProtection(order_id=order.id, protection=protection, price=price, correlation_id="")

    return make


def _unprotect(symbol: str, protection: Protection) -> Callable[[Memory], Command | None]:
    def make(memory: Memory) -> Command | None:
        order = _held(memory, symbol)
        return order and CancelProtection(order_id=order.id, protection=protection, correlation_id="")

    return make


def _close(symbol: str) -> Callable[[Memory], Command | None]:
    def make(memory: Memory) -> Command | None:
        order = _held(memory, symbol)
        return order and CloseOrder(order_id=order.id, reason="enough", correlation_id="")

    return make


def _held(memory: Memory, symbol: str) -> Order | None:
    found = (order for order in memory.orders.values() if order.symbol == symbol and order.side is Side.BUY)
    return next((order for order in found if order.status is OrderStatus.ONGOING), None)
