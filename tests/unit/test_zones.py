"""The zone of the host changes nothing: what is planned when, on the days of a year, in every zone that there is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import available_timezones

import pytest

from tests.simulator.world import market
from tradebot.adapters.timekeeping.triggers import trigger_of
from tradebot.domain.calendar import ist_date
from tradebot.domain.policy import Policy
from tradebot.engine.day_plan import plan_day
from tradebot.ports import PlannedJob

YEAR = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
SHARES = 6
"""Each zone takes one day in so many, another share than the zone before it, and all days of a kind of their own."""
ZONES_AT_LEAST, OFFSETS_AT_LEAST = 400, 20


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def test_in_every_zone_every_day_is_planned_alike(host: pytest.MonkeyPatch) -> None:
    zones, special = sorted(available_timezones()), list(market().calendar.special_sessions)
    planned = {day: plan(day) for day in (*YEAR, *special)}

    offsets = set[int]()
    for number, zone in enumerate(zones):
        host.setenv("TZ", zone)
        time.tzset()
        offsets.add(time.timezone)
        calendar = replace(market().calendar)
        for day in (*YEAR[number % SHARES :: SHARES], *special):
            assert plan_day(day, calendar, Policy().times) == planned[day], f"{zone}, {day}"
        for job, first in fires(planned[YEAR[5]]):
            assert trigger_of(job).get_next_fire_time(None, job.at) == first, f"{zone}, {job}"
    assert len(zones) >= ZONES_AT_LEAST
    assert len(offsets) >= OFFSETS_AT_LEAST, "the C library knows no zones here"


def test_the_day_in_india_is_that_of_india_in_every_zone(host: pytest.MonkeyPatch) -> None:
    late = datetime.fromisoformat("2026-09-16T18:29:59+00:00")
    for zone in sorted(available_timezones()):
        host.setenv("TZ", zone)
        time.tzset()
        assert ist_date(late.astimezone()) == date(2026, 9, 16), zone
        assert ist_date((late + timedelta(seconds=1)).astimezone()) == date(2026, 9, 17), zone


def plan(day: date) -> Sequence[PlannedJob]:
    return plan_day(day, market().calendar, Policy().times)


def fires(jobs: Sequence[PlannedJob]) -> list[tuple[PlannedJob, datetime | None]]:
    """When the scheduler of real time wakes up for each of them first."""
    return [(job, trigger_of(job).get_next_fire_time(None, job.at)) for job in jobs]
