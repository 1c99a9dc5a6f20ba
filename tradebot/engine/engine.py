"""The engine: drains the inbox in batches, saves what the handlers decided in one transaction, and only then acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from tradebot.domain.calendar import ist_date
from tradebot.domain.errors import BrokerUnavailable, NoRoom, RestartNeeded, TradebotError
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.kill import Latch
from tradebot.domain.lifecycle_ids import resolved
from tradebot.domain.orders import Order, OrderStatus
from tradebot.engine import alerting, ledger
from tradebot.engine.announcing import Announcements, Announcer
from tradebot.engine.answers import Answer, AnswerDesk, Outcome
from tradebot.engine.batches import Batches
from tradebot.engine.bounds import Bounds, enter_again
from tradebot.engine.bus import Bus
from tradebot.engine.calls import (
    Call,
    Cancel,
    LookAtBook,
    LookAtMarket,
    LookAtOrder,
    Modify,
    Outside,
    Place,
    lane_of,
    not_performed,
    perform,
)
from tradebot.engine.commands import Commands, command_in, remember
from tradebot.engine.day_plan import missed_jobs, plan_day
from tradebot.engine.deferring import Deferring
from tradebot.engine.desk import Desk
from tradebot.engine.entries import Entries
from tradebot.engine.housekeeping import forget_finished
from tradebot.engine.inbox import Inbox
from tradebot.engine.intents import Intents
from tradebot.engine.jobs import Jobs
from tradebot.engine.judging import Judging, further_looks
from tradebot.engine.killing import Killing
from tradebot.engine.messages import (
    AlertChanged,
    BookSeen,
    CallFailed,
    CallOutcome,
    CancelOrder,
    Command,
    Job,
    JobDue,
    LatchSeen,
    MarketSeen,
    Message,
    Once,
    OrderPushed,
    OrderSeen,
    OutboxMarked,
    PauseEntries,
    RequestAnswered,
    RetryReady,
    SellsReady,
    SignalsReady,
)
from tradebot.engine.modifying import Modifying
from tradebot.engine.replacing import Replacing
from tradebot.engine.retry_desk import RetryDesk
from tradebot.engine.retry_steps import RetrySteps
from tradebot.engine.retrying import Retrying
from tradebot.engine.room import NoReserve, Room
from tradebot.engine.sells import Sells
from tradebot.engine.setting import Setting
from tradebot.engine.state import Memory, Unit
from tradebot.engine.submissions import Submissions
from tradebot.engine.tracker import Tracker
from tradebot.ports import Clock, IdLookup, IdRegistry, Lanes, OrderStore, Scheduler, SendMeter, SpaceReserve

BATCH_MAX = 256
"""How many messages share one transaction at most."""


class Recorder(Protocol):
    """Takes down everything that comes in."""

    def record(self, sequence: int, at: datetime, message: object, *, joins: bool = False) -> None:
        """`joins`: it shares its transaction with the message before it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an engine works with, beside its memory and its inbox."""

    store: OrderStore
    outside: Outside
    lanes: Lanes
    scheduler: Scheduler
    clock: Clock
    bus: Bus
    recorder: Recorder
    answers: AnswerDesk
    lookup: IdLookup
    announcers: Sequence[Announcer] = ()
    meter: SendMeter
    reserve: SpaceReserve = field(default_factory=NoReserve)


class Engine:
    """The one writer. `run_pending` is its whole life: in a thread of its own, or step by step in a replay."""

    def __init__(self, setting: Setting, memory: Memory, inbox: Inbox, parts: Parts) -> None:
        self.memory = memory
        self.inbox = inbox
        self._setting = setting
        self._store = parts.store
        self._outside = parts.outside
        self._lanes = parts.lanes
        self._scheduler = parts.scheduler
        self._clock = parts.clock
        self._bus = parts.bus
        self._recorder = parts.recorder
        self._answers = parts.answers
        self._lookup = parts.lookup
        self._meter = parts.meter
        self.room = Room(parts.reserve, memory.halt, parts.bus, parts.clock)
        enter_again(memory, parts.meter, parts.clock.now())
        self._announcements = Announcements(parts.announcers)
        self._received = 0
        self._wishes: list[Message] = []
        self.events_written = 0
        self._desk = Desk(setting)
        self._tracker = Tracker(setting, self._desk)
        judging, retry_desk = Judging(setting), RetryDesk(setting, self._desk)
        replacing = Replacing(setting, self._desk, retry_desk)
        self._deferring = Deferring(setting, self._desk, judging)
        entries = Entries(setting, self._desk, judging, replacing, self._deferring)
        steps = RetrySteps(setting, judging, retry_desk, replacing)
        self._retrying = Retrying(setting, steps, replacing)
        sells = Sells(setting, self._desk, retry_desk)
        self._jobs = Jobs(setting, self._desk, entries, self._deferring, sells, self._retrying)
        intents = Intents(setting, judging)
        self._submissions = Submissions(setting, self._desk, intents, self._deferring, parts.store)
        self._batches = Batches(setting, self._desk, intents, self._submissions, parts.store)
        self._modifying = Modifying(setting, self._desk, judging)
        self._killing = Killing(setting, self._desk)
        self._bounds = Bounds(setting, self._jobs)
        self._latch_seen: Latch | None = None
        self._commands = Commands(
            setting,
            self._desk,
            self._jobs,
            self._retrying,
            self._submissions,
            self._killing,
            self._batches,
            self._modifying,
        )

    def announce(self, announcer: Announcer) -> None:
        """From now on this one puts things into the outbox as well."""
        self._announcements.add(announcer)

    @property
    def answers(self) -> AnswerDesk:
        """Where whoever sends a command waits for its answer."""
        return self._answers

    @property
    def bus(self) -> Bus:
        return self._bus

    @property
    def setting(self) -> Setting:
        """For looking only: whoever shows the daemon reads it."""
        return self._setting

    def start(self) -> None:
        """Plan the day and ask for the first look; jobs that were missed follow it."""
        self._plan()
        unit = Unit(self.memory, self._clock.now())
        self._jobs.adjust_if_missed(unit)
        if self._setting.policy.flags.startup_reconcile:
            unit.looks.append("recovery")
        else:
            self._open_without_look(unit)
        self._refuse(unit.now, None, self._commit(unit))

    def run_pending(self, timeout_s: float = 0.0, batches_max: int | None = None) -> int:
        """Handle what waits, in batches, until the inbox is empty or so many are done; returns how many messages there
        were."""
        handled, batches = self._look_at_latch(), 0
        while batches != batches_max and (messages := self.inbox.drain(BATCH_MAX, timeout_s)):
            timeout_s = 0.0
            batches += 1
            handled += len(messages)
            self._run_batch(messages)
        return handled

    def _look_at_latch(self) -> int:
        """Anybody may change the latch, at any time, without asking this process: it comes before what waits."""
        latch = self._setting.latch.read()
        if latch != self._latch_seen:
            self._latch_seen = latch
            self._run_batch([LatchSeen(latch=latch)])
            return 1
        return 0

    def clock_stepped(self, step_s: float) -> None:
        """The wall clock has jumped, or (with 0) the scheduler was silent: told, and the day is planned anew."""
        what = f"the wall clock stepped by {step_s:.1f} s" if step_s else "the scheduler was silent"
        event = Event(
            name=EventName.CLOCK_STEPPED,
            at=self._clock.now(),
            level=Level.WARNING,
            message=f"{what}: planned anew",
            fields={"step_s": step_s},
        )
        self._bus.publish([event])
        self._plan()

    def give_up_waiting(self) -> None:
        """The process ends while calls are under way: what they were to do is written down as uncertain."""
        text = "the stop did not wait for its answer"
        for request_id in sorted(self.memory.in_flight):
            self.inbox.put_answer(RequestAnswered(request_id=request_id, outcome=CallOutcome.UNKNOWN, text=text))
        self.run_pending()

    def close(self) -> None:
        """Make the registry's last notes durable. Nothing is handled afterwards."""
        self._setting.registry.sync()

    def _run_batch(self, messages: Sequence[Message]) -> None:
        """One transaction for all; when it is refused, one for each, so that one bad message stops no other."""
        now = self._clock.now()
        for index, message in enumerate(messages):
            self._received += 1
            self._recorder.record(self._received, now, message, joins=index > 0)
        refused = self._save_together(messages, now)
        if isinstance(refused, NoRoom) and self.room.make():
            refused = self._save_together(messages, now)
        if refused is not None and len(messages) > 1:
            for message in messages:
                self._refuse(now, message, self._save_together([message], now))
        else:
            self._refuse(now, messages[0], refused)
        if self.memory.is_day_over:
            self.memory.is_day_over = False
            forget_finished(self.memory, ist_date(now))
            self._keep_registry(lambda registry: registry.fold(now - self._setting.policy.registry_keep))

    def _save_together(self, messages: Sequence[Message], now: datetime) -> Exception | None:
        batch, policy = Unit(self.memory, now), self._setting.policy
        for message in messages:
            if isinstance(message, OrderPushed):
                batch.looks.append("push")
            else:
                self._handle_safely(batch, message)
        self._batches.progress(batch)
        refused = self._commit(batch)
        if refused is not None:
            # What came before a change of policy is handled again, and by the old one.
            self._setting.policy = policy
        return refused

    def _handle_safely(self, batch: Unit, message: Message) -> None:
        unit = Unit(self.memory, batch.now, batch)
        if isinstance(message, Command):
            unit.correlation_id = message.correlation_id
        try:
            self._handle(unit, message)
        except Exception as fault:  # the engine outlives a fault in one message
            ledger.tell(batch, EventName.INTERNAL_FAULT, _describe(message, fault), level=Level.CRITICAL)
            if isinstance(message, RequestAnswered):
                batch.landed.append(message.request_id)
            elif (command := command_in(message)) is not None:
                batch.answers.append(_answer(command, Outcome.FAULT, _describe(message, fault)))
        else:
            unit.merge()

    def _handle(self, unit: Unit, message: Message) -> None:
        match message:
            case JobDue():
                self._job_due(unit, message)
            case SignalsReady() | SellsReady() | RetryReady():
                self._job_prepared(unit, message)
            case RequestAnswered() | BookSeen() | OrderSeen():
                self._heard(unit, message)
            case OrderPushed():
                pass  # the batch looks once for all of them
            case CallFailed():
                self._call_failed(unit, message)
            case OutboxMarked():
                unit.outbox_marks += message.entries
            case MarketSeen():
                self.memory.market_asked = False
                self._submissions.market_seen(unit, message)
                self._batches.market_seen(unit, message)
                self._modifying.market_seen(unit, message)
                self._deferring.market_seen(unit, message)
            case LatchSeen() | AlertChanged():
                self._noticed(unit, message)
            case Once():
                self._commands.once(unit, message)
            case _:
                self._commands.handle(unit, message)

    def _job_prepared(self, unit: Unit, message: SignalsReady | SellsReady | RetryReady) -> None:
        if message.job is not None:
            self.memory.running.discard(message.job.name)
        match message:
            case SignalsReady():
                self._jobs.signals_ready(unit, message)
            case SellsReady():
                self._jobs.sells_ready(unit, message)
            case RetryReady():
                self._jobs.retry_ready(unit, message)

    def _heard(self, unit: Unit, message: RequestAnswered | BookSeen | OrderSeen) -> None:
        """The broker has said something of orders; what waited for that goes on."""
        match message:
            case RequestAnswered():
                self._desk.answered(unit, message)
                self._bounds.answered(unit, message)
            case BookSeen():
                self._book_seen(unit, message)
            case OrderSeen():
                self._tracker.order_seen(unit, message)
        self._retrying.settle(unit)

    def _noticed(self, unit: Unit, message: LatchSeen | AlertChanged) -> None:
        if isinstance(message, LatchSeen):
            self._killing.seen(unit, message)
        else:
            alerting.changed(unit, message, self._setting.policy, self._jobs.pause)

    def _job_due(self, unit: Unit, job: JobDue) -> None:
        match job.name:
            case Job.PLAN:
                self._plan()
            case Job.CATCH_UP:
                self._catch_up(unit)
            case Job.VERIFY:
                while self._wishes:
                    self.inbox.put_answer(self._wishes.pop(0))
                self._jobs.due(unit, job)
            case _:
                self._jobs.due(unit, job)

    def _book_seen(self, unit: Unit, message: BookSeen) -> None:
        self.memory.book_asked = False
        if self.memory.unreachable_since is not None:
            self._broker_is_back(unit, self.memory.unreachable_since)
        counts = self._tracker.book_seen(unit, message)
        if message.job is not None:
            self.memory.running.discard(message.job.name)
        self._jobs.book_seen(unit, message, counts)
        if message.correlation_id:
            figures = {name: str(count) for name, count in counts.items()}
            answer = Answer(correlation_id=message.correlation_id, outcome=Outcome.DONE, figures=figures)
            unit.answers.append(answer)
        if not self.memory.is_reconciled:
            self._reconciled(unit, counts)

    def _broker_is_back(self, unit: Unit, since: datetime) -> None:
        unit.facts["unreachable_since"] = None
        gone_s = int((unit.now - since).total_seconds())
        text = f"the broker answers again, after {gone_s} s"
        ledger.tell(unit, EventName.BROKER_BACK, text, fields={"gone_s": gone_s})

    def _call_failed(self, unit: Unit, message: CallFailed) -> None:
        if message.call == LookAtBook.__name__:
            self.memory.book_asked = False
            if self.memory.unreachable_since is None:
                unit.facts["unreachable_since"] = unit.now
        if message.job is not None:
            self.memory.running.discard(message.job.name)
        if message.names:
            self.memory.market_asked = False
            self._submissions.look_failed(unit, message)
            self._batches.look_failed(unit, message.names, message.text)
            self._modifying.look_failed(unit, message)
        if message.call == LookAtBook.__name__ and message.correlation_id:
            text = f"the broker does not answer: {message.text}"
            unit.answers.append(Answer(correlation_id=message.correlation_id, outcome=Outcome.CONFLICT, text=text))
        self._jobs.failed(unit, message)

    def _reconciled(self, unit: Unit, counts: dict[str, int]) -> None:
        unit.facts["is_reconciled"] = True
        expired = self._jobs.sweep_expired(unit)
        pending = sum(order.status is OrderStatus.PENDING for order in unit.orders.values())
        ledger.tell(
            unit,
            EventName.RECONCILE_RESULT,
            f"{counts['checked']} looked up, {pending} pending, {expired} expired",
            fields={
                "reconciled": counts["checked"],
                "pending": pending,
                "applied_fills": len(unit.fills),
                "expired": expired,
                "errors": counts["failed"],
            },
            correlation_id="start",
        )
        self._jobs.first_start(unit)
        unit.timers.append((Job.CATCH_UP, unit.now))

    def _open_without_look(self, unit: Unit) -> None:
        """Jobs may run at once: what happened at the broker meanwhile is found by the next cycle's look."""
        unit.facts["is_reconciled"] = True
        text = "not compared with the broker's order book: jobs start at once, the poll catches up"
        ledger.tell(unit, EventName.RECONCILE_SKIPPED, text, level=Level.WARNING, correlation_id="start")
        self._jobs.first_start(unit)
        unit.timers.append((Job.CATCH_UP, unit.now))

    def _catch_up(self, unit: Unit) -> None:
        runs = {Job(run.name): run for run in unit.job_runs.values()}
        setting = self._setting
        missed = missed_jobs(unit.now, runs, setting.calendar, setting.policy.times)
        for job in missed:
            if job.name not in self.memory.running:
                self._jobs.due(unit, job)

    def _plan(self) -> None:
        setting = self._setting
        today = ist_date(self._clock.now())
        self._scheduler.plan(plan_day(today, setting.calendar, setting.policy.times))

    def _commit(self, batch: Unit) -> Exception | None:
        """Registry, then database, then memory; what leaves the engine leaves it after all three. Returns why it was
        refused, if it was."""
        try:
            if batch.reservations:
                self._setting.registry.reserve(list(batch.reservations.values()))
            remember(batch)
            outbox, faults = self._announcements.of(batch.events, batch.now)
            batch.events += faults
            changes = replace(batch.changes(), outbox=outbox)
            if changes:
                self._store.save(changes)
                self.events_written += len(changes.events)
                self.memory.entries_stopped = ""
                self._lookup.put((entry.lifecycle_id, resolved(entry)) for entry in changes.lifecycle_ids)
        except (TradebotError, OSError) as cause:
            self.memory.land(batch.landed)
            return cause
        batch.merge()
        for tag, quantity in batch.entered:
            self._meter.enter(tag, quantity)
        if changes:
            self._bus.saved(changes)
        if batch.notes:
            self._keep_registry(lambda registry: registry.note(list(batch.notes.values())))
        batch.calls += self._looks_at_book(batch)
        for name, at in dict.fromkeys(batch.timers):
            self._scheduler.once(name, at)
        self._bus.publish(batch.events)
        for took_s in batch.cycles:
            self._bus.cycled(took_s)
        self._answers.release(batch.answers)
        batch.calls += self._looks_at_market()
        for call in batch.calls:
            self._hand_over(call)
        return None

    def _looks_at_book(self, batch: Unit) -> list[LookAtBook]:
        """One look for all who want one. What is wanted while one is under way waits for its answer: it would wait in
        the lane, and a look for each of a burst of pushes would fill that."""
        wanted = self.memory.looks_wanted
        wanted.update(dict.fromkeys(batch.looks))
        if any(isinstance(call, LookAtBook) for call in batch.calls):
            wanted.clear()
        if not wanted or self.memory.book_asked:
            return []
        look = self._jobs.look(Unit(self.memory, batch.now), ",".join(wanted))
        wanted.clear()
        return [look]

    def _looks_at_market(self) -> list[LookAtMarket]:
        """One look for all that wait for a picture of the market; others gather while it is under way."""
        if self.memory.market_asked or not self.memory.is_reconciled:
            return []
        symbols, names = self._submissions.waiting_for_market(self.memory)
        of_batches, batches = self._batches.waiting_for_market(self.memory)
        of_changes, changes = self._modifying.waiting_for_market(self.memory)
        symbols |= of_batches | of_changes
        looks = further_looks(self._setting.policy)
        names += [*batches, *changes]
        look = LookAtMarket(symbols=tuple(sorted(symbols)), names=tuple(names), further_looks=looks)
        return [look] if symbols else []

    def _keep_registry(self, keep: Callable[[IdRegistry], None]) -> None:
        """Upkeep that may lag: the database has it already, and the next start brings the registry up to it."""
        try:
            keep(self._setting.registry)
        except (TradebotError, OSError) as cause:
            text = f"the registry lags behind the database: {cause}"
            name, level = EventName.INTERNAL_FAULT, Level.ERROR
            event = Event(name=name, at=self._clock.now(), level=level, message=text, component="registry")
            self._bus.publish([event])

    def _refuse(self, now: datetime, message: Message | None, cause: Exception | None) -> None:
        """Nothing of it is true: nothing was sent, nothing is announced, and entries stop until a save works.

        What the broker said will be seen again, what a job wanted is caught up; what somebody wished is kept.
        """
        if cause is None:
            return
        if isinstance(message, CancelOrder | PauseEntries | LatchSeen):
            self._wishes.append(message)
        elif (command := command_in(message)) is not None:
            self._answers.release([_answer(command, Outcome.UNSAVED, str(cause))])
        elif isinstance(message, MarketSeen):
            self._answers.release(self._submissions.unsaved(self.memory, message.names, str(cause)))
            self._answers.release(self._batches.unsaved(self.memory, message.names, str(cause)))
            self._answers.release(self._modifying.unsaved(self.memory, message.names, str(cause)))
        self._stop_entries(f"the last change could not be saved: {cause}", now)
        if isinstance(cause, RestartNeeded):
            return
        for name in (Job.VERIFY, Job.CATCH_UP):
            self._scheduler.once(name, now + self._setting.policy.times.verify_after)

    def _stop_entries(self, text: str, now: datetime) -> None:
        """Told once for each cause: what could not be saved is tried again every few seconds."""
        if text == self.memory.entries_stopped:
            return
        self.memory.entries_stopped = text
        name, level = EventName.ENTRIES_STOPPED, Level.CRITICAL
        self._bus.publish([Event(name=name, at=now, level=level, message=text, component="database")])

    def _hand_over(self, call: Call) -> None:
        order, flags = self._order_of(call), self._setting.policy.flags
        lane = lane_of(call, order, is_by_symbol=flags.symbol_locks)
        if isinstance(call, Place | Modify | Cancel):
            self.memory.take_off(call.request_id)
            if flags.observe_only:
                self.inbox.put_answer(not_performed(call, BrokerUnavailable("OBSERVE_ONLY is on: nothing is sent")))
                return
        elif isinstance(call, LookAtMarket):
            self.memory.market_asked = True
        elif not isinstance(call, LookAtOrder) and call.job is not None:
            self.memory.running.add(call.job.name)
        if isinstance(call, LookAtBook):
            self.memory.book_asked = True
            self.memory.ticks += 1
            call = replace(call, asked=self.memory.ticks)
        try:
            self._lanes.hand_over(lane, self._work(call))
        except BrokerUnavailable as cause:
            self.inbox.put_answer(not_performed(call, cause))

    def _work(self, call: Call) -> Callable[[], None]:
        def work() -> None:
            self.inbox.put_answer(perform(call, self._outside))

        return work

    def _order_of(self, call: Call) -> Order | None:
        if isinstance(call, Place | Modify | Cancel):
            return self.memory.orders[self.memory.requests[call.request_id].order_id]
        return None


def _describe(message: Message, fault: Exception) -> str:
    return f"{type(message).__name__}: {type(fault).__name__}: {fault}"


def _answer(command: Command, outcome: Outcome, text: str) -> Answer:
    return Answer(correlation_id=command.correlation_id, outcome=outcome, text=text)
