"""Lifecycle ids: every id that an order ever had leads to that order, for as long as the order exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tradebot.domain.errors import TradebotError
from tradebot.domain.orders import OrderId


class IdType(StrEnum):
    ORDER = "order_id"
    CLOSE = "close_id"
    CANCEL = "cancel_id"
    MODIFY = "modify_id"
    STOP_LOSS = "stoploss_id"
    TAKE_PROFIT = "takeprofit_id"
    STOP_LOSS_CANCEL = "stoploss_cancel_id"
    TAKE_PROFIT_CANCEL = "takeprofit_cancel_id"


class IdStatus(StrEnum):
    """`cancelled` and `executed` are set when the broker confirms, not when we ask."""

    ACTIVE = "active"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    EXECUTED = "executed"


PREFIXES: Mapping[IdType, str] = {
    IdType.ORDER: "",
    IdType.CLOSE: "CLS",
    IdType.CANCEL: "CXL",
    IdType.MODIFY: "MOD",
    IdType.STOP_LOSS: "SL",
    IdType.TAKE_PROFIT: "TP",
    IdType.STOP_LOSS_CANCEL: "SLC",
    IdType.TAKE_PROFIT_CANCEL: "TPC",
}
"""What our ids begin with, for people alone: the type is read from the table (`SLC` begins with `SL`)."""


def number_of(name: str) -> int | None:
    """The number in an id that we made; None for any other."""
    digits = name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    is_ours = digits.isascii() and digits.isdigit() and name[: len(name) - len(digits)] in PREFIXES.values()
    return int(digits) if is_ours and int(digits) < 1 << 63 else None


class AccountKind(StrEnum):
    """Whether an account's orders reach a broker, or the simulated exchange."""

    LIVE = "live"
    PAPER = "paper"


class IdConflict(TradebotError):
    """An id that belongs to another order, or to another type of this one; nothing was changed."""


class InvalidIdStatus(TradebotError):
    """A status that the id cannot take any more; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleId:
    """One id of one order. At most one of a (order, type) is active: the database sees to that."""

    order_id: OrderId
    id_type: IdType
    lifecycle_id: str
    status: IdStatus = IdStatus.ACTIVE
    replaced_by: str | None = None
    notes: str = ""
    created_at: datetime
    updated_at: datetime


class StatusNote(StrEnum):
    """How a status was taken: as asked, the same as before, worth a warning, or not at all."""

    SET = "set"
    SAME = "same"
    RACE = "race"
    IGNORED = "ignored"


STATUS_TABLE: Mapping[IdStatus, Mapping[IdStatus, StatusNote]] = {
    IdStatus.ACTIVE: {
        IdStatus.ACTIVE: StatusNote.SAME,
        IdStatus.REPLACED: StatusNote.SET,
        IdStatus.CANCELLED: StatusNote.SET,
        IdStatus.EXECUTED: StatusNote.SET,
    },
    IdStatus.REPLACED: {
        IdStatus.REPLACED: StatusNote.SAME,
        IdStatus.CANCELLED: StatusNote.SET,
        IdStatus.EXECUTED: StatusNote.SET,
    },
    IdStatus.CANCELLED: {
        IdStatus.CANCELLED: StatusNote.SAME,
        IdStatus.EXECUTED: StatusNote.RACE,
    },
    IdStatus.EXECUTED: {
        IdStatus.EXECUTED: StatusNote.SAME,
        IdStatus.CANCELLED: StatusNote.IGNORED,
    },
}
"""What becomes of a status that is to be set. A late word about a replaced id is recorded and does not bring it back
to life; executed after cancelled is a race; cancelled after executed is ignored; what is not here is an error."""


def with_status(entry: LifecycleId, status: IdStatus, at: datetime) -> tuple[LifecycleId, StatusNote]:
    """The id after the status, and how it was taken. Raises InvalidIdStatus, naming both words."""
    note = STATUS_TABLE[entry.status].get(status)
    if note is None:
        raise InvalidIdStatus(f"{entry.lifecycle_id} ({entry.id_type}) is {entry.status}: it cannot be {status}")
    if note in (StatusNote.SAME, StatusNote.IGNORED):
        return entry, note
    return replace(entry, status=status, updated_at=at), note


def added(known: LifecycleId | None, active: LifecycleId | None, new: LifecycleId) -> tuple[LifecycleId, ...]:
    """The rows to write for a new id, the one that it replaces first; none when it is there already.

    `known` is the row that has this id, `active` the active one of the same order and type. A predecessor that was
    cancelled or executed is not active, and keeps its status. Raises IdConflict.
    """
    if known is not None:
        if (known.order_id, known.id_type) == (new.order_id, new.id_type):
            return ()
        raise IdConflict(
            f"{new.lifecycle_id} is the {known.id_type} of order {known.order_id}, not the {new.id_type} of"
            f" order {new.order_id}"
        )
    if active is None:
        return (new,)
    old = replace(active, status=IdStatus.REPLACED, replaced_by=new.lifecycle_id, updated_at=new.created_at)
    return (old, new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What an id leads to. An id that is not ours but the broker's, or a client order id, has the type of the order."""

    order_id: OrderId
    id_type: IdType
    status: IdStatus


def resolved(entry: LifecycleId) -> Resolved:
    return Resolved(order_id=entry.order_id, id_type=entry.id_type, status=entry.status)


class DeadLetterReason(StrEnum):
    """Why a confirmation, or a question, led to no order."""

    UNMAPPED_CANCEL_STATE = "unmapped_cancel_state"
    UNMAPPED_ROUTING_STATE = "unmapped_routing_state"
    MISSING_LIFECYCLE_ID = "missing_lifecycle_id"
    MISSING_ORDER_DATA = "missing_order_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A word of the broker that nobody could act on: kept once for each (id, reason, what was said)."""

    named_id: str
    reason: DeadLetterReason
    said: str
    state: str
    detail: str
    at: datetime
