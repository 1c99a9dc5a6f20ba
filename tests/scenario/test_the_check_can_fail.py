"""A checker that cannot fail proves nothing: each rule broken on purpose turns the campaign red."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulator.campaign import busy_day, die_at, live_through
from tests.simulator.disk import CRASH_KINDS
from tests.simulator.world import Sabotage


@pytest.mark.parametrize("sabotage", list(Sabotage))
def test_the_campaign_catches(sabotage: Sabotage, say: Callable[[str], None]) -> None:
    unbroken, _ = live_through(busy_day(), lambda _: False)
    broken = replace(busy_day(), sabotage=sabotage)
    _, moments = live_through(broken)
    points = 0
    for moment in moments:
        report = die_at(broken, [moment], unbroken, CRASH_KINDS)
        points += report.points
        if report.failures:
            say(f"'{sabotage}' is caught after {points} points: {report.failures[0][:160]}")
            return
    pytest.fail(f"{points} points, and nobody noticed that {sabotage}")
