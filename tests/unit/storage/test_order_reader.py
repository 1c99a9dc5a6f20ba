"""What people are told about orders, decisions and a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.storage.builders import (
    MONDAY,
    NOON,
    a_decision,
    a_fill,
    a_position,
    a_request,
    an_attempt,
    an_event,
    an_order,
)
from tests.unit.storage.databases import KINDS, a_database
from tradebot.adapters.storage.order_reader import ROWS_MAX, OrderReader, RunSummary
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.sqlite_memory import SqliteMemory
from tradebot.domain.order_queries import OrderQuery
from tradebot.domain.orders import BrokerOrderId, DecisionId, OrderStatus
from tradebot.domain.stored import Changes


@pytest.fixture
def memory() -> Iterator[SqliteMemory]:
    database = SqliteMemory()
    yield database
    database.close()


@pytest.fixture
def reader(memory: SqliteMemory) -> OrderReader:
    return OrderReader(memory.engine)


def test_orders_are_listed_newest_first_up_to_the_limit(memory: SqliteMemory, reader: OrderReader) -> None:
    memory.store.save(Changes(orders=[an_order(n) for n in range(1, 6)]))

    assert [order.id for order in reader.orders(limit=2)] == [an_order(5).id, an_order(4).id]


def test_orders_are_listed_by_status(memory: SqliteMemory, reader: OrderReader) -> None:
    memory.store.save(Changes(orders=[an_order(1), an_order(2, status=OrderStatus.FAILED)]))

    assert [order.id for order in reader.orders(OrderStatus.FAILED)] == [an_order(2).id]


@pytest.mark.parametrize("limit", [0, -1, ROWS_MAX + 1])
def test_a_limit_has_its_limits(reader: OrderReader, limit: int) -> None:
    with pytest.raises(ValueError, match=f"1 to {ROWS_MAX}"):
        reader.orders(limit=limit)


def test_every_id_of_an_order_tells_its_whole_story(memory: SqliteMemory, reader: OrderReader) -> None:
    order, other = an_order(1, broker_order_id=BrokerOrderId("77")), an_order(2)
    first = an_attempt(order, 1, broker_order_id=BrokerOrderId("66"))
    second = an_attempt(order, 2, broker_order_id=BrokerOrderId("77"))
    events = [an_event(order, 1), an_event(order, 3)]
    memory.store.save(
        Changes(
            orders=[order, other],
            attempts=[second, first, an_attempt(other)],
            requests=[a_request(order)],
            fills=[a_fill(order)],
            events=[*events, an_event(other, 2)],
        )
    )

    for any_id in (order.id, order.coid, second.coid, "77", "66"):
        story = reader.order(any_id)
        assert story is not None
        assert (story.order, story.events) == (order, events)
        assert (story.attempts, story.requests) == ([first, second], [a_request(order)])
        assert story.fills == [a_fill(order)]


def test_an_id_of_nothing_has_no_story(reader: OrderReader) -> None:
    assert reader.order("nothing") is None


def test_decisions_are_found_by_id_symbol_and_day(memory: SqliteMemory, reader: OrderReader) -> None:
    old = a_decision("a", trading_day=MONDAY - timedelta(days=3), at=NOON - timedelta(days=3))
    new = a_decision("b", at=NOON)
    other = a_decision("c", symbol="INFY", at=NOON - timedelta(hours=1))
    memory.store.save(Changes(decisions=[old, new, other]))

    assert reader.decisions() == [new, other, old]
    assert reader.decisions(decision_id=DecisionId("c")) == [other]
    assert reader.decisions(symbol="RELIANCE") == [new, old]
    assert reader.decisions(trading_day=MONDAY) == [new, other]
    assert reader.decisions(symbol="RELIANCE", trading_day=MONDAY) == [new]


def test_every_status_is_counted(memory: SqliteMemory, reader: OrderReader) -> None:
    memory.store.save(Changes(orders=[an_order(1), an_order(2), an_order(3, status=OrderStatus.CLOSED)]))

    assert reader.counts() == dict.fromkeys(OrderStatus, 0) | {OrderStatus.PENDING: 2, OrderStatus.CLOSED: 1}


def test_a_run_is_summed_up_exactly_from_its_start(memory: SqliteMemory, reader: OrderReader) -> None:
    before, after = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    order = an_order(1)
    memory.store.save(
        Changes(
            orders=[order, an_order(2, updated_at=before)],
            fills=[a_fill(order, "old", booked_at=before), a_fill(order, "new", booked_at=after)],
            positions=[
                a_position("old", realised_pnl=Decimal(1000), updated_at=before, closed_at=before),
                a_position("won", realised_pnl=Decimal("0.1"), updated_at=after, closed_at=after),
                a_position("more", realised_pnl=Decimal("0.2"), updated_at=after),
            ],
        )
    )

    assert reader.summary(NOON) == RunSummary(
        orders=dict.fromkeys(OrderStatus, 0) | {OrderStatus.PENDING: 1},
        fills=1,
        realised_pnl=Decimal("0.3"),
        open_positions=1,
    )
    assert (reader.summary().fills, reader.summary().realised_pnl) == (2, Decimal("1000.3"))


def test_open_positions_are_listed(memory: SqliteMemory, reader: OrderReader) -> None:
    memory.store.save(Changes(positions=[a_position("open"), a_position("closed", closed_at=NOON)]))

    assert reader.open_positions() == [a_position("open")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_story_and_the_figures_are_the_same_in_every_database(kind: str, tmp_path: Path) -> None:
    order = an_order(1, broker_order_id=BrokerOrderId("77"), execution_qty=3, metadata={"rule": "atr_stop"})
    failed, expired = (
        an_order(number, status=OrderStatus.FAILED, expires_at=at)
        for number, at in ((2, None), (3, NOON - timedelta(minutes=1)))
    )
    saved = Changes(
        orders=[order, failed, expired],
        attempts=[an_attempt(order, 1, broker_order_id=BrokerOrderId("77"))],
        requests=[a_request(order)],
        fills=[a_fill(order)],
        events=[an_event(order, 1)],
    )

    with a_database(kind, tmp_path) as engine:
        SqlOrderStore(engine).save(saved)
        story = OrderReader(engine).order("77")
        figures = OrderReader(engine).figures(OrderQuery(), NOON)

    assert story is not None
    assert (story.order, story.attempts, story.fills) == (order, saved.attempts, saved.fills)
    assert (story.requests, story.events) == (saved.requests, saved.events)
    assert (figures.executed, figures.retriable) == (1, 1)
    assert figures.by_status[OrderStatus.FAILED] == 2
