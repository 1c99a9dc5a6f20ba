"""A house that trades four symbols in batches, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.builders import a_quote, some_terms
from tests.unit.engine.house import House
from tradebot.domain.batches import Batch, Leg
from tradebot.domain.broker_views import Holding
from tradebot.domain.orders import OrderType, Side
from tradebot.domain.policy import Policy, RiskLimits
from tradebot.engine.answers import Answer
from tradebot.engine.commands import LegWish, SubmitBatch

SYMBOLS = ("INFY", "TCS", "SBIN", "ITC")


def a_leg(symbol: str = "INFY", **changes: Any) -> LegWish:
    """A limit buy of ten at Rs 1,000."""
    leg = LegWish(symbol=symbol, side=Side.BUY, quantity=10, order_type=OrderType.LIMIT, price=Decimal("1000.00"))
    return replace(leg, **changes)


def a_batch(*legs: LegWish, **changes: Any) -> SubmitBatch:
    """One leg in each symbol, with rollback."""
    command = SubmitBatch(
        account_id="primary",
        user_id="owner",
        legs=legs or tuple(a_leg(symbol) for symbol in SYMBOLS),
        correlation_id="me",
    )
    return replace(command, **changes)


def a_batch_house(**options: Any) -> House:
    limits = RiskLimits(positions_max=50, trades_per_day_max=500, order_notional_max=Decimal(100_000))
    house = House(policy=replace(Policy(), risk=limits), **options)
    house.broker.symbol_terms |= {symbol: some_terms(symbol) for symbol in SYMBOLS}
    house.market.prices |= {symbol: a_quote(symbol=symbol) for symbol in SYMBOLS}
    return house


def give(house: House, command: SubmitBatch) -> Answer | None:
    """The answer, or None while the batch is under way."""
    future = house.answers.expect(command.correlation_id)
    house.tell(command)
    return future.result(timeout=0) if future.done() else None


def the_batch(house: House) -> Batch:
    (batch,) = house.memory.batches.values()
    return batch


def the_legs(house: House) -> Sequence[Leg]:
    return sorted(house.memory.legs.values(), key=lambda leg: leg.number)


def statuses(house: House) -> list[str]:
    return [str(leg.status) for leg in the_legs(house)]


def holdings(house: House) -> list[Holding]:
    """What the fake broker's executions leave in the account."""
    owned: dict[str, int] = {}
    for trade in house.broker.executions:
        owned[trade.symbol] = owned.get(trade.symbol, 0) + (
            trade.quantity if trade.side is Side.BUY else -trade.quantity
        )
    return [
        Holding(
            symbol=symbol,
            exchange="NSE",
            settled_quantity=quantity,
            t1_quantity=0,
            today_quantity=0,
            sellable_quantity=quantity,
            average_price=Decimal(1000),
        )
        for symbol, quantity in owned.items()
    ]
