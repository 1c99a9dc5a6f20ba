"""Planned jobs: what is caught up after a pause, when failed orders expire, and that a split counts once."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import (
    EVENING,
    MONDAY,
    NOON,
    a_position,
    a_quote,
    a_signal,
    an_order,
)
from tests.simulator.world import market
from tests.unit.engine.fakes import FakeClock
from tests.unit.engine.house import House
from tradebot.adapters.timekeeping.virtual import VirtualScheduler
from tradebot.domain.calendar import ist
from tradebot.domain.corporate_actions import ActionKind, CorporateAction
from tradebot.domain.errors import BrokerUnavailable
from tradebot.domain.events import EventName
from tradebot.domain.orders import JobRun, OrderStatus, Variety
from tradebot.domain.policy import DayTimes
from tradebot.domain.stored import Changes
from tradebot.engine.day_plan import missed_jobs, plan_day
from tradebot.engine.messages import Job, JobDue

TUESDAY = MONDAY + timedelta(days=1)
CALENDAR = market().calendar


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return ist(day, time(hour, minute, second))


def ran(job: Job, when: datetime) -> JobRun:
    return JobRun(name=job, planned_for=when, finished_at=when, outcome="done")


def runs(first: datetime, *done: JobRun) -> dict[Job, JobRun]:
    return {Job.FIRST_START: ran(Job.FIRST_START, first), **{Job(run.name): run for run in done}}


def missed(now: datetime, known: dict[Job, JobRun]) -> list[tuple[Job, datetime]]:
    return [(job.name, job.at) for job in missed_jobs(now, known, CALENDAR, DayTimes())]


def every_run_until(now: datetime) -> list[JobRun]:
    """Each job of the last week as if it had run."""
    found = []
    for back in range(7, -1, -1):
        for job in plan_day(MONDAY - timedelta(days=back), CALENDAR, DayTimes()):
            if job.at <= now:
                found.append(ran(Job(job.name), job.at))
    return found


def test_a_trading_day_has_its_jobs_and_every_day_plans_the_next() -> None:
    jobs = {job.name: job for job in plan_day(MONDAY, CALENDAR, DayTimes())}

    assert jobs[Job.OPEN].at == at(MONDAY, 9, 15)
    assert jobs[Job.CYCLE].at == at(MONDAY, 9, 0)
    assert jobs[Job.CYCLE].until == CALENDAR.trading_day(MONDAY).ends_at  # type: ignore[union-attr]
    assert jobs[Job.AMO_PLACEMENT].at == at(MONDAY, 16, 5)
    assert jobs[Job.END_OF_DAY].at == at(MONDAY, 18, 0)
    assert jobs[Job.ADJUST].at == at(MONDAY, 8, 0)
    assert jobs[Job.PLAN].at == at(TUESDAY, 0, 0, 30)


@pytest.mark.parametrize("day", [date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 24)])
def test_a_day_without_a_session_only_plans_the_next(day: date) -> None:
    assert [job.name for job in plan_day(day, CALENDAR, DayTimes())] == [Job.PLAN]


def test_nothing_was_missed_before_the_first_start() -> None:
    assert missed(NOON, {}) == []
    assert missed(NOON, runs(NOON)) == []


def test_nothing_was_missed_when_everything_ran() -> None:
    assert missed(NOON, runs(at(MONDAY, 0) - timedelta(days=9), *every_run_until(NOON))) == []


def test_a_job_of_this_very_instant_is_left_to_the_plan_of_the_day() -> None:
    """A replay that was killed while its placement ran goes on at the placement's instant: one run, not two."""
    evening = at(MONDAY, 16, 5)
    known = runs(at(MONDAY, 0) - timedelta(days=9), *every_run_until(NOON))
    scheduled: list[tuple[str, datetime]] = []
    scheduler = VirtualScheduler(FakeClock(evening), lambda name, when: scheduled.append((name, when)))
    scheduler.plan(plan_day(MONDAY, CALENDAR, DayTimes()))
    scheduler.fire_due(evening)

    assert (Job.AMO_PLACEMENT, evening) in scheduled
    assert (Job.AMO_PLACEMENT, evening) not in missed(evening, known)
    assert (Job.AMO_PLACEMENT, evening) in missed(evening + timedelta(seconds=1), known)


def test_a_missed_placement_is_made_up_for_until_its_day_is_over() -> None:
    friday = date(2026, 11, 13)
    known = runs(at(MONDAY, 0) - timedelta(days=9), *every_run_until(at(friday, 16, 0)))
    closed = CALENDAR.trading_day(MONDAY).ends_at  # type: ignore[union-attr]

    assert (Job.AMO_PLACEMENT, at(friday, 16, 5)) in missed(at(friday, 20), known)
    assert (Job.AMO_PLACEMENT, at(friday, 16, 5)) in missed(at(MONDAY, 14), known)
    assert (Job.AMO_PLACEMENT, at(friday, 16, 5)) not in missed(closed, known)


def test_a_missed_opening_is_made_up_for_during_its_session_only() -> None:
    known = runs(at(MONDAY, 0) - timedelta(days=9), *every_run_until(at(MONDAY, 9, 10)))
    closed = CALENDAR.trading_day(MONDAY).ends_at  # type: ignore[union-attr]

    assert missed(at(MONDAY, 9, 15), known) == []
    assert missed(at(MONDAY, 9, 15, 1), known) == [(Job.OPEN, at(MONDAY, 9, 15))]
    assert (Job.OPEN, at(MONDAY, 9, 15)) in missed(closed - timedelta(seconds=1), known)
    assert (Job.OPEN, at(MONDAY, 9, 15)) not in missed(closed, known)


def test_of_several_missed_runs_of_a_job_the_last_is_made_up_for_and_each_job_once() -> None:
    names = [name for name, _ in missed(at(MONDAY, 20), runs(at(MONDAY, 0) - timedelta(days=9)))]

    assert names == [Job.ADJUST, Job.MARKET_CLOSE, Job.END_OF_DAY, Job.AMO_PLACEMENT]


def test_a_first_start_is_marked_once() -> None:
    house = House()

    house.restart()

    assert house.count_rows("job_runs") == 1
    assert house.run_of(Job.FIRST_START) is not None


def test_a_placement_that_was_missed_is_done_after_the_start_and_told() -> None:
    house = House(at=at(MONDAY, 15, 50))
    house.strategy.given = [a_signal(trading_day=TUESDAY)]
    house.clock.at = at(MONDAY, 20)

    house.restart()
    house.advance(seconds=1)

    assert [order.trading_day for order in house.orders()] == [TUESDAY]
    assert house.the_order().variety is Variety.AMO
    assert "amo_placement" in {event.fields["job"] for event in house.told(EventName.JOB_MISSED)}
    house.advance(minutes=5)
    house.restart()
    house.advance(minutes=5)
    assert house.broker.count("place") == 1


def test_a_placement_waits_until_the_books_are_compared() -> None:
    house = House(at=EVENING, is_started=False)
    house.strategy.given = [a_signal(trading_day=TUESDAY)]
    house.broker.troubles["order_book"] = [BrokerUnavailable("gateway")]

    house.start()
    house.job(Job.AMO_PLACEMENT)
    before = house.broker.count("place")
    house.advance(minutes=3)

    assert before == 0
    assert house.run_of(Job.FIRST_START) is not None


def test_a_placement_in_the_evening_sends_after_market_orders_for_the_next_day() -> None:
    house = House(at=EVENING)
    house.strategy.given = [a_signal(trading_day=TUESDAY)]

    house.job(Job.AMO_PLACEMENT)

    assert (house.the_order().variety, house.the_order().trading_day) == (Variety.AMO, TUESDAY)
    run = house.run_of(Job.AMO_PLACEMENT)
    assert run is not None
    assert (run.planned_for, run.outcome) == (EVENING, "1 sent")


def test_a_placement_made_up_for_in_the_session_sends_regular_orders() -> None:
    house = House(at=at(TUESDAY, 11))
    house.strategy.given = [a_signal(trading_day=TUESDAY)]
    house.market.prices["INFY"] = a_quote(at=house.clock.at)

    house.tell(JobDue(name=Job.AMO_PLACEMENT, at=EVENING, is_catch_up=True))

    assert house.the_order().variety is Variety.REGULAR


def test_a_placement_too_early_for_regular_and_too_late_for_after_market_orders_waits_for_the_open() -> None:
    house = House(at=at(TUESDAY, 8, 55))

    house.tell(JobDue(name=Job.AMO_PLACEMENT, at=EVENING, is_catch_up=True))

    assert (Job.CATCH_UP, at(TUESDAY, 9, 15)) in house.jobs.timers
    assert house.run_of(Job.AMO_PLACEMENT) is None


def test_a_job_whose_call_failed_is_done_again_in_a_minute() -> None:
    house = House(at=EVENING - timedelta(minutes=5))
    house.strategy.given = [a_signal(trading_day=TUESDAY)]
    house.clock.at = EVENING
    house.broker.troubles["funds"] = [BrokerUnavailable("gateway")]

    house.job(Job.AMO_PLACEMENT)
    before = house.broker.count("place")
    house.advance(minutes=2)

    assert (before, house.broker.count("place")) == (0, 1)


def failed(when: datetime, **changes: Any) -> House:
    """A house whose only order failed at that instant."""
    order = an_order(status=OrderStatus.FAILED, first_failed_at=when, created_at=when, **changes)
    return House(at=when, stored=Changes(orders=[order]))


SPECIFIED = [
    (at(MONDAY, 16, 5), at(TUESDAY, 15, 30)),
    (at(date(2026, 11, 20), 9, 1), at(date(2026, 11, 23), 15, 30)),
    (at(date(2026, 11, 20), 16, 5), at(date(2026, 11, 23), 15, 30)),
    (at(date(2026, 11, 21), 12, 0), at(date(2026, 11, 23), 15, 30)),
    (at(date(2026, 11, 23), 16, 5), at(date(2026, 11, 25), 15, 30)),
]


@pytest.mark.parametrize(("when", "expiry"), SPECIFIED)
def test_a_failed_order_expires_at_its_expiry_and_not_a_second_before(when: datetime, expiry: datetime) -> None:
    house = failed(when)

    house.clock.at = expiry - timedelta(seconds=1)
    house.job(Job.MARKET_CLOSE)
    before = house.the_order().status
    house.clock.at = expiry
    house.job(Job.MARKET_CLOSE)

    assert before is OrderStatus.FAILED
    order = house.the_order()
    day = f"{(expiry + timedelta(hours=5, minutes=30)):%Y-%m-%d %H:%M}"
    assert (order.status, order.closed_at) == (OrderStatus.CANCELLED, expiry)
    assert order.reason == f"Order expired - past next trading day market close ({day})"


def test_without_a_first_failure_the_making_of_the_order_counts() -> None:
    order = an_order(status=OrderStatus.FAILED, created_at=at(MONDAY, 16, 5))
    house = House(at=at(TUESDAY, 15, 30), stored=Changes(orders=[order]))

    assert house.the_order().status is OrderStatus.CANCELLED


def test_the_start_sweeps_what_expired_meanwhile() -> None:
    house = failed(at(MONDAY, 16, 5))
    house.clock.at = at(TUESDAY, 15, 30)

    house.restart()

    assert house.the_order().status is OrderStatus.CANCELLED


def test_the_end_of_the_session_cancels_no_pending_order() -> None:
    house = House()
    house.signals(a_signal())

    house.job(Job.MARKET_CLOSE)

    assert house.the_order().status is OrderStatus.PENDING
    (event,) = house.told(EventName.MARKET_CLOSED)
    assert event.fields == {"pending_buys": 1, "expired": 0}


SPLIT = CorporateAction(
    ex_date=TUESDAY, symbol="INFY", kind=ActionKind.SPLIT, numerator=1, denominator=10, source="test"
)


def a_split_house(**position: Any) -> House:
    held = a_position(metadata={"atr": "20"}, peak_price=Decimal(1050), **position)
    return House(actions=[SPLIT], stored=Changes(positions=[held]))


def test_a_split_adjusts_a_position_once() -> None:
    house = a_split_house()
    house.clock.at = at(TUESDAY, 8)

    house.job(Job.ADJUST)
    house.job(Job.ADJUST)
    house.restart()
    house.advance(minutes=5)

    position = house.the_position()
    assert (position.quantity, position.cost, position.peak_price) == (100, Decimal(10_000), Decimal(105))
    assert Decimal(position.metadata["atr"]) == 2
    assert len(house.told(EventName.POSITION_ADJUSTED)) == 1


def test_a_split_of_a_day_on_which_nothing_ran_is_made_up_for() -> None:
    house = a_split_house()
    house.job(Job.ADJUST, at(MONDAY, 8))
    house.clock.at = at(date(2026, 11, 18), 8)

    house.job(Job.ADJUST)

    assert house.the_position().quantity == 100


def test_before_the_day_of_the_split_nothing_is_adjusted() -> None:
    house = a_split_house()

    house.job(Job.ADJUST, at(MONDAY, 8))

    assert house.the_position().quantity == 10


def test_shares_bought_on_the_day_of_the_split_are_new_ones_already() -> None:
    house = a_split_house(first_fill_at=at(TUESDAY, 9, 15))
    house.clock.at = at(TUESDAY, 12)

    house.job(Job.ADJUST, at(TUESDAY, 8))

    assert house.the_position().quantity == 10


def test_what_was_filled_in_new_shares_while_nothing_ran_is_not_split_again() -> None:
    house = a_split_house()
    house.signals(a_signal(trading_day=TUESDAY, quantity=100, entry_type="reentry"), day=TUESDAY)
    house.clock.at = at(TUESDAY, 11)
    house.broker.fill("1", 100, "100")

    house.restart()
    house.advance(minutes=5)

    assert house.the_position().quantity == 200


def test_a_position_that_is_closed_stays_as_it_was() -> None:
    order = an_order(status=OrderStatus.CLOSED, position_id="P1")
    closed = a_position(quantity=0, cost=Decimal(0), closed_at=NOON)
    house = House(actions=[SPLIT], stored=Changes(orders=[order], positions=[closed]))
    house.clock.at = at(TUESDAY, 8)

    house.job(Job.ADJUST)

    assert house.the_position() == closed


def test_a_wish_for_nothing_does_nothing() -> None:
    house = House()
    house.signals(a_signal())
    house.cancel(house.the_order())

    house.cancel(house.the_order())

    assert house.broker.count("cancel") == 1
