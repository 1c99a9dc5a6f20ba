"""What waits: submissions that cannot be judged before there is a picture of the market."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tradebot.domain.orders import DecisionId, OrderId
from tradebot.engine.commands import ModifyOrder, SubmitBatch, SubmitOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A submission that waits for a picture of the market. `also`: others who gave the same key in the meantime.

    It is not durable, and need not be: nobody was answered yet. A leg of a batch is rebuilt from its batch.
    """

    command: SubmitOrder
    decision_id: DecisionId
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.decision_id}/{self.command.leg}/{self.command.side}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingBatch:
    """A batch that waits for a picture of the market; nothing of it is saved, and nobody was answered, before."""

    command: SubmitBatch
    batch_id: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingChange:
    """A change of an order that stands, which waits for a picture of the market. It is not durable either."""

    command: ModifyOrder
    order_id: OrderId
    symbol: str

    @property
    def name(self) -> str:
        return f"change/{self.command.correlation_id}"


def fingerprint(command: SubmitOrder) -> str:
    """What makes two submissions the same order, in 16 characters."""
    parts = (
        command.symbol,
        command.exchange,
        command.side,
        command.quantity,
        command.order_type,
        command.price and command.price.normalize(),
        command.trigger_price and command.trigger_price.normalize(),
        command.product,
        command.validity,
        command.disclosed_quantity,
    )
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()[:16]
