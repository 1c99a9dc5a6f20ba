"""Somebody else on the same account at the simulated exchange: each kind of activity is seen, told once, settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal

import pytest

from tests.simulator.days import busy_day
from tests.simulator.world import ACCOUNT, World
from tradebot.domain.calendar import ist
from tradebot.domain.events import Event, EventName
from tradebot.domain.orders import Order, OrderStatus, Side, Variety
from tradebot.domain.policy import DayTimes
from tradebot.domain.positions import Position
from tradebot.domain.stored import Stored
from tradebot.exchange.commands import Accepted, PlaceCommand, Placed
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.rows import OrderRow

DAY = date(2026, 9, 10)
TEN = ist(DAY, time(10, 0))


@dataclass(slots=True)
class Outsider:
    """A person at the broker's own terminal: acts once, at the first step of the day from ten o'clock on that has what
    they need. `sold` is the row that they cancelled, or that they sold instead of."""

    act: Callable[[Exchange, OrderRow], object]
    at: datetime | None = None
    row: OrderRow | None = None
    answers: list[object] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> None:
        if self.at is not None or exchange.now < TEN:
            return
        row = next((row for row in exchange.order_book(ACCOUNT) if _is_sell_of_ours(row)), None)
        if row is not None:
            self.at, self.row = exchange.now, row
            self.answers.append(self.act(exchange, row))


def _is_sell_of_ours(row: OrderRow) -> bool:
    return row.side is Side.SELL and row.tag is not None and row.status == "OPEN" and row.quantity > 3


def live(act: Callable[[Exchange, OrderRow], object]) -> tuple[World, Outsider]:
    day = busy_day()
    policy = replace(day.policy, times=DayTimes(cycle_minutes=1))
    outsider = Outsider(act)
    world = World(replace(day, policy=policy), hand=outsider)
    assert world.run()
    assert outsider.row is not None, "no sell of ours ever stood"
    return world, outsider


def told(world: World, name: EventName) -> list[Event]:
    return [event for event in world.events if event.name is name]


def stored(world: World) -> Stored:
    return world.database.store.load(DAY)


def of_row(world: World, outsider: Outsider) -> tuple[Order, Position]:
    assert outsider.row is not None
    found = stored(world)
    (order,) = [order for order in found.orders if order.broker_order_id == outsider.row.order_id]
    (position,) = [position for position in found.positions if position.id == order.position_id]
    return order, position


def modify(exchange: Exchange, row: OrderRow) -> object:
    price = row.price + Decimal("5.00")
    return exchange.modify(ACCOUNT, row.order_id, Variety.REGULAR, quantity=row.quantity, price=price)


def cancel(exchange: Exchange, row: OrderRow) -> object:
    return exchange.cancel(ACCOUNT, row.order_id, Variety.REGULAR)


def buy(exchange: Exchange, row: OrderRow) -> object:
    terms = exchange.terms()[row.symbol]
    command = PlaceCommand(
        symbol=row.symbol, side=Side.BUY, quantity=1, price=terms.lower_limit, variety=Variety.REGULAR
    )
    return exchange.place(ACCOUNT, command)


def sell(exchange: Exchange, row: OrderRow, quantity: int) -> object:
    """What stands in the way is cancelled first, then the shares are sold at the market."""
    cancelled = cancel(exchange, row)
    assert isinstance(cancelled, Accepted)
    command = PlaceCommand(
        symbol=row.symbol,
        side=Side.SELL,
        quantity=quantity,
        price=exchange.terms()[row.symbol].lower_limit,
        variety=Variety.REGULAR,
    )
    return exchange.place(ACCOUNT, command)


def test_a_sell_whose_price_somebody_changed_is_followed_at_that_price() -> None:
    world, outsider = live(modify)
    order, _ = of_row(world, outsider)

    assert isinstance(outsider.answers[0], Accepted)
    (event,) = told(world, EventName.MANUAL_MODIFICATION)
    assert event.fields["order_id"] == order.id
    assert outsider.row is not None
    assert event.message == f"price: {outsider.row.price} -> {outsider.row.price + 5}"
    assert outsider.at is not None
    assert (event.at - outsider.at).total_seconds() <= 60
    assert order.is_manual


def test_a_sell_that_somebody_cancelled_is_not_placed_again() -> None:
    world, outsider = live(cancel)
    order, position = of_row(world, outsider)

    (event,) = told(world, EventName.MANUAL_CANCEL)
    assert (order.status, order.is_manual, order.reason) == (
        OrderStatus.CANCELLED,
        True,
        "Manual: Cancelled by the user.",
    )
    assert event.fields["order_id"] == order.id
    again = [o for o in stored(world).orders if o.position_id == position.id and o.side is Side.SELL]
    assert [o.id for o in again if o.decision_id == order.decision_id] == [order.id]


def test_an_order_that_somebody_placed_is_shown_once_and_left_alone() -> None:
    world, outsider = live(buy)

    (placed,) = outsider.answers
    assert isinstance(placed, Placed)
    (event,) = told(world, EventName.MANUAL_ORDER_SEEN)
    assert event.fields["broker_order_id"] == placed.order_id
    row = world.exchange.order(ACCOUNT, placed.order_id)
    assert row is not None
    assert row.status_text == "Cancelled by the exchange at the end of the day: not matched."


def test_a_position_that_somebody_sold_is_closed_at_that_price() -> None:
    world, outsider = live(lambda exchange, row: sell(exchange, row, row.quantity))
    order, position = of_row(world, outsider)

    (placed,) = outsider.answers
    assert isinstance(placed, Placed)
    (event,) = told(world, EventName.MANUAL_EXIT)
    by_hand = world.exchange.order_trades(ACCOUNT, placed.order_id)
    value = sum((trade.price * trade.quantity for trade in by_hand), Decimal(0))
    assert event.fields["exit_price"] == value / order.quantity
    assert (position.is_open, position.quantity) == (False, 0)
    buys = [o for o in stored(world).orders if o.position_id == position.id and o.side is Side.BUY]
    assert {o.status for o in buys} == {OrderStatus.CLOSED}


@pytest.mark.parametrize("quantity", [1, 3])
def test_of_a_position_that_somebody_sold_in_part_the_rest_gets_a_sell_of_its_own(quantity: int) -> None:
    world, outsider = live(lambda exchange, row: sell(exchange, row, quantity))
    order, position = of_row(world, outsider)

    (event,) = told(world, EventName.MANUAL_PARTIAL_EXIT)
    assert event.fields["quantity"] == quantity
    rest = [
        o
        for o in stored(world).orders
        if o.position_id == position.id and o.side is Side.SELL and o.created_at > order.created_at
    ]
    assert rest
    assert rest[0].quantity == order.quantity - quantity
    assert told(world, EventName.HOLDINGS_DIFFER) == []
    assert position.quantity + sum(o.execution_qty for o in rest) == order.quantity - quantity
