"""What people do during a day of the simulation: commands at instants, in a spool that outlives a death.

A command stays in the spool until it was answered, and is handed in again by every later life, as `Once`: what was
done is answered, and not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from tradebot.domain.orders import Order, OrderStatus, OrderType, Side
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import CancelOrder, Command, DropOrder, Once, PauseEntries, SubmitOrder
from tradebot.engine.state import Memory

ACCOUNT = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """`make` says what is wanted, given what the daemon knows at that instant; None for nothing."""

    name: str
    at: datetime
    make: Callable[[Memory], Command | None]


class Timetable(Protocol):
    def next_due(self) -> datetime | None: ...

    def fire_due(self, now: datetime) -> None: ...


class Scripted:
    """A timetable with acts beside its jobs: at one instant the jobs go first. All acts that were due before this life
    began are due at its beginning."""

    def __init__(self, inner: Timetable, acts: Sequence[Act], inbox: Inbox, memory: Callable[[], Memory]) -> None:
        self._inner = inner
        self._left = sorted(acts, key=lambda act: act.at)
        self._inbox = inbox
        self._memory = memory

    def next_due(self) -> datetime | None:
        due = [at for at in (self._inner.next_due(), self._left[0].at if self._left else None) if at is not None]
        return min(due, default=None)

    def fire_due(self, now: datetime) -> None:
        self._inner.fire_due(now)
        while self._left and self._left[0].at <= now:
            act = self._left.pop(0)
            command = act.make(self._memory())
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
