"""Which client order id an intent gets: derived from the intent and checked, or drawn and never checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tradebot.domain.coids import ATTEMPTS_MAX, IntentKey, attempt_of, derive, drawn
from tradebot.domain.orders import Attempt, AttemptStatus, Coid, Order, OrderIntent
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit


class Submission(StrEnum):
    SENT = "sent"
    DUPLICATE = "duplicate"
    UNCERTAIN = "uncertain"
    EXHAUSTED = "exhausted"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Slot:
    """The client order id that an intent gets: which one, or why none. `filled`: of earlier attempts."""

    verdict: Submission
    coid: Coid
    number: int
    filled: int = 0
    is_reused: bool = False


class Slots(Protocol):
    def of(self, unit: Unit, intent: OrderIntent) -> Slot: ...

    def again(self, unit: Unit, attempt: Attempt) -> tuple[Coid, int]:
        """The id and the number under which an attempt is sent another time."""
        ...

    def number_of(self, unit: Unit, order: Order) -> int:
        """The number of the attempt that a row without one will get under its id."""
        ...


class DerivedSlots:
    """From what memory, this batch and the registry know of the intent: an intent is never placed twice."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def of(self, unit: Unit, intent: OrderIntent) -> Slot:
        key = IntentKey(intent.account_id, intent.decision_id, intent.leg, intent.side)
        entries = self._setting.registry.attempts_of(key)
        number, filled = entries[0].attempt_count if entries else 1, 0
        while number <= ATTEMPTS_MAX:
            coid = derive(key, number)
            if coid in unit.memory.strangers:
                return Slot(Submission.DUPLICATE, coid, number)
            attempt = unit.attempts.get(coid)
            entry = unit.reserved(coid) or self._setting.registry.get(coid)
            known = attempt or entry
            status = known.status if known is not None else None
            if coid in unit.memory.orphans:
                return Slot(Submission.UNCERTAIN, coid, number)
            is_unsent = attempt is None and entry is not None and entry.broker_order_id is None
            is_reused = status is not None and status.is_open and is_unsent
            if status is not None and not is_reused and (status.is_open or status is AttemptStatus.FILLED):
                return Slot(Submission.DUPLICATE, coid, number)
            if status is None or is_reused:
                verdict = Submission.SENT if filled < intent.quantity else Submission.DUPLICATE
                return Slot(verdict, coid, number, filled, is_reused)
            filled += _filled(attempt, entry)
            number += 1
        return Slot(Submission.EXHAUSTED, derive(key, ATTEMPTS_MAX), ATTEMPTS_MAX)

    def again(self, unit: Unit, attempt: Attempt) -> tuple[Coid, int]:  # noqa: ARG002 (the other kind asks)
        return attempt.coid, attempt.number

    def number_of(self, unit: Unit, order: Order) -> int:  # noqa: ARG002
        return attempt_of(order.coid)


def _filled(attempt: Attempt | None, entry: RegistryEntry | None) -> int:
    """The database knows more than the registry, where it knows the attempt at all."""
    if attempt is not None:
        return attempt.filled_quantity
    return entry.filled_qty if entry is not None else 0


class DrawnSlots:
    """A tag of chance for every send, whatever was sent before: nothing keeps an intent from being placed twice."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def of(self, unit: Unit, intent: OrderIntent) -> Slot:
        key = IntentKey(intent.account_id, intent.decision_id, intent.leg, intent.side)
        coid = self._draw(unit, intent.decision_id, str(intent.leg), intent.side)
        return Slot(Submission.SENT, coid, _next_number(unit, key))

    def again(self, unit: Unit, attempt: Attempt) -> tuple[Coid, int]:
        key = IntentKey(attempt.account_id, attempt.decision_id, attempt.leg, attempt.side)
        return self._draw(unit, attempt.coid), _next_number(unit, key)

    def number_of(self, unit: Unit, order: Order) -> int:
        return _next_number(unit, IntentKey(order.account_id, order.decision_id, order.leg, order.side))

    def _draw(self, unit: Unit, *about: str) -> Coid:
        nth = 0
        while (coid := drawn(self._setting.chance.number("tag", *about, str(nth)))) in unit.attempts:
            nth += 1
        return coid


def _next_number(unit: Unit, key: IntentKey) -> int:
    """A walk over what is in memory: without derived ids nothing leads from an intent to its attempts."""
    numbers = [
        attempt.number
        for attempt in unit.attempts.values()
        if IntentKey(attempt.account_id, attempt.decision_id, attempt.leg, attempt.side) == key
    ]
    return max(numbers, default=0) + 1
