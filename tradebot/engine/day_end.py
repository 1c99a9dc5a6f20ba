"""The end of the day: steps that each stand alone, so that one that fails takes nothing from the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tradebot.domain.calendar import ist_date
from tradebot.domain.day_figures import day_figures
from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.orders import AttemptStatus, OrderStatus
from tradebot.engine import ledger
from tradebot.engine.expiry import sweep_expired
from tradebot.engine.messages import BookSeen, JobDue
from tradebot.engine.setting import Setting
from tradebot.engine.silence import SilenceWatch
from tradebot.engine.unit import Unit

TRIES_MAX = 10
"""So often the broker is asked, a minute apart, before the day is closed without its answer."""


class StepFailed(Exception):
    """A step has not done its work; the text says why."""


@dataclass(slots=True)
class DayEnd:
    """What the steps have to go by: the broker's answer (None: there was none) and what its comparison came to."""

    setting: Setting
    unit: Unit
    seen: BookSeen | None
    counts: Mapping[str, int]
    figures: dict[str, FieldValue] = field(default_factory=dict)

    def verify(self) -> None:
        """Orders that should have ended were looked up; one that could not be compared is named by its own event."""
        if self.seen is None:
            raise StepFailed("the broker gave no answer")
        if self.counts["failed"]:
            raise StepFailed(f"{self.counts['failed']} orders could not be compared")
        SilenceWatch(self.setting).look(self.unit)

    def reconcile(self) -> None:
        """Sales by hand and the holdings were compared with what we hold."""
        held = {p.symbol for p in self.unit.positions.values() if p.is_open}
        if held and (self.seen is None or not self.seen.holdings):
            raise StepFailed(f"no holdings were answered, and {len(held)} symbols are held")

    def not_found(self) -> None:
        """What could nowhere be found is held for a human, or has expired by the operator's policy."""
        if self.seen is None:
            raise StepFailed("the broker gave no answer")
        lost = [a for a in self.unit.attempts.values() if a.status is AttemptStatus.UNKNOWN]
        self.figures["not_found"] = len(lost)

    def expire(self) -> None:
        self.figures["expired"] = sweep_expired(self.unit, self.setting)

    def statistics(self) -> None:
        figures = day_figures(self.unit.orders.values(), ist_date(self.unit.now), self.setting.calendar)
        self.figures |= {
            "day_orders": figures.orders,
            "day_filled": figures.filled,
            "day_rejected": figures.rejected,
            "day_cancelled": figures.cancelled,
            "day_by_hand": figures.by_hand,
            "day_pnl": figures.realised_pnl,
            "oldest_pending_days": figures.oldest_pending_days,
        }

    def archive(self) -> None:
        """Memory lets go of what is finished, and the registry is folded, once this is saved."""
        self.unit.facts |= {"is_day_over": True, "terms": {}}


_STEPS: tuple[Callable[[DayEnd], None], ...] = (
    DayEnd.verify,
    DayEnd.reconcile,
    DayEnd.not_found,
    DayEnd.expire,
    DayEnd.statistics,
    DayEnd.archive,
)


def close_day(
    unit: Unit, setting: Setting, job: JobDue, seen: BookSeen | None, counts: Mapping[str, int]
) -> tuple[str, list[str]]:
    """Every step, and the summary; returns the outcome in words, and the names of the steps that failed."""
    done, failed, figures = [], [], dict[str, FieldValue]()
    for step in _STEPS:
        part = Unit(unit.memory, unit.now, unit)
        at_work = DayEnd(setting, part, seen, counts, figures)
        try:
            step(at_work)
        except Exception as cause:  # the others do not depend on it
            failed.append(step.__name__)
            text = f"end of day, {step.__name__}: {cause}"
            ledger.tell(unit, EventName.JOB_FAILED, text, fields={"job": job.name}, level=Level.ERROR)
        else:
            part.merge()
            done.append(step.__name__)
    return _summary(unit, done, failed, figures), failed


def _summary(unit: Unit, done: list[str], failed: list[str], figures: Mapping[str, FieldValue]) -> str:
    words = dict.fromkeys(OrderStatus, 0)
    for order in unit.orders.values():
        words[order.status] += 1
    held = sum(position.is_open for position in unit.positions.values())
    text = ", ".join(f"{count} {word}" for word, count in words.items())
    fields: dict[str, FieldValue] = {"positions": held, **{f"orders_{word}": n for word, n in words.items()}}
    fields |= {"completed": ",".join(done), "not_completed": ",".join(failed), **figures}
    level = Level.WARNING if failed else Level.INFO
    said = f"; not done: {', '.join(failed)}" if failed else ""
    ledger.tell(unit, EventName.DAY_SUMMARY, f"end of day: {text}; {held} positions{said}", fields=fields, level=level)
    return text + said
