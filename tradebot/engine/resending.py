"""Sending again without looking first: only where ids are drawn, and with the duplicates that this can make."""

from __future__ import annotations

from tradebot.domain.coids import is_drawn
from tradebot.domain.orders import Attempt, BrokerRequest, Order, OrderStatus, RequestState
from tradebot.engine.backoff import SENDS_MAX, backoff
from tradebot.engine.desk import Desk
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit

_NO_ANSWER = frozenset({RequestState.UNSENT, RequestState.UNKNOWN})


def resend_due(unit: Unit, desk: Desk, setting: Setting) -> None:
    """Placements without a clear answer whose time has come; after `SENDS_MAX` of them, what certainly did not leave
    has failed, and what may have left is found by the poll or not at all."""
    for attempt in unit.attempts.values():
        order, request = unit.orders[attempt.order_id], unit.requests.get(f"{attempt.coid}-P")
        if request is None or not _waits(order, attempt, request):
            continue
        sends = unit.sends.get(attempt.coid) or 1
        if sends < SENDS_MAX:
            if request.answered_at and unit.now >= request.answered_at + backoff(sends, attempt.coid, setting.chance):
                desk.send_again(unit, order, attempt)
        elif request.state is RequestState.UNSENT:
            desk.give_up(unit, order, attempt, f"Broker unavailable: {SENDS_MAX} attempts")


def _waits(order: Order, attempt: Attempt, request: BrokerRequest) -> bool:
    is_current = is_drawn(attempt.coid) and order.coid == attempt.coid and attempt.status.is_open
    is_wanted = order.status is OrderStatus.PENDING and not order.cancel_requested
    return is_current and is_wanted and attempt.broker_order_id is None and request.state in _NO_ANSWER
