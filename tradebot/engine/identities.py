"""The ids of orders: each order's own in the transaction of its row, others as they are made, their fate as the broker
confirms it."""

from __future__ import annotations

from dataclasses import replace

from tradebot.domain.broker_views import BrokerOrder, BrokerWord
from tradebot.domain.events import EventName, Level
from tradebot.domain.lifecycle_ids import (
    PREFIXES,
    DeadLetter,
    DeadLetterReason,
    IdStatus,
    IdType,
    LifecycleId,
    StatusNote,
    added,
    with_status,
)
from tradebot.domain.orders import Attempt, AttemptStatus, BrokerOrderId, Coid, Order, OrderId, Side
from tradebot.domain.routing import Destination, Route, Said, State, derived_state, route
from tradebot.engine import ledger
from tradebot.engine.ids import OrderIds
from tradebot.engine.unit import Unit

_SAID = {
    BrokerWord.EXECUTED: Said.EXECUTED,
    BrokerWord.CANCELLED: Said.CANCELLED,
    BrokerWord.REJECTED: Said.REJECTED,
    BrokerWord.OPEN: Said.PENDING,
}


def make(unit: Unit, ids: OrderIds, order_id: OrderId, id_type: IdType, notes: str = "") -> str:
    """A new id of an order; the active one of its type, if there is one, is replaced."""
    name = f"{PREFIXES[id_type]}{ids.next(unit.now)}"
    entry = LifecycleId(
        order_id=order_id,
        id_type=id_type,
        lifecycle_id=name,
        notes=notes,
        created_at=unit.now,
        updated_at=unit.now,
    )
    for row in added(unit.lifecycle_ids.get(name), active(unit, order_id, id_type), entry):
        unit.lifecycle_ids[row.lifecycle_id] = row
    unit.newest_ids[_slot(order_id, id_type)] = name
    return name


def newest(unit: Unit, order_id: OrderId, id_type: IdType) -> LifecycleId | None:
    name = unit.newest_ids.get(_slot(order_id, id_type))
    return unit.lifecycle_ids.get(name) if name is not None else None


def active(unit: Unit, order_id: OrderId, id_type: IdType) -> LifecycleId | None:
    found = newest(unit, order_id, id_type)
    return found if found is not None and found.status is IdStatus.ACTIVE else None


def order_named(unit: Unit, name: str) -> Order | None:
    """The order that an id of any kind leads to, of those in memory."""
    if (order := unit.orders.get(OrderId(name))) is not None:
        return order
    found = unit.lifecycle_ids.get(name) or unit.attempts.get(unit.coids.get(BrokerOrderId(name)) or Coid(name))
    return unit.orders.get(found.order_id) if found is not None else None


def settle(unit: Unit, order_id: OrderId, id_type: IdType, status: IdStatus) -> None:
    """The newest id of a type is cancelled or executed, as the broker has confirmed."""
    entry = newest(unit, order_id, id_type)
    if entry is None:
        return
    after, note = with_status(entry, status, unit.now)
    if after is not entry:
        unit.lifecycle_ids[after.lifecycle_id] = after
    if note in (StatusNote.RACE, StatusNote.IGNORED):
        text = f"{entry.lifecycle_id} is {entry.status}, and the broker says {status}"
        fields = {"lifecycle_id": entry.lifecycle_id, "order_id": order_id, "note": str(note)}
        ledger.tell(unit, EventName.LIFECYCLE_RACE, text, fields=fields, level=Level.WARNING)


def settle_active(unit: Unit, order_id: OrderId, id_type: IdType, status: IdStatus) -> None:
    """The same, where there is one that is still active."""
    if active(unit, order_id, id_type) is not None:
        settle(unit, order_id, id_type, status)


def confirmed(
    unit: Unit,
    before: Order,
    attempt: Attempt,
    row: BrokerOrder,
    *,
    is_being_modified: bool,
    is_timetable: bool = False,
) -> None:
    """Route one confirmation, and give the ids that it is about their status. What has no route is a dead letter.
    `is_timetable`: the exchange ends such orders at that time every day."""
    said = _SAID.get(row.word)
    if said is None or said is Said.PENDING:
        return  # wherever the table leads what goes on standing: no id has ended by it
    state = _state(unit, before, attempt, is_being_modified=is_being_modified)
    found = route(state, said, IdType.ORDER)
    if isinstance(found, Route):
        _arrived(unit, before, attempt, said, found, is_timetable=is_timetable)
    else:
        bury(unit, row.broker_order_id, found, f"{said} while {state}", state, ledger.describe(before))


def bury(unit: Unit, named: str, reason: DeadLetterReason, said: str, state: str, detail: str) -> None:
    """Keep what nobody could act on, once."""
    letter = DeadLetter(named_id=named, reason=reason, said=said, state=state, detail=detail, at=unit.now)
    key = f"dead:{named}:{reason}:{said}"
    if key in unit.memory.told or any(_same(letter, known) for known in unit.dead_letters):
        return
    unit.facts["told"] = unit.memory.told | {key}
    unit.dead_letters.append(letter)
    fields = {"lifecycle_id": named, "cause": str(reason)}
    ledger.tell(unit, EventName.DEAD_LETTER, f"{named}: {reason}: {said}; {detail}", fields=fields, level=Level.WARNING)


def _same(letter: DeadLetter, known: DeadLetter) -> bool:
    return replace(known, at=letter.at, detail=letter.detail, state=letter.state) == letter


def _state(unit: Unit, order: Order, attempt: Attempt, *, is_being_modified: bool) -> State:
    statuses = {kind: entry.status for kind in IdType if (entry := newest(unit, order.id, kind)) is not None}
    return derived_state(order, attempt, statuses, is_being_modified=is_being_modified)


def _arrived(unit: Unit, order: Order, attempt: Attempt, said: Said, found: Route, *, is_timetable: bool) -> None:
    match found.goes_to:
        case Destination.OPEN | Destination.CLOSE:
            if attempt.status is AttemptStatus.FILLED:
                settle(unit, order.id, IdType.ORDER, IdStatus.EXECUTED)
        case Destination.CANCEL:
            if said is Said.CANCELLED:
                settle(unit, order.id, IdType.ORDER, IdStatus.CANCELLED)
                settle_active(unit, order.id, IdType.CANCEL, IdStatus.EXECUTED)
            if not found.was_asked and not is_timetable and order.side is Side.SELL:
                text = f"{ledger.describe(order)}: cancelled at the broker, and nobody asked"
                ledger.tell(unit, EventName.PROTECTION_LOST, text, order, level=Level.CRITICAL)
        case Destination.PENDING | Destination.REJECT | Destination.STOP_LOSS | Destination.TAKE_PROFIT:
            pass


def _slot(order_id: OrderId, id_type: IdType) -> str:
    return f"{order_id}/{id_type}"
