"""Batches in the database: what is saved is what is read, and what is under way is loaded at a start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.builders import MONDAY, NOON, an_attempt, an_order
from tests.unit.storage.databases import KINDS, a_database
from tradebot.adapters.storage.batch_reader import BatchReader
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.domain.batches import Batch, BatchStatus, Leg, LegStatus
from tradebot.domain.orders import BrokerOrderId, Coid, OrderId, OrderStatus, OrderType, Product, Side, Validity
from tradebot.domain.stored import Changes

BATCH = Batch(
    id="B1",
    account_id="primary",
    user_id="owner",
    rollback_on_failure=True,
    unwind_filled=False,
    sequential=True,
    is_rolling_back=False,
    status=None,
    idempotency_key="a key; with ünicode",
    fingerprint="0123456789abcdef",
    correlation_id="me",
    created_at=NOON,
    updated_at=NOON,
)
LEG = Leg(
    batch_id="B1",
    number=0,
    account_id="primary",
    symbol="INFY",
    exchange="NSE",
    side=Side.BUY,
    quantity=10,
    order_type=OrderType.SL,
    price=Decimal("1000.05"),
    trigger_price=Decimal("999.95"),
    product=Product.CNC,
    validity=Validity.IOC,
    disclosed_quantity=3,
    tag="hedge",
    coid=Coid("A1"),
)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with a_database(request.param, tmp_path) as database:
        yield database


def test_a_batch_is_read_as_it_was_saved_and_its_last_word_counts(engine: Engine) -> None:
    store = SqlOrderStore(engine)
    order = an_order(batch_id="B1", broker_order_id=BrokerOrderId("77"))
    store.save(Changes(batches=[BATCH], batch_legs=[LEG]))
    done = replace(BATCH, status=BatchStatus.PARTIAL, is_rolling_back=True, completed_at=NOON + timedelta(seconds=1))
    leg = replace(LEG, order_id=order.id, status=LegStatus.FILLED, filled_qty=4, error="the rest was cancelled")
    store.save(Changes(orders=[order], attempts=[an_attempt(order)], batches=[done], batch_legs=[leg]))

    story = BatchReader(engine).batch("B1")

    assert story is not None
    assert (story.batch, list(story.legs), list(story.broker_order_ids)) == (done, [leg], ["77"])
    assert store.batch_fingerprint("B1") == BATCH.fingerprint
    assert store.batch_fingerprint("B2") is None
    assert [batch.id for batch in BatchReader(engine).newest("primary")] == ["B1"]
    assert BatchReader(engine).batch("B2") is None


def test_a_batch_under_way_is_loaded_with_its_finished_orders_of_another_day(engine: Engine) -> None:
    store = SqlOrderStore(engine)
    old = an_order(batch_id="B1", status=OrderStatus.CANCELLED, trading_day=MONDAY - timedelta(days=3))
    store.save(Changes(orders=[old], attempts=[an_attempt(old)], batches=[BATCH], batch_legs=[LEG]))

    stored = store.load(MONDAY)

    assert (list(stored.batches), list(stored.batch_legs)) == ([BATCH], [LEG])
    assert [order.id for order in stored.orders] == [OrderId("7")]


def test_a_complete_batch_of_another_day_stays_in_the_database(engine: Engine) -> None:
    store = SqlOrderStore(engine)
    old = an_order(batch_id="B1", status=OrderStatus.CANCELLED, trading_day=MONDAY - timedelta(days=3))
    done = replace(BATCH, status=BatchStatus.FAILED, completed_at=NOON)
    store.save(Changes(orders=[old], batches=[done], batch_legs=[LEG]))

    stored = store.load(MONDAY)

    assert (list(stored.batches), list(stored.batch_legs), list(stored.orders)) == ([], [], [])
