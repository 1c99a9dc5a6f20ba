"""Remembered quotes: fresh, stale and too old, each told; equal requests in flight are one call."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from tests.unit.calls.builders import CountingMarket, SteppedClock
from tradebot.adapters.calls.coalesced import CoalescedQuotes
from tradebot.adapters.calls.quote_cache import CacheAges, CachedQuotes
from tradebot.adapters.lanes import InlineLanes, SeededLanes
from tradebot.domain.errors import BrokerUnavailable
from tradebot.domain.events import Event
from tradebot.ports import Lanes


class Shop:
    """A cache over a counting market, with what it told."""

    def __init__(self, lanes: Lanes | None = None, ages: CacheAges | None = None) -> None:
        self.clock = SteppedClock()
        self.market = CountingMarket(self.clock)
        self.events: list[Event] = []
        self.cache = CachedQuotes(
            self.market, clock=self.clock, lanes=lanes or InlineLanes(), tell=self.events.append, ages=ages
        )

    def price(self, symbol: str = "INFY") -> Decimal:
        return self.cache.quotes([symbol])[symbol].last_price

    @property
    def told(self) -> list[str]:
        return [str(event.name) for event in self.events]


def test_up_to_two_seconds_a_quote_is_answered_from_memory() -> None:
    shop = Shop()
    first = shop.price()
    shop.clock.step(2)

    assert shop.price() == first
    assert len(shop.market.calls) == 1
    assert shop.told == ["CACHE_MISS", "CACHE_HIT"]


def test_up_to_five_seconds_the_old_quote_is_answered_while_one_refresh_runs() -> None:
    lanes = SeededLanes(1)
    shop = Shop(lanes)
    first = shop.price()
    shop.clock.step(5)

    assert [shop.price(), shop.price(), shop.price()] == [first] * 3
    assert lanes.waiting == 1
    lanes.run_all()
    assert len(shop.market.calls) == 2
    assert shop.price() > first
    assert shop.told == ["CACHE_MISS", *["CACHE_STALE"] * 3, "CACHE_HIT"]


def test_beyond_five_seconds_a_quote_is_fetched_anew() -> None:
    shop = Shop()
    first = shop.price()
    shop.clock.step(5.001)

    assert shop.price() > first
    assert shop.told == ["CACHE_MISS", "CACHE_MISS"]


def test_a_refresh_that_fails_leaves_the_stale_quote_until_it_is_too_old() -> None:
    lanes = SeededLanes(1)
    shop = Shop(lanes)
    first = shop.price()
    shop.clock.step(3)
    shop.market.trouble = BrokerUnavailable("connection refused")
    assert shop.price() == first
    with pytest.raises(BrokerUnavailable):
        lanes.run_all()
    assert shop.price() == first

    shop.clock.step(3)
    with pytest.raises(BrokerUnavailable):
        shop.price()


def test_closed_lanes_do_not_keep_a_stale_quote_from_being_answered() -> None:
    lanes = InlineLanes()
    shop = Shop(lanes)
    first = shop.price()
    lanes.close(0)
    shop.clock.step(3)

    assert shop.price() == first


def test_only_what_is_missing_is_fetched_and_all_of_it_at_once() -> None:
    shop = Shop()
    shop.price("INFY")

    found = shop.cache.quotes(["TCS", "INFY", "SBIN", "UNKNOWN"])

    assert list(found) == ["TCS", "INFY", "SBIN"]
    assert shop.market.calls == [("INFY",), ("TCS", "SBIN", "UNKNOWN")]


def test_the_symbol_that_was_used_least_recently_is_forgotten() -> None:
    shop = Shop(ages=CacheAges(symbols_max=2))
    shop.price("INFY")
    shop.price("TCS")
    shop.price("INFY")
    shop.price("SBIN")

    assert shop.told[-1] == "CACHE_MISS"
    shop.price("INFY")
    assert shop.told[-1] == "CACHE_HIT"
    shop.price("TCS")
    assert shop.told[-1] == "CACHE_MISS"


def test_a_frugal_cache_fetches_nothing_before_a_quote_is_too_old() -> None:
    shop = Shop()
    shop.cache.be_frugal(True)
    first = shop.price()
    shop.clock.step(5)
    assert shop.price() == first
    assert len(shop.market.calls) == 1

    shop.cache.be_frugal(False)
    shop.price()
    assert len(shop.market.calls) == 2


@pytest.mark.parametrize("trouble", [None, BrokerUnavailable("connection refused")])
def test_twenty_callers_of_one_key_are_one_call(trouble: Exception | None) -> None:
    market = CountingMarket(SteppedClock())
    market.gate, market.trouble = threading.Event(), trouble
    quotes = CoalescedQuotes(market)
    ready = threading.Barrier(21)
    answers: list[object] = []

    def call() -> None:
        ready.wait(30)
        try:
            answers.append(quotes.quotes(["INFY"])["INFY"].last_price)
        except BrokerUnavailable as cause:
            answers.append(cause)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    ready.wait(30)
    while quotes.waiting < 20:
        threads[0].join(0.001)
    market.gate.set()
    for thread in threads:
        thread.join(30)

    assert market.calls == [("INFY",)]
    assert answers == [trouble or Decimal(101)] * 20
    assert quotes.joined == 19


def test_a_caller_that_comes_afterwards_makes_the_next_call() -> None:
    market = CountingMarket(SteppedClock())
    quotes = CoalescedQuotes(market)

    quotes.quotes(["INFY"])
    quotes.quotes(["INFY"])

    assert len(market.calls) == 2
    assert quotes.joined == 0
