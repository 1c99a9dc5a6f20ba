"""The two state machines: every pair of state and change, what a change sets, and random stories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.builders import NOON, a_fill, an_attempt, an_order, later
from tradebot.domain.errors import InvalidTransition
from tradebot.domain.lifecycle import (
    ATTEMPT_TABLE,
    ORDER_TABLE,
    AttemptChange,
    OrderChange,
    Transition,
    apply,
    apply_attempt,
    book_fill,
    diagram,
)
from tradebot.domain.orders import REASON_LENGTH_MAX, AttemptStatus, Order, OrderStatus, Side

PENDING, ONGOING, CLOSED, FAILED, CANCELLED = OrderStatus

# The specification's table (orders, "Status"), written down once more; the side says whose change it is.
SPECIFIED = {
    ("pending", "released"): "pending",
    ("pending", "accepted"): "pending",
    ("pending", "partially_filled"): "pending",
    ("pending", "modified"): "pending",
    ("pending", "cancel_asked"): "pending",
    ("pending", "bought"): "ongoing",
    ("pending", "sold"): "closed",
    ("pending", "refused"): "failed",
    ("pending", "cancelled"): "cancelled",
    ("failed", "retried"): "pending",
    ("failed", "linked"): "pending",
    ("failed", "retry_failed"): "failed",
    ("failed", "retry_requested"): "failed",
    ("failed", "expired"): "cancelled",
    ("failed", "already_held"): "cancelled",
    ("failed", "dropped"): "cancelled",
    ("failed", "replaced"): "cancelled",
    ("ongoing", "position_sold"): "closed",
    ("cancelled", "late_bought"): "ongoing",
    ("cancelled", "late_sold"): "closed",
    ("cancelled", "reopened"): "pending",
    ("failed", "late_bought"): "ongoing",
    ("failed", "late_sold"): "closed",
    ("failed", "reopened"): "pending",
}
OF_A_BUY = {"bought", "late_bought", "position_sold"}
OF_A_SELL = {"sold", "late_sold"}

# An open attempt may end in every way or be lost; a finished one may only turn out to stand, or to be filled, after
# all, and one that we declared expired may get the broker's own word.
OPEN_ENDS = {
    "lost": "unknown",
    "partially_filled": "partially_filled",
    "filled": "filled",
    "cancelled": "cancelled",
    "rejected": "rejected",
    "expired": "expired",
}
AFTER_ALL = {"acknowledged": "pending", "partially_filled": "partially_filled", "filled": "filled"}
SPECIFIED_ATTEMPTS = {
    "pending": {"acknowledged": "pending", **OPEN_ENDS},
    "unknown": {"acknowledged": "pending", **OPEN_ENDS},
    "partially_filled": {"acknowledged": "partially_filled", **OPEN_ENDS},
    "filled": {},
    "cancelled": AFTER_ALL,
    "rejected": AFTER_ALL,
    "expired": {**AFTER_ALL, "cancelled": "cancelled", "rejected": "rejected"},
}


def a_transition(change: OrderChange, at_minute: int = 1, **fields: str) -> Transition:
    given = {"reason": f"because {change}", "source": "test", **fields}
    return Transition(change=change, at=later(at_minute), **given)  # type: ignore[arg-type]


def side_of(change: str) -> Side:
    return Side.SELL if change in OF_A_SELL else Side.BUY


def in_state(status: OrderStatus, side: Side = Side.BUY) -> Order:
    return an_order(side=side, status=status)


ALLOWED = sorted(SPECIFIED)
FORBIDDEN = sorted((str(s), str(c)) for s, c in product(OrderStatus, OrderChange) if (s, c) not in SPECIFIED)


def test_the_table_is_the_specified_one() -> None:
    written = {
        (str(state), str(change)): str(after) for state, row in ORDER_TABLE.items() for change, after in row.items()
    }

    assert written == SPECIFIED


def test_the_attempts_table_is_the_specified_one() -> None:
    written = {str(s): {str(c): str(after) for c, after in row.items()} for s, row in ATTEMPT_TABLE.items()}

    assert written == SPECIFIED_ATTEMPTS


@pytest.mark.parametrize(("state", "change"), ALLOWED)
def test_an_allowed_change_leads_where_the_table_says(state: str, change: str) -> None:
    order = book_fill(in_state(OrderStatus(state), side_of(change)), a_fill())

    after = apply(order, a_transition(OrderChange(change)))

    assert after.status == SPECIFIED[state, change]
    assert after.reason == f"because {change}"
    assert after.updated_at == after.last_status_check == later(1)


@pytest.mark.parametrize(("state", "change"), FORBIDDEN)
@pytest.mark.parametrize("side", Side)
def test_every_other_change_is_an_error_that_names_both_words_and_the_order(
    state: str, change: str, side: Side
) -> None:
    order = in_state(OrderStatus(state), side)

    with pytest.raises(InvalidTransition) as caught:
        apply(order, a_transition(OrderChange(change)))

    assert state in str(caught.value)
    assert change in str(caught.value)
    assert order.id in str(caught.value)
    assert order == in_state(OrderStatus(state), side)


@pytest.mark.parametrize(("state", "change"), [pair for pair in ALLOWED if pair[1] in OF_A_BUY | OF_A_SELL])
def test_an_execution_of_the_other_side_is_an_error(state: str, change: str) -> None:
    other = Side.BUY if change in OF_A_SELL else Side.SELL
    order = book_fill(in_state(OrderStatus(state), other), a_fill())

    with pytest.raises(InvalidTransition):
        apply(order, a_transition(OrderChange(change)))


@pytest.mark.parametrize(("state", "change"), list(product(AttemptStatus, AttemptChange)))
def test_each_change_of_an_attempt_leads_where_the_table_says_or_is_an_error(
    state: AttemptStatus, change: AttemptChange
) -> None:
    attempt = an_attempt(status=state)
    wanted = SPECIFIED_ATTEMPTS[state].get(change)

    if wanted is None:
        with pytest.raises(InvalidTransition) as caught:
            apply_attempt(attempt, change, later(1))
        assert state in str(caught.value)
        assert change in str(caught.value)
        assert attempt.coid in str(caught.value)
        return
    after = apply_attempt(attempt, change, later(1))
    assert (after.status, after.updated_at) == (wanted, later(1))


@pytest.mark.parametrize("change", [OrderChange.REFUSED, OrderChange.RETRY_FAILED, OrderChange.RETRY_REQUESTED])
def test_a_failure_sets_what_a_failure_sets(change: OrderChange) -> None:
    state = PENDING if change is OrderChange.REFUSED else FAILED

    failed = apply(in_state(state), a_transition(change))

    assert failed.status is FAILED
    assert failed.first_failed_at == failed.last_retry_attempt == failed.last_status_check == later(1)
    assert failed.retry_count == 1
    assert failed.closed_at is None


def test_the_first_failure_keeps_its_hour() -> None:
    failed = apply(an_order(), a_transition(OrderChange.REFUSED))

    again = apply(failed, a_transition(OrderChange.RETRY_FAILED, at_minute=9))

    assert again.first_failed_at == later(1)
    assert again.last_retry_attempt == later(9)
    assert again.retry_count == 2


def test_a_retry_that_is_refused_again_keeps_the_first_failure() -> None:
    failed = apply(an_order(), a_transition(OrderChange.REFUSED))
    retried = apply(failed, a_transition(OrderChange.RETRIED, at_minute=2))

    again = apply(retried, a_transition(OrderChange.REFUSED, at_minute=3))

    assert (again.first_failed_at, again.retry_count) == (later(1), 2)


def test_a_cancellation_sets_what_a_cancellation_sets() -> None:
    cancelled = apply(an_order(), a_transition(OrderChange.CANCELLED))

    assert cancelled.status is CANCELLED
    assert cancelled.closed_at == cancelled.last_status_check == later(1)
    assert cancelled.first_failed_at is None
    assert cancelled.retry_count == 0


def test_an_execution_keeps_what_was_filled_and_when() -> None:
    order = book_fill(an_order(quantity=10), a_fill(quantity=4))

    bought = apply(order, a_transition(OrderChange.BOUGHT))

    assert bought.status is ONGOING
    assert bought.execution_qty == 4
    assert bought.filled_at == bought.execution_time == bought.first_fill_at == later(seconds=1)
    assert bought.closed_at is None


def test_a_filled_sell_is_closed_at_once() -> None:
    order = book_fill(an_order(side=Side.SELL), a_fill())

    assert apply(order, a_transition(OrderChange.SOLD)).closed_at == later(1)


def test_the_first_fill_stays_the_first() -> None:
    first = book_fill(an_order(), a_fill(quantity=4, price=1000))

    second = book_fill(first, a_fill(trade_id="T2", quantity=6, price=1010, traded_at=later(5)))

    assert second.first_fill_at == later(seconds=1)
    assert second.execution_time == later(5)
    assert (second.execution_qty, second.execution_price, second.average_price) == (10, Decimal(1006), Decimal(1006))


def test_a_fill_leaves_the_status_alone() -> None:
    assert all(book_fill(in_state(state), a_fill()).status is state for state in OrderStatus)


def test_acceptance_keeps_the_first_hour_at_the_broker() -> None:
    accepted = apply(an_order(), a_transition(OrderChange.ACCEPTED))

    assert apply(accepted, a_transition(OrderChange.ACCEPTED, at_minute=7)).placed_at == later(1)


def test_a_reopened_order_is_not_closed_any_more() -> None:
    cancelled = apply(an_order(), a_transition(OrderChange.CANCELLED))

    assert apply(cancelled, a_transition(OrderChange.REOPENED)).closed_at is None


def test_a_cancelled_buy_that_was_filled_late_is_not_closed_any_more() -> None:
    cancelled = book_fill(apply(an_order(), a_transition(OrderChange.CANCELLED)), a_fill())

    assert apply(cancelled, a_transition(OrderChange.LATE_BOUGHT)).closed_at is None


@pytest.mark.parametrize(
    ("side", "state", "change"),
    [
        (Side.BUY, PENDING, OrderChange.BOUGHT),
        (Side.SELL, PENDING, OrderChange.SOLD),
        (Side.BUY, FAILED, OrderChange.LATE_BOUGHT),
        (Side.SELL, CANCELLED, OrderChange.LATE_SOLD),
    ],
)
def test_an_execution_without_a_fill_is_an_error(side: Side, state: OrderStatus, change: OrderChange) -> None:
    with pytest.raises(InvalidTransition):
        apply(in_state(state, side), a_transition(change))


def test_a_retried_order_begins_without_the_marks_of_its_last_attempt() -> None:
    order = an_order(status=FAILED, cancel_requested=True, broker_order_id="251116000000001", placed_at=NOON)

    retried = apply(order, a_transition(OrderChange.RETRIED))

    assert (retried.cancel_requested, retried.broker_order_id, retried.placed_at) == (False, None, None)


@pytest.mark.parametrize("length", [1, REASON_LENGTH_MAX - 1, REASON_LENGTH_MAX])
def test_a_reason_of_up_to_512_characters_is_kept_whole(length: int) -> None:
    assert apply(an_order(), a_transition(OrderChange.REFUSED, reason="x" * length)).reason == "x" * length


def test_a_longer_reason_is_cut_with_an_ellipsis() -> None:
    failed = apply(an_order(), a_transition(OrderChange.REFUSED, reason="x" * (REASON_LENGTH_MAX + 1)))

    assert len(failed.reason) == REASON_LENGTH_MAX
    assert failed.reason == "x" * (REASON_LENGTH_MAX - 1) + "…"


def test_what_the_broker_did_not_say_keeps_what_it_said_before() -> None:
    order = apply(an_order(), a_transition(OrderChange.ACCEPTED, broker_status="OPEN", broker_order_id="1"))

    after = apply(order, a_transition(OrderChange.MODIFIED))

    assert (after.broker_status, after.broker_order_id) == ("OPEN", "1")


def test_a_diagram_has_a_line_for_each_change() -> None:
    table: Mapping[Any, Mapping[Any, OrderStatus]] = ORDER_TABLE

    lines = diagram(table).splitlines()

    assert lines[0] == "stateDiagram-v2"
    assert "    pending --> ongoing: bought" in lines
    assert len(lines) == 1 + len(SPECIFIED)


class Stories(RuleBasedStateMachine):
    """Any change at any time; fills come before executions. An error changes nothing, and what must hold does."""

    order: Order
    minute: int

    @initialize(side=st.sampled_from(Side))
    def begin(self, side: Side) -> None:
        self.order = an_order(side=side)
        self.minute = 0

    @rule(change=st.sampled_from(OrderChange), length=st.integers(0, 600))
    def happens(self, change: OrderChange, length: int) -> None:
        self.minute += 1
        before = self.order
        is_execution = change in OF_A_BUY - {"position_sold"} | OF_A_SELL
        if is_execution and not before.execution_qty:
            self._fill()
            before = self.order
        try:
            self.order = apply(before, a_transition(change, self.minute, reason="r" * length or "r"))
        except InvalidTransition:
            assert (before.status, change) not in SPECIFIED or side_of(change) is not before.side
            return
        assert self.order.status == SPECIFIED[before.status, change]
        assert self.order.retry_count - before.retry_count == (self.order.status is FAILED)

    @rule(quantity=st.integers(1, 5))
    def fills(self, quantity: int) -> None:
        self.minute += 1
        self._fill(quantity)

    def _fill(self, quantity: int = 1) -> None:
        before = self.order
        at = later(self.minute)
        self.order = book_fill(before, a_fill(quantity=quantity, traded_at=at, booked_at=at))
        assert self.order.execution_qty == before.execution_qty + quantity

    @invariant()
    def the_row_makes_sense(self) -> None:
        order = self.order
        assert order.status in OrderStatus
        assert 1 <= len(order.reason) <= REASON_LENGTH_MAX
        assert (order.first_fill_at is None) == (order.execution_qty == 0) == (order.execution_price is None)
        assert order.average_price == order.execution_price
        if order.status in (ONGOING, CLOSED):
            assert order.execution_qty > 0
            assert order.filled_at is not None
        if order.status is FAILED:
            assert order.first_failed_at is not None
            assert order.retry_count > 0
        if order.status in (CLOSED, CANCELLED):
            assert order.closed_at is not None
        if order.status in (PENDING, FAILED):
            assert order.closed_at is None

    @invariant()
    def the_times_never_go_back(self) -> None:
        order = self.order
        assert order.updated_at <= later(self.minute)
        assert order.first_failed_at is None or order.first_failed_at - NOON <= timedelta(minutes=self.minute)


Stories.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_whatever_happens_in_whatever_order_the_row_makes_sense = Stories.TestCase
