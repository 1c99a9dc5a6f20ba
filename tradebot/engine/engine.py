"""The engine: drains the inbox in batches, saves what the handlers decided in one transaction, and only then acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from tradebot.domain.calendar import CalendarHorizonError, ist_date
from tradebot.domain.errors import NoRoom, RestartNeeded, TradebotError
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.kill import Latch
from tradebot.domain.lifecycle_ids import resolved
from tradebot.engine import ledger
from tradebot.engine.announcing import Announcements, Announcer
from tradebot.engine.answers import Answer, AnswerDesk, Outcome
from tradebot.engine.bounds import enter_again
from tradebot.engine.bus import Bus
from tradebot.engine.calls import (
    Outside,
)
from tradebot.engine.commanding import command_in, remember
from tradebot.engine.commands import CancelOrder, Command, PauseEntries
from tradebot.engine.day_plan import next_plan, plan_day
from tradebot.engine.departures import Departures
from tradebot.engine.halt import Brake
from tradebot.engine.handling import Handling
from tradebot.engine.housekeeping import forget_finished
from tradebot.engine.inbox import Inbox
from tradebot.engine.memory import Memory
from tradebot.engine.messages import CallOutcome, Job, LatchSeen, MarketSeen, Message, OrderPushed, RequestAnswered
from tradebot.engine.recovery import note, reserved_and_never_sent
from tradebot.engine.room import NoReserve, Room
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit
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
        self._latch_seen: Latch | None = None
        self._handling = Handling(setting, memory, parts.store, plan=self._plan, wish_again=self._wish_again)
        self._departures = Departures(setting, memory, inbox, parts.lanes, parts.outside, self._handling)

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
        self._handling.begin(unit)
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
        registry = self._setting.registry
        if never_sent := reserved_and_never_sent(registry, self.memory, self._clock.now()):
            self._keep_registry(lambda registry: registry.note(never_sent))
        registry.sync()

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
        self._handling.progress(batch)
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
            self._handling.handle(unit, message)
        except Exception as fault:  # the engine outlives a fault in one message
            ledger.tell(batch, EventName.INTERNAL_FAULT, _describe(message, fault), level=Level.CRITICAL)
            if isinstance(message, RequestAnswered):
                batch.landed.append(message.request_id)
            elif (command := command_in(message)) is not None:
                batch.answers.append(_answer(command, Outcome.FAULT, _describe(message, fault)))
        else:
            unit.merge()

    def _wish_again(self) -> None:
        while self._wishes:
            self.inbox.put_answer(self._wishes.pop(0))

    def _plan(self) -> None:
        setting, halt = self._setting, self.memory.halt
        today = ist_date(self._clock.now())
        try:
            jobs = plan_day(today, setting.calendar, setting.policy.times)
        except CalendarHorizonError as cause:
            self._stop_for_calendar(str(cause))
            jobs = [next_plan(today)]
        else:
            halt.release(Brake.CALENDAR)
        self._scheduler.plan(jobs)

    def _stop_for_calendar(self, cause: str) -> None:
        """A clock that shows a year nobody has entered is wrong, or the calendar is: both are for a human."""
        text = f"nothing is planned and no entries are taken: {cause}"
        self.memory.halt.pull(Brake.CALENDAR, text)
        name, level = EventName.CALENDAR_ENDED, Level.CRITICAL
        self._bus.publish([Event(name=name, at=self._clock.now(), level=level, message=text, component="calendar")])

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
            self._keep_registry(lambda registry: note(registry, list(batch.notes.values())))
        batch.calls += self._departures.looks_at_book(batch)
        for name, at in dict.fromkeys(batch.timers):
            self._scheduler.once(name, at)
        self._bus.publish(batch.events)
        for took_s in batch.cycles:
            self._bus.cycled(took_s)
        self._answers.release(batch.answers)
        batch.calls += self._departures.looks_at_market()
        for call in batch.calls:
            self._departures.hand_over(call)
        return None

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
            self._answers.release(self._handling.unsaved(message, str(cause)))
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


def _describe(message: Message, fault: Exception) -> str:
    return f"{type(message).__name__}: {type(fault).__name__}: {fault}"


def _answer(command: Command, outcome: Outcome, text: str) -> Answer:
    return Answer(correlation_id=command.correlation_id, outcome=outcome, text=text)
