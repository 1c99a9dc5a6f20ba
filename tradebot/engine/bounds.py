"""Bounds on what leaves: a defect or a run of refusals pauses entries before more follows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tradebot.domain.calendar import ist_date
from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import RequestKind, Variety
from tradebot.engine import ledger
from tradebot.engine.commands import PauseEntries
from tradebot.engine.jobs import Jobs
from tradebot.engine.memory import Memory
from tradebot.engine.messages import CallOutcome, RequestAnswered
from tradebot.engine.order_rows import is_entry
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit
from tradebot.ports import SendMeter


class Bounds:
    """Looks at how placements end, and at what would leave beyond what was entered. What it pauses, somebody resumes: a
    restart keeps it paused."""

    def __init__(self, setting: Setting, jobs: Jobs) -> None:
        self._setting = setting
        self._jobs = jobs

    def answered(self, unit: Unit, message: RequestAnswered) -> None:
        request = unit.requests.get(message.request_id)
        if request is None or (request.kind is not RequestKind.PLACE and message.outcome is not CallOutcome.BEYOND):
            return
        match message.outcome:
            case CallOutcome.ACCEPTED:
                unit.facts["rejects_in_a_row"] = 0
            case CallOutcome.REFUSED:
                self._refused(unit, message)
            case CallOutcome.BEYOND:
                self._pause(unit, "entered_against_sent", message.text)
            case _:
                pass

    def _refused(self, unit: Unit, message: RequestAnswered) -> None:
        found = unit.rejects_in_a_row + 1
        unit.facts["rejects_in_a_row"] = found
        allowed = self._setting.policy.risk.rejects_in_a_row_max
        if found >= allowed:
            unit.facts["rejects_in_a_row"] = 0
            self._pause(unit, "rejects_in_a_row", f"{found} refusals in a row, the last one: {message.text}")

    def _pause(self, unit: Unit, bound: str, text: str) -> None:
        fields = {"bound": bound, "cause": text}
        ledger.tell(unit, EventName.BOUND_REACHED, f"{bound}: {text}", fields=fields, level=Level.CRITICAL)
        self._jobs.pause(unit, PauseEntries(is_paused=True, correlation_id=f"bound:{bound}"))


def enter_again(memory: Memory, meter: SendMeter, now: datetime) -> None:
    """What left today before this process began, and what was entered and may still have to leave."""
    gross: dict[Variety, Decimal] = {}
    for attempt in memory.attempts.values():
        if attempt.broker_order_id is None:
            if attempt.status.is_open:
                meter.enter(attempt.coid, attempt.quantity)
        elif ist_date(attempt.created_at) == ist_date(now) and is_entry(memory.orders[attempt.order_id]):
            worth = (attempt.price or Decimal(0)) * attempt.quantity
            gross[attempt.variety] = gross.get(attempt.variety, Decimal(0)) + worth
    meter.begin(gross)
