"""What each message is for: which part of the engine decides about it, and what a look or a failure means for all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import OrderStatus
from tradebot.engine import alerting, ledger
from tradebot.engine.acknowledgements import Acknowledgements
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.batches import Batches
from tradebot.engine.bounds import Bounds
from tradebot.engine.calls import LookAtBook
from tradebot.engine.commanding import Commanding
from tradebot.engine.commands import Once
from tradebot.engine.day_plan import missed_jobs
from tradebot.engine.deferring import Deferring
from tradebot.engine.desk import Desk
from tradebot.engine.entries import Entries
from tradebot.engine.intents import Intents
from tradebot.engine.jobs import Jobs
from tradebot.engine.judging import Judging
from tradebot.engine.killing import Killing
from tradebot.engine.memory import Memory
from tradebot.engine.messages import (
    AlertChanged,
    BookSeen,
    CallFailed,
    Job,
    JobDue,
    LatchSeen,
    MarketSeen,
    Message,
    OrderPushed,
    OrderSeen,
    OutboxMarked,
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
from tradebot.engine.sells import Sells
from tradebot.engine.setting import Setting
from tradebot.engine.submissions import Submissions
from tradebot.engine.tracker import Tracker
from tradebot.engine.unit import Unit
from tradebot.ports import OrderStore


class Handling:
    """The parts that decide, put together. Everything they decide waits in the unit that they are given."""

    def __init__(
        self,
        setting: Setting,
        memory: Memory,
        store: OrderStore,
        *,
        plan: Callable[[], None],
        wish_again: Callable[[], None],
    ) -> None:
        """`plan` plans the day, `wish_again` brings back what somebody wished and could not be saved."""
        self._setting = setting
        self._memory = memory
        self._plan = plan
        self._wish_again = wish_again
        self._desk = Desk(setting)
        self._acknowledgements = Acknowledgements(setting, self._desk)
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
        self._submissions = Submissions(setting, self._desk, intents, self._deferring, store)
        self._batches = Batches(setting, self._desk, intents, self._submissions, store)
        self._modifying = Modifying(setting, self._desk, judging)
        self._killing = Killing(setting, self._desk)
        self._bounds = Bounds(setting, self._jobs)
        self._commands = Commanding(
            setting,
            self._desk,
            self._jobs,
            self._retrying,
            self._submissions,
            self._killing,
            self._batches,
            self._modifying,
        )

    def begin(self, unit: Unit) -> None:
        """The first unit of a process: the first look at the book, or the first jobs without one."""
        self._jobs.adjust_if_missed(unit)
        if self._setting.policy.flags.startup_reconcile:
            unit.looks.append("recovery")
        else:
            self._open_without_look(unit)

    def handle(self, unit: Unit, message: Message) -> None:
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
                self._memory.market_asked = False
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

    def progress(self, unit: Unit) -> None:
        """After all messages of a batch: what they have moved on."""
        self._batches.progress(unit)

    def look_at_book(self, batch: Unit, purpose: str) -> LookAtBook:
        """The look for all who want one."""
        return self._jobs.look(Unit(self._memory, batch.now), purpose)

    def waiting_for_market(self) -> tuple[set[str], list[str]]:
        """Symbols and names of those who wait for a picture of the market."""
        symbols, names = set[str](), list[str]()
        for part in (self._submissions, self._batches, self._modifying):
            of_part, waiting = part.waiting_for_market(self._memory)
            symbols |= of_part
            names += waiting
        return symbols, names

    def unsaved(self, message: MarketSeen, cause: str) -> list[Answer]:
        """The answers to all who waited for this picture: nothing of what was decided by it is true."""
        parts = (self._submissions, self._batches, self._modifying)
        return [answer for part in parts for answer in part.unsaved(self._memory, message.names, cause)]

    def _job_prepared(self, unit: Unit, message: SignalsReady | SellsReady | RetryReady) -> None:
        if message.job is not None:
            self._memory.running.discard(message.job.name)
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
                self._acknowledgements.take(unit, message)
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
                self._wish_again()
                self._jobs.due(unit, job)
            case _:
                self._jobs.due(unit, job)

    def _book_seen(self, unit: Unit, message: BookSeen) -> None:
        self._memory.book_asked = False
        if self._memory.unreachable_since is not None:
            self._broker_is_back(unit, self._memory.unreachable_since)
        counts = self._tracker.book_seen(unit, message)
        if message.job is not None:
            self._memory.running.discard(message.job.name)
        self._jobs.book_seen(unit, message, counts)
        if message.correlation_id:
            figures = {name: str(count) for name, count in counts.items()}
            answer = Answer(correlation_id=message.correlation_id, outcome=Outcome.DONE, figures=figures)
            unit.answers.append(answer)
        if not self._memory.is_reconciled:
            self._reconciled(unit, counts)

    def _broker_is_back(self, unit: Unit, since: datetime) -> None:
        unit.facts["unreachable_since"] = None
        gone_s = int((unit.now - since).total_seconds())
        text = f"the broker answers again, after {gone_s} s"
        ledger.tell(unit, EventName.BROKER_BACK, text, fields={"gone_s": gone_s})

    def _call_failed(self, unit: Unit, message: CallFailed) -> None:
        if message.call == LookAtBook.__name__:
            self._memory.book_asked = False
            if self._memory.unreachable_since is None:
                unit.facts["unreachable_since"] = unit.now
        if message.job is not None:
            self._memory.running.discard(message.job.name)
        if message.names:
            self._memory.market_asked = False
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
            if job.name not in self._memory.running:
                self._jobs.due(unit, job)
