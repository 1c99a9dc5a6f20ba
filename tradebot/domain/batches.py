"""Batches: orders that are to be placed together, what has become of each leg, and what is to be done next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.orders import Coid, OrderId, OrderType, Product, Side, Validity

LEGS_MAX = 10


class BatchStatus(StrEnum):
    """`rolled_back` is said only when no leg is open or filled."""

    SUCCESS = "success"
    ROLLED_BACK = "rolled_back"
    PARTIAL = "partial"
    FAILED = "failed"


class LegStatus(StrEnum):
    """`unknown` until the broker's book has shown what became of it."""

    PLACED = "placed"
    FILLED = "filled"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    UNWOUND = "unwound"
    ROLLBACK_FAILED = "rollback_failed"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`completed_at` is the first instant at which every leg was settled; what happens later still corrects it."""

    id: str
    account_id: str
    user_id: str
    rollback_on_failure: bool
    unwind_filled: bool
    sequential: bool
    is_rolling_back: bool
    status: BatchStatus | None
    idempotency_key: str | None
    fingerprint: str
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One order of a batch, `number` from 0 on; `coid` is derived from both, so it is known before anything is sent."""

    batch_id: str
    number: int
    account_id: str
    symbol: str
    exchange: str
    side: Side
    quantity: int
    order_type: OrderType
    price: Decimal | None
    trigger_price: Decimal | None
    product: Product
    validity: Validity
    disclosed_quantity: int
    tag: str
    coid: Coid
    order_id: OrderId | None = None
    unwind_order_id: OrderId | None = None
    status: LegStatus = LegStatus.NOT_SENT
    filled_qty: int = 0
    error: str = ""


class Fate(StrEnum):
    """What is known of one order: not given yet, refused by us, in doubt, standing in the broker's book, filled, ended
    with a part filled, ended with nothing filled, refused by the broker."""

    WAITING = "waiting"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    STANDING = "standing"
    FILLED = "filled"
    PARTLY = "partly"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegView:
    """A leg as its orders show it: `unwind` is the fate of the order that takes it back, None without one."""

    number: int
    fate: Fate
    filled: int = 0
    error: str = ""
    unwind: Fate | None = None
    unwound: int = 0


class StepKind(StrEnum):
    SUBMIT = "submit"
    CANCEL = "cancel"
    UNWIND = "unwind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    kind: StepKind
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is true of the batch now, and what is to be done; `status` is None while something is under way."""

    is_rolling_back: bool
    status: BatchStatus | None
    legs: tuple[LegStatus, ...]
    steps: tuple[Step, ...] = ()


_BAD = frozenset({Fate.REFUSED, Fate.FAILED, Fate.GONE, Fate.PARTLY})
_DONE_GOOD = frozenset({Fate.STANDING, Fate.FILLED})
_UNDER_WAY = frozenset({Fate.WAITING, Fate.UNCERTAIN, Fate.STANDING})
_TAKEN_BACK = frozenset({LegStatus.ROLLED_BACK, LegStatus.UNWOUND})
_CLEAN = _TAKEN_BACK | {LegStatus.FAILED, LegStatus.NOT_SENT}
_WHILE_PLACING = {
    Fate.WAITING: LegStatus.NOT_SENT,
    Fate.REFUSED: LegStatus.FAILED,
    Fate.UNCERTAIN: LegStatus.UNKNOWN,
    Fate.STANDING: LegStatus.PLACED,
    Fate.FILLED: LegStatus.FILLED,
    Fate.PARTLY: LegStatus.FILLED,
    Fate.GONE: LegStatus.FAILED,
    Fate.FAILED: LegStatus.FAILED,
}


def plan(batch: Batch, views: Sequence[LegView]) -> Plan:
    """What follows from what is known of the legs. Asked again with the same views, it says the same.

    A failure before the batch was complete starts the rollback, where one is wanted; a leg that somebody cancels
    later changes what is said, and takes nothing back.
    """
    has_failed = any(view.fate in _BAD for view in views)
    starts = has_failed and batch.rollback_on_failure and batch.completed_at is None
    if batch.is_rolling_back or starts:
        return _roll_back(batch, views)
    return _place(batch, views, has_failed=has_failed)


def _place(batch: Batch, views: Sequence[LegView], *, has_failed: bool) -> Plan:
    following = _next_in_sequence(views) if batch.sequential else None
    is_open = following is not None or any(view.fate is Fate.UNCERTAIN for view in views)
    return Plan(
        is_rolling_back=False,
        status=None if is_open else _status_of_placing(views, has_failed=has_failed),
        legs=tuple(_WHILE_PLACING[view.fate] for view in views),
        steps=() if following is None else (Step(kind=StepKind.SUBMIT, number=following),),
    )


def _next_in_sequence(views: Sequence[LegView]) -> int | None:
    """The first leg that was not given yet, once all before it stand or are filled."""
    for view in views:
        if view.fate is Fate.WAITING:
            return view.number
        if view.fate not in _DONE_GOOD:
            return None
    return None


def _status_of_placing(views: Sequence[LegView], *, has_failed: bool) -> BatchStatus:
    if not has_failed:
        return BatchStatus.SUCCESS
    is_something = any(view.fate in _DONE_GOOD or view.filled for view in views)
    return BatchStatus.PARTIAL if is_something else BatchStatus.FAILED


def _roll_back(batch: Batch, views: Sequence[LegView]) -> Plan:
    legs = tuple(_while_rolling_back(batch, view) for view in views)
    steps = tuple(step for view in views if (step := _step_back(batch, view)) is not None)
    is_open = any(_is_under_way(batch, view) for view in views)
    return Plan(is_rolling_back=True, status=None if is_open else _status_of_rollback(legs), legs=legs, steps=steps)


def _while_rolling_back(batch: Batch, view: LegView) -> LegStatus:
    if view.filled and view.fate not in (Fate.STANDING, Fate.UNCERTAIN):
        return _of_filled(batch, view)
    return LegStatus.ROLLED_BACK if view.fate is Fate.GONE else _WHILE_PLACING[view.fate]


def _of_filled(batch: Batch, view: LegView) -> LegStatus:
    if not batch.unwind_filled or view.unwind is None or view.unwind in _UNDER_WAY:
        return LegStatus.FILLED
    return LegStatus.UNWOUND if view.unwound >= view.filled else LegStatus.ROLLBACK_FAILED


def _step_back(batch: Batch, view: LegView) -> Step | None:
    if view.fate in (Fate.STANDING, Fate.UNCERTAIN):
        return Step(kind=StepKind.CANCEL, number=view.number)
    if view.filled and batch.unwind_filled and view.unwind is None:
        return Step(kind=StepKind.UNWIND, number=view.number)
    return None


def _is_under_way(batch: Batch, view: LegView) -> bool:
    if view.fate in (Fate.STANDING, Fate.UNCERTAIN):
        return True
    waits = view.unwind is None or view.unwind in _UNDER_WAY
    return bool(view.filled) and batch.unwind_filled and waits


def _status_of_rollback(legs: Sequence[LegStatus]) -> BatchStatus:
    if not set(legs) <= _CLEAN:
        return BatchStatus.PARTIAL
    return BatchStatus.ROLLED_BACK if _TAKEN_BACK & set(legs) else BatchStatus.FAILED
