"""Order calls stay below every cap, and a cancellation goes before a placement that waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from tradebot.adapters.brokers.order_rate import OrderRate, RateCaps
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.errors import RateLimited

NOON = datetime(2026, 9, 16, 6, 30, 0, 500_000, tzinfo=UTC)


class SetClock:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - NOON).total_seconds()

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def a_rate(clock: SetClock, **caps: int) -> OrderRate:
    values = {"per_second": 100, "per_minute": 1_000, "per_day": 10_000, **caps}
    return OrderRate(RateCaps(**values), clock, patience_s=0.0)


def test_no_second_and_no_calendar_second_has_more_than_the_cap() -> None:
    clock = SetClock()
    rate = a_rate(clock, per_second=3)
    sent: list[float] = []
    for _ in range(60):
        try:
            rate.take_turn()
            sent.append(clock.now().timestamp())
        except RateLimited:
            pass
        clock.pass_s(0.1)
    assert len(sent) >= 15
    assert all(later - earlier >= 1.0 - 1e-6 for earlier, later in zip(sent, sent[3:], strict=False))
    seconds = [int(at) for at in sent]
    assert max(seconds.count(second) for second in seconds) == 3


@pytest.mark.parametrize(("cap", "span_s"), [("per_minute", 60), ("per_day", 24 * 3600)])
def test_the_cap_of_a_minute_and_of_a_day_hold_and_end(cap: str, span_s: int) -> None:
    clock = SetClock()
    rate = a_rate(clock, **{cap: 2})
    rate.take_turn()
    rate.take_turn()
    with pytest.raises(RateLimited):
        rate.take_turn()
    clock.pass_s(span_s)
    rate.take_turn()


def test_a_cancellation_goes_before_placements_that_wait_longer() -> None:
    rate = OrderRate(RateCaps(per_second=2, per_minute=1_000, per_day=10_000), RealClock())
    order: list[str] = []
    rate.take_turn()
    rate.take_turn()
    waiting = threading.Barrier(4)

    def take(name: str, *, is_urgent: bool) -> None:
        waiting.wait()
        if is_urgent:
            threading.Event().wait(0.2)
        rate.take_turn(is_urgent=is_urgent)
        order.append(name)

    threads = [threading.Thread(target=take, args=(f"place{n}",), kwargs={"is_urgent": False}) for n in range(3)]
    threads.append(threading.Thread(target=take, args=("cancel",), kwargs={"is_urgent": True}))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(order) == 4
    assert order.index("cancel") < 2, order
