"""What holds for every history at the broker, and for any order in which we come to see it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import BROKER_ORDER_ID, a_broker_order, a_trade, an_attempt, an_order, later
from tests.unit.domain.applier import Follower
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade
from tradebot.domain.orders import AttemptStatus, OrderStatus, Side


@dataclass(frozen=True)
class Seen:
    """A look: the row, and the trades that the broker had then."""

    row: BrokerOrder
    trades: tuple[BrokerTrade, ...]


@dataclass(frozen=True)
class History:
    """What happened at the broker to an order of ten: up to four looks, oldest first."""

    side: Side
    looks: tuple[Seen, ...]

    @property
    def last(self) -> Seen:
        return self.looks[-1]

    def follower(self) -> Follower:
        order = an_order(side=self.side)
        return Follower(order=order, attempt=an_attempt(order))


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Fills come one by one; a cancellation leaves the rest open, an execution leaves none."""
    side = draw(st.sampled_from(Side))
    order = an_order(side=side)
    sizes = draw(st.lists(st.integers(1, 5), max_size=3))
    last_word = draw(st.sampled_from(["OPEN", "CANCELLED", "COMPLETE"] if sizes else ["OPEN", "CANCELLED", "REJECTED"]))
    if last_word == "COMPLETE":
        sizes.append(max(1, 10 - sum(sizes)))
    prices = [draw(st.sampled_from(["1000", "999.95", "1000.05"])) for _ in sizes]
    trades = [
        a_trade(number, size, price, side=side)
        for number, (size, price) in enumerate(zip(sizes, prices, strict=True), start=1)
    ]
    instants = sorted(draw(st.lists(st.integers(0, len(trades)), min_size=0, max_size=3)))
    counts = [*instants, len(trades)]
    looks = []
    for number, count in enumerate(counts):
        word = last_word if number == len(counts) - 1 else "OPEN"
        filled = sum(trade.quantity for trade in trades[:count])
        row = a_broker_order(
            order, status=word, filled_quantity=filled, status_text="exchange", updated_at=later(minutes=number)
        )
        looks.append(Seen(row, tuple(trades[:count])))
    return History(side, tuple(looks))


# Rows as a broken broker might give them: any word, any quantity, any of the trades.
rows = st.builds(
    Seen,
    row=st.builds(
        lambda word, filled, minute: a_broker_order(status=word, filled_quantity=filled, updated_at=later(minute)),
        word=st.sampled_from(["OPEN", "COMPLETE", "CANCELLED", "REJECTED", "OPEN PENDING", "", "???"]),
        filled=st.integers(0, 10),
        minute=st.integers(0, 3),
    ),
    trades=st.lists(st.sampled_from([a_trade(number, 2) for number in range(1, 6)]), max_size=5, unique=True).map(
        tuple
    ),
)


def figures(ours: Follower) -> tuple[object, ...]:
    order, attempt = ours.order, ours.attempt
    return (
        order.status,
        order.reason,
        order.execution_qty,
        order.execution_value,
        attempt.status,
        attempt.filled_quantity,
        {fill.trade_id for fill in ours.fills},
    )


@settings(deadline=None)
@given(histories())
def test_the_same_look_again_says_nothing(history: History) -> None:
    ours = history.follower()

    for seen in history.looks:
        ours.look(seen.row, seen.trades)
        assert ours.look(seen.row, seen.trades) is None


@settings(deadline=None)
@given(st.lists(rows, max_size=5))
def test_the_same_look_again_says_nothing_however_broken_it_is(looks: list[Seen]) -> None:
    ours = Follower()

    for seen in looks:
        ours.look(seen.row, seen.trades)
        assert ours.look(seen.row, seen.trades) is None


@settings(max_examples=150, deadline=None)
@given(histories())
def test_the_end_is_the_same_in_whatever_order_the_looks_come(history: History) -> None:
    in_order = history.follower()
    for seen in history.looks:
        in_order.look(seen.row, seen.trades)

    for shuffled in permutations(history.looks):
        ours = history.follower()
        for seen in shuffled:
            ours.look(seen.row, seen.trades)
        assert figures(ours) == figures(in_order)


@settings(deadline=None)
@given(histories())
def test_the_end_is_what_the_broker_said_last(history: History) -> None:
    ours = history.follower()
    for seen in history.looks:
        ours.look(seen.row, seen.trades)

    filled = history.last.row.filled_quantity
    wanted = {
        "OPEN": OrderStatus.PENDING,
        "REJECTED": OrderStatus.FAILED,
        "CANCELLED": OrderStatus.ONGOING if filled and history.side is Side.BUY else OrderStatus.CANCELLED,
        "COMPLETE": OrderStatus.ONGOING if history.side is Side.BUY else OrderStatus.CLOSED,
    }[history.last.row.status]
    assert ours.order.status is wanted
    assert sum(fill.quantity for fill in ours.fills) == ours.order.execution_qty == filled
    assert ours.attempt.filled_quantity == filled
    assert ours.order.execution_value == sum((t.price * t.quantity for t in history.last.trades), Decimal(0))


@settings(deadline=None)
@given(st.lists(rows, max_size=6))
def test_nothing_that_a_broker_shows_lowers_a_quantity_books_twice_or_breaks_the_machine(looks: list[Seen]) -> None:
    ours = Follower()

    for seen in looks:
        before, was_filled = ours.order.execution_qty, ours.attempt.filled_quantity
        ours.look(seen.row, seen.trades)
        assert ours.order.execution_qty >= before
        assert ours.attempt.filled_quantity >= was_filled
    booked = [fill.trade_id for fill in ours.fills]
    assert len(booked) == len(set(booked))
    assert ours.order.execution_qty == ours.attempt.filled_quantity == sum(fill.quantity for fill in ours.fills)


@settings(deadline=None)
@given(st.lists(rows, max_size=6))
def test_nothing_is_executed_without_a_fill_and_no_filled_attempt_is_anything_else(looks: list[Seen]) -> None:
    ours = Follower()

    for seen in looks:
        was = ours.attempt.status
        ours.look(seen.row, seen.trades)
        if ours.order.status in (OrderStatus.ONGOING, OrderStatus.CLOSED):
            assert ours.order.execution_qty > 0
        assert was is not AttemptStatus.FILLED or ours.attempt.status is AttemptStatus.FILLED


@settings(deadline=None)
@given(histories(), st.integers(0, 3))
def test_trades_that_lag_behind_their_row_only_delay(history: History, missing: int) -> None:
    late, prompt = history.follower(), history.follower()
    seen = history.last
    late.look(seen.row, seen.trades[: len(seen.trades) - missing])

    late.look(seen.row, seen.trades)
    prompt.look(seen.row, seen.trades)

    assert figures(late) == figures(prompt)
    assert late.attempt.broker_order_id == BROKER_ORDER_ID
