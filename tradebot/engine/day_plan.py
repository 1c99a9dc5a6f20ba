"""The job table: what is due when on a day, from the calendar and the operator's times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from tradebot.domain.calendar import AmoWindow, Calendar, CalendarHorizonError, ist, ist_date
from tradebot.domain.orders import JobRun
from tradebot.domain.policy import DayTimes
from tradebot.engine.messages import Job, JobDue
from tradebot.ports import PlannedJob

_PLAN_AT = time(0, 0, 30)
_ADJUST_AT = time(8, 0)
_LOOK_BACK_DAYS = 10
_CATCH_UP: tuple[Job, ...] = (
    Job.ADJUST,
    Job.OPEN,
    Job.RETRY,
    Job.MARKET_CLOSE,
    Job.END_OF_DAY,
    Job.AMO_PLACEMENT,
)
"""In the order in which they run when several were missed."""


def plan_day(day: date, calendar: Calendar, times: DayTimes) -> list[PlannedJob]:
    """The jobs of one IST date: those of a trading day, and the plan of the next one. Raises CalendarHorizonError."""
    jobs = [next_plan(day)]
    session = calendar.trading_day(day)
    if session is None:
        return jobs
    end_of_day = max(ist(day, times.end_of_day), session.ends_at + times.end_of_day_after_close)
    placement = max(ist(day, times.amo_placement), session.ends_at + timedelta(minutes=5))
    return [
        PlannedJob(name=Job.ADJUST, at=ist(day, _ADJUST_AT)),
        PlannedJob(name=Job.CYCLE, at=session.release_at, until=session.ends_at, every_minutes=times.cycle_minutes),
        PlannedJob(name=Job.RETRY, at=ist(day, times.retry)),
        PlannedJob(name=Job.OPEN, at=session.opens_at),
        PlannedJob(name=Job.SILENCE, at=session.opens_at + times.patience.released),
        PlannedJob(name=Job.SILENCE, at=session.ends_at + times.patience.final),
        PlannedJob(name=Job.EXPIRY, at=ist(day, times.expiry)),
        PlannedJob(name=Job.MARKET_CLOSE, at=session.ends_at + timedelta(seconds=30)),
        PlannedJob(name=Job.AMO_PLACEMENT, at=placement),
        PlannedJob(name=Job.END_OF_DAY, at=end_of_day),
        *jobs,
    ]


def next_plan(day: date) -> PlannedJob:
    """Every day plans the next one, also one of which nothing else is known."""
    return PlannedJob(name=Job.PLAN, at=ist(day + timedelta(days=1), _PLAN_AT))


def missed_jobs(
    now: datetime,
    runs: Mapping[Job, JobRun],
    calendar: Calendar,
    times: DayTimes,
) -> list[JobDue]:
    """Jobs whose last planned instant has passed without a run, and that still make sense: each once. One of this very
    instant is not missed yet: the plan of the day, which is made anew at the start, delivers it.

    Nothing was missed before the first start on these folders."""
    first = runs.get(Job.FIRST_START)
    if first is None:
        return []
    planned = _recent(now, calendar, times)
    due = []
    for name in _CATCH_UP:
        at = max((job.at for job in planned if job.name == name and job.at < now), default=None)
        last = runs.get(name)
        done_until = first.planned_for if last is None else last.planned_for
        if at is None or at <= done_until:
            continue
        if _makes_sense(name, at, now, calendar):
            due.append(JobDue(name=name, at=at, is_catch_up=True))
    return due


def adjust_due(now: datetime, calendar: Calendar, times: DayTimes) -> datetime | None:
    """The last instant at which splits and bonus issues were due to take effect."""
    return max(
        (job.at for job in _recent(now, calendar, times) if job.name == Job.ADJUST and job.at <= now), default=None
    )


def entry_day(job: JobDue, now: datetime, calendar: Calendar, amo: AmoWindow) -> tuple[date, bool]:
    """The trading day that a placement is for, and whether it can still go as an after-market order."""
    day = calendar.next_trading_day(ist_date(job.at))
    is_amo = amo.accepts(now, calendar) and amo.for_day(now, calendar).day == day.day
    return day.day, is_amo


def _recent(now: datetime, calendar: Calendar, times: DayTimes) -> Sequence[PlannedJob]:
    today = ist_date(now)
    days = (today - timedelta(days=back) for back in range(_LOOK_BACK_DAYS, -1, -1))
    jobs: list[PlannedJob] = []
    for day in days:
        try:
            jobs += plan_day(day, calendar, times)
        except CalendarHorizonError:
            continue
    return jobs


def _makes_sense(name: Job, at: datetime, now: datetime, calendar: Calendar) -> bool:
    """An opening and a retry run only before their session is over; a placement while its orders can go."""
    if name in (Job.OPEN, Job.RETRY):
        session = calendar.trading_day(ist_date(at))
        return session is not None and now < session.ends_at
    if name is Job.AMO_PLACEMENT:
        target = calendar.next_trading_day(ist_date(at))
        return now < target.ends_at
    return True
