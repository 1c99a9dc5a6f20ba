"""Real time: the machine's clock, and APScheduler, which is watched because it trusts the wall clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

from tradebot.adapters.timekeeping.triggers import next_instant, trigger_of
from tradebot.domain.calendar import IST
from tradebot.ports import Clock, PlannedJob

ONE_SHOTS_MAX = 10_000

Planned = tuple[str, datetime]
"""A planned job by its name and its first instant: one name may have several, each on its own."""

_INSTANT = timedelta(microseconds=1)
_STOP_S = 2.0
_LOG = logging.getLogger(__name__)


class RealClock:
    """`ports.Clock` of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """When the scheduler is mistrusted.

    `step_s`: between two beats the wall clock has moved by so much more or less than monotonic time.
    `silence_s`: something has been due for so long and was not delivered.
    `grace_s`: how late a planned job is still delivered; what is later is left to the catch-up from `job_runs`.
    """

    step_s: float = 2.0
    silence_s: float = 5.0
    grace_s: float = 60.0


class RealScheduler:
    """`ports.Scheduler` on APScheduler, which does nothing but wake it up: what is due is known here.

    APScheduler computes its waits from the wall clock and sleeps on a monotonic one: after a step back of an hour it
    runs nothing for an hour, and after a suspend it oversleeps. `beat`, called about every second by a thread that
    watches, notices that, as well as an APScheduler that has died and a delivery that failed, and puts a new
    APScheduler in the place of the old one.

    An instant of a planned job is delivered once, of several that were missed only the last one; after a step back the
    instants that come again are delivered again. A one-shot job is never dropped for being late. The same one-shot
    (name and instant) asked for twice is one; at `ONE_SHOTS_MAX` waiting ones a further one is delivered at once.
    """

    def __init__(self, clock: Clock, deliver: Callable[[str, datetime], None], watch: Watch | None = None) -> None:
        """`deliver` must not block; threads of the scheduler, and those that call `plan`, `once` and `beat`, call it.
        When it raises, the job stays due, and the next beats try again."""
        self._clock = clock
        self._deliver = deliver
        self._watch = watch or Watch()
        self._lock = threading.Lock()
        self._jobs: dict[Planned, PlannedJob] = {}
        self._awaited: dict[Planned, datetime] = {}
        self._one_shots: dict[tuple[str, datetime], None] = {}
        self._scheduler: BackgroundScheduler | None = None
        self._wall = clock.now()
        self._monotonic = clock.monotonic()

    def start(self) -> None:
        with self._lock:
            self._measure()
            self._start_anew()

    def stop(self) -> None:
        """Nothing is delivered afterwards."""
        with self._lock:
            scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            _retire(scheduler).join(_STOP_S)

    def plan(self, jobs: Sequence[PlannedJob]) -> None:
        """ValueError for two jobs of one name that begin at one instant. What is due at this moment and not delivered
        yet is delivered first."""
        planned = {(job.name, job.at): job for job in jobs}
        if len(planned) < len(jobs):
            raise ValueError(f"two planned jobs of one name and instant: {[job.name for job in jobs]}")
        with self._lock:
            now = self._clock.now()
            if self._scheduler is not None:
                self._deliver_planned(now)
            self._jobs = planned
            self._awaited = _first_instants(planned, now)
            if self._scheduler is not None:
                self._scheduler.remove_all_jobs()
                self._add_all(self._scheduler)

    def once(self, name: str, at: datetime) -> None:
        """An instant that has passed is due at once."""
        with self._lock:
            if (name, at) in self._one_shots:
                return
            if len(self._one_shots) >= ONE_SHOTS_MAX:
                self._is_delivered(name, at)
                return
            self._one_shots[(name, at)] = None
            if self._scheduler is not None:
                self._add(self._scheduler, _date_trigger(at), at)

    def beat(self) -> float | None:
        """None when all is well. Otherwise everything was planned anew, and the caller should catch up: the seconds by
        which the wall clock has stepped, or 0.0 when it was the scheduler that kept silent."""
        with self._lock:
            if self._scheduler is None:
                return None
            step_s = self._measure()
            now = self._clock.now()
            if abs(step_s) > self._watch.step_s:
                self._move_one_shots(timedelta(seconds=step_s))
                self._deliver_overdue(now)
                self._awaited = _first_instants(self._jobs, now)
                self._start_anew()
                return step_s
            if self._is_silent(now):
                self._deliver_overdue(now)
                self._start_anew()
                return 0.0
            return None

    def _measure(self) -> float:
        """How many seconds the wall clock has gained on monotonic time since the last measurement."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        step_s = (wall - self._wall).total_seconds() - (monotonic - self._monotonic)
        self._wall, self._monotonic = wall, monotonic
        return step_s

    def _move_one_shots(self, step: timedelta) -> None:
        """A planned job keeps its wall clock time; a one-shot job is a delay, and moves with the clock."""
        self._one_shots = {(name, at + step): None for name, at in self._one_shots}

    def _is_silent(self, now: datetime) -> bool:
        latest = now - timedelta(seconds=self._watch.silence_s)
        one_shots = (at for _, at in self._one_shots)
        return any(at < latest for at in self._awaited.values()) or any(at < latest for at in one_shots)

    def _wake_up(self) -> None:
        """What each job of APScheduler runs, in a thread that holds none of APScheduler's locks."""
        with self._lock:
            if self._scheduler is not None:
                self._deliver_overdue(self._clock.now())

    def _deliver_overdue(self, now: datetime) -> None:
        self._deliver_planned(now)
        for name, at in list(self._one_shots):
            if at <= now and self._is_delivered(name, at):
                del self._one_shots[(name, at)]

    def _deliver_planned(self, now: datetime) -> None:
        latest = now - timedelta(seconds=self._watch.grace_s)
        for planned, first in sorted(self._awaited.items(), key=lambda item: item[1]):
            if first > now:
                break
            job = self._jobs[planned]
            at = _last_instant(job, first, now)
            if at < latest or self._is_delivered(job.name, at):
                self._await_next(planned, at)

    def _await_next(self, planned: Planned, at: datetime) -> None:
        following = next_instant(self._jobs[planned], at + _INSTANT)
        if following is None:
            del self._awaited[planned]
        else:
            self._awaited[planned] = following

    def _is_delivered(self, name: str, at: datetime) -> bool:
        try:
            self._deliver(name, at)
        except Exception:
            _LOG.exception("%s, due at %s, was not taken", name, at)
            return False
        return True

    def _start_anew(self) -> None:
        if self._scheduler is not None:
            _retire(self._scheduler)
        scheduler = BackgroundScheduler(
            timezone=IST,
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            # Lateness is judged here, by `grace_s`; APScheduler's own grace would drop the wake-up with the job.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._add_all(scheduler)
        scheduler.start()
        self._scheduler = scheduler

    def _add_all(self, scheduler: BackgroundScheduler) -> None:
        for planned, at in self._awaited.items():
            self._add(scheduler, trigger_of(self._jobs[planned]), at)
        for _, at in self._one_shots:
            self._add(scheduler, _date_trigger(at), at)

    def _add(self, scheduler: BackgroundScheduler, trigger: BaseTrigger, first: datetime) -> None:
        scheduler.add_job(self._wake_up, trigger, next_run_time=first)


def _first_instants(jobs: Mapping[Planned, PlannedJob], now: datetime) -> dict[Planned, datetime]:
    found = ((planned, next_instant(job, now)) for planned, job in jobs.items())
    return {planned: at for planned, at in found if at is not None}


def _last_instant(job: PlannedJob, first: datetime, now: datetime) -> datetime:
    at = first
    while (following := next_instant(job, at + _INSTANT)) is not None and following <= now:
        at = following
    return at


def _date_trigger(at: datetime) -> BaseTrigger:
    return DateTrigger(run_date=at, timezone=IST)


def _retire(scheduler: BackgroundScheduler) -> threading.Thread:
    # It waits for a thread that may hang, so it must not be this one that waits.
    thread = threading.Thread(target=_shut_down, args=(scheduler,), name="scheduler-retired", daemon=True)
    thread.start()
    return thread


def _shut_down(scheduler: BackgroundScheduler) -> None:
    # A shutdown in the middle of a round of jobs kills APScheduler's thread with a JobLookupError: paused it begins no
    # round, and its jobs can only be removed between two rounds.
    scheduler.pause()
    scheduler.remove_all_jobs()
    scheduler.shutdown(wait=False)
