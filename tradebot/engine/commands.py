"""What somebody wants done, from the dashboard, the command line, HTTP or an edited file."""

from __future__ import annotations

from tradebot.domain.events import EventName, in_log_words
from tradebot.domain.orders import OrderStatus
from tradebot.engine import ledger
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.desk import Desk
from tradebot.engine.jobs import Jobs
from tradebot.engine.messages import CancelOrder, Command, PauseEntries, PolicyChanged
from tradebot.engine.setting import Setting
from tradebot.engine.state import Unit


class Commands:
    """One method a command; each leaves its answer in the unit, which is released once the unit is saved."""

    def __init__(self, setting: Setting, desk: Desk, jobs: Jobs) -> None:
        self._setting = setting
        self._desk = desk
        self._jobs = jobs

    def handle(self, unit: Unit, command: Command) -> None:
        match command:
            case CancelOrder():
                unit.answers.append(self._cancel(unit, command))
            case PauseEntries():
                self._jobs.pause(unit, command)
                unit.answers.append(_answer(command, Outcome.DONE))
            case PolicyChanged():
                self._change_policy(unit, command)
                unit.answers.append(_answer(command, Outcome.DONE))

    def _cancel(self, unit: Unit, command: CancelOrder) -> Answer:
        order = unit.orders.get(command.order_id)
        if order is None:
            return _answer(command, Outcome.UNKNOWN_ID, f"no order {command.order_id}")
        if order.status is not OrderStatus.PENDING:
            return _answer(command, Outcome.CONFLICT, f"order {order.id} is {order.status}, not pending")
        self._desk.cancel(unit, order, command.reason)
        return Answer(correlation_id=command.correlation_id, outcome=Outcome.ASKED, order_ids=(order.id,))

    def _change_policy(self, unit: Unit, command: PolicyChanged) -> None:
        for name, old, new in command.changes:
            key = in_log_words(name)
            fields = {"key": key, "old": old, "new": new}
            ledger.tell(unit, EventName.CONFIG_CHANGED, f"{key}: {old} -> {new}", fields=fields)
        self._setting.policy = command.policy


def _answer(command: Command, outcome: Outcome, text: str = "") -> Answer:
    return Answer(correlation_id=command.correlation_id, outcome=outcome, text=text)
