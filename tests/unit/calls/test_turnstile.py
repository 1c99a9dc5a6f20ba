"""Never more calls in a second than allowed, whoever counts; nothing is lost, and cancellations go first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.builders import NOON
from tests.unit.calls.builders import CountingMarket, SteppedClock
from tradebot.adapters.calls.limited import LimitedQuotes
from tradebot.adapters.calls.turnstile import CountingTurnstile, Passage, WaitingTurnstile
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.call_limits import BROKER_LIMITS, ORDERS_PER_S_MAX, CallClass, CallLimit, limits_of
from tradebot.domain.errors import RateLimited


def test_of_120_quote_calls_in_a_second_none_is_lost_and_each_delayed_one_is_told() -> None:
    clock, told = SteppedClock(), list[Passage]()
    turnstile = WaitingTurnstile(CallLimit(per_s=80), clock, told.append, pause=clock.pause)
    market = CountingMarket(clock)
    quotes = LimitedQuotes(market, turnstile)
    sent: list[datetime] = []

    for _ in range(120):
        quotes.quotes(["INFY"])
        sent.append(clock.now())

    assert len(market.calls) == 120
    assert len(told) == turnstile.delayed == sum(passage.waited_s > 0 for passage in told) > 0
    assert turnstile.calls == 120
    assert _most_within_a_second(sent) == 80
    assert sent[79] == NOON and sent[80] > NOON + timedelta(seconds=1)


def test_calls_of_many_threads_on_real_time_stay_below_the_limit_and_are_all_made() -> None:
    """30 calls against 10 a second: the last ones wait two seconds."""
    clock, told, sent = RealClock(), list[Passage](), list[datetime]()
    turnstile = WaitingTurnstile(CallLimit(per_s=10), clock, told.append, wait_s_max=60)

    def call() -> None:
        turnstile.enter()
        sent.append(clock.now())

    threads = [threading.Thread(target=call) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(sent) == 30
    assert len(told) == turnstile.delayed == 20


@pytest.mark.parametrize("fraction", [0.0, 0.35, 0.9])
def test_a_second_of_the_calendar_never_has_more_than_the_limit(fraction: float) -> None:
    clock = SteppedClock(NOON + timedelta(seconds=fraction))
    turnstile = WaitingTurnstile(CallLimit(per_s=ORDERS_PER_S_MAX), clock, lambda _: None, pause=clock.pause)
    sent: list[datetime] = []

    for number in range(200):
        turnstile.enter()
        sent.append(clock.now())
        clock.step(0.013 * (number % 7))

    seconds = [int(at.timestamp()) for at in sent]
    assert max(seconds.count(second) for second in seconds) <= ORDERS_PER_S_MAX
    assert _most_within_a_second(sent) <= ORDERS_PER_S_MAX


def test_a_wall_clock_that_is_set_back_does_not_let_a_second_be_used_twice() -> None:
    class SetBack(SteppedClock):
        def now(self) -> datetime:
            return NOON + timedelta(seconds=0.5)

    clock = SetBack()
    turnstile = WaitingTurnstile(CallLimit(per_s=2), clock, lambda _: None, pause=clock.pause)
    turnstile.enter()
    turnstile.enter()
    clock.step(3)

    with pytest.raises(RateLimited):
        turnstile.enter()


def test_the_minute_has_its_own_limit() -> None:
    clock = SteppedClock()
    turnstile = WaitingTurnstile(CallLimit(per_s=10, per_min=15), clock, lambda _: None, pause=clock.pause)
    for _ in range(15):
        turnstile.enter()

    with pytest.raises(RateLimited) as error:
        turnstile.enter()
    assert error.value.retry_after_s == pytest.approx(54, abs=1)

    clock.step(56)
    turnstile.enter()


def test_a_call_waits_five_seconds_and_then_says_why_it_was_not_made() -> None:
    clock = SteppedClock()
    turnstile = WaitingTurnstile(CallLimit(per_s=1, per_min=2), clock, lambda _: None, pause=clock.pause)
    turnstile.enter()
    turnstile.enter()
    began = clock.now()

    with pytest.raises(RateLimited, match="no turn within 5 s: 1 calls a second are allowed"):
        turnstile.enter()

    assert clock.now() == began + timedelta(seconds=5)


def test_a_cancellation_overtakes_the_placements_that_wait() -> None:
    turnstile = WaitingTurnstile(CallLimit(per_s=1), RealClock(), lambda _: None, wait_s_max=60)
    turnstile.enter()
    order: list[str] = []
    threads: list[threading.Thread] = []

    def call(name: str, is_urgent: bool) -> None:
        turnstile.enter(is_urgent=is_urgent)
        order.append(name)

    for name, is_urgent in (("place 1", False), ("place 2", False), ("cancel", True)):
        before = turnstile.calls
        threads.append(threading.Thread(target=call, args=(name, is_urgent)))
        threads[-1].start()
        while turnstile.calls == before:
            threads[-1].join(0.001)
    for thread in threads:
        thread.join(60)

    assert order == ["cancel", "place 1", "place 2"]


def test_on_virtual_time_nothing_waits_and_the_delay_is_told() -> None:
    clock, told = SteppedClock(), list[Passage]()
    turnstile = CountingTurnstile(CallLimit(per_s=10), clock, told.append)

    for _ in range(25):
        turnstile.enter()

    assert clock.now() == NOON
    assert len(told) == turnstile.delayed == 15
    assert [round(passage.waited_s) for passage in told] == [1] * 10 + [2] * 5
    clock.step(10)
    turnstile.enter()
    assert turnstile.delayed == 15


def test_the_budget_of_the_second_at_hand_is_told() -> None:
    clock = SteppedClock()
    turnstile = WaitingTurnstile(CallLimit(per_s=10), clock, lambda _: None, pause=clock.pause)
    before = turnstile.in_second()

    for _ in range(3):
        turnstile.enter()
    during = turnstile.in_second()
    clock.step(1)

    assert (before, during, turnstile.in_second(), turnstile.per_s) == (0, 3, 0, 10)


@pytest.mark.parametrize("limit", [CallLimit(per_s=2, per_min=400), CallLimit(per_s=10, per_min=600)])
def test_a_minute_that_cannot_be_filled_is_no_limit(limit: CallLimit) -> None:
    clock = SteppedClock()
    turnstile = WaitingTurnstile(limit, clock, lambda _: None, pause=clock.pause)

    for _ in range(limit.per_s * 30):
        turnstile.enter()

    assert clock.now() - NOON < timedelta(seconds=31)


@pytest.mark.parametrize("broker", [*BROKER_LIMITS, "somebody else"])
def test_no_broker_gets_more_than_ten_orders_a_second_whatever_is_wanted(broker: str) -> None:
    limits = limits_of(broker, dict.fromkeys(CallClass, 1000))

    assert limits[CallClass.ORDERS].per_s <= ORDERS_PER_S_MAX
    assert limits_of(broker, dict.fromkeys(CallClass, 1))[CallClass.REST].per_s == 1


def _most_within_a_second(sent: Sequence[datetime]) -> int:
    return max(sum(at <= other < at + timedelta(seconds=1) for other in sent) for at in sent)
