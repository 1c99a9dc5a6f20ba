"""The orders of a position are those that a walk over the whole book finds, whatever was changed in which layer."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import MONDAY, NOON, an_order
from tradebot.domain.orders import Coid, Order, OrderId, OrderStatus, PositionId, Side
from tradebot.engine.housekeeping import forget_finished
from tradebot.engine.memory import Memory
from tradebot.engine.questions import buys_of, sells_of
from tradebot.engine.unit import Unit

NAMES = [PositionId("P1"), PositionId("P2")]

orders = st.builds(
    lambda number, side, status, position_id, minutes, days: an_order(
        id=OrderId(str(number)),
        coid=Coid(f"A{number}"),
        side=side,
        status=status,
        position_id=position_id,
        created_at=NOON + timedelta(minutes=minutes),
        trading_day=MONDAY + timedelta(days=days),
    ),
    st.integers(0, 5),
    st.sampled_from(Side),
    st.sampled_from(OrderStatus),
    st.none() | st.sampled_from(NAMES),
    st.integers(0, 2),
    st.integers(0, 1),
)
units = st.lists(st.tuples(st.lists(orders, max_size=4), st.booleans()), max_size=3)
batches = st.lists(st.tuples(units, st.booleans()), max_size=4)


def walked(rows: list[Order], position_id: PositionId, side: Side) -> list[Order]:
    found = [order for order in rows if order.position_id == position_id and order.side is side]
    return sorted(found, key=lambda order: (order.created_at, order.id))


def agrees(unit: Unit) -> bool:
    rows = unit.orders.values()
    return all(
        buys_of(unit, name) == walked(rows, name, Side.BUY) and sells_of(unit, name) == walked(rows, name, Side.SELL)
        for name in NAMES
    )


@settings(max_examples=200, deadline=None)
@given(batches)
def test_the_orders_of_a_position_are_those_of_a_walk_in_every_layer(
    work: list[tuple[list[tuple[list[Order], bool]], bool]],
) -> None:
    """Batches of units, some of which fail and leave nothing behind, each followed by the end of a day."""
    memory = Memory()
    for many, is_saved in work:
        batch = Unit(memory, NOON)
        for rows, is_kept in many:
            unit = Unit(memory, NOON, batch)
            for order in rows:
                unit.orders[order.id] = order
                assert agrees(unit)
            if is_kept:
                unit.merge()
            assert agrees(Unit(memory, NOON, batch))
        if is_saved:
            batch.merge()
        assert agrees(Unit(memory, NOON))
        forget_finished(memory, before=MONDAY + timedelta(days=1))
        assert agrees(Unit(memory, NOON))


def test_nothing_is_kept_of_a_position_whose_orders_have_left() -> None:
    memory = Memory()
    memory.orders[OrderId("1")] = an_order(id=OrderId("1"), position_id=NAMES[0], status=OrderStatus.CLOSED)

    forget_finished(memory, before=MONDAY + timedelta(days=1))

    assert memory.orders.of_position(NAMES[0]) == []
    assert not memory.orders._ids
