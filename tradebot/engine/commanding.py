"""How the commands are carried out, each to its answer."""

from __future__ import annotations

from dataclasses import replace

from tradebot.domain.command_runs import CommandRun
from tradebot.domain.events import EventName, in_log_words
from tradebot.domain.orders import OrderId, OrderStatus
from tradebot.domain.positions import EXIT_WANTED
from tradebot.engine import alerting, ledger
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.batches import Batches
from tradebot.engine.commands import (
    AcknowledgeAlert,
    AddProtection,
    CancelOrder,
    CancelProtection,
    CloseOrder,
    Command,
    DropOrder,
    ExitPosition,
    KillSwitch,
    ListAlerts,
    ModifyOrder,
    Once,
    PauseEntries,
    PolicyChanged,
    ReleaseSymbol,
    RetryOrder,
    SubmitBatch,
    SubmitOrder,
    SweepQueue,
    SyncOrders,
)
from tradebot.engine.desk import Desk
from tradebot.engine.halts import release
from tradebot.engine.jobs import Jobs
from tradebot.engine.judging import held_position
from tradebot.engine.killing import Killing
from tradebot.engine.messages import Job
from tradebot.engine.modifying import Modifying
from tradebot.engine.protecting import Protecting
from tradebot.engine.retrying import Retrying
from tradebot.engine.setting import Setting
from tradebot.engine.submissions import Submissions
from tradebot.engine.unit import Unit


class Commanding:
    """One method a command; each leaves its answer in the unit, which is released once the unit is saved."""

    def __init__(
        self,
        setting: Setting,
        desk: Desk,
        jobs: Jobs,
        retrying: Retrying,
        submissions: Submissions,
        killing: Killing,
        batches: Batches,
        modifying: Modifying,
    ) -> None:
        self._modifying = modifying
        self._killing = killing
        self._protecting = Protecting(setting, desk)
        self._batches = batches
        self._submissions = submissions
        self._setting = setting
        self._desk = desk
        self._jobs = jobs
        self._retrying = retrying

    def once(self, unit: Unit, message: Once) -> None:
        """Carry it out, unless it was done before: then its answer is given again."""
        command = message.command
        if isinstance(command, SubmitBatch) and command.idempotency_key is None:
            # It is answered long after it was saved: a repeat in between must find it.
            command = replace(command, idempotency_key=command.correlation_id)
        done = unit.command_runs.get(command.correlation_id)
        if done is not None:
            unit.answers.append(_answer_of(done))
            return
        unit.once[command.correlation_id] = type(command).__name__
        self.handle(unit, command)

    def handle(self, unit: Unit, command: Command) -> None:
        match command:
            case SubmitOrder():
                self._submissions.submit(unit, command)
            case SubmitBatch():
                self._batches.submit(unit, command)
            case CancelOrder():
                unit.answers.append(self._cancel(unit, command))
            case DropOrder() | RetryOrder() | SweepQueue() | ReleaseSymbol():
                self._of_queue(unit, command)
            case AddProtection() | CancelProtection() | CloseOrder():
                unit.answers.append(self._protecting.handle(unit, command))
            case ModifyOrder():
                self._modifying.submit(unit, command)
            case ExitPosition():
                unit.answers.append(_exit(unit, command))
            case KillSwitch():
                self._killing.command(unit, command)
            case SyncOrders():
                unit.calls.append(replace(self._jobs.look(unit, "command"), correlation_id=command.correlation_id))
            case PauseEntries():
                self._jobs.pause(unit, command)
                unit.answers.append(_answer(command, Outcome.DONE))
            case AcknowledgeAlert() | ListAlerts():
                unit.answers.append(alerting.answered(unit, command))
            case PolicyChanged():
                self._change_policy(unit, command)
                unit.answers.append(_answer(command, Outcome.DONE))

    def _of_queue(self, unit: Unit, command: DropOrder | RetryOrder | SweepQueue | ReleaseSymbol) -> None:
        """Of orders that failed, and of symbols that are kept from trading."""
        match command:
            case DropOrder():
                unit.answers.append(self._retrying.drop(unit, command))
            case RetryOrder():
                if (answer := self._retrying.request(unit, command)) is not None:
                    unit.answers.append(answer)
            case SweepQueue():
                text = f"{self._jobs.sweep_expired(unit)} expired"
                unit.answers.append(_answer(command, Outcome.DONE, text))
            case ReleaseSymbol():
                unit.answers.append(_release(unit, command))

    def _cancel(self, unit: Unit, command: CancelOrder) -> Answer:
        order = unit.orders.get(command.order_id)
        if order is None:
            return _answer(command, Outcome.UNKNOWN_ID, f"no order {command.order_id}")
        if order.status is not OrderStatus.PENDING:
            return _answer(command, Outcome.CONFLICT, f"order {order.id} is {order.status}, not pending")
        if self._setting.policy.flags.observe_only:
            return _answer(command, Outcome.BLOCKED, "OBSERVE_ONLY is on: nothing is sent")
        self._desk.cancel(unit, order, command.reason)
        return Answer(correlation_id=command.correlation_id, outcome=Outcome.ASKED, order_ids=(order.id,))

    def _change_policy(self, unit: Unit, command: PolicyChanged) -> None:
        for name, old, new in command.changes:
            key = in_log_words(name)
            fields = {"key": key, "old": old, "new": new}
            ledger.tell(unit, EventName.CONFIG_CHANGED, f"{key}: {old} -> {new}", fields=fields)
        self._setting.policy = command.policy


def _release(unit: Unit, command: ReleaseSymbol) -> Answer:
    symbol = command.symbol.upper()
    if release(unit, symbol, command.correlation_id):
        return _answer(command, Outcome.DONE)
    return _answer(command, Outcome.CONFLICT, f"{symbol} is not halted")


def _exit(unit: Unit, command: ExitPosition) -> Answer:
    """The wish is kept with the position; the next cycle, which is now, acts on it."""
    position = held_position(unit, command.symbol)
    if position is None:
        return _answer(command, Outcome.CONFLICT, f"nothing is held of {command.symbol}")
    metadata = {**position.metadata, EXIT_WANTED: command.reason or "wanted"}
    unit.positions[position.id] = replace(position, metadata=metadata, updated_at=unit.now)
    unit.timers.append((Job.CYCLE, unit.now))
    return _answer(command, Outcome.ASKED, f"{position.quantity} to sell")


def _answer(command: Command, outcome: Outcome, text: str = "") -> Answer:
    return Answer(correlation_id=command.correlation_id, outcome=outcome, text=text)


def remember(batch: Unit) -> None:
    """Answers to commands that are done once are saved with what the commands changed."""
    for answer in batch.answers:
        name = batch.once.get(answer.correlation_id)
        if name and answer.correlation_id not in batch.command_runs:
            batch.once[answer.correlation_id] = ""
            batch.command_runs[answer.correlation_id] = CommandRun(
                correlation_id=answer.correlation_id,
                command=name,
                outcome=answer.outcome,
                text=answer.text,
                order_ids=" ".join(answer.order_ids),
                figures=answer.figures,
                at=batch.now,
            )


def command_in(message: object) -> Command | None:
    """The command that a message is, or carries."""
    found = message.command if isinstance(message, Once) else message
    return found if isinstance(found, Command) else None


def _answer_of(done: CommandRun) -> Answer:
    return Answer(
        correlation_id=done.correlation_id,
        outcome=Outcome(done.outcome),
        text=done.text,
        order_ids=tuple(OrderId(each) for each in done.order_ids.split()),
        figures=done.figures,
    )
