"""What people do during a day of the simulation: commands at instants, in a spool that outlives a death.

A command stays in the spool until it was answered, and is handed in again by every later life, as `Once`: what was
done is answered, and not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from tradebot.domain.orders import Order, OrderStatus, OrderType, Side
from tradebot.domain.protection import Protection
from tradebot.engine.commands import (
    AddProtection,
    CancelOrder,
    CancelProtection,
    CloseOrder,
    Command,
    DropOrder,
    ExitPosition,
    ModifyOrder,
    Once,
    PauseEntries,
    RetryOrder,
    SubmitOrder,
    SyncOrders,
)
from tradebot.engine.inbox import Inbox
from tradebot.engine.memory import Memory

ACCOUNT = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """`make` says what is wanted, given what the daemon knows at that instant; None for nothing."""

    name: str
    at: datetime
    make: Callable[[Memory], Command | None]


Spool = dict[str, Command | None]


class Timetable(Protocol):
    def next_due(self) -> datetime | None: ...

    def fire_due(self, now: datetime) -> None: ...


class Scripted:
    """A timetable with acts beside its jobs: at one instant the jobs go first. All acts that were due before this life
    began are due at its beginning. `spool` has what was handed in, by the act's name, and outlives a death."""

    def __init__(
        self, inner: Timetable, acts: Sequence[Act], inbox: Inbox, memory: Callable[[], Memory], spool: Spool
    ) -> None:
        self._inner = inner
        self._left = sorted(acts, key=lambda act: act.at)
        self._inbox = inbox
        self._memory = memory
        self._spool = spool

    def next_due(self) -> datetime | None:
        due = [at for at in (self._inner.next_due(), self._left[0].at if self._left else None) if at is not None]
        return min(due, default=None)

    def fire_due(self, now: datetime) -> None:
        self._inner.fire_due(now)
        while self._left and self._left[0].at <= now:
            act = self._left.pop(0)
            command = self._spool.setdefault(act.name, act.make(self._memory()))
            if command is not None:
                self._inbox.put(Once(command=replace(command, correlation_id=act.name)))


def a_meddling_operator(opens_at: datetime) -> tuple[Act, ...]:
    """Cancels the first two waiting buys, pauses and resumes, drops what failed, and gives orders of his own."""
    return (
        Act(name="cancel-before-the-release", at=opens_at - timedelta(minutes=40), make=lambda m: _cancel(m, 0)),
        Act(name="cancel-in-the-pre-open", at=opens_at - timedelta(minutes=10), make=lambda m: _cancel(m, 0)),
        Act(name="cancel-at-the-open", at=opens_at, make=lambda m: _cancel(m, 1)),
        Act(name="pause", at=opens_at + timedelta(minutes=5), make=lambda _: _pause(True)),
        Act(name="resume", at=opens_at + timedelta(minutes=20), make=lambda _: _pause(False)),
        Act(name="drop", at=opens_at + timedelta(minutes=30), make=_drop),
        Act(name="submit", at=opens_at + timedelta(minutes=35), make=lambda _: _submit("ITC", "mine")),
        Act(name="submit-again", at=opens_at + timedelta(minutes=50), make=lambda _: _submit("ITC", "mine")),
        Act(name="cancel-at-noon", at=opens_at + timedelta(minutes=165), make=lambda m: _cancel(m, 0)),
    )


def a_trading_operator(opens_at: datetime) -> tuple[Act, ...]:
    """Asks a better price for a waiting buy, tries what failed again, protects and closes what was bought, and exits a
    whole symbol."""
    return (
        Act(name="modify-before-the-open", at=opens_at - timedelta(minutes=5), make=lambda m: _modify(m, "0.99")),
        Act(name="retry", at=opens_at + timedelta(minutes=2), make=_retry),
        Act(name="stop-loss", at=opens_at + timedelta(minutes=4), make=lambda m: _protect(m, "0.97")),
        Act(name="modify-in-the-session", at=opens_at + timedelta(minutes=12), make=lambda m: _modify(m, "1.004")),
        Act(name="closer-stop-loss", at=opens_at + timedelta(minutes=25), make=lambda m: _protect(m, "0.98")),
        Act(name="take-it-back", at=opens_at + timedelta(minutes=40), make=_take_back),
        Act(name="close", at=opens_at + timedelta(minutes=50), make=_close),
        Act(name="exit", at=opens_at + timedelta(minutes=75), make=_exit),
        Act(name="retry-again", at=opens_at + timedelta(minutes=90), make=_retry),
        Act(name="sync", at=opens_at + timedelta(minutes=100), make=lambda _: SyncOrders(correlation_id="")),
    )


def _modify(memory: Memory, times: str) -> Command | None:
    waiting = [order for order in _of(memory, OrderStatus.PENDING) if order.price is not None]
    if not waiting or waiting[0].price is None:
        return None
    price = (waiting[0].price * Decimal(times)).quantize(Decimal(1))
    return ModifyOrder(order_id=waiting[0].id, price=price, correlation_id="")


def _retry(memory: Memory) -> Command | None:
    failed = _of(memory, OrderStatus.FAILED)
    return RetryOrder(order_id=failed[-1].id, correlation_id="") if failed else None


def _protect(memory: Memory, times: str) -> Command | None:
    held = _held(memory, 0)
    if held is None or held.average_price is None:
        return None
    price = (held.average_price * Decimal(times)).quantize(Decimal(1))
    return AddProtection(order_id=held.id, protection=Protection.STOP_LOSS, price=price, correlation_id="")


def _take_back(memory: Memory) -> Command | None:
    held = _held(memory, 0)
    if held is None:
        return None
    return CancelProtection(order_id=held.id, protection=Protection.STOP_LOSS, correlation_id="")


def _close(memory: Memory) -> Command | None:
    held = _held(memory, 1)
    return CloseOrder(order_id=held.id, reason="Manual: User closed", correlation_id="") if held else None


def _exit(memory: Memory) -> Command | None:
    held = _held(memory, 2)
    return ExitPosition(symbol=held.symbol, reason="Manual: User exited", correlation_id="") if held else None


def _held(memory: Memory, index: int) -> Order | None:
    """One of the buys whose shares are held."""
    held = _of(memory, OrderStatus.ONGOING)
    return held[index] if len(held) > index else None


def _cancel(memory: Memory, index: int) -> Command | None:
    waiting = _of(memory, OrderStatus.PENDING)
    if len(waiting) <= index:
        return None
    return CancelOrder(order_id=waiting[index].id, reason="Manual: User cancelled", correlation_id="")


def _drop(memory: Memory) -> Command | None:
    failed = _of(memory, OrderStatus.FAILED)
    return DropOrder(order_id=failed[0].id, correlation_id="") if failed else None


def _pause(is_paused: bool) -> Command:
    return PauseEntries(is_paused=is_paused, correlation_id="")


def _submit(symbol: str, key: str) -> Command:
    """At the market, twice under one key: the second one is the first."""
    return SubmitOrder(
        account_id=ACCOUNT,
        user_id="owner",
        symbol=symbol,
        side=Side.BUY,
        quantity=7,
        order_type=OrderType.MARKET,
        price=None,
        idempotency_key=key,
        correlation_id="",
    )


def _of(memory: Memory, status: OrderStatus) -> list[Order]:
    found = [order for order in memory.orders.values() if order.status is status and order.side is Side.BUY]
    return sorted(found, key=lambda order: order.coid)
