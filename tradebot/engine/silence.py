"""Looks for orders of which nothing was heard that should have been: each silence is told once, and its end too."""

from __future__ import annotations

from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.expectations import Silence, silences
from tradebot.domain.orders import Attempt, Order
from tradebot.engine import ledger
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit


class SilenceWatch:
    """Asks nobody: it compares what is known with what should be."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def look(self, unit: Unit) -> int:
        """Tell what is overdue; returns how much there is, told before or not."""
        found = 0
        for attempt in unit.attempts.values():
            if not attempt.status.is_open:
                continue
            order = unit.orders.get(attempt.order_id)
            if order is None or order.coid != attempt.coid:
                continue
            for silence in self._silences(unit, order, attempt):
                found += 1
                self._tell(unit, order, silence)
        return found

    def _silences(self, unit: Unit, order: Order, attempt: Attempt) -> list[Silence]:
        day = self._setting.calendar.trading_day(attempt.trading_day)
        placement = unit.requests.get(f"{attempt.coid}-P")
        return silences(order, attempt, placement, day, self._setting.policy.times.patience, unit.now)

    def _tell(self, unit: Unit, order: Order, silence: Silence) -> None:
        if not unit.is_news(f"silence:{order.coid}:{silence.expected}"):
            return
        late_s = int((unit.now - silence.by).total_seconds())
        text = f"{ledger.describe(order)}: not {silence.expected} by {silence.by:%H:%M:%S} UTC"
        fields: dict[str, FieldValue] = {"expected": silence.expected, "late_s": late_s}
        ledger.tell(unit, EventName.ORDER_SILENT, text, order, fields, level=Level.CRITICAL)
