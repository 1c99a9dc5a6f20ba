"""The kill switch at work: what stands is cancelled, what is held is sold, as the latch says."""

from __future__ import annotations

from dataclasses import replace

from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.exits import ExitRule
from tradebot.domain.kill import KillMode, Latch
from tradebot.domain.orders import Order, OrderStatus
from tradebot.engine import ledger, protecting
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import KillSwitch
from tradebot.engine.desk import Desk
from tradebot.engine.messages import Job, LatchSeen
from tradebot.engine.order_rows import is_entry
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit


class Killing:
    """Driven by the latch alone: a restart finds it and goes on. Doing it twice changes nothing."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk

    def command(self, unit: Unit, command: KillSwitch) -> None:
        """Write the latch first: whatever happens to this process then, no entry goes out."""
        latch = self._setting.latch
        try:
            if command.mode is None:
                latch.release()
            else:
                latch.latch(Latch(mode=command.mode, reason=command.reason, at=unit.now))
        except OSError as cause:
            text = f"the latch could not be changed: {cause}"
            unit.answers.append(Answer(correlation_id=command.correlation_id, outcome=Outcome.FAULT, text=text))
            return
        self.seen(unit, LatchSeen(latch=latch.read()))
        unit.answers.append(Answer(correlation_id=command.correlation_id, outcome=Outcome.DONE))

    def seen(self, unit: Unit, message: LatchSeen) -> None:
        latch = message.latch
        if latch == unit.latch:
            return
        unit.facts["latch"] = latch
        if latch is None:
            ledger.tell(unit, EventName.KILL_RELEASED, "the kill switch is released: entries go on", level=_WARNING)
            return
        text = f"kill switch: {latch.mode}; {latch.reason or 'no reason given'}"
        fields = {"mode": latch.mode, "cause": latch.reason}
        ledger.tell(unit, EventName.KILL_LATCHED, text, fields=fields, level=Level.CRITICAL)
        if latch.mode is not KillMode.STOP:
            self._cancel_entries(unit)
        if latch.mode is KillMode.FLATTEN:
            self._flatten(unit)

    def _cancel_entries(self, unit: Unit) -> None:
        for order in list(unit.orders.values()):
            if order.status is OrderStatus.PENDING and is_entry(order):
                self._cancel_safely(unit, order)

    def _cancel_safely(self, unit: Unit, order: Order) -> None:
        part = Unit(unit.memory, unit.now, unit)
        try:
            self._desk.cancel(part, order, "Manual: kill switch")
        except Exception as fault:  # one order that cannot be cancelled must not keep the others standing
            text = f"{ledger.describe(order)}: {type(fault).__name__}: {fault}"
            ledger.tell(unit, EventName.INTERNAL_FAULT, text, order, level=Level.CRITICAL)
        else:
            part.merge()

    def _flatten(self, unit: Unit) -> None:
        """Every open position is to be sold at what the market pays; the next cycle, which is now, does it."""
        for position in list(unit.positions.values()):
            if position.is_open and position.exit_rule != ExitRule.PANIC:
                unit.positions[position.id] = replace(position, exit_rule=ExitRule.PANIC, updated_at=unit.now)
                protecting.close_wanted(unit, self._setting, position, ExitRule.PANIC)
                text = f"{position.symbol}: {position.quantity} to sell, kill switch"
                fields: dict[str, FieldValue] = {
                    "position_id": position.id,
                    "symbol": position.symbol,
                    "quantity": position.quantity,
                }
                ledger.tell(unit, EventName.EXIT_PANIC, text, fields=fields, level=Level.CRITICAL)
        unit.timers.append((Job.CYCLE, unit.now))


_WARNING = Level.WARNING
