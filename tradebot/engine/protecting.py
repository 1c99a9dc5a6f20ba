"""Protective orders: stop-loss and take-profit of an open order, and its close."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tradebot.domain.exits import ExitRule
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import Order, OrderStatus, Side
from tradebot.domain.positions import EXIT_WANTED, Position
from tradebot.domain.protection import ID_TYPES, Protection, protective_price
from tradebot.engine import identities
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import AddProtection, CancelProtection, CloseOrder
from tradebot.engine.desk import Desk
from tradebot.engine.messages import Job
from tradebot.engine.questions import buys_of, sells_of
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit

Wish = AddProtection | CancelProtection | CloseOrder
PRICE_MAX = Decimal(1_000_000)


class Protecting:
    """What is wanted stands in the position; the next cycle, which is now, makes its one sell stand right."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk

    def handle(self, unit: Unit, command: Wish) -> Answer:
        order = identities.order_named(unit, command.order_id)
        if order is None:
            return _answer(command, Outcome.UNKNOWN_ID, f"no order {command.order_id}")
        match command:
            case AddProtection():
                return self._add(unit, order, command)
            case CancelProtection():
                return self._cancel(unit, order, command)
            case CloseOrder():
                return self._close(unit, order, command)

    def _add(self, unit: Unit, order: Order, command: AddProtection) -> Answer:
        position = _position_of(unit, order)
        if position is None:
            return _not_open(command, order)
        if (problem := _problem(position, command)) is not None:
            return _answer(command, Outcome.INVALID, problem)
        id_type, _ = ID_TYPES[command.protection]
        name = identities.make(unit, self._setting.ids, order.id, id_type, f"at Rs {command.price}")
        wanted = {str(command.protection): str(command.price)}
        if command.protection is Protection.TAKE_PROFIT:
            wanted["target"] = str(command.price)
        self._keep(unit, position, {**position.metadata, **wanted})
        self._raise_resting(unit, position, command)
        return _answer(command, Outcome.DONE, name, order)

    def _raise_resting(self, unit: Unit, position: Position, command: AddProtection) -> None:
        """A take-profit above the one that rests: the cycle only ever moves a sell down."""
        if command.protection is not Protection.TAKE_PROFIT or position.exit_rule is not None:
            return
        resting = _resting(unit, position, Protection.TAKE_PROFIT)
        if resting is not None and resting.price is not None and command.price > resting.price:
            self._desk.modify(unit, resting, command.price)

    def _cancel(self, unit: Unit, order: Order, command: CancelProtection) -> Answer:
        id_type, cancel_type = ID_TYPES[command.protection]
        position = _position_of(unit, order)
        if position is None:
            return _not_open(command, order)
        if identities.active(unit, order.id, id_type) is None:
            return _answer(command, Outcome.CONFLICT, f"order {order.id} has no {command.protection}")
        name = identities.make(unit, self._setting.ids, order.id, cancel_type)
        gone = {command.protection, "target"} if command.protection is Protection.TAKE_PROFIT else {command.protection}
        self._keep(unit, position, {key: value for key, value in position.metadata.items() if key not in gone})
        resting = _resting(unit, position, command.protection)
        if resting is None:
            identities.settle(unit, order.id, id_type, IdStatus.CANCELLED)
            identities.settle(unit, order.id, cancel_type, IdStatus.EXECUTED)
            return _answer(command, Outcome.DONE, name, order)
        self._desk.cancel(unit, resting, _TAKEN_BACK[command.protection])
        return _answer(command, Outcome.ASKED, name, order)

    def _close(self, unit: Unit, order: Order, command: CloseOrder) -> Answer:
        """The close, and the cancel of each protective order that stands: all with their ids."""
        position = _position_of(unit, order)
        if position is None:
            return _not_open(command, order)
        name = identities.make(unit, self._setting.ids, order.id, IdType.CLOSE, command.reason)
        for id_type, cancel_type in ID_TYPES.values():
            if identities.active(unit, order.id, id_type) is not None:
                identities.make(unit, self._setting.ids, order.id, cancel_type, "closed")
        self._keep(unit, position, {**position.metadata, EXIT_WANTED: command.reason or "closed"})
        return _answer(command, Outcome.ASKED, name, order)

    def _keep(self, unit: Unit, position: Position, metadata: dict[str, str]) -> None:
        unit.positions[position.id] = replace(position, metadata=metadata, updated_at=unit.now)
        unit.timers.append((Job.CYCLE, unit.now))


def sell_ended(unit: Unit, setting: Setting, sell: Order) -> None:
    """What the end of a position's sell means for the ids of the orders that bought it."""
    position = unit.positions.get(sell.position_id) if sell.position_id is not None else None
    if position is None or sell.side is not Side.SELL:
        return
    for buy in buys_of(unit, position.id):
        if not position.is_open:
            _closed(unit, setting, buy, sell)
        elif sell.status is OrderStatus.CANCELLED:
            _taken_back(unit, buy)
    we_cancelled = sell.status is OrderStatus.CANCELLED and sell.cancel_requested
    if position.is_open and (we_cancelled or sell.status is OrderStatus.CLOSED):
        # What it gave way to, the other protection, or the shares that it left do not wait for the next cycle.
        unit.timers.append((Job.CYCLE, unit.now))


def _closed(unit: Unit, setting: Setting, buy: Order, sell: Order) -> None:
    """One of them was executed, the others are cancelled with it, each with the id of its cancellation."""
    executed = _EXECUTED_BY.get(sell.metadata.get("rule", ""), IdType.CLOSE)
    if executed is IdType.CLOSE or identities.active(unit, buy.id, executed) is None:
        identities.settle_active(unit, buy.id, IdType.CLOSE, IdStatus.EXECUTED)
    else:
        identities.settle_active(unit, buy.id, IdType.CLOSE, IdStatus.CANCELLED)
    for id_type, cancel_type in ID_TYPES.values():
        asked = identities.active(unit, buy.id, cancel_type)
        if identities.active(unit, buy.id, id_type) is None:
            continue
        if id_type is executed:
            identities.settle(unit, buy.id, id_type, IdStatus.EXECUTED)
            if asked is not None:
                identities.settle(unit, buy.id, cancel_type, IdStatus.CANCELLED)
            continue
        if asked is None:
            identities.make(unit, setting.ids, buy.id, cancel_type, f"{executed} was executed")
        identities.settle(unit, buy.id, id_type, IdStatus.CANCELLED)
        identities.settle(unit, buy.id, cancel_type, IdStatus.EXECUTED)


def position_gone(unit: Unit, setting: Setting, position: Position) -> None:
    """Its shares have left by somebody else's hand: what was to sell them is cancelled."""
    for buy in buys_of(unit, position.id):
        identities.settle_active(unit, buy.id, IdType.CLOSE, IdStatus.CANCELLED)
        for id_type, cancel_type in ID_TYPES.values():
            if identities.active(unit, buy.id, id_type) is None:
                continue
            if identities.active(unit, buy.id, cancel_type) is None:
                identities.make(unit, setting.ids, buy.id, cancel_type, "nothing is held any more")
            identities.settle(unit, buy.id, id_type, IdStatus.CANCELLED)
            identities.settle(unit, buy.id, cancel_type, IdStatus.EXECUTED)


def close_wanted(unit: Unit, setting: Setting, position: Position, rule: ExitRule) -> None:
    """A rule has decided to sell: a close of each buy, with an id of its own where it is not what a protective id
    stands for, or a close that somebody asked for before."""
    for buy in buys_of(unit, position.id):
        protective = _EXECUTED_BY.get(rule, IdType.CLOSE)
        known = any(identities.active(unit, buy.id, kind) is not None for kind in (IdType.CLOSE, protective))
        if not known:
            identities.make(unit, setting.ids, buy.id, IdType.CLOSE, rule)


def _taken_back(unit: Unit, buy: Order) -> None:
    """The broker has confirmed the cancel of what stood there."""
    for id_type, cancel_type in ID_TYPES.values():
        if identities.active(unit, buy.id, cancel_type) is not None:
            identities.settle(unit, buy.id, id_type, IdStatus.CANCELLED)
            identities.settle(unit, buy.id, cancel_type, IdStatus.EXECUTED)


_TAKEN_BACK = {Protection.STOP_LOSS: "Stop-loss cancelled", Protection.TAKE_PROFIT: "Take-profit cancelled"}
_EXECUTED_BY = {str(ExitRule.PROFIT_TARGET): IdType.TAKE_PROFIT, str(ExitRule.STOP_LOSS): IdType.STOP_LOSS}


def _position_of(unit: Unit, order: Order) -> Position | None:
    """The open position that a buy has opened or added to."""
    if order.side is not Side.BUY or order.status is not OrderStatus.ONGOING or order.position_id is None:
        return None
    position = unit.positions.get(order.position_id)
    return position if position is not None and position.is_open else None


def _resting(unit: Unit, position: Position, protection: Protection) -> Order | None:
    """The sell that stands at the broker for this protection: a limit sell at the target, or a stop order."""
    standing = [order for order in sells_of(unit, position.id) if order.status is OrderStatus.PENDING]
    if protection is Protection.STOP_LOSS:
        return next((order for order in standing if order.trigger_price is not None), None)
    return next((order for order in standing if order.metadata.get("rule") == ExitRule.PROFIT_TARGET), None)


def _problem(position: Position, command: AddProtection) -> str | None:
    if _is_no_price(command.price):
        return f"price: must be above 0 and at most {PRICE_MAX}"
    stop = protective_price(position.metadata, Protection.STOP_LOSS)
    profit = protective_price(position.metadata, Protection.TAKE_PROFIT)
    if command.protection is Protection.STOP_LOSS and profit is not None and command.price >= profit:
        return f"the stop-loss must be below the take-profit of Rs {profit}"
    if command.protection is Protection.TAKE_PROFIT and stop is not None and command.price <= stop:
        return f"the take-profit must be above the stop-loss of Rs {stop}"
    return None


def _is_no_price(price: Decimal) -> bool:
    return not (price.is_finite() and 0 < price <= PRICE_MAX)


def _not_open(command: Wish, order: Order) -> Answer:
    text = f"order {order.id} ({order.side}) is {order.status}: nothing is held by it"
    return _answer(command, Outcome.CONFLICT, text)


def _answer(command: Wish, outcome: Outcome, text: str, order: Order | None = None) -> Answer:
    order_ids = (order.id,) if order is not None else ()
    return Answer(correlation_id=command.correlation_id, outcome=outcome, text=text, order_ids=order_ids)
