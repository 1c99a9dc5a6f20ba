"""The daemon is dead while the market goes on: whenever it comes back, it finds out what happened and goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from tests.simulator.audited import findings
from tests.simulator.campaign import live_through
from tests.simulator.days import busy_day
from tests.simulator.outcome import outcome
from tests.simulator.world import Moment, Scenario, Tracer, World
from tradebot.domain.calendar import ist
from tradebot.domain.events import EventName

DAY, NEXT = date(2026, 9, 10), date(2026, 9, 11)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """The busy day and the one after it."""
    return replace(busy_day(), end=ist(NEXT, time(18, 30)))


@pytest.fixture(scope="module")
def moments(scenario: Scenario) -> list[Moment]:
    return live_through(scenario, lambda index: index % 40 == 0)[1]


@pytest.mark.parametrize("hours", [1, 5, 18, 26])
def test_after_a_downtime_the_books_agree(scenario: Scenario, moments: list[Moment], hours: int) -> None:
    for moment in moments:
        wakes = min(moment.exchange.state.now + timedelta(hours=hours), ist(NEXT, time(16, 0)))
        world = World(scenario, Tracer(), moment, max(wakes, moment.exchange.state.now))
        world.run()
        assert not outcome(world).duplicates
        assert findings(world) == [], f"asleep from effect {moment.index} ({moment.effect}) for {hours} h"


def test_an_order_that_ended_while_the_daemon_was_dead_is_found_in_the_history(scenario: Scenario) -> None:
    _, moments = live_through(scenario)
    noon = next(m for m in moments if m.exchange.state.now >= ist(DAY, time(12, 0)))
    waiting = {row.tag for row in noon.exchange.state.orders.values() if row.tag and not row.status.is_final}
    assert waiting
    world = World(scenario, Tracer(), noon, ist(NEXT, time(8, 0)))
    world.run()
    ended = {row[0]: row[2] for row in outcome(world).orders if row[0] in waiting}
    assert set(ended) == waiting
    assert "pending" not in ended.values()


def test_a_placement_that_was_missed_in_the_evening_goes_at_night(scenario: Scenario) -> None:
    first = live_through(scenario, lambda index: index == 0)[1][0]
    world = World(scenario, Tracer(), first, ist(DAY, time(1, 0)))
    world.run()
    # Before the very first start nothing was missed: the first evening's orders are not made up for.
    assert not [event for event in world.events if event.name is EventName.JOB_MISSED]
    before_placement = next(
        m for m in live_through(scenario)[1] if m.exchange.state.now > scenario.start and m.effect.startswith("call")
    )
    missed = World(scenario, Tracer(), before_placement, ist(DAY, time(1, 0)))
    missed.run()
    assert [event for event in missed.events if event.name is EventName.JOB_MISSED]
    assert len(outcome(missed).exchange_orders) >= 16
    assert findings(missed) == []
