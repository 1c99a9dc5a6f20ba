"""The routing table row by row, its first match, and the states that it is asked with."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tests.builders import BROKER_ORDER_ID, an_attempt, an_order
from tradebot.domain.lifecycle_ids import DeadLetterReason, IdStatus, IdType
from tradebot.domain.orders import AttemptStatus, OrderStatus, PositionId, Side, Variety
from tradebot.domain.routing import ROUTES, Destination, Route, Said, State, derived_state, route

S, B, D = State, Said, Destination
SPECIFIED = [
    ({S.PENDING_CANCEL}, {B.CANCELLED, B.PENDING, B.MODIFY}, IdType.ORDER, D.CANCEL),
    (set(S) - {S.PENDING_CANCEL}, {B.CANCELLED}, IdType.MODIFY, D.PENDING),
    (
        {S.STOP_LOSS_CANCEL, S.TAKE_PROFIT_CANCEL, S.MODIFY, S.PENDING, S.CANCELLED, S.PENDING_QUEUED},
        {B.CANCELLED},
        IdType.ORDER,
        D.CANCEL,
    ),
    ({S.OPEN, S.QUEUED}, {B.EXECUTED}, IdType.ORDER, D.OPEN),
    ({S.PENDING, S.PENDING_QUEUED, S.MODIFY, S.PENDING_CANCEL}, {B.EXECUTED}, IdType.ORDER, D.OPEN),
    ({S.PENDING, S.PENDING_QUEUED, S.MODIFY}, {B.PENDING, B.MODIFY}, IdType.ORDER, D.PENDING),
    ({S.STOP_LOSS, S.TAKE_PROFIT, S.OPEN}, {B.CANCELLED}, IdType.ORDER, D.CANCEL),
    (set(S), {B.REJECTED}, IdType.ORDER, D.REJECT),
    ({S.STOP_LOSS}, {B.PENDING}, IdType.STOP_LOSS, D.STOP_LOSS),
    ({S.TAKE_PROFIT}, {B.PENDING}, IdType.TAKE_PROFIT, D.TAKE_PROFIT),
    (
        {S.STOP_LOSS, S.TAKE_PROFIT, S.STOP_LOSS_CANCEL, S.TAKE_PROFIT_CANCEL, S.CLOSED},
        {B.EXECUTED},
        IdType.ORDER,
        D.CLOSE,
    ),
]


@pytest.mark.parametrize(("states", "said", "id_type", "goes_to"), SPECIFIED)
def test_each_row_of_the_specification(
    states: set[State], said: set[Said], id_type: IdType, goes_to: Destination
) -> None:
    for state, word in product(states, said):
        found = route(state, word, id_type)
        assert isinstance(found, Route), (state, word)
        assert found.goes_to is goes_to, (state, word)


def test_everything_else_is_a_dead_letter_that_says_which() -> None:
    rows = [(states, said) for states, said, kind, _ in SPECIFIED if kind is not IdType.MODIFY]
    specified = {pair for states, said in rows for pair in product(states, said)}
    for state, said in set(product(State, Said)) - specified:
        is_cancel = said is Said.CANCELLED
        expected = DeadLetterReason.UNMAPPED_CANCEL_STATE if is_cancel else DeadLetterReason.UNMAPPED_ROUTING_STATE
        assert route(state, said, IdType.ORDER) is expected


def test_only_what_nobody_asked_for_is_told() -> None:
    assert [row.states for row in ROUTES if not row.was_asked] == [frozenset({S.STOP_LOSS, S.TAKE_PROFIT, S.OPEN})]


@pytest.mark.parametrize(
    ("order", "attempt", "ids", "is_modified", "state"),
    [
        ({"variety": Variety.AMO}, {}, {}, False, S.PENDING_QUEUED),
        ({}, {}, {}, False, S.QUEUED),
        ({}, {"broker_order_id": BROKER_ORDER_ID}, {}, False, S.PENDING),
        ({}, {"broker_order_id": BROKER_ORDER_ID, "status": AttemptStatus.UNKNOWN}, {}, False, S.QUEUED),
        ({}, {"broker_order_id": BROKER_ORDER_ID}, {}, True, S.MODIFY),
        ({"cancel_requested": True}, {"broker_order_id": BROKER_ORDER_ID}, {}, True, S.PENDING_CANCEL),
        ({"status": OrderStatus.CANCELLED}, {}, {}, False, S.CANCELLED),
        ({"status": OrderStatus.FAILED}, {}, {}, False, S.CANCELLED),
        ({"status": OrderStatus.ONGOING}, {}, {}, False, S.OPEN),
        ({"status": OrderStatus.ONGOING}, {}, {IdType.STOP_LOSS: IdStatus.ACTIVE}, False, S.STOP_LOSS),
        ({"status": OrderStatus.ONGOING}, {}, {IdType.STOP_LOSS: IdStatus.CANCELLED}, False, S.OPEN),
        ({"status": OrderStatus.ONGOING}, {}, {IdType.TAKE_PROFIT: IdStatus.ACTIVE}, False, S.TAKE_PROFIT),
        (
            {"status": OrderStatus.ONGOING},
            {},
            {IdType.STOP_LOSS: IdStatus.ACTIVE, IdType.STOP_LOSS_CANCEL: IdStatus.ACTIVE},
            False,
            S.STOP_LOSS_CANCEL,
        ),
        (
            {"status": OrderStatus.ONGOING},
            {},
            {IdType.TAKE_PROFIT: IdStatus.ACTIVE, IdType.CLOSE: IdStatus.ACTIVE},
            False,
            S.CLOSED,
        ),
        ({"status": OrderStatus.CLOSED}, {}, {}, False, S.CLOSED),
    ],
)
def test_the_state_is_derived_from_what_is_known(
    order: dict[str, Any], attempt: dict[str, Any], ids: dict[IdType, IdStatus], is_modified: bool, state: State
) -> None:
    found = an_order(**order)
    assert derived_state(found, an_attempt(found, **attempt), ids, is_being_modified=is_modified) is state


@pytest.mark.parametrize(
    ("metadata", "is_asked_back", "state"),
    [
        ({}, False, S.CLOSED),
        ({"rule": "profit_target"}, False, S.TAKE_PROFIT),
        ({"rule": "profit_target"}, True, S.TAKE_PROFIT_CANCEL),
        ({"rule": "atr_stop"}, False, S.STOP_LOSS),
        ({"rule": "trailing_stop"}, True, S.STOP_LOSS_CANCEL),
    ],
)
def test_a_sell_of_a_position_stands_for_what_it_does_to_it(
    metadata: dict[str, str], is_asked_back: bool, state: State
) -> None:
    sell = replace(
        an_order(side=Side.SELL), position_id=PositionId("P1"), metadata=metadata, cancel_requested=is_asked_back
    )
    assert derived_state(sell, an_attempt(sell), {}) is state
