"""Where a confirmation goes: what the engine is doing with an order, against what the broker says. Data, not ifs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tradebot.domain.lifecycle_ids import DeadLetterReason, IdStatus, IdType
from tradebot.domain.orders import Attempt, AttemptStatus, Order, OrderStatus, Side, Variety


class State(StrEnum):
    """What the engine is doing with an order: derived from its ids, its status and its attempt, never stored."""

    PENDING = "PENDING"
    PENDING_QUEUED = "PENDING-QUEUED"
    QUEUED = "QUEUED"
    MODIFY = "MODIFY"
    PENDING_CANCEL = "PENDING-CANCEL"
    CANCELLED = "CANCELLED"
    OPEN = "OPEN"
    STOP_LOSS = "STOPLOSS"
    TAKE_PROFIT = "TAKEPROFIT"
    STOP_LOSS_CANCEL = "STOPLOSS-CANCEL"
    TAKE_PROFIT_CANCEL = "TAKEPROFIT-CANCEL"
    CLOSED = "CLOSED"


class Said(StrEnum):
    """The broker's word in a confirmation."""

    CANCELLED = "CANCELLED"
    PENDING = "PENDING"
    MODIFY = "MODIFY"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"


class Destination(StrEnum):
    CANCEL = "cancel"
    PENDING = "pending"
    OPEN = "open"
    REJECT = "reject"
    STOP_LOSS = "stop-loss"
    TAKE_PROFIT = "take-profit"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table. `states` None: any. `id_type` None: whatever id was named. `was_asked` False: nobody wanted
    it, which is told."""

    states: frozenset[State] | None
    said: frozenset[Said]
    goes_to: Destination
    id_type: IdType | None = None
    was_asked: bool = True

    def matches(self, state: State, said: Said, id_type: IdType) -> bool:
        is_state = self.states is None or state in self.states
        return is_state and said in self.said and self.id_type in (None, id_type)


def _route(states: tuple[State, ...] | None, said: tuple[Said, ...], goes_to: Destination, **more: object) -> Route:
    found = None if states is None else frozenset(states)
    return Route(states=found, said=frozenset(said), goes_to=goes_to, **more)  # type: ignore[arg-type]


_S, _B, _D = State, Said, Destination

ROUTES: tuple[Route, ...] = (
    _route((_S.PENDING_CANCEL,), (_B.CANCELLED, _B.PENDING, _B.MODIFY), _D.CANCEL),
    _route(None, (_B.CANCELLED,), _D.PENDING, id_type=IdType.MODIFY),
    _route(
        (
            _S.STOP_LOSS_CANCEL,
            _S.TAKE_PROFIT_CANCEL,
            _S.MODIFY,
            _S.PENDING,
            _S.CANCELLED,
            _S.PENDING_QUEUED,
        ),
        (_B.CANCELLED,),
        _D.CANCEL,
    ),
    _route((_S.OPEN, _S.QUEUED), (_B.EXECUTED,), _D.OPEN),
    _route((_S.PENDING, _S.PENDING_QUEUED, _S.MODIFY, _S.PENDING_CANCEL), (_B.EXECUTED,), _D.OPEN),
    _route((_S.PENDING, _S.PENDING_QUEUED, _S.MODIFY), (_B.PENDING, _B.MODIFY), _D.PENDING),
    _route((_S.STOP_LOSS, _S.TAKE_PROFIT, _S.OPEN), (_B.CANCELLED,), _D.CANCEL, was_asked=False),
    _route(None, (_B.REJECTED,), _D.REJECT),
    _route((_S.STOP_LOSS,), (_B.PENDING,), _D.STOP_LOSS),
    _route((_S.TAKE_PROFIT,), (_B.PENDING,), _D.TAKE_PROFIT),
    _route(
        (_S.STOP_LOSS, _S.TAKE_PROFIT, _S.STOP_LOSS_CANCEL, _S.TAKE_PROFIT_CANCEL, _S.CLOSED),
        (_B.EXECUTED,),
        _D.CLOSE,
    ),
)
"""The first row that matches wins; where none does, the confirmation is a dead letter."""


def route(state: State, said: Said, id_type: IdType) -> Route | DeadLetterReason:
    """Where a confirmation about an id of this type goes while the engine is in this state."""
    for row in ROUTES:
        if row.matches(state, said, id_type):
            return row
    if said is Said.CANCELLED:
        return DeadLetterReason.UNMAPPED_CANCEL_STATE
    return DeadLetterReason.UNMAPPED_ROUTING_STATE


def derived_state(
    order: Order, attempt: Attempt | None, ids: Mapping[IdType, IdStatus], *, is_being_modified: bool = False
) -> State:
    """What the engine is doing with the order. `ids` are the statuses of the newest id of each type."""
    if order.side is Side.SELL and order.position_id is not None and order.status is OrderStatus.PENDING:
        return _of_exit(order)
    match order.status:
        case OrderStatus.CANCELLED | OrderStatus.FAILED:
            return State.CANCELLED
        case OrderStatus.PENDING:
            return _while_pending(order, attempt, is_being_modified=is_being_modified)
        case OrderStatus.ONGOING:
            return _while_open(ids)
        case OrderStatus.CLOSED:
            return State.CLOSED


_RESTING = "profit_target"


def _of_exit(order: Order) -> State:
    """A sell of a position stands for what it does to it: a target, a stop, or a close that somebody wants."""
    rule = order.metadata.get("rule")
    if rule is None:
        return State.CLOSED
    if rule == _RESTING:
        return State.TAKE_PROFIT_CANCEL if order.cancel_requested else State.TAKE_PROFIT
    return State.STOP_LOSS_CANCEL if order.cancel_requested else State.STOP_LOSS


def _while_pending(order: Order, attempt: Attempt | None, *, is_being_modified: bool) -> State:
    if order.cancel_requested:
        return State.PENDING_CANCEL
    if is_being_modified:
        return State.MODIFY
    is_acknowledged = attempt is not None and attempt.broker_order_id is not None
    if is_acknowledged and attempt is not None and attempt.status is not AttemptStatus.UNKNOWN:
        return State.PENDING
    return State.QUEUED if order.variety is Variety.REGULAR else State.PENDING_QUEUED


_OPEN_BY_ID: tuple[tuple[IdType, State], ...] = (
    (IdType.CLOSE, State.CLOSED),
    (IdType.STOP_LOSS_CANCEL, State.STOP_LOSS_CANCEL),
    (IdType.TAKE_PROFIT_CANCEL, State.TAKE_PROFIT_CANCEL),
    (IdType.STOP_LOSS, State.STOP_LOSS),
    (IdType.TAKE_PROFIT, State.TAKE_PROFIT),
)


def _while_open(ids: Mapping[IdType, IdStatus]) -> State:
    for id_type, state in _OPEN_BY_ID:
        if ids.get(id_type) is IdStatus.ACTIVE:
            return state
    return State.OPEN
