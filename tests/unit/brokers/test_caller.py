"""Around an order call: an entry that waited for its turn looks at the kill switch once more before it goes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tradebot.adapters.brokers.caller import Caller
from tradebot.adapters.brokers.order_rate import OrderRate, RateCaps
from tradebot.adapters.kill_latch import MemoryLatch
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.errors import KillSwitchLatched
from tradebot.domain.kill import KillMode, Latch

STOP = Latch(mode=KillMode.STOP, reason="test", at=datetime(2026, 11, 16, tzinfo=UTC))


class Alive:
    token = "today"

    def renew(self, dead: str) -> bool:
        raise AssertionError(dead)


class SlowTurns(OrderRate):
    """While somebody waits for a turn, the switch falls."""

    def __init__(self, latch: MemoryLatch) -> None:
        super().__init__(RateCaps(per_second=10, per_minute=100, per_day=1_000), RealClock())
        self._falls = latch

    def take_turn(self, *, is_urgent: bool = False) -> None:
        super().take_turn(is_urgent=is_urgent)
        self._falls.latch(STOP)


def a_caller() -> Caller:
    latch = MemoryLatch()
    return Caller(Alive(), SlowTurns(latch), latch)


def test_an_entry_whose_turn_comes_after_the_kill_switch_fell_is_not_sent() -> None:
    sent: list[str] = []

    with pytest.raises(KillSwitchLatched):
        a_caller().order(lambda: sent.append("entry"), is_entry=True)

    assert sent == []


def test_an_exit_and_a_cancellation_go_all_the_same() -> None:
    sent: list[str] = []
    caller = a_caller()

    caller.order(lambda: sent.append("exit"))
    caller.order(lambda: sent.append("cancel"), is_urgent=True)

    assert sent == ["exit", "cancel"]
