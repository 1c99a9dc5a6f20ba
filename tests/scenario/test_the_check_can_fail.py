"""A checker that cannot fail proves nothing: each rule broken on purpose turns the campaign red."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulator.audited import findings
from tests.simulator.campaign import all_kinds, die_at, live_through
from tests.simulator.days import basket_morning, busy_day, meddled_day
from tests.simulator.faults import FAULTS
from tests.simulator.sabotage import Sabotage
from tests.simulator.world import Scenario, World

# Where a rule only counts under a fault of the broker, or when somebody cancels: the day that has it.
DAYS: dict[Sabotage, Callable[[], Scenario]] = {
    Sabotage.NO_LOOK_UP: lambda: busy_day(1, FAULTS["answer_lost_after"]),
    Sabotage.ROLLBACK_CLAIMED: basket_morning,
    Sabotage.LAG_IS_PROOF: lambda: busy_day(3, replace(FAULTS["absent_then_present"], hides_for=None)),
    Sabotage.STATUS_AROUND_THE_TABLE: meddled_day,
    Sabotage.FILL_DROPPED_AFTER_CANCEL: lambda: meddled_day(1, FAULTS["fills_after_cancel"]),
}


@pytest.mark.parametrize("sabotage", list(Sabotage))
def test_the_campaign_catches(sabotage: Sabotage, say: Callable[[str], None]) -> None:
    day = DAYS.get(sabotage, busy_day)()
    unbroken, _ = live_through(day, lambda _: False)
    broken = replace(day, sabotage=sabotage)
    if found := _in_one_life(broken):
        say(f"'{sabotage}' is caught after 0 points, in the first life: {found[0][:160]}")
        return
    _, moments = live_through(broken)
    points = 0
    for moment in moments:
        report = die_at(broken, [moment], unbroken, all_kinds)
        points += report.points
        if report.failures:
            say(f"'{sabotage}' is caught after {points} points: {report.failures[0][:160]}")
            return
    pytest.fail(f"{points} points, and nobody noticed that {sabotage}")


def _in_one_life(broken: Scenario) -> list[str]:
    """What the auditor says of a day that nothing interrupts."""
    world = World(broken)
    world.run()
    return findings(world)
