"""What must be heard of an order and by when: overdue from that very instant on, and nothing for what has ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from tests.builders import MONDAY, an_attempt, an_order
from tests.simulator.world import market
from tests.unit.storage.builders import a_request
from tradebot.domain.calendar import ist
from tradebot.domain.expectations import Expected, Patience, silences
from tradebot.domain.orders import AttemptStatus, OrderStatus, RequestState, Variety

DAY = market().calendar.trading_day(MONDAY)
SENT = ist(MONDAY, time(10, 0))
PATIENCE = Patience()


def found(
    now: datetime, *, attempt: dict[str, Any] | None = None, state: RequestState = RequestState.ACKED
) -> list[str]:
    order = an_order()
    request = replace(a_request(order), state=state, prepared_at=SENT)
    tracked = an_attempt(order, **(attempt or {}))
    return [silence.expected for silence in silences(order, tracked, request, DAY, PATIENCE, now)]


@pytest.mark.parametrize(("seconds", "expected"), [(1.999, []), (2, [Expected.ACKNOWLEDGED])])
def test_a_placement_is_acknowledged_in_two_seconds(seconds: float, expected: list[Expected]) -> None:
    assert found(SENT + timedelta(seconds=seconds), state=RequestState.PREPARED) == expected


@pytest.mark.parametrize("status", [None, "AMO REQ RECEIVED", "after  market order req received"])
def test_an_after_market_order_is_released_by_a_minute_after_the_open(status: str | None) -> None:
    parked = {"variety": Variety.AMO, "broker_status": status}

    assert found(ist(MONDAY, time(9, 15, 59)), attempt=parked) == []
    assert found(ist(MONDAY, time(9, 16)), attempt=parked) == [Expected.RELEASED]
    assert found(ist(MONDAY, time(9, 16)), attempt={**parked, "broker_status": "OPEN"}) == []
    assert found(ist(MONDAY, time(9, 16)), attempt={"broker_status": status}) == []


def test_an_order_has_ended_when_its_session_has() -> None:
    assert DAY is not None
    end = DAY.ends_at + PATIENCE.final

    assert found(end - timedelta(seconds=1)) == []
    assert found(end) == [Expected.FINAL]


@pytest.mark.parametrize("status", [OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.ONGOING])
def test_nothing_is_expected_of_what_has_ended(status: OrderStatus) -> None:
    order = an_order(status=status)

    assert silences(order, an_attempt(order), None, DAY, PATIENCE, ist(MONDAY, time(23, 0))) == []


def test_nothing_is_expected_of_an_attempt_that_is_over() -> None:
    over = {"status": AttemptStatus.REJECTED}

    assert found(ist(MONDAY, time(23, 0)), attempt=over) == []
