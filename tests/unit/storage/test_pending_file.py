"""The file of pending orders beside the database: written with it, asked last, and never in an order's way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.disk import SimDisk
from tests.unit.storage.builders import MONDAY, NOON, an_order
from tradebot.adapters.storage.pending_file import DualStore, PendingFile
from tradebot.adapters.storage.sqlite_memory import SqliteMemory
from tradebot.domain.orders import BrokerOrderId, Order, OrderStatus
from tradebot.domain.stored import Changes

STATE = Path("/home/state")
LEGACY = {"order_id": "old-1", "symbol": "TCS", "qty": 3, "status": "PENDING"}


def a_store(disk: SimDisk, told: list[str]) -> DualStore:
    return DualStore(SqliteMemory().store, PendingFile(disk, STATE), told.append)


def on_disk(disk: SimDisk) -> list[dict[str, Any]]:
    data = disk.read(STATE / "pending_orders.json")
    return [] if data is None else list(json.loads(data)["orders"])


def put(disk: SimDisk, text: str) -> None:
    disk.append(STATE / "pending_orders.json", text.encode())


def pending(**changes: Any) -> Order:
    return replace(an_order(), broker_order_id=BrokerOrderId("7"), placed_at=NOON, **changes)


def test_a_pending_order_stands_in_both_and_leaves_the_file_when_it_has_ended() -> None:
    disk = SimDisk()
    store = a_store(disk, [])
    store.save(Changes(orders=[pending()]))
    (entry,) = on_disk(disk)

    store.save(Changes(orders=[pending(status=OrderStatus.CANCELLED, closed_at=NOON)]))

    assert (entry["order_id"], entry["status"], entry["executed_qty"]) == ("7", "OPEN", 0)
    assert list(entry) == [
        "order_id", "symbol", "ticker", "qty", "order_type", "variety", "price", "placed_at", "last_status_check",
        "status", "rejection_reason", "check_count", "executed_qty",
    ]  # fmt: skip
    assert on_disk(disk) == []
    assert store.load(MONDAY).orders[0].status is OrderStatus.CANCELLED


def test_an_order_changes_its_name_when_the_broker_gives_a_number() -> None:
    disk = SimDisk()
    store = a_store(disk, [])
    store.save(Changes(orders=[an_order()]))

    store.save(Changes(orders=[pending()]))

    assert [entry["order_id"] for entry in on_disk(disk)] == ["7"]


def test_the_database_is_asked_first_and_the_file_for_what_it_does_not_know() -> None:
    disk, told = SimDisk(), list[str]()
    put(disk, json.dumps({"orders": [LEGACY]}))
    store = a_store(disk, told)

    stored = store.load(MONDAY)

    assert stored.orders == []
    assert store.entry("old-1") == LEGACY
    assert on_disk(disk) == [LEGACY]
    assert "1 orders stand in pending_orders.json alone (old-1)" in told[0]


def test_what_the_database_knows_is_not_taken_from_the_file() -> None:
    disk = SimDisk()
    put(disk, json.dumps({"orders": [{**LEGACY, "order_id": "7"}]}))
    store = a_store(disk, [])
    store.save(Changes(orders=[pending(status=OrderStatus.CANCELLED, closed_at=NOON)]))

    store.load(MONDAY)

    assert store.entry("7") is None
    assert on_disk(disk) == []


def test_an_entry_that_the_database_does_not_know_outlives_every_save() -> None:
    disk = SimDisk()
    put(disk, json.dumps({"orders": [LEGACY]}))
    store = a_store(disk, [])
    store.load(MONDAY)

    store.save(Changes(orders=[pending()]))

    assert [entry["order_id"] for entry in on_disk(disk)] == ["old-1", "7"]


@pytest.mark.parametrize("text", ["{", "[]", '{"orders": [1]}', '{"orders": [{}]}'])
def test_a_file_that_makes_no_sense_is_told_and_left_as_it_is(text: str) -> None:
    disk, told = SimDisk(), list[str]()
    put(disk, text)
    store = a_store(disk, told)

    store.load(MONDAY)
    store.save(Changes(orders=[pending()]))

    assert disk.read(STATE / "pending_orders.json") == text.encode()
    assert len(told) == 1
    assert len(store.load(MONDAY).orders) == 1


def test_a_disk_that_refuses_keeps_no_order_from_being_saved() -> None:
    disk, told = SimDisk(), list[str]()
    store = a_store(disk, told)
    store.load(MONDAY)

    def refuse(name: str, path: Path) -> None:
        raise OSError(28, "No space left on device")

    disk.on_effect = refuse
    store.save(Changes(orders=[pending()]))

    assert len(store.load(MONDAY).orders) == 1
    assert "lags behind" in told[0]


def test_nothing_is_written_when_nothing_of_it_changed() -> None:
    disk = SimDisk()
    store = a_store(disk, [])
    store.save(Changes(orders=[pending()]))
    effects: list[str] = []
    disk.on_effect = lambda name, path: effects.append(name)

    store.save(Changes(orders=[pending()]))

    assert effects == []
