"""Each of the three switches chooses a part, and is off with the master."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest

from config.flags import MASTER
from config.layers import Given
from config.settings import Settings
from tests.unit.calls.builders import CountingMarket, SteppedClock
from tests.unit.engine.fakes import PROOF, FakeBroker, FakeClock
from tradebot.adapters.lanes import InlineLanes
from tradebot.app.calls import Calls, calls_of
from tradebot.domain.events import Event

PARTS = ("ENABLE_RATE_LIMITING", "ENABLE_COALESCING", "ENABLE_SOFT_TTL_CACHE")


class Doors:
    """The doors to a fake broker as the given settings want them, on virtual time."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.clock = SteppedClock()
        self.market = CountingMarket(self.clock)
        self.told: list[Event] = []
        self.calls: Calls = calls_of(
            FakeBroker(FakeClock(), replace(PROOF, name="paper")),
            self.market,
            Settings.of([{name: Given(value=value, origin="x", place="x") for name, value in values.items()}]),
            clock=self.clock,
            lanes=InlineLanes(),
            tell=self.told.append,
        )

    def names(self) -> list[str]:
        return [str(event.name) for event in self.told]


def only(name: str, *, is_on: bool) -> dict[str, object]:
    """This switch as wanted, the other parts off, so that nothing else can have the effect."""
    return {**dict.fromkeys(PARTS, False), name: is_on}


@pytest.mark.flag("ENABLE_RATE_LIMITING")
@pytest.mark.parametrize(("is_on", "throttled"), [(True, 40), (False, 0)])
def test_of_120_quote_calls_forty_are_over_the_limit_where_there_is_one(is_on: bool, throttled: int) -> None:
    doors = Doors(only("ENABLE_RATE_LIMITING", is_on=is_on))

    for _ in range(120):
        doors.calls.market_data.quotes(["INFY"])

    assert doors.names() == ["RATE_LIMIT_THROTTLE"] * throttled
    assert len(doors.market.calls) == 120


@pytest.mark.flag("ENABLE_SOFT_TTL_CACHE")
@pytest.mark.parametrize(("is_on", "calls"), [(True, 1), (False, 3)])
def test_a_quote_is_fetched_once_in_two_seconds_where_it_is_remembered(is_on: bool, calls: int) -> None:
    doors = Doors({**only("ENABLE_SOFT_TTL_CACHE", is_on=is_on), "LOG_CACHE_EVENTS_IN_REPLAY": True})

    for _ in range(3):
        doors.calls.market_data.quotes(["INFY"])

    assert len(doors.market.calls) == calls
    assert doors.names() == (["CACHE_MISS", "CACHE_HIT", "CACHE_HIT"] if is_on else [])


@pytest.mark.flag("LOG_CACHE_EVENTS_IN_REPLAY")
@pytest.mark.parametrize(("is_asked_for", "lines"), [(True, 1), (False, 0)])
def test_a_replay_tells_of_its_memory_only_when_asked(is_asked_for: bool, lines: int) -> None:
    doors = Doors({**only("ENABLE_SOFT_TTL_CACHE", is_on=True), "LOG_CACHE_EVENTS_IN_REPLAY": is_asked_for})
    doors.calls.market_data.quotes(["INFY"])
    assert len(doors.told) == lines


@pytest.mark.flag("ENABLE_COALESCING")
@pytest.mark.parametrize(("is_on", "calls"), [(True, 1), (False, 5)])
def test_five_equal_requests_at_one_time_are_one_where_they_are_put_together(is_on: bool, calls: int) -> None:
    doors = Doors(only("ENABLE_COALESCING", is_on=is_on))
    gate = doors.market.gate = threading.Event()
    threads = [threading.Thread(target=doors.calls.market_data.quotes, args=(["INFY"],)) for _ in range(5)]
    for thread in threads:
        thread.start()
    while (doors.calls.coalesced.waiting if doors.calls.coalesced else len(doors.market.calls)) < 5:
        threads[0].join(0.001)
    gate.set()
    for thread in threads:
        thread.join(30)

    assert len(doors.market.calls) == calls


@pytest.mark.parametrize("name", PARTS)
def test_without_the_master_there_is_none_of_them(name: str) -> None:
    calls = Doors({name: True, MASTER: False}).calls

    assert (calls.turnstiles, calls.coalesced, calls.cache) == (None, None, None)
