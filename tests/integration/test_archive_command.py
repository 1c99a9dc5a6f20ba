"""`main.py archive`: old and finished leaves whole, everything else stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.test_migrate_command import Operator
from tests.unit.storage.builders import (
    MONDAY,
    NOON,
    a_decision,
    a_fill,
    a_position,
    an_attempt,
    an_event,
    an_order,
)
from tests.unit.storage.databases import a_postgresql_database
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import create_database
from tradebot.domain.lifecycle_ids import IdType, LifecycleId
from tradebot.domain.orders import AttemptStatus, OrderStatus, PositionId
from tradebot.domain.outbox import OutboxKind, outbox_entry
from tradebot.domain.stored import Changes

LATER = NOON + timedelta(days=30)
BEFORE = (LATER - timedelta(days=1)).date().isoformat()


@pytest.fixture(params=["sqlite", "postgresql"])
def operator(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Operator]:
    """At a home with an old finished order, an old failed one, an old open one, and a new finished one."""
    (tmp_path / "state").mkdir()
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'state' / 'tradebot.db'}"
        monkeypatch.setenv("TRADEBOT_DATABASE_URL", url)
        yield _filled(Operator(tmp_path, url, capsys))
        return
    with a_postgresql_database() as url:
        monkeypatch.setenv("TRADEBOT_DATABASE_URL", url)
        yield _filled(Operator(tmp_path, url, capsys))


def _filled(operator: Operator) -> Operator:
    orders = [
        an_order(1, status=OrderStatus.CLOSED, position_id=PositionId("old")),
        an_order(2, status=OrderStatus.FAILED),
        an_order(3, status=OrderStatus.CANCELLED),
        an_order(4, status=OrderStatus.CLOSED, updated_at=LATER, position_id=PositionId("new")),
        an_order(5, status=OrderStatus.CANCELLED),
    ]
    words = (AttemptStatus.FILLED, AttemptStatus.REJECTED, AttemptStatus.UNKNOWN, AttemptStatus.FILLED)
    message = outbox_entry(OutboxKind.NOTIFICATION, target="a", topic="b", key="c", payload="{}", at=NOON)
    engine = create_database(operator.url)
    SqlOrderStore(engine).save(
        Changes(
            orders=orders,
            attempts=[an_attempt(order, status=word) for order, word in zip(orders, words, strict=False)],
            events=[an_event(order, number) for number, order in enumerate(orders, 1)],
            fills=[a_fill(orders[0], "trade-1"), a_fill(orders[3], "trade-4")],
            positions=[a_position("old", closed_at=NOON), a_position("new", closed_at=LATER)],
            decisions=[a_decision("one", order_id=orders[0].id), a_decision("none", order_id=None)],
            lifecycle_ids=[
                LifecycleId(
                    order_id=order.id, id_type=IdType.ORDER, lifecycle_id=order.id, created_at=NOON, updated_at=NOON
                )
                for order in orders
            ],
            outbox_marks=[message.delivered(NOON)],
        )
    )
    engine.dispose()
    return operator


def test_what_is_old_and_finished_goes_with_all_that_belongs_to_it(operator: Operator) -> None:
    assert operator.types("archive", "--before", BEFORE) == 0, operator.said

    assert "orders: 1\npositions: 1\noutbox: 1" in operator.said
    ids = [an_order(number).id for number in (2, 3, 4, 5)]
    assert operator.sql("SELECT id FROM orders ORDER BY id") == [(id_,) for id_ in ids]
    assert operator.sql("SELECT order_id FROM order_events ORDER BY sequence") == [(id_,) for id_ in ids]
    assert operator.sql("SELECT trade_id FROM fills") == [("trade-4",)]
    assert operator.sql("SELECT id FROM positions") == [("new",)]
    assert operator.sql("SELECT count(*) FROM order_lifecycle_ids") == [(4,)]
    (file,) = (operator.home / "state" / "archive").glob("*.db")
    archived = open_engine(f"sqlite:///{file}")
    story = OrderReader(archived).order(an_order(1).id)
    archived.dispose()
    assert story is not None
    assert (len(story.events), len(story.fills), len(story.attempts)) == (1, 1, 1)
    assert story.order.position_id == "old"
    assert operator.types("migrate", "validate") == 0


def test_the_last_event_of_an_account_stays_so_that_numbers_go_on(operator: Operator) -> None:
    operator.types("archive", "--before", "2099-01-01")

    engine = open_engine(operator.url)
    loaded = SqlOrderStore(engine).load(MONDAY)
    engine.dispose()
    assert loaded.sequences == {"primary": 5}


def test_events_cannot_be_removed_afterwards_either(operator: Operator) -> None:
    operator.types("archive", "--before", BEFORE)

    with pytest.raises(Exception, match="append-only"):
        operator.sql("DELETE FROM order_events")


def test_a_second_time_there_is_nothing_to_do(operator: Operator) -> None:
    operator.types("archive", "--before", BEFORE)

    assert operator.types("archive", "--before", BEFORE) == 0, operator.said

    assert "nothing ended before" in operator.said
    assert len(list((operator.home / "state" / "archive").iterdir())) == 1


def test_five_years_are_kept_without_a_date(operator: Operator) -> None:
    assert operator.types("archive") == 0
    assert "nothing ended before" in operator.said
    assert operator.types("archive", "--before", "yesterday") == 2
