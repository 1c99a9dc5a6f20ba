"""Lifecycle ids in each database: one active id of a type whatever happens, and every id leads to its order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from tests.builders import NOON, an_attempt, an_order, later
from tests.unit.storage.databases import KINDS, a_database
from tradebot.adapters.lookups import MemoryLookup
from tradebot.adapters.storage import order_tables
from tradebot.adapters.storage.lifecycle_care import findings, move_in, note_account, stats
from tradebot.adapters.storage.lifecycle_store import LifecycleStore, NewId
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.domain.lifecycle_ids import (
    AccountKind,
    DeadLetterReason,
    IdConflict,
    IdStatus,
    IdType,
    InvalidIdStatus,
    LifecycleId,
    Resolved,
    StatusNote,
    resolved,
)
from tradebot.domain.orders import BrokerOrderId, Coid, OrderId
from tradebot.domain.stored import Changes

ORDER = OrderId("7")
SQL = Path(__file__).parents[2] / "docs" / "sql"
MANY = 100_000


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with a_database(request.param, tmp_path) as database:
        order = replace(an_order(id=ORDER), broker_order_id=BrokerOrderId("251116000000001"))
        SqlOrderStore(database).save(Changes(orders=[order], attempts=[an_attempt(order)]))
        yield database


@pytest.fixture
def store(engine: Engine) -> Iterator[LifecycleStore]:
    store = LifecycleStore(engine)
    store.add(NewId(order_id=ORDER, id_type=IdType.ORDER, lifecycle_id=ORDER), NOON)
    yield store
    store.close()


def a_stop(name: str) -> NewId:
    return NewId(order_id=ORDER, id_type=IdType.STOP_LOSS, lifecycle_id=name)


def test_the_worked_example_of_the_specification(store: LifecycleStore) -> None:
    store.add(a_stop("SL1"), later(1))
    store.add(NewId(order_id=ORDER, id_type=IdType.STOP_LOSS_CANCEL, lifecycle_id="SLC1"), later(2))
    store.set_status("SL1", IdStatus.CANCELLED, later(3))
    store.set_status("SLC1", IdStatus.EXECUTED, later(3))
    store.add(a_stop("SL2"), later(4))

    history = store.history(ORDER)

    assert [(e.lifecycle_id, e.status, e.replaced_by) for e in history[IdType.STOP_LOSS]] == [
        ("SL1", IdStatus.CANCELLED, None),
        ("SL2", IdStatus.ACTIVE, None),
    ]
    assert [e.status for e in history[IdType.STOP_LOSS_CANCEL]] == [IdStatus.EXECUTED]
    assert [e.status for e in history[IdType.ORDER]] == [IdStatus.ACTIVE]
    assert store.resolve("SL1", NOON) == Resolved(order_id=ORDER, id_type=IdType.STOP_LOSS, status=IdStatus.CANCELLED)


def test_a_new_id_replaces_the_active_one_and_both_lead_to_the_order(store: LifecycleStore) -> None:
    store.add(a_stop("SL1"), later(1))
    store.add(a_stop("SL2"), later(2))

    old, new = store.history(ORDER)[IdType.STOP_LOSS]
    assert (old.status, old.replaced_by, new.status) == (IdStatus.REPLACED, "SL2", IdStatus.ACTIVE)
    assert store.active(ORDER, IdType.STOP_LOSS) == new
    for name in ("SL1", "SL2"):
        found = store.resolve(name, NOON)
        assert found is not None
        assert found.order_id == ORDER


def test_the_same_id_again_does_nothing_and_of_another_type_it_is_a_conflict(store: LifecycleStore) -> None:
    first = store.add(a_stop("SL1"), later(1))
    assert store.add(a_stop("SL1"), later(2)) == first
    with pytest.raises(IdConflict):
        store.add(NewId(order_id=ORDER, id_type=IdType.CLOSE, lifecycle_id="SL1"), later(2))


def test_many_are_added_each_on_its_own(store: LifecycleStore) -> None:
    store.add(a_stop("SL1"), later(1))
    close = NewId(order_id=ORDER, id_type=IdType.CLOSE, lifecycle_id="CLS1")

    ended = store.add_many([a_stop("SL2"), replace(close, lifecycle_id="SL1"), close], later(2))

    assert [type(each).__name__ for each in ended] == ["LifecycleId", "IdConflict", "LifecycleId"]
    assert store.active(ORDER, IdType.CLOSE) is not None


def test_statuses_follow_the_table_and_what_is_not_in_it_is_an_error(store: LifecycleStore) -> None:
    store.add(a_stop("SL1"), later(1))

    assert store.set_status("SL1", IdStatus.EXECUTED, later(2)) is StatusNote.SET
    assert store.set_status("SL1", IdStatus.CANCELLED, later(3)) is StatusNote.IGNORED
    with pytest.raises(InvalidIdStatus):
        store.set_status("SL1", IdStatus.ACTIVE, later(3))
    with pytest.raises(KeyError):
        store.set_status("nobody", IdStatus.EXECUTED, later(3))
    assert store.active(ORDER, IdType.STOP_LOSS) is None


def test_the_database_itself_forbids_two_active_ids(engine: Engine, store: LifecycleStore) -> None:
    store.add(a_stop("SL1"), later(1))
    row = {
        "order_id": ORDER,
        "id_type": IdType.STOP_LOSS,
        "lifecycle_id": "SL9",
        "status": IdStatus.ACTIVE,
        "notes": "",
        "created_at": NOON,
        "updated_at": NOON,
    }
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(order_tables.order_lifecycle_ids.insert(), row)


def test_two_parallel_adds_leave_one_active(engine: Engine, store: LifecycleStore) -> None:
    if engine.url.database in (None, "", ":memory:"):
        pytest.skip("a database in memory has one connection")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.add(a_stop(f"SL{number}"), later(seconds=number)), range(24)))

    stops = store.history(ORDER)[IdType.STOP_LOSS]
    assert len(stops) == 24
    assert [stop.status for stop in stops].count(IdStatus.ACTIVE) == 1
    assert findings(engine) == []


@pytest.mark.parametrize("name", [ORDER, an_order().coid, "251116000000001"])
def test_the_brokers_number_and_the_client_order_id_lead_to_the_order_too(store: LifecycleStore, name: str) -> None:
    assert store.resolve(name, NOON) == Resolved(order_id=ORDER, id_type=IdType.ORDER, status=IdStatus.ACTIVE)


def test_an_unknown_id_is_a_dead_letter_once(store: LifecycleStore) -> None:
    assert store.resolve("nobody", NOON) is None
    assert store.resolve("nobody", later(1)) is None

    (letter,) = store.dead()
    assert (letter.named_id, letter.reason) == ("nobody", DeadLetterReason.MISSING_LIFECYCLE_ID)


def test_losing_the_lookup_changes_no_answer(engine: Engine, store: LifecycleStore) -> None:
    lookup = MemoryLookup()
    with_lookup = LifecycleStore(engine, lookup)
    with_lookup.add(a_stop("SL1"), later(1))
    with_lookup.add(a_stop("SL2"), later(2))
    with_lookup.set_status("SL2", IdStatus.EXECUTED, later(3))
    names = ("SL1", "SL2", ORDER, "nobody")

    before = [with_lookup.resolve(name, NOON) for name in names]
    lookup.clear()

    assert [with_lookup.resolve(name, NOON) for name in names] == before
    assert [store.resolve(name, NOON) for name in names] == before
    with_lookup.close()


def test_orders_that_were_there_before_are_moved_in_once(engine: Engine) -> None:
    more = [
        an_order(id=OrderId(str(number)), coid=Coid(f"C{number}"), created_at=NOON + timedelta(seconds=number))
        for number in range(100, 105)
    ]
    SqlOrderStore(engine).save(Changes(orders=more))
    assert len(findings(engine)) == 6

    first, second = move_in(engine, later(1)), move_in(engine, later(2))

    assert (first.total, first.migrated, first.skipped, first.errors) == (6, 6, 0, 0)
    assert (second.total, second.migrated, second.skipped, second.errors) == (6, 0, 6, 0)
    assert findings(engine) == []
    with closing(LifecycleStore(engine)) as store:
        assert store.resolve("103", NOON) is not None
    by_type, by_day = stats(engine)
    assert [(c.name, c.ids, c.active) for c in by_type] == [("order_id", 6, 6)]
    assert [(c.name, c.ids) for c in by_day] == [("2026-11-16", 6)]


@pytest.mark.parametrize("name", ["ids_health", "ids_stats", "live_user_orders", "demo_user_orders"])
def test_the_sql_files_say_what_the_commands_say(engine: Engine, store: LifecycleStore, name: str) -> None:
    note_account(engine, "primary", AccountKind.LIVE)
    statements = (SQL / engine.dialect.name / f"{name}.sql").read_text().split(";")
    with engine.connect() as connection:
        counts = [len(connection.execute(text(each)).all()) for each in statements if each.strip()]
    assert (
        counts
        == {
            "ids_health": [0, 0, 0],
            "ids_stats": [1, 1],
            "live_user_orders": [1],
            "demo_user_orders": [0],
        }[name]
    )


def test_a_hundred_thousand_ids_lead_to_their_orders_with_and_without_lookups(tmp_path: Path) -> None:
    with a_database("sqlite file", tmp_path) as engine:
        order = an_order(id=ORDER)
        ids = [
            LifecycleId(
                order_id=ORDER,
                id_type=IdType.STOP_LOSS,
                lifecycle_id=f"SL{number}",
                status=IdStatus.REPLACED,
                created_at=NOON,
                updated_at=NOON,
            )
            for number in range(MANY)
        ]
        SqlOrderStore(engine).save(Changes(orders=[order], lifecycle_ids=ids))
        lookup = MemoryLookup()
        store = LifecycleStore(engine, lookup)
        lookup.put((entry.lifecycle_id, resolved(entry)) for entry in ids)

        assert sum(store.resolve(f"SL{number}", NOON) is not None for number in range(MANY)) == MANY
        lookup.clear()
        found = [store.resolve(f"SL{number}", NOON) for number in range(0, MANY, 37)]
        assert {each.order_id if each is not None else None for each in found} == {ORDER}
        store.close()
        assert findings(engine) == [f"order {ORDER} has no id of its own: `main.py ids migrate` adds it"]
