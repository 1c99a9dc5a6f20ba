"""What has become of a leg, as its orders and attempts show it."""

from __future__ import annotations

from tradebot.domain.batches import Fate, Leg, LegStatus, LegView
from tradebot.domain.orders import AttemptStatus, Order, OrderId, OrderStatus
from tradebot.engine.batch_orders import leg_key, unwind_key
from tradebot.engine.unit import Unit


def order_of(unit: Unit, key: str) -> Order | None:
    """The order of a leg, or the one that takes it back."""
    order_id = unit.batch_orders.get(key)
    return unit.orders.get(order_id) if order_id is not None else None


def view_of(unit: Unit, leg: Leg) -> LegView:
    fate, order = fate_of(unit, leg_key(leg), leg.order_id)
    error = unit.refused.get(leg_key(leg)) or leg.error
    if (fate is Fate.WAITING and error) or (fate is Fate.GONE and leg.status is LegStatus.FAILED):
        fate = Fate.REFUSED
    elif order is not None:
        error = order.reason if fate in (Fate.FAILED, Fate.GONE, Fate.PARTLY) else ""
    back_key = unwind_key(leg)
    unwind, back = fate_of(unit, back_key, leg.unwind_order_id)
    why_not = unit.refused.get(back_key)
    if unwind is Fate.WAITING:
        is_refused = why_not is not None or leg.status is LegStatus.ROLLBACK_FAILED
        unwind_fate = Fate.REFUSED if is_refused else None
    else:
        unwind_fate = unwind
    if why_not is not None:
        error = f"not taken back: {why_not}"
    elif unwind_fate is not None and unwind_fate in (Fate.FAILED, Fate.GONE, Fate.PARTLY) and back is not None:
        error = f"not taken back: {back.reason}"
    return LegView(
        number=leg.number,
        fate=fate,
        filled=order.execution_qty if order is not None else leg.filled_qty,
        error=error,
        unwind=unwind_fate,
        unwound=back.execution_qty if back is not None else 0,
    )


def fate_of(unit: Unit, key: str, known: OrderId | None) -> tuple[Fate, Order | None]:
    order = order_of(unit, key)
    if order is None:
        return (Fate.WAITING if known is None else Fate.UNCERTAIN), None
    attempt = unit.attempts.get(order.coid)
    if attempt is None:
        return Fate.FAILED, order
    if attempt.status.is_open:
        is_seen = attempt.broker_status is not None and attempt.status is not AttemptStatus.UNKNOWN
        return (Fate.STANDING if is_seen else Fate.UNCERTAIN), order
    if attempt.broker_order_id is None and not order.execution_qty:
        return Fate.FAILED, order
    if attempt.status is AttemptStatus.FILLED and order.execution_qty >= order.quantity:
        return Fate.FILLED, order
    if order.execution_qty:
        return Fate.PARTLY, order
    return (Fate.FAILED if order.status is OrderStatus.FAILED else Fate.GONE), order
