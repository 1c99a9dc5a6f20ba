"""A day with about thirty orders, killed at every effect, and again while it recovers: nothing twice, nothing lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from tests.simulator.campaign import (
    Report,
    Unbroken,
    alternating,
    die_at,
    die_twice,
    live_through,
)
from tests.simulator.days import basket_morning, busy_day, meddled_day, protected_day
from tests.simulator.world import Moment, Scenario

Day = tuple[Scenario, Unbroken, Sequence[Moment]]


@pytest.fixture(scope="module")
def day() -> Day:
    scenario = busy_day()
    unbroken, moments = live_through(scenario)
    return scenario, unbroken, moments


def test_the_day_is_busy_enough_to_prove_something(day: Day) -> None:
    _, unbroken, moments = day
    assert len(unbroken.outcome.exchange_orders) >= 30
    assert len(unbroken.outcome.fills) >= 10
    assert not unbroken.outcome.duplicates
    effects = {moment.effect.split(" ")[0] for moment in moments}
    assert {"append", "sync", "replace", "commit", "committed", "hand", "call", "answer"} <= effects


def test_killed_at_every_effect_it_ends_like_an_unbroken_day(day: Day, say: Callable[[str], None]) -> None:
    scenario, unbroken, moments = day
    began = time.perf_counter()
    report = die_at(scenario, moments, unbroken, alternating)
    _tell(say, "crash points", report, time.perf_counter() - began)
    assert not report.failures, "\n".join(report.failures[:10])


def test_killed_again_while_it_recovers_it_still_ends_so(day: Day, say: Callable[[str], None]) -> None:
    scenario, unbroken, moments = day
    began = time.perf_counter()
    report = die_twice(scenario, moments[::15], unbroken, "lost", again_every=4)
    _tell(say, "nested crash points", report, time.perf_counter() - began)
    assert not report.failures, "\n".join(report.failures[:10])


def test_killed_while_an_operator_gives_commands_each_of_them_is_done_once(say: Callable[[str], None]) -> None:
    scenario = meddled_day()
    unbroken, moments = live_through(scenario)
    began = time.perf_counter()
    report = die_at(scenario, moments[::3], unbroken, alternating)
    assert sum(row[3] == "Manual: User cancelled" for row in unbroken.outcome.orders) >= 3
    _tell(say, "crash points under commands", report, time.perf_counter() - began)
    assert not report.failures, "\n".join(report.failures[:10])


def test_killed_while_baskets_are_placed_each_ends_as_it_would_have(say: Callable[[str], None]) -> None:
    scenario = basket_morning()
    unbroken, moments = live_through(scenario)
    ended = Counter(row[1] for row in unbroken.outcome.batches if row[2] == 0)
    assert ended == {"success": 2, "rolled_back": 2, "partial": 1}
    assert {"unwound", "rolled_back", "failed", "filled", "placed", "not_sent"} <= {
        row[4] for row in unbroken.outcome.batches
    }
    began = time.perf_counter()
    report = die_at(scenario, moments, unbroken, alternating)
    _tell(say, "crash points while baskets are placed", report, time.perf_counter() - began)
    assert not report.failures, "\n".join(report.failures[:10])


@pytest.mark.parametrize("closes", [False, True])
def test_killed_while_stops_stand_at_the_broker_nothing_is_sold_twice(say: Callable[[str], None], closes: bool) -> None:
    scenario = protected_day(closes=closes)
    unbroken, moments = live_through(scenario)
    causes = Counter(row[3] for row in unbroken.outcome.orders)
    assert causes["Gives way to another sell of the position"] == 2 + closes
    assert causes["Stop-loss cancelled"] == causes["Take-profit cancelled"] == 1
    began = time.perf_counter()
    report = die_at(scenario, moments[:: 9 if closes else 3], unbroken, alternating)
    _tell(say, "crash points while stops stand", report, time.perf_counter() - began)
    assert not report.failures, "\n".join(report.failures[:10])


def _tell(say: Callable[[str], None], what: str, report: Report, took_s: float) -> None:
    say(f"{report.points} {what}, {report.points / took_s:.0f} a second: {len(report.failures)} failures")
