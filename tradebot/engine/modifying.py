"""Changes of an order that stands: another limit price or quantity, judged like a new order where it takes on more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tradebot.domain import guards
from tradebot.domain.events import EventName, Level
from tradebot.domain.guards import Entry, Reason, Refusal
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.lifecycle_ids import IdType
from tradebot.domain.orders import Attempt, Order, OrderStatus, Side
from tradebot.domain.reconcile import cancel_variety
from tradebot.engine import identities, ledger, verdicts
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import ModifyOrder
from tradebot.engine.desk import Desk
from tradebot.engine.intents import PRICE_MAX, QUANTITY_MAX
from tradebot.engine.judging import Judging, Picture, picture_of
from tradebot.engine.memory import Memory
from tradebot.engine.messages import CallFailed, MarketSeen
from tradebot.engine.order_rows import intent_of, is_entry
from tradebot.engine.pricing import on_tick
from tradebot.engine.setting import Setting
from tradebot.engine.sums import left_of
from tradebot.engine.unit import Unit
from tradebot.engine.waiting import WaitingChange

WAITING_MAX = 1_000
"""How many changes may wait for the market's picture at one time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What is wanted of an order that stands, and the order itself."""

    order: Order
    attempt: Attempt
    price: Decimal
    quantity: int

    @property
    def takes_more(self) -> bool:
        before = (self.attempt.price or Decimal(0)) * self.attempt.quantity
        return self.quantity > self.attempt.quantity or self.price * self.quantity > before


class Modifying:
    """What waits for a picture of the market is not durable, and need not be: nobody was answered yet."""

    def __init__(self, setting: Setting, desk: Desk, judging: Judging) -> None:
        self._setting = setting
        self._desk = desk
        self._judging = judging

    def submit(self, unit: Unit, command: ModifyOrder) -> None:
        """Answer at once what is known or wrong; else wait for the market's picture."""
        order = identities.order_named(unit, command.order_id)
        if order is None:
            unit.answers.append(_answer(command, Outcome.UNKNOWN_ID, f"no order {command.order_id}"))
        elif wrong := _problems(command):
            text = "; ".join(f"{field}: {problem}" for field, problem in wrong.items())
            unit.answers.append(_answer(command, Outcome.INVALID, text, wrong))
        elif (refused := self._not_now(unit, order, command)) is not None:
            unit.answers.append(refused)
        elif len(unit.waiting_changes.names()) >= WAITING_MAX:
            unit.answers.append(_answer(command, Outcome.CONFLICT, f"{WAITING_MAX} changes wait already"))
        else:
            waiting = WaitingChange(command=command, order_id=order.id, symbol=order.symbol)
            unit.waiting_changes[waiting.name] = waiting

    def waiting_for_market(self, memory: Memory) -> tuple[set[str], list[str]]:
        """Symbols and names of those who wait for a picture."""
        waiting = memory.waiting_changes.values()
        return {entry.symbol for entry in waiting}, [entry.name for entry in waiting]

    def market_seen(self, unit: Unit, seen: MarketSeen) -> None:
        """Judge everybody for whom this look was made; one that fails never stops the others."""
        picture = picture_of(unit, seen)
        for name in seen.names:
            waiting = unit.waiting_changes.get(name)
            if waiting is None:
                continue
            unit.waiting_changes.remove(name)
            part = Unit(unit.memory, unit.now, unit)
            try:
                part.answers.append(self._decide(part, waiting, picture))
            except Exception as fault:  # a defect in one change must not stop the others
                text = f"{type(fault).__name__}: {fault}"
                ledger.tell(unit, EventName.INTERNAL_FAULT, f"{name}: {text}", level=Level.CRITICAL)
                unit.answers.append(_answer(waiting.command, Outcome.FAULT, text))
            else:
                part.merge()

    def look_failed(self, unit: Unit, message: CallFailed) -> None:
        """No picture: nothing is changed without one."""
        for name in message.names:
            waiting = unit.waiting_changes.get(name)
            if waiting is not None:
                unit.waiting_changes.remove(name)
                text = f"{Reason.NO_MARKET_DATA}: {message.text}"
                unit.answers.append(_answer(waiting.command, Outcome.BLOCKED, text))

    def unsaved(self, memory: Memory, names: Sequence[str], cause: str) -> list[Answer]:
        """What was decided could not be saved, so nothing of it was done."""
        answers = []
        for name in names:
            waiting = memory.waiting_changes.get(name)
            if waiting is not None:
                memory.waiting_changes.drop(name)
                answers.append(_answer(waiting.command, Outcome.UNSAVED, cause))
        return answers

    def _not_now(self, unit: Unit, order: Order, command: ModifyOrder) -> Answer | None:
        """Why the order cannot be changed as things are, whatever is wanted."""
        attempt = unit.attempts.get(order.coid)
        if order.status is not OrderStatus.PENDING or attempt is None or attempt.broker_order_id is None:
            text = f"order {order.id} is {order.status} and does not stand at the broker"
            return _answer(command, Outcome.CONFLICT, text)
        if order.cancel_requested:
            return _answer(command, Outcome.CONFLICT, f"order {order.id} is being cancelled")
        if unit.modifies.get(order.coid):
            return _answer(command, Outcome.CONFLICT, "a change of the order is under way")
        if self._setting.policy.flags.observe_only:
            return _answer(command, Outcome.BLOCKED, "OBSERVE_ONLY is on: nothing is sent")
        if unit.latch is not None and is_entry(order):
            return _answer(command, Outcome.BLOCKED, Reason.KILL_SWITCH)
        return None

    def _decide(self, unit: Unit, waiting: WaitingChange, picture: Picture) -> Answer:
        """What stood a moment ago may have ended since: everything is looked at again."""
        command, order = waiting.command, unit.orders[waiting.order_id]
        terms = picture.terms.get(order.symbol)
        if (refused := self._not_now(unit, order, command)) is not None:
            return refused
        if terms is None:
            return _answer(command, Outcome.BLOCKED, Reason.NO_MARKET_DATA, {"symbol": order.symbol})
        change = _change(unit, order, command, terms)
        if wrong := _misfits(change, terms):
            text = "; ".join(f"{field}: {problem}" for field, problem in wrong.items())
            return _answer(command, Outcome.INVALID, text, wrong)
        if (change.price, change.quantity) == (change.attempt.price, change.attempt.quantity):
            text = f"order {order.id} has this price and this quantity already"
            return _answer(command, Outcome.CONFLICT, text)
        if refusals := self._refusals(unit, change, picture):
            for refusal in refusals:
                verdicts.tell_block(unit, order.symbol, command.correlation_id, refusal)
            text = ", ".join(refusal.reason for refusal in refusals)
            return _answer(command, Outcome.BLOCKED, text, verdicts.figures_of(refusals))
        self._desk.modify(unit, order, change.price, change.quantity, is_wish=True)
        named = identities.newest(unit, order.id, IdType.MODIFY)
        name = named.lifecycle_id if named is not None else ""
        return replace(_answer(command, Outcome.ASKED, name), order_ids=(order.id,))

    def _refusals(self, unit: Unit, change: _Change, picture: Picture) -> list[Refusal]:
        """The instrument's limits of the whole order; of an entry that takes on more, all that a new one meets, for
        what is not filled. The money that the broker keeps for the order counts as free."""
        order = change.order
        whole = Entry(symbol=order.symbol, side=order.side, quantity=change.quantity, price=change.price)
        found = guards.judge_terms(whole, picture.terms[order.symbol])
        if not is_entry(order):
            return [*found, *_more_than_held(unit, change)]
        if not change.takes_more or order.side is Side.SELL:
            return found
        allowed = self._setting.policy.risk.order_notional_max
        if whole.notional > allowed:
            figures = {"found": whole.notional, "allowed": allowed}
            found.append(Refusal("risk", Reason.ORDER_NOTIONAL, figures))
        kept = left_of(order) if order.placed_at is not None else Decimal(0)
        money = replace(picture.money, cash=picture.money.cash + kept)
        released = cancel_variety(change.attempt, self._desk.is_released(change.attempt, unit.now))
        intent = replace(
            intent_of(order),
            price=change.price,
            quantity=change.quantity - change.attempt.filled_quantity,
            variety=released,
        )
        judged = self._judging.entry(unit, intent, replace(picture, money=money), order)
        known = {refusal.reason for refusal in found}
        return [*found, *(refusal for refusal in judged if refusal.reason not in known)]


def _problems(command: ModifyOrder) -> dict[str, str]:
    """What is wrong with each field whatever the order is."""
    price, quantity = command.price, command.quantity
    if price is None and quantity is None:
        return {"price": "a price or a quantity is needed"}
    found = {}
    if price is not None and not (price.is_finite() and 0 < price <= PRICE_MAX):
        found["price"] = f"{price} is not above 0 and at most {PRICE_MAX}"
    if quantity is not None and not 0 < quantity <= QUANTITY_MAX:
        found["quantity"] = f"{quantity} is not 1 to {QUANTITY_MAX}"
    return found


def _change(unit: Unit, order: Order, command: ModifyOrder, terms: InstrumentTerms) -> _Change:
    attempt = unit.attempts[order.coid]
    assert attempt.price is not None  # nothing leaves without a limit
    price = attempt.price if command.price is None else on_tick(order.side, command.price, terms)
    quantity = attempt.quantity if command.quantity is None else command.quantity
    return _Change(order=order, attempt=attempt, price=price, quantity=quantity)


def _misfits(change: _Change, terms: InstrumentTerms) -> dict[str, str]:
    """What does not fit this order: each with what was wanted and what it is held against."""
    found = {}
    quantity, filled = change.quantity, change.attempt.filled_quantity
    if quantity % terms.lot_size:
        found["quantity"] = f"{quantity} is no multiple of the lot of {terms.lot_size}"
    elif quantity <= filled:
        found["quantity"] = f"{quantity} is not above the {filled} that are filled; cancel what is left instead"
    trigger = change.order.trigger_price
    if trigger is not None:
        is_buy = change.order.side is Side.BUY
        if change.price < trigger if is_buy else change.price > trigger:
            where = "below" if is_buy else "above"
            found["price"] = f"{change.price} is {where} the trigger of {trigger}"
    return found


def _more_than_held(unit: Unit, change: _Change) -> list[Refusal]:
    """A person's sell is never cut in silence."""
    position_id = change.order.position_id
    position = unit.positions.get(position_id) if position_id is not None else None
    wanted = change.quantity - change.attempt.filled_quantity
    if position is None or wanted <= position.quantity:
        return []
    return [Refusal("state", Reason.NOT_HELD, {"found": position.quantity, "wanted": wanted})]


def _answer(command: ModifyOrder, outcome: Outcome, text: str, figures: Mapping[str, str] | None = None) -> Answer:
    return Answer(correlation_id=command.correlation_id, outcome=outcome, text=text, figures=figures or {})
