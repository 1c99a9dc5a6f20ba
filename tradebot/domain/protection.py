"""Protective prices of a position: what somebody wants it sold at, below and above."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.lifecycle_ids import IdType


class Protection(StrEnum):
    """Also the key under which a position keeps the price. At most one sell of a position stands at the broker: the
    take-profit as a limit sell, and the stop-loss, watched by the daemon beside it, as a stop order where there is
    none."""

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"


ID_TYPES: Mapping[Protection, tuple[IdType, IdType]] = {
    Protection.STOP_LOSS: (IdType.STOP_LOSS, IdType.STOP_LOSS_CANCEL),
    Protection.TAKE_PROFIT: (IdType.TAKE_PROFIT, IdType.TAKE_PROFIT_CANCEL),
}
"""The type of its id, and of the id of its cancellation."""


def protective_price(metadata: Mapping[str, str], protection: Protection) -> Decimal | None:
    """In rupees; None where none is wanted."""
    found = metadata.get(protection)
    return None if found is None else Decimal(found)
