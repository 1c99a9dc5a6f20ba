"""The orders of a batch: each leg as a submission, what takes it back, and the ids that are known beforehand."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tradebot.domain.batches import Batch, Leg
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.orders import DecisionId, Order, OrderType, Side, Source
from tradebot.engine.commands import LegWish, SubmitBatch, SubmitOrder
from tradebot.engine.memory import batch_order_key
from tradebot.engine.order_rows import REDUCES


def fingerprint(command: SubmitBatch) -> str:
    """What makes two batches the same, in 16 characters."""
    legs = [
        (
            leg.symbol,
            leg.exchange,
            leg.side,
            leg.quantity,
            leg.order_type,
            leg.price and leg.price.normalize(),
            leg.trigger_price and leg.trigger_price.normalize(),
            leg.product,
            leg.validity,
            leg.disclosed_quantity,
            leg.tag,
        )
        for leg in command.legs
    ]
    text = repr((command.rollback_on_failure, command.unwind_filled, command.sequential, legs))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def decision_of(batch_id: str, what: str = "") -> DecisionId:
    return DecisionId(f"batch:{batch_id}{what}")


def leg_of(batch_id: str, number: int, order: SubmitOrder, tag: str) -> Leg:
    key = IntentKey(order.account_id, decision_of(batch_id), number, order.side)
    return Leg(
        batch_id=batch_id,
        number=number,
        symbol=order.symbol,
        exchange=order.exchange,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        price=order.price,
        trigger_price=order.trigger_price,
        product=order.product,
        validity=order.validity,
        disclosed_quantity=order.disclosed_quantity,
        tag=tag,
        account_id=order.account_id,
        coid=derive(key, 1),
    )


def command_of(command: SubmitBatch, leg: LegWish, number: int, batch_id: str) -> SubmitOrder:
    """The leg as an order of its own, as it is wished."""
    found = _command(leg, number, batch_id, command.account_id, command.user_id)
    return replace(found, correlation_id=command.correlation_id)


def leg_command(batch: Batch, leg: Leg) -> SubmitOrder:
    """The leg as an order of its own, from what is saved of it."""
    return _command(leg, leg.number, batch.id, batch.account_id, batch.user_id)


def _command(leg: Leg | LegWish, number: int, batch_id: str, account_id: str, user_id: str) -> SubmitOrder:
    return SubmitOrder(
        account_id=account_id,
        user_id=user_id,
        symbol=leg.symbol,
        exchange=leg.exchange,
        side=leg.side,
        quantity=leg.quantity,
        order_type=leg.order_type,
        price=leg.price,
        trigger_price=leg.trigger_price,
        product=leg.product,
        validity=leg.validity,
        disclosed_quantity=leg.disclosed_quantity,
        source=Source.BATCH,
        decision_id=decision_of(batch_id),
        leg=number,
        batch_id=batch_id,
        metadata={"tag": leg.tag} if leg.tag else {},
        correlation_id=f"batch:{batch_id}",
    )


def unwind_command(batch: Batch, leg: Leg, order: Order) -> SubmitOrder:
    """What takes back the filled part of a leg: the other side, at the market with a protecting limit."""
    return SubmitOrder(
        account_id=batch.account_id,
        user_id=batch.user_id,
        symbol=leg.symbol,
        exchange=leg.exchange,
        side=_other(leg.side),
        quantity=order.execution_qty,
        order_type=OrderType.MARKET,
        product=leg.product,
        source=Source.BATCH,
        decision_id=decision_of(batch.id, ":unwind"),
        leg=leg.number,
        batch_id=batch.id,
        metadata={REDUCES: order.id},
        correlation_id=f"batch:{batch.id}",
    )


def leg_key(leg: Leg) -> str:
    """Where the leg's order is found in memory."""
    return batch_order_key(leg.batch_id, leg.number, leg.side)


def unwind_key(leg: Leg) -> str:
    """Where the order is found that takes the leg back."""
    return batch_order_key(leg.batch_id, leg.number, _other(leg.side))


def _other(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY
