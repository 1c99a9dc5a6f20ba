"""When a planned job is due: as a trigger for APScheduler, and as arithmetic that gives the trigger's own answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger

from tradebot.domain.calendar import IST
from tradebot.ports import PlannedJob

_MINUTES_PER_HOUR = 60


def trigger_of(job: PlannedJob) -> BaseTrigger:
    """A date trigger, or a cron trigger between `at` and `until` (both included) in IST.

    Never an interval trigger: that one reads the machine's clock. ValueError for a step that is not 1 to 60 minutes.
    """
    if job.until is None:
        return DateTrigger(run_date=job.at, timezone=IST)
    step = _step(job)
    minute = "0" if step == _MINUTES_PER_HOUR else f"*/{step}"
    return CronTrigger(minute=minute, second=0, start_date=job.at, end_date=job.until, timezone=IST)


def next_instant(job: PlannedJob, earliest: datetime) -> datetime | None:
    """The job's first instant (aware UTC) that is not before `earliest`; None when there is no more.

    Thirty times as fast as asking the trigger, which a replay of years would notice.
    """
    if job.until is None:
        return job.at if job.at >= earliest else None
    step = _step(job)
    start = max(job.at, earliest).astimezone(IST)
    minute = start.replace(second=0, microsecond=0)
    if minute < start:
        minute += timedelta(minutes=1)
    past_the_grid = minute.minute % step
    if past_the_grid:
        minute += timedelta(minutes=min(step - past_the_grid, _MINUTES_PER_HOUR - minute.minute))
    at = minute.astimezone(UTC)
    return at if at <= job.until else None


def _step(job: PlannedJob) -> int:
    if not 1 <= job.every_minutes <= _MINUTES_PER_HOUR:
        raise ValueError(f"{job.name}: every {job.every_minutes} minutes; allowed are 1 to {_MINUTES_PER_HOUR}")
    return job.every_minutes
