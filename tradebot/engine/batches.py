"""Batches at work: saved with all their legs before the first is sent, then moved on by what becomes of the orders."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from tradebot.domain.batches import LEGS_MAX, Batch, BatchStatus, Leg, LegStatus, LegView, Plan, StepKind, plan
from tradebot.domain.events import EventName, Level
from tradebot.domain.guards import Refusal
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.orders import (
    OrderIntent,
    OrderStatus,
)
from tradebot.engine import ledger, verdicts
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.batch_orders import (
    command_of,
    decision_of,
    fingerprint,
    leg_command,
    leg_key,
    leg_of,
    unwind_command,
    unwind_key,
)
from tradebot.engine.batch_views import order_of, view_of
from tradebot.engine.commands import SubmitBatch
from tradebot.engine.desk import Desk
from tradebot.engine.entry_slippage import with_reference
from tradebot.engine.intents import Intents, problems
from tradebot.engine.judging import Picture, picture_of
from tradebot.engine.memory import Memory
from tradebot.engine.messages import MarketSeen
from tradebot.engine.setting import Setting
from tradebot.engine.slots import Submission
from tradebot.engine.submissions import Submissions
from tradebot.engine.unit import Unit
from tradebot.engine.waiting import WaitingBatch
from tradebot.ports import OrderStore

WAITING_MAX = 100
"""How many batches may wait for the market's picture at one time."""


class Batches:
    """A batch is a row with its legs; what to do next follows from it and its orders alone, also after a restart."""

    def __init__(
        self, setting: Setting, desk: Desk, intents: Intents, submissions: Submissions, store: OrderStore
    ) -> None:
        self._setting = setting
        self._desk = desk
        self._intents = intents
        self._submissions = submissions
        self._store = store

    def submit(self, unit: Unit, command: SubmitBatch) -> None:
        """Answer what is wrong or known; else wait for the picture by which all legs are judged."""
        batch_id = self._id_of(unit, command)
        waiting = unit.waiting_batches.get(batch_id)
        earlier = self._earlier_fingerprint(unit, command, batch_id)
        if earlier is not None and earlier != fingerprint(command):
            unit.answers.append(_answer(command, Outcome.CONFLICT, "the same idempotency key came with another batch"))
        elif waiting is not None:
            unit.waiting_batches[batch_id] = replace(waiting, also=(*waiting.also, command.correlation_id))
        elif earlier is not None:
            self._repeat(unit, command, batch_id, unit.batches.get(batch_id))
        elif wrong := self._wrong(command):
            unit.answers.append(_answer(command, Outcome.INVALID, "nothing was sent", figures=wrong))
        elif len(unit.waiting_batches.names()) >= WAITING_MAX:
            unit.answers.append(_answer(command, Outcome.CONFLICT, f"{WAITING_MAX} batches wait already"))
        else:
            unit.waiting_batches[batch_id] = WaitingBatch(command=command, batch_id=batch_id)

    def waiting_for_market(self, memory: Memory) -> tuple[set[str], list[str]]:
        """Symbols and names of those who wait for a picture."""
        waiting = memory.waiting_batches.values()
        return {leg.symbol for entry in waiting for leg in entry.command.legs}, [e.batch_id for e in waiting]

    def market_seen(self, unit: Unit, seen: MarketSeen) -> None:
        """Save and send every batch that waited for this picture."""
        picture = picture_of(unit, seen)
        for name in seen.names:
            waiting = unit.waiting_batches.get(name)
            if waiting is not None:
                unit.waiting_batches.remove(name)
                self._begin(unit, waiting, picture)

    def look_failed(self, unit: Unit, names: Sequence[str], cause: str) -> None:
        """No picture: nothing is saved and nothing sent."""
        for name in names:
            waiting = unit.waiting_batches.get(name)
            if waiting is not None:
                unit.waiting_batches.remove(name)
                unit.answers += _answers(waiting, Outcome.BLOCKED, f"NO_MARKET_DATA: {cause}")

    def unsaved(self, memory: Memory, names: Sequence[str], cause: str) -> list[Answer]:
        """What was decided could not be saved, so nothing of it was done."""
        answers: list[Answer] = []
        for name in names:
            waiting = memory.waiting_batches.get(name)
            if waiting is not None:
                memory.waiting_batches.drop(name)
                answers += _answers(waiting, Outcome.UNSAVED, cause)
        return answers

    def progress(self, unit: Unit) -> None:
        """Move on every batch that is under way, or whose orders this unit has changed."""
        touched = {order.batch_id for order in unit.orders.changed() if order.batch_id is not None}
        for batch in unit.batches.values():
            if batch.completed_at is None or batch.id in touched:
                part = Unit(unit.memory, unit.now, unit)
                try:
                    self._move_on(part, batch)
                except Exception as fault:  # a defect in one batch must not stop the others, or the orders
                    text = f"batch {batch.id}: {type(fault).__name__}: {fault}"
                    ledger.tell(unit, EventName.INTERNAL_FAULT, text, level=Level.CRITICAL)
                else:
                    part.merge()

    def _id_of(self, unit: Unit, command: SubmitBatch) -> str:
        if command.idempotency_key is None:
            return f"B{self._setting.ids.next(unit.now)}"
        text = "\x1f".join((command.account_id, command.user_id, command.idempotency_key))
        return f"B{hashlib.sha256(text.encode()).hexdigest()[:24]}"

    def _earlier_fingerprint(self, unit: Unit, command: SubmitBatch, batch_id: str) -> str | None:
        """Of the batch that came under this id before: one that waits, one in memory, or one of any day."""
        if (waiting := unit.waiting_batches.get(batch_id)) is not None:
            return fingerprint(waiting.command)
        if (known := unit.batches.get(batch_id)) is not None:
            return known.fingerprint
        return self._store.batch_fingerprint(batch_id) if command.idempotency_key is not None else None

    def _repeat(self, unit: Unit, command: SubmitBatch, batch_id: str, known: Batch | None) -> None:
        if known is None or known.completed_at is not None:
            unit.answers.append(_answer(command, Outcome.DONE, batch_id))
        else:
            unit.batch_callers[batch_id] = (*(unit.batch_callers.get(batch_id) or ()), command.correlation_id)

    def _wrong(self, command: SubmitBatch) -> dict[str, str]:
        """Every bad field of each leg, as `leg.field`."""
        if not 1 <= len(command.legs) <= LEGS_MAX:
            return {"legs": f"must be 1 to {LEGS_MAX}"}
        found: dict[str, str] = {}
        for number, leg in enumerate(command.legs):
            order = command_of(command, leg, number, "B")
            found |= {f"{number}.{field}": text for field, text in problems(order, self._setting).items()}
        return found

    def _begin(self, unit: Unit, waiting: WaitingBatch, picture: Picture) -> None:
        """All legs are made before any is judged, and judged before any is sent."""
        command, batch_id = waiting.command, waiting.batch_id
        orders = [command_of(command, leg, number, batch_id) for number, leg in enumerate(command.legs)]
        made = [self._intents.make(unit, order, decision_of(batch_id), picture) for order in orders]
        wrong = {f"{number}.symbol": text for number, text in enumerate(made) if isinstance(text, str)}
        if wrong:
            unit.answers += _answers(waiting, Outcome.INVALID, "nothing was sent", wrong)
            return
        unit.batches[batch_id] = _batch(unit, waiting)
        for number, order in enumerate(orders):
            unit.legs[f"{batch_id}/{number}"] = leg_of(batch_id, number, order, command.legs[number].tag)
        unit.batch_callers[batch_id] = (command.correlation_id, *waiting.also)
        first = made[:1] if command.sequential else made
        self._place(unit, unit.batches[batch_id], [entry for entry in first if not isinstance(entry, str)], picture)

    def _place(self, unit: Unit, batch: Batch, made: Sequence[OrderIntent | Refusal], picture: Picture) -> None:
        """Place all of them; where one is refused and the rest would only be taken back, none."""
        part = Unit(unit.memory, unit.now, unit)
        refused = {number: why for number, entry in enumerate(made) if (why := self._try(part, entry, picture))}
        if not refused or not batch.rollback_on_failure:
            part.merge()
        else:
            unit.batches[batch.id] = replace(batch, is_rolling_back=True)
        for number, why in refused.items():
            leg = unit.legs[f"{batch.id}/{number}"]
            unit.refused[leg_key(leg)] = why if isinstance(why, str) else ", ".join(each.reason for each in why)
            for refusal in () if isinstance(why, str) else why:
                verdicts.tell_block(unit, leg.symbol, batch.correlation_id, refusal)

    def _try(self, unit: Unit, entry: OrderIntent | Refusal, picture: Picture) -> list[Refusal] | str:
        """Place one; what it was refused for, if it was."""
        if isinstance(entry, Refusal):
            return [entry]
        if refusals := self._intents.judge(unit, entry, picture):
            return refusals
        verdict = self._desk.place(unit, with_reference(entry, picture.quotes))
        return "" if verdict is Submission.SENT else str(verdict)

    def _move_on(self, unit: Unit, batch: Batch) -> None:
        legs = self._legs(unit, batch)
        views = [view_of(unit, leg) for leg in legs]
        found = plan(batch, views)
        for leg, status, view in zip(legs, found.legs, views, strict=True):
            self._keep_leg(unit, leg, status, view)
            unit.refused.remove(leg_key(leg))
            unit.refused.remove(unwind_key(leg))
        after = self._after(unit, batch, found)
        for step in found.steps:
            self._do(unit, after, legs[step.number], step.kind)
        if after != batch:
            unit.batches[batch.id] = after
        if after.completed_at is not None and batch.completed_at is None:
            self._complete(unit, after)
        elif batch.status is not None and after.status is not batch.status:
            text = f"batch {batch.id}: {batch.status} is {after.status or 'not settled'} now"
            ledger.tell(unit, EventName.BATCH_CHANGED, text, fields=_fields(after), level=Level.WARNING)

    def _legs(self, unit: Unit, batch: Batch) -> list[Leg]:
        legs: list[Leg] = []
        while (leg := unit.legs.get(f"{batch.id}/{len(legs)}")) is not None:
            legs.append(leg)
        return legs

    def _after(self, unit: Unit, batch: Batch, found: Plan) -> Batch:
        completed = batch.completed_at or (unit.now if found.status is not None else None)
        after = replace(batch, is_rolling_back=found.is_rolling_back, status=found.status, completed_at=completed)
        return batch if after == batch else replace(after, updated_at=unit.now)

    def _keep_leg(self, unit: Unit, leg: Leg, status: LegStatus, view: LegView) -> None:
        order = order_of(unit, leg_key(leg))
        unwind = order_of(unit, unwind_key(leg))
        after = replace(
            leg,
            order_id=order.id if order is not None else leg.order_id,
            unwind_order_id=unwind.id if unwind is not None else leg.unwind_order_id,
            status=status,
            filled_qty=view.filled,
            error=view.error,
        )
        if after != leg:
            unit.legs[f"{leg.batch_id}/{leg.number}"] = after

    def _do(self, unit: Unit, batch: Batch, leg: Leg, kind: StepKind) -> None:
        match kind:
            case StepKind.SUBMIT:
                self._submissions.submit(unit, leg_command(batch, leg))
            case StepKind.UNWIND:
                order = order_of(unit, leg_key(leg))
                assert order is not None
                self._submissions.submit(unit, unwind_command(batch, leg, order))
            case StepKind.CANCEL:
                order = order_of(unit, leg_key(leg))
                if order is not None and not order.cancel_requested:
                    self._desk.cancel(unit, order, "Batch rolled back")

    def _complete(self, unit: Unit, batch: Batch) -> None:
        legs = self._legs(unit, batch)
        for leg in legs:
            if leg.status is LegStatus.FAILED:
                _take_out_of_retry(unit, leg)
        level = Level.INFO if batch.status is BatchStatus.SUCCESS else Level.WARNING
        text = f"batch {batch.id}: {batch.status}, " + ", ".join(f"{leg.symbol} {leg.status}" for leg in legs)
        ledger.tell(unit, EventName.BATCH_COMPLETED, text, fields=_fields(batch), level=level)
        order_ids = tuple(leg.order_id for leg in legs if leg.order_id is not None)
        for name in unit.batch_callers.get(batch.id) or ():
            unit.answers.append(Answer(correlation_id=name, outcome=Outcome.DONE, text=batch.id, order_ids=order_ids))
        unit.batch_callers.remove(batch.id)


def _batch(unit: Unit, waiting: WaitingBatch) -> Batch:
    command = waiting.command
    return Batch(
        id=waiting.batch_id,
        account_id=command.account_id,
        user_id=command.user_id,
        rollback_on_failure=command.rollback_on_failure,
        unwind_filled=command.unwind_filled,
        sequential=command.sequential,
        is_rolling_back=False,
        status=None,
        idempotency_key=command.idempotency_key,
        fingerprint=fingerprint(command),
        correlation_id=command.correlation_id,
        created_at=unit.now,
        updated_at=unit.now,
    )


def _take_out_of_retry(unit: Unit, leg: Leg) -> None:
    """A leg that failed is told with its batch; on its own it is never tried again."""
    order = order_of(unit, leg_key(leg))
    if order is not None and order.status is OrderStatus.FAILED:
        reason = f"Batch leg failed: {order.reason}"
        transition = Transition(change=OrderChange.DROPPED, at=unit.now, reason=reason, source="batch")
        ledger.change(unit, order, transition)


def _fields(batch: Batch) -> dict[str, str | None]:
    return {"batch_id": batch.id, "batch_status": batch.status}


def _answers(waiting: WaitingBatch, outcome: Outcome, text: str, figures: dict[str, str] | None = None) -> list[Answer]:
    names = (waiting.command.correlation_id, *waiting.also)
    return [Answer(correlation_id=name, outcome=outcome, text=text, figures=figures or {}) for name in names]


def _answer(command: SubmitBatch, outcome: Outcome, text: str, *, figures: dict[str, str] | None = None) -> Answer:
    return Answer(correlation_id=command.correlation_id, outcome=outcome, text=text, figures=figures or {})
