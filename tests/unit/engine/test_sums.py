"""The running sums equal a walk over all rows, whatever was changed in which layer, and cost no walk."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import MONDAY, NOON, a_position, an_attempt, an_order
from tradebot.domain.orders import AttemptStatus, Coid, DecisionId, Order, OrderId, OrderStatus, PositionId, Side
from tradebot.engine.housekeeping import forget_finished
from tradebot.engine.memory import Memory
from tradebot.engine.sums import ALL, Sum, own_key
from tradebot.engine.unit import Unit

SYMBOLS = ["INFY", "TCS"]
DAYS = [MONDAY, MONDAY + timedelta(days=1)]
PRICES = st.decimals("0.05", "100000", places=2)

orders = st.builds(
    lambda number, symbol, side, status, quantity, filled, price, day, is_placed, is_wanted, gain, decision: an_order(
        id=OrderId(str(number)),
        symbol=symbol,
        side=side,
        status=status,
        quantity=quantity,
        execution_qty=min(filled, quantity),
        price=price,
        trading_day=day,
        placed_at=NOON if is_placed else None,
        cancel_requested=not is_wanted,
        decision_id=DecisionId(decision),
        coid=Coid(f"A{number}"),
        metadata={} if gain is None else {"realised_pnl": str(gain)},
    ),
    st.integers(0, 5),
    st.sampled_from(SYMBOLS),
    st.sampled_from(Side),
    st.sampled_from(OrderStatus),
    st.integers(1, 1000),
    st.integers(0, 1000),
    PRICES,
    st.sampled_from(DAYS),
    st.booleans(),
    st.booleans(),
    st.none() | st.decimals(-10000, 10000, places=6),
    st.sampled_from(["one", "two"]),
)
positions = st.builds(
    lambda number, symbol, cost, is_open: a_position(
        id=PositionId(f"P{number}"), symbol=symbol, cost=cost, closed_at=None if is_open else NOON
    ),
    st.integers(0, 4),
    st.sampled_from(SYMBOLS),
    st.decimals("0.000001", "1000000", places=6),
    st.booleans(),
)
attempts = st.builds(
    lambda number, symbol, status: replace(an_attempt(), coid=Coid(f"A{number}"), symbol=symbol, status=status),
    st.integers(0, 5),
    st.sampled_from(SYMBOLS),
    st.sampled_from(AttemptStatus),
)
changes = st.lists(st.one_of(orders, positions, attempts), max_size=6)
batches = st.lists(st.lists(st.tuples(changes, st.booleans()), max_size=3), max_size=4)


def put(unit: Unit, row: object) -> None:
    match row:
        case Order():
            unit.orders[row.id] = row
        case _ if hasattr(row, "coid"):
            unit.attempts[row.coid] = row  # type: ignore[assignment]
        case _:
            unit.positions[row.id] = row  # type: ignore[attr-defined]


def walked(memory: Memory | Unit) -> dict[tuple[Sum, str], Decimal]:
    """The sums as somebody adds them up who has only the rows."""
    found: Counter[tuple[Sum, str]] = Counter()
    rows, held = memory.orders.values(), [p for p in memory.positions.values() if p.is_open]
    waiting = [o for o in rows if o.side is Side.BUY and o.status is OrderStatus.PENDING]
    for order in rows:
        day = order.trading_day.isoformat()
        found[Sum.OPEN, ALL] += order.status is OrderStatus.PENDING
        found[Sum.CANCELLING, ALL] += order.status is OrderStatus.PENDING and order.cancel_requested
        found[Sum.REALISED, day] += Decimal(order.metadata.get("realised_pnl", "0"))  # type: ignore[assignment]
        if order.side is Side.BUY and order.status is not OrderStatus.FAILED:
            found[Sum.TRADES, day] += 1
            found[Sum.GROSS, day] += order.price * order.quantity  # type: ignore[assignment,operator]
        if order.side is Side.BUY and order.status not in (OrderStatus.CLOSED, OrderStatus.CANCELLED):
            found[Sum.BLOCKING, order.symbol] += 1
            found[Sum.BLOCKING_OWN, own_key(order.decision_id, order.symbol)] += 1
    for order in waiting:
        left = order.price * (order.quantity - order.execution_qty)  # type: ignore[operator]
        found[Sum.WAITING, order.symbol] += left  # type: ignore[assignment]
        found[Sum.WAITING, ALL] += left  # type: ignore[assignment]
        found[Sum.UNBLOCKED, ALL] += left if order.placed_at is None else 0  # type: ignore[assignment]
    for position in held:
        found[Sum.HELD, position.symbol] += position.cost  # type: ignore[assignment]
        found[Sum.HELD, ALL] += position.cost  # type: ignore[assignment]
    for position in held:
        found[Sum.POSITIONS, position.symbol] += 1
    for symbol in [row.symbol for row in (*waiting, *held)]:
        found[Sum.SLOTS, symbol] += 1
    found[Sum.SLOTS_USED, ALL] = len({row.symbol for row in (*waiting, *held)})
    for attempt in memory.attempts.values():
        found[Sum.UNCERTAIN, attempt.symbol] += attempt.status is AttemptStatus.UNKNOWN
        found[Sum.UNCERTAIN, ALL] += attempt.status is AttemptStatus.UNKNOWN
    return {key: Decimal(amount) for key, amount in found.items() if amount}


def summed(memory: Memory | Unit, keys: set[tuple[Sum, str]]) -> dict[tuple[Sum, str], Decimal]:
    return {key: amount for key in keys if (amount := memory.sums.of(*key))}


def every_key() -> set[tuple[Sum, str]]:
    texts = [ALL, *SYMBOLS, *(day.isoformat() for day in DAYS)]
    owns = [own_key(decision, symbol) for decision in ("one", "two") for symbol in SYMBOLS]
    return {(sum_, text) for sum_ in Sum for text in [*texts, *owns]}


@settings(max_examples=200, deadline=None)
@given(batches)
def test_sums_equal_the_walk_in_every_layer(work: list[list[tuple[list[object], bool]]]) -> None:
    """Batches of units, some of which fail and leave nothing behind."""
    memory, keys = Memory(), every_key()
    for units in work:
        batch = Unit(memory, NOON)
        for rows, is_kept in units:
            unit = Unit(memory, NOON, batch)
            for row in rows:
                put(unit, row)
            assert summed(unit, keys) == walked(unit)
            if is_kept:
                unit.merge()
            assert summed(batch, keys) == walked(batch)
        batch.merge()
        assert summed(memory, keys) == walked(memory)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(orders, positions, attempts), max_size=12))
def test_what_leaves_memory_leaves_the_sums(rows: list[object]) -> None:
    memory = Memory()
    unit = Unit(memory, NOON)
    for number in range(6):
        put(unit, an_order(id=OrderId(str(number)), coid=Coid(f"A{number}"), status=OrderStatus.CLOSED))
        put(unit, replace(an_attempt(), coid=Coid(f"A{number}"), order_id=OrderId(str(number))))
    for row in rows:
        put(unit, replace(row, order_id=OrderId("0")) if hasattr(row, "looks") else row)
    unit.merge()

    forget_finished(memory, MONDAY + timedelta(days=3))

    assert summed(memory, every_key()) == walked(memory)


def test_nothing_is_kept_of_what_is_over() -> None:
    memory = Memory()
    unit = Unit(memory, NOON)
    unit.orders[OrderId("1")] = an_order(id=OrderId("1"))
    unit.merge()

    memory.orders.drop(OrderId("1"))

    assert memory.sums._own == {}
