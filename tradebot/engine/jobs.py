"""What each planned job does: ask for what it needs, and act when the answer is there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tradebot.domain.calendar import ist_date
from tradebot.domain.corporate_actions import factor_on
from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import JobRun, OrderStatus, Side, Variety
from tradebot.domain.positions import adjusted
from tradebot.engine import ledger
from tradebot.engine.calls import LookAtBook, MakeSignals, PrepareRetry, PrepareSells
from tradebot.engine.commands import PauseEntries
from tradebot.engine.day_end import TRIES_MAX, close_day
from tradebot.engine.day_plan import adjust_due, entry_day
from tradebot.engine.deferring import Deferring
from tradebot.engine.desk import Desk
from tradebot.engine.entries import Entries, in_words
from tradebot.engine.expiry import sweep_expired
from tradebot.engine.judging import further_looks
from tradebot.engine.messages import BookSeen, CallFailed, Job, JobDue, RetryReady, SellsReady, SignalsReady
from tradebot.engine.questions import booked_quantities
from tradebot.engine.resending import resend_due
from tradebot.engine.retrying import Retrying
from tradebot.engine.sells import Sells
from tradebot.engine.setting import Setting
from tradebot.engine.silence import SilenceWatch
from tradebot.engine.unit import Unit

PAUSED = "paused"
_RETRY_AFTER = timedelta(minutes=1)


class Jobs:
    """A job that has done its work leaves its run in the same transaction; one that has not is done again."""

    def __init__(
        self,
        setting: Setting,
        desk: Desk,
        entries: Entries,
        deferring: Deferring,
        sells: Sells,
        retrying: Retrying,
    ) -> None:
        self._setting = setting
        self._deferring = deferring
        self._retrying = retrying
        self._silence = SilenceWatch(setting)
        self._desk = desk
        self._entries = entries
        self._sells = sells

    def first_start(self, unit: Unit) -> None:
        """Leave a mark at the very first start: nothing from before it counts as missed."""
        if Job.FIRST_START not in unit.job_runs:
            self._finish(unit, JobDue(name=Job.FIRST_START, at=unit.now), "first start on these folders")

    def due(self, unit: Unit, job: JobDue) -> None:
        """Start a job. Planning and catching up are the engine's own matter."""
        if job.is_catch_up:
            text = f"{job.name} of {job.at:%Y-%m-%d %H:%M} UTC was missed: done now"
            ledger.tell(unit, EventName.JOB_MISSED, text, fields={"job": job.name}, level=Level.WARNING)
        match job.name:
            case Job.CYCLE | Job.MARKET_CLOSE | Job.END_OF_DAY:
                unit.calls.append(self.look(unit, str(job.name), job))
            case Job.VERIFY:
                unit.looks.append("verify")
            case Job.RESEND:
                resend_due(unit, self._desk, self._setting)
            case Job.OPEN:
                self._deferring.look(unit)
                self._prepare_sells(unit, job)
            case Job.AMO_PLACEMENT:
                self._prepare_entries(unit, job)
            case Job.ADJUST:
                self._adjust(unit, job)
            case Job.RETRY:
                if outcome := self._retrying.due(unit, job):
                    self._finish(unit, job, outcome)
            case Job.SILENCE:
                self._silence.look(unit)
            case Job.EXPIRY:
                self._finish(unit, job, f"{self.sweep_expired(unit)} expired")
            case Job.PLAN | Job.CATCH_UP | Job.FIRST_START | Job.PAUSE | Job.HALTS:
                pass

    def look(self, unit: Unit, purpose: str, job: JobDue | None = None) -> LookAtBook:
        """One look at the order book; a cycle's also brings the quotes of what is held."""
        held = sorted({p.symbol for p in unit.positions.values() if p.is_open}) if _brings_holdings(job) else []
        unknown = [symbol for symbol in held if symbol not in unit.memory.terms]
        return LookAtBook(
            purpose=purpose,
            booked=booked_quantities(unit),
            quoted=tuple(held),
            unknown_terms=tuple(unknown),
            job=job,
        )

    def signals_ready(self, unit: Unit, ready: SignalsReady) -> None:
        unit.facts["halted"] = ready.halted
        for symbol, jump in ready.halted.items():
            if symbol not in unit.memory.halted:
                text = f"{symbol}: {jump}; declare it in config/market/corporate_actions.toml, or leave it out"
                ledger.tell(unit, EventName.SYMBOL_HALTED, text, fields={"symbol": symbol}, level=Level.ERROR)
        _tell_unusable(unit, ready.unusable, "signals")
        counts = self._entries.place_all(unit, ready)
        self._finish(unit, ready.job, in_words(counts) or "no signals")

    def retry_ready(self, unit: Unit, ready: RetryReady) -> None:
        if ready.job is None:
            self._retrying.ready(unit, ready)
        else:
            self._finish(unit, ready.job, self._retrying.run(unit, ready))

    def sells_ready(self, unit: Unit, ready: SellsReady) -> None:
        _tell_unusable(unit, ready.unusable, "targets")
        self._sells.at_open(unit, ready)
        self._finish(unit, ready.job, f"{len(ready.targets)} targets")

    def book_seen(self, unit: Unit, message: BookSeen, counts: dict[str, int]) -> None:
        """The second half of a job that looked at the book: the tracker has compared it already."""
        job = message.job
        if job is None:
            return
        match job.name:
            case Job.CYCLE:
                self._sells.follow(unit, message)
                self._deferring.look(unit)
                self._tell_cycle(unit, counts)
                unit.cycles.append((unit.now - job.at).total_seconds())
            case Job.MARKET_CLOSE:
                self._market_closed(unit, job)
            case Job.END_OF_DAY:
                self._end_of_day(unit, job, message, counts)
            case _:
                pass

    def failed(self, unit: Unit, message: CallFailed) -> None:
        """A look without an answer concludes nothing; a job that needs it comes again in a minute."""
        text = f"{message.call}: {message.error}: {message.text}"
        ledger.tell(unit, EventName.BROKER_UNREACHABLE, text, fields={"error": message.error}, level=Level.ERROR)
        if message.call == PrepareRetry.__name__ and message.job is None:
            self._retrying.not_ready(unit, message)
        elif message.job is None:
            unit.timers.append((Job.VERIFY, unit.now + self._setting.policy.times.verify_after))
        elif message.job.name is Job.END_OF_DAY:
            self._day_end_failed(unit, message.job)
        elif message.job.name is not Job.CYCLE:
            unit.timers.append((Job.CATCH_UP, unit.now + _RETRY_AFTER))

    def pause(self, unit: Unit, message: PauseEntries) -> None:
        """Keep the wish as the last run of its name, so that a restart finds it."""
        if message.is_paused == unit.is_paused:
            return
        unit.facts["is_paused"] = message.is_paused
        name = EventName.ENTRIES_PAUSED if message.is_paused else EventName.ENTRIES_RESUMED
        text = "no new entries until they are resumed; exits go on" if message.is_paused else "entries go on"
        ledger.tell(unit, name, text, level=Level.WARNING, correlation_id=message.correlation_id)
        last = unit.job_runs.get(Job.PAUSE)
        run = JobRun(
            name=Job.PAUSE,
            # Two wishes of one instant are two runs: the first one must not stand in the way of the second.
            planned_for=max(unit.now, last.planned_for + timedelta(microseconds=1)) if last else unit.now,
            finished_at=unit.now,
            outcome=PAUSED if message.is_paused else "resumed",
        )
        unit.new_job_runs.append(run)
        unit.job_runs[Job.PAUSE] = run

    def adjust_if_missed(self, unit: Unit) -> None:
        """Before the first look of a start: what is then booked is traded in the new shares."""
        first, last = unit.job_runs.get(Job.FIRST_START), unit.job_runs.get(Job.ADJUST)
        due = adjust_due(unit.now, self._setting.calendar, self._setting.policy.times)
        done_until = last or first
        if due is not None and done_until is not None and done_until.planned_for < due:
            self.due(unit, JobDue(name=Job.ADJUST, at=due, is_catch_up=True))

    def sweep_expired(self, unit: Unit) -> int:
        """Cancel every failed order whose last hour has come; returns how many."""
        return sweep_expired(unit, self._setting)

    def _prepare_entries(self, unit: Unit, job: JobDue) -> None:
        if not unit.memory.is_reconciled:
            unit.timers.append((Job.CATCH_UP, unit.now + _RETRY_AFTER))
            return
        day, is_amo = entry_day(job, unit.now, self._setting.calendar, self._setting.amo)
        session = self._setting.calendar.trading_day(day)
        if session is None or unit.now >= session.ends_at:
            self._finish(unit, job, "too late")
            return
        if not is_amo and unit.now < session.opens_at:
            unit.timers.append((Job.CATCH_UP, session.opens_at))
            return
        held = tuple(p for p in unit.positions.values() if p.is_open)
        variety = Variety.AMO if is_amo else Variety.REGULAR
        looks = further_looks(self._setting.policy)
        unit.calls.append(MakeSignals(job=job, trading_day=day, variety=variety, held=held, further_looks=looks))

    def _prepare_sells(self, unit: Unit, job: JobDue) -> None:
        session = self._setting.calendar.trading_day(ist_date(job.at))
        if session is None or unit.now >= session.ends_at:
            self._finish(unit, job, "too late")
            return
        held = tuple(p for p in unit.positions.values() if p.is_open)
        unit.calls.append(PrepareSells(job=job, trading_day=session.day, held=held))

    def _adjust(self, unit: Unit, job: JobDue) -> None:
        """Splits and bonus issues since the last run, up to today: held shares and prices change with them."""
        last = unit.job_runs.get(Job.ADJUST)
        today = ist_date(job.at)
        first = ist_date(last.planned_for) + timedelta(days=1) if last is not None else today
        days = [first + timedelta(days=offset) for offset in range((today - first).days + 1)]
        count = 0
        for day in days:
            for position in list(unit.positions.values()):
                factor = factor_on(self._setting.actions, position.symbol, day)
                if factor == 1 or not position.is_open or ist_date(position.first_fill_at) >= day:
                    continue
                after = adjusted(position, factor, unit.now)
                unit.positions[after.id] = after
                count += 1
                text = f"{position.symbol}: {position.quantity} -> {after.quantity} shares, {factor} for 1 on {day}"
                ledger.tell(
                    unit,
                    EventName.POSITION_ADJUSTED,
                    text,
                    fields={"symbol": position.symbol, "quantity": after.quantity},
                )
        self._finish(unit, job, f"{count} positions adjusted")

    def _tell_cycle(self, unit: Unit, counts: dict[str, int]) -> None:
        if counts["updated"] or counts["not_found"] or counts["manual_sells"]:
            text = f"{counts['checked']} checked, {counts['updated']} updated"
            ledger.tell(unit, EventName.CYCLE, text, fields=counts)

    def _market_closed(self, unit: Unit, job: JobDue) -> None:
        buys = [o for o in unit.orders.values() if o.status is OrderStatus.PENDING and o.side is Side.BUY]
        self._deferring.expire(unit)
        expired = self.sweep_expired(unit)
        text = f"market closed: {len(buys)} buys still pending, {expired} failed orders expired"
        ledger.tell(unit, EventName.MARKET_CLOSED, text, fields={"pending_buys": len(buys), "expired": expired})
        self._finish(unit, job, text)

    def _end_of_day(self, unit: Unit, job: JobDue, seen: BookSeen | None, counts: dict[str, int]) -> None:
        outcome, _ = close_day(unit, self._setting, job, seen, counts)
        unit.facts["day_end_tries"] = 0
        self._finish(unit, job, outcome)

    def _day_end_failed(self, unit: Unit, job: JobDue) -> None:
        """The broker is asked again a minute later; in the end the day is closed without its answer."""
        tries = unit.memory.day_end_tries + 1
        unit.facts["day_end_tries"] = tries
        if tries < TRIES_MAX:
            unit.timers.append((Job.CATCH_UP, unit.now + _RETRY_AFTER))
        else:
            self._end_of_day(unit, job, None, {})

    def _finish(self, unit: Unit, job: JobDue, outcome: str) -> None:
        run = JobRun(name=job.name, planned_for=job.at, finished_at=unit.now, outcome=outcome)
        last = unit.job_runs.get(job.name)
        if last is not None and last.planned_for >= job.at:
            return
        unit.new_job_runs.append(run)
        unit.job_runs[job.name] = run


def _tell_unusable(unit: Unit, unusable: Mapping[str, str], what: str) -> None:
    for name, cause in unusable.items():
        text = f"strategy {name} gives no {what} today: {cause}"
        ledger.tell(unit, EventName.SIGNALS_UNUSABLE, text, fields={"strategy": name}, level=Level.ERROR)


def _brings_holdings(job: JobDue | None) -> bool:
    return job is not None and job.name in (Job.CYCLE, Job.END_OF_DAY)
