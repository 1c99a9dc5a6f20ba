"""What comes next: the market's phase with its next boundary, and the jobs of a trading day."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from tradebot.domain.calendar import IST, AmoWindow, Calendar, CalendarHorizonError, ist, ist_date
from tradebot.domain.events import Event
from tradebot.domain.trading_day import Phase
from tradebot.engine.day_plan import plan_day
from tradebot.engine.memory import Memory
from tradebot.engine.messages import Job
from tradebot.engine.setting import Setting
from tradebot.ports import PlannedJob

_ONE_DAY = timedelta(days=1)
_NOT_SHOWN = frozenset({Job.PLAN, Job.CATCH_UP, Job.FIRST_START, Job.PAUSE, Job.HALTS, Job.VERIFY, Job.RESEND})


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """The exchange's phase and its next change; None where the calendar ends."""

    phase: Phase | None
    following: Phase | None = None
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    name: str
    next_at: datetime | None
    last_at: datetime | None
    outcome: str


def market_view(now: datetime, calendar: Calendar, amo: AmoWindow) -> MarketView:
    """The phase of shares with derivatives (they have every session there is), and when it changes next."""
    phase = None
    try:
        phase = calendar.phase(now, True, amo)
        for at in _boundaries(now, calendar, amo):
            following = calendar.phase(at, True, amo)
            if following is not phase:
                return MarketView(phase=phase, following=following, changes_at=at)
    except CalendarHorizonError:
        pass
    return MarketView(phase=phase)


def schedule(now: datetime, memory: Memory, setting: Setting, cycled: Event | None = None) -> tuple[JobRow, ...]:
    """The jobs of a trading day in the order in which they come next. `cycled` tells of the last cycle that
    found something: of cycles no run is kept."""
    coming = _coming_jobs(now, setting)
    rows = []
    for job in Job:
        if job in _NOT_SHOWN:
            continue
        last_at, outcome = _last_run(job, memory, cycled)
        rows.append(
            JobRow(
                name=str(job),
                next_at=min((at for planned in coming if (at := _next_instant(planned, job, now))), default=None),
                last_at=last_at,
                outcome=outcome,
            )
        )
    return tuple(sorted(rows, key=lambda row: row.next_at or datetime.max.replace(tzinfo=UTC)))


def _last_run(job: Job, memory: Memory, cycled: Event | None) -> tuple[datetime | None, str]:
    if job is Job.CYCLE and cycled is not None:
        return cycled.at, cycled.message
    run = memory.job_runs.get(job)
    return (run.finished_at, run.outcome) if run else (None, "")


def _boundaries(now: datetime, calendar: Calendar, amo: AmoWindow) -> list[datetime]:
    """Every instant after `now`, up to the end of the next trading day, at which the phase may change; ascending."""
    today = ist_date(now)
    found = {ist(today + _ONE_DAY, time(0, 0))}
    for day in (calendar.trading_day(today), calendar.next_trading_day(today)):
        if day is None:
            continue
        plan = day.plan(has_derivatives=True)
        found |= {ist(day.day, time(0, 0)), ist(day.day, amo.start), ist(day.day, amo.end)}
        found |= {plan.release_at, plan.opens_at, plan.ends_at, day.release_at, day.ends_at}
        found |= {at for window in plan.continuous for at in (window.start, window.end)}
        if plan.closing_auction is not None:
            found |= {plan.closing_auction.reference.start, plan.closing_auction.ends_at}
        if plan.post_close is not None:
            found |= {plan.post_close.start, plan.post_close.end}
    ordered = sorted(found)
    return ordered[bisect_right(ordered, now) :]


def _coming_jobs(now: datetime, setting: Setting) -> list[PlannedJob]:
    """The plans of this IST date and of the next trading day."""
    today = ist_date(now)
    try:
        following = setting.calendar.next_trading_day(today).day
        return [job for day in (today, following) for job in plan_day(day, setting.calendar, setting.policy.times)]
    except CalendarHorizonError:
        return []


def _next_instant(planned: PlannedJob, job: Job, now: datetime) -> datetime | None:
    """The first instant of a planned job after `now`; one that repeats is due at whole multiples in the IST hour."""
    if planned.name != job:
        return None
    if planned.until is None:
        return planned.at if planned.at > now else None
    step = timedelta(minutes=planned.every_minutes)
    start = max(planned.at, now + timedelta.resolution).astimezone(IST)
    hour = start.replace(minute=0, second=0, microsecond=0)
    steps = -((hour - start) // step)
    following = min(hour + steps * step, hour + timedelta(hours=1)).astimezone(UTC)
    return following if following <= planned.until else None
