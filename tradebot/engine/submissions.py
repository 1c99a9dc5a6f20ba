"""Submissions: the one road of an order that somebody gives, from the wish to a durable row and its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.events import EventName, Level
from tradebot.domain.guards import Reason, Refusal
from tradebot.domain.orders import (
    Coid,
    DecisionId,
    Order,
    OrderId,
    OrderIntent,
)
from tradebot.engine import ledger, verdicts
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import SubmitOrder
from tradebot.engine.deferring import Deferring
from tradebot.engine.desk import Desk
from tradebot.engine.entry_slippage import with_reference
from tradebot.engine.intents import Intents, NotNow, problems
from tradebot.engine.judging import Picture, picture_of
from tradebot.engine.memory import Memory, batch_order_key
from tradebot.engine.messages import CallFailed, MarketSeen
from tradebot.engine.pricing import next_session
from tradebot.engine.setting import Setting
from tradebot.engine.slots import Submission
from tradebot.engine.unit import Unit
from tradebot.engine.waiting import Waiting, fingerprint
from tradebot.ports import OrderStore

WAITING_MAX = 1_000
"""How many submissions may wait for the market's picture at one time."""


class Submissions:
    """Orders of API, batches and the desk: judged like signals, answered once their row is durable.

    All that wait share one look at the market; while it is under way others gather for the next one.
    """

    def __init__(self, setting: Setting, desk: Desk, intents: Intents, deferring: Deferring, store: OrderStore) -> None:
        self._setting = setting
        self._desk = desk
        self._intents = intents
        self._deferring = deferring
        self._store = store

    def submit(self, unit: Unit, command: SubmitOrder) -> None:
        """Answer at once what is known, wrong or too much; else wait for the market's picture."""
        waiting = Waiting(command=command, decision_id=self._decision_of(unit, command))
        same = unit.waiting.get(waiting.name)
        if same is not None:
            self._join(unit, same, command)
        elif wrong := problems(command, self._setting):
            text = "; ".join(f"{field}: {problem}" for field, problem in wrong.items())
            self._end(unit, waiting, Outcome.INVALID, text, None, wrong)
        elif (order_id := self._known(unit, waiting)) is not None:
            self._repeat(unit, waiting, order_id)
        elif len(unit.waiting.names()) >= WAITING_MAX:
            self._end(unit, waiting, Outcome.CONFLICT, f"{WAITING_MAX} orders wait already")
        else:
            unit.waiting[waiting.name] = waiting

    def waiting_for_market(self, memory: Memory) -> tuple[set[str], list[str]]:
        """Symbols and names of those who wait for a picture."""
        waiting = memory.waiting.values()
        return {entry.command.symbol for entry in waiting}, [entry.name for entry in waiting]

    def market_seen(self, unit: Unit, seen: MarketSeen) -> None:
        """Judge and place everybody for whom this look was made; one broken order never stops the others."""
        picture = picture_of(unit, seen)
        for name in seen.names:
            waiting = unit.waiting.get(name)
            if waiting is None:
                continue
            unit.waiting.remove(name)
            part = Unit(unit.memory, unit.now, unit)
            try:
                self._decide(part, waiting, picture)
            except Exception as fault:  # a defect in one order must not stop the others
                text = f"{type(fault).__name__}: {fault}"
                ledger.tell(unit, EventName.INTERNAL_FAULT, f"{name}: {text}", level=Level.CRITICAL)
                self._end(unit, waiting, Outcome.FAULT, text)
            else:
                part.merge()

    def look_failed(self, unit: Unit, message: CallFailed) -> None:
        """No picture: nobody is placed without one."""
        for name in message.names:
            waiting = unit.waiting.get(name)
            if waiting is not None:
                unit.waiting.remove(name)
                figures = {"symbol": waiting.command.symbol, "missing": f"{message.error}: {message.text}"}
                self._refuse(unit, waiting, [Refusal("quote", Reason.NO_MARKET_DATA, figures)])

    def unsaved(self, memory: Memory, names: Sequence[str], cause: str) -> list[Answer]:
        """What was decided could not be saved, so nothing of it was done; a leg goes on waiting with its batch."""
        answers: list[Answer] = []
        for name in names:
            waiting = memory.waiting.get(name)
            if waiting is not None and waiting.command.batch_id is None:
                memory.waiting.drop(name)
                answers += _answers(waiting, Outcome.UNSAVED, cause)
        return answers

    def _decision_of(self, unit: Unit, command: SubmitOrder) -> DecisionId:
        """Of a key, the same decision for ever; of an order without one, a new one."""
        if command.decision_id is not None:
            return command.decision_id
        if command.idempotency_key is None:
            return DecisionId(f"order:{self._setting.ids.next(unit.now)}")
        text = "\x1f".join((command.account_id, command.user_id, command.idempotency_key))
        return DecisionId(f"key:{hashlib.sha256(text.encode()).hexdigest()[:40]}")

    def _join(self, unit: Unit, same: Waiting, command: SubmitOrder) -> None:
        if fingerprint(same.command) != fingerprint(command):
            unit.answers.append(_answer(command.correlation_id, Outcome.CONFLICT, _OTHER_BODY))
        elif command.correlation_id not in (same.command.correlation_id, *same.also):
            unit.waiting[same.name] = replace(same, also=(*same.also, command.correlation_id))

    def _known(self, unit: Unit, waiting: Waiting) -> OrderId | None:
        """The order that this intent has become already, however it has ended since."""
        command = waiting.command
        if command.idempotency_key is None and command.decision_id is None:
            return None
        key = _key(waiting)
        first = derive(key, 1)
        if (attempt := unit.attempts.get(first)) is not None:
            return attempt.order_id
        if row_id := unit.unsent.get(first):
            return row_id
        entries = self._setting.registry.attempts_of(key)
        if entries and not (entries[-1].status.is_open and entries[-1].broker_order_id is None):
            return OrderId(entries[-1].metadata.get("order_id", ""))
        return None if entries else self._store.order_of(first)

    def _repeat(self, unit: Unit, waiting: Waiting, order_id: OrderId) -> None:
        order = unit.orders.get(order_id)
        kept = order.metadata.get("fingerprint") if order is not None else None
        if kept is not None and kept != fingerprint(waiting.command):
            self._end(unit, waiting, Outcome.CONFLICT, _OTHER_BODY)
        else:
            self._end(unit, waiting, Outcome.DONE, "the same order as before", order_id)

    def _decide(self, unit: Unit, waiting: Waiting, picture: Picture) -> None:
        made = self._intents.make(unit, waiting.command, waiting.decision_id, picture)
        match made:
            case Refusal():
                self._refuse(unit, waiting, [made])
            case NotNow():
                self._end(unit, waiting, Outcome.CONFLICT, made)
            case str():
                self._end(unit, waiting, Outcome.INVALID, made)
            case OrderIntent():
                self._judge(unit, waiting, made, picture)

    def _judge(self, unit: Unit, waiting: Waiting, intent: OrderIntent, picture: Picture) -> None:
        slot = self._desk.slot(unit, intent)
        if slot.verdict is not Submission.SENT:
            self._desk.stop(unit, intent, slot)
            self._end(unit, waiting, Outcome.CONFLICT, f"{slot.verdict}: stands under {slot.coid}")
            return
        if refusals := self._intents.judge(unit, intent, picture):
            self._refused(unit, waiting, intent, slot.coid, refusals)
            return
        if self._deferring.wants(intent):
            held = self._deferring.hold(unit, intent, slot)
            self._end(unit, waiting, Outcome.DONE, held.reason, held.id)
            return
        verdict = self._desk.place(unit, with_reference(intent, picture.quotes), slot)
        if verdict is not Submission.SENT:
            verdicts.decide(unit, verdicts.wish_of(intent), verdict)
            self._end(unit, waiting, Outcome.BLOCKED, "OBSERVE_ONLY is on: nothing is sent")
            return
        order = unit.orders[unit.attempts[slot.coid].order_id]
        verdicts.decide(unit, verdicts.wish_of(intent), Submission.SENT, order_id=order.id)
        self._end(unit, waiting, Outcome.DONE, order.reason, order.id)

    def _refused(
        self, unit: Unit, waiting: Waiting, intent: OrderIntent, coid: Coid, refusals: Sequence[Refusal]
    ) -> None:
        is_leg = waiting.command.batch_id is not None
        if not is_leg and all(refusal.reason in verdicts.FAILS_WITH_ROW for refusal in refusals):
            order = verdicts.fail(unit, intent, coid, refusals, self._setting.ids)
            self._block(unit, waiting, refusals, order)
        else:
            verdicts.block(unit, verdicts.wish_of(intent), refusals)
            self._block(unit, waiting, refusals, None)

    def _refuse(self, unit: Unit, waiting: Waiting, refusals: Sequence[Refusal]) -> None:
        """Refused before there was an intent: the decision is kept all the same."""
        command = waiting.command
        session = next_session(self._setting, unit.now)
        wish = verdicts.Wish(
            id=waiting.decision_id,
            account_id=command.account_id,
            symbol=command.symbol,
            side=command.side,
            trading_day=session[0].day if session is not None else unit.now.date(),
            correlation_id=command.correlation_id,
        )
        verdicts.block(unit, wish, refusals)
        self._block(unit, waiting, refusals, None)

    def _block(self, unit: Unit, waiting: Waiting, refusals: Sequence[Refusal], order: Order | None) -> None:
        text = ", ".join(refusal.reason for refusal in refusals)
        figures = verdicts.figures_of(refusals)
        self._end(unit, waiting, Outcome.BLOCKED, text, order.id if order is not None else None, figures)

    def _end(
        self,
        unit: Unit,
        waiting: Waiting,
        outcome: Outcome,
        text: str,
        order_id: OrderId | None = None,
        figures: dict[str, str] | None = None,
    ) -> None:
        unit.answers += _answers(waiting, outcome, text, order_id, figures)
        if waiting.command.batch_id is not None and outcome is not Outcome.DONE:
            unit.refused[batch_order_key(waiting.command.batch_id, waiting.command.leg, waiting.command.side)] = text


_OTHER_BODY = "the same idempotency key was given with another order"


def _key(waiting: Waiting) -> IntentKey:
    command = waiting.command
    return IntentKey(command.account_id, waiting.decision_id, command.leg, command.side)


def _answers(
    waiting: Waiting,
    outcome: Outcome,
    text: str,
    order_id: OrderId | None = None,
    figures: dict[str, str] | None = None,
) -> list[Answer]:
    names = (waiting.command.correlation_id, *waiting.also)
    return [_answer(name, outcome, text, order_id, figures) for name in names]


def _answer(
    correlation_id: str,
    outcome: Outcome,
    text: str,
    order_id: OrderId | None = None,
    figures: dict[str, str] | None = None,
) -> Answer:
    return Answer(
        correlation_id=correlation_id,
        outcome=outcome,
        text=text,
        order_ids=(order_id,) if order_id is not None else (),
        figures=figures or {},
    )
