"""A database in memory goes back to exactly the state whose image was taken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.storage.builders import MONDAY, an_event, an_order
from tradebot.adapters.storage.sqlite_memory import SqliteMemory
from tradebot.domain.errors import SaveFailed
from tradebot.domain.stored import Changes


@pytest.fixture
def memory() -> Iterator[SqliteMemory]:
    database = SqliteMemory()
    yield database
    database.close()


def test_a_restored_image_is_the_database_of_that_moment(memory: SqliteMemory) -> None:
    memory.store.save(Changes(orders=[an_order(1)]))
    image = memory.image()
    memory.store.save(Changes(orders=[an_order(1, retry_count=5), an_order(2)]))

    memory.restore(image)

    assert memory.store.load(MONDAY).orders == [an_order(1)]
    assert memory.image() == image


def test_an_image_can_be_restored_often_and_written_to_each_time(memory: SqliteMemory) -> None:
    order = an_order()
    memory.store.save(Changes(orders=[order]))
    image = memory.image()
    for sequence in range(1, 20):
        memory.restore(image)
        memory.store.save(Changes(events=[an_event(order, sequence)]))
        assert memory.store.load(MONDAY).sequences == {"primary": sequence}


def test_the_rules_of_the_schema_hold_after_a_restore(memory: SqliteMemory) -> None:
    order = an_order()
    memory.restore(memory.image())

    with pytest.raises(SaveFailed, match="FOREIGN KEY"):
        memory.store.save(Changes(events=[an_event(order)]))


def test_an_image_leaves_out_what_was_not_committed_and_a_restore_ends_it(memory: SqliteMemory) -> None:
    image = memory.image()
    connection = memory.engine.raw_connection().driver_connection
    assert connection is not None
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO job_runs VALUES ('sweep', 'then', 'now', 'done')")

    memory.restore(image)

    assert memory.store.load(MONDAY).job_runs == []
    assert memory.image() == image


def test_another_database_opens_from_an_image_and_stands_apart(memory: SqliteMemory) -> None:
    memory.store.save(Changes(orders=[an_order(1)]))

    clone = SqliteMemory(memory.image())
    clone.store.save(Changes(orders=[an_order(2)]))

    assert clone.store.load(MONDAY).orders == [an_order(1), an_order(2)]
    assert memory.store.load(MONDAY).orders == [an_order(1)]
    clone.close()
