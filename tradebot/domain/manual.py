"""What people do at the broker beside us: whose matter it is, and what sales by hand leave of our positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.orders import BrokerOrderId
from tradebot.domain.positions import Position

_COUNTED = "sold_by_hand:"


class ManualPolicy(StrEnum):
    """What manual activity in a symbol does: we go on with what was done (`adopt`), take no notice of it (`ignore`), or
    go on with it and take no entry in the symbol until somebody releases it (`halt`)."""

    ADOPT = "adopt"
    IGNORE = "ignore"
    HALT = "halt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualRules:
    """The policy of each symbol: its own, or the one for all."""

    default: ManualPolicy = ManualPolicy.ADOPT
    by_symbol: Mapping[str, ManualPolicy] = field(default_factory=dict)

    def of(self, symbol: str) -> ManualPolicy:
        return self.by_symbol.get(symbol, self.default)


def parse_policies(text: str) -> Mapping[str, ManualPolicy]:
    """`INFY=halt, TCS=ignore` as a mapping. ValueError for a word that is no policy."""
    pairs = (part.split("=") for part in text.replace(",", " ").split())
    return {symbol.upper(): ManualPolicy(policy) for symbol, policy in pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldByHand:
    """Shares of a position that somebody sold by hand: how many, at which quantity-weighted price in rupees, and the
    position's note of what is counted now."""

    quantity: int
    price: Decimal
    counted: Mapping[str, str]


def sold_by_hand(position: Position, at_broker: int, sales: Sequence[BrokerOrder]) -> SoldByHand | None:
    """What sales by hand have taken of a position: never more than the broker holds less than we do, since people may
    sell shares of their own. A sale counts once, however often it is seen."""
    short = position.quantity - at_broker
    fresh = [(sale, sale.filled_quantity - _counted(position, sale.broker_order_id)) for sale in sales]
    fresh = [(sale, quantity) for sale, quantity in fresh if quantity > 0]
    total = sum(quantity for _, quantity in fresh)
    if short <= 0 or not total:
        return None
    value = sum((quantity * (sale.average_price or sale.price) for sale, quantity in fresh), Decimal(0))
    counted = {f"{_COUNTED}{sale.broker_order_id}": str(sale.filled_quantity) for sale, _ in fresh}
    return SoldByHand(quantity=min(short, total), price=value / total, counted=counted)


def _counted(position: Position, broker_order_id: BrokerOrderId) -> int:
    return int(position.metadata.get(f"{_COUNTED}{broker_order_id}", "0"))
