"""A full disk: the room that was kept is given back, entries stay out, and what leads out of positions is saved."""

from __future__ import annotations

import pytest

from tests.builders import a_signal, some_terms
from tests.unit.engine.house import House
from tradebot.domain.errors import NoRoom, RestartNeeded
from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import OrderStatus
from tradebot.domain.stored import Changes
from tradebot.engine.engine import Engine
from tradebot.engine.halt import Brake, Halt
from tradebot.ports import IdRegistry, OrderStore


class FullDisk:
    """Refuses saves unless there is room; the reserve is room for as many saves as anybody wants."""

    def __init__(self) -> None:
        self.is_full = self.is_kept = False
        self.can_be_kept = True
        self.given = 0
        self.error: Exception | None = None

    def give_back(self) -> bool:
        was_kept, self.is_kept = self.is_kept, False
        self.given += was_kept
        return was_kept

    def take(self) -> bool:
        self.is_kept = self.is_kept or (self.can_be_kept and not self.is_full)
        return self.is_kept

    def refuse(self) -> None:
        if self.error is not None:
            raise self.error
        if self.is_full and (self.is_kept or not self.given):
            raise NoRoom("the database: has no room left")


class Store:
    """The database on that disk."""

    def __init__(self, store: OrderStore, disk: FullDisk) -> None:
        self._store = store
        self._disk = disk

    def save(self, changes: Changes) -> None:
        self._disk.refuse()
        self._store.save(changes)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def a_house_on(disk: FullDisk) -> House:
    def books(store: OrderStore, registry: IdRegistry) -> tuple[OrderStore, IdRegistry]:
        return Store(store, disk), registry  # type: ignore[return-value]

    house = House(books=books, reserve=disk)
    house.broker.symbol_terms["TCS"] = some_terms("TCS")
    house.engine.room.look()
    return house


def room_of(engine: Engine) -> str:
    return engine.memory.halt.reason


def test_with_room_nothing_is_said_and_entries_pass() -> None:
    house = a_house_on(FullDisk())

    house.signals(a_signal())

    assert house.the_order().status is OrderStatus.PENDING
    assert house.told(EventName.SPACE_SHORT) == house.told(EventName.SPACE_BACK) == []


def test_on_a_full_disk_an_entry_is_refused_with_the_reason_and_told_once() -> None:
    disk = FullDisk()
    house = a_house_on(disk)
    disk.is_full = True

    house.signals(a_signal())
    house.signals(a_signal(2, "TCS"))

    assert house.broker.count("place") == 0
    assert [decision.reason for decision in house.memory.decisions.values()] == ["NO_ENTRIES", "NO_ENTRIES"]
    assert [event.level for event in house.told(EventName.SPACE_SHORT)] == [Level.CRITICAL]
    assert house.told(EventName.ENTRIES_STOPPED) == []


def test_on_a_full_disk_what_stands_can_be_cancelled() -> None:
    disk = FullDisk()
    house = a_house_on(disk)
    house.signals(a_signal())
    disk.is_full = True

    house.cancel(house.the_order())

    assert house.broker.count("cancel") == 1
    assert house.the_order().status is OrderStatus.CANCELLED


def test_when_there_is_room_again_it_is_kept_again_and_entries_pass() -> None:
    disk = FullDisk()
    house = a_house_on(disk)
    disk.is_full = True
    house.signals(a_signal())

    house.engine.room.look()
    assert house.told(EventName.SPACE_BACK) == []
    disk.is_full = False
    house.engine.room.look()
    house.signals(a_signal(2, "TCS"))

    assert disk.is_kept
    assert len(house.told(EventName.SPACE_BACK)) == 1
    assert house.broker.count("place") == 1


def test_a_start_without_room_to_keep_takes_no_entries() -> None:
    disk = FullDisk()
    disk.can_be_kept = False
    house = a_house_on(disk)

    house.signals(a_signal())

    assert house.broker.count("place") == 0
    assert room_of(house.engine)


def test_with_nothing_to_give_back_the_save_is_refused_and_entries_stop() -> None:
    disk = FullDisk()
    house = House(books=lambda store, registry: (Store(store, disk), registry))  # type: ignore[arg-type,return-value]
    disk.is_full = True

    house.signals(a_signal())

    assert house.broker.count("place") == 0
    assert "no room" in house.memory.entries_stopped


def test_of_one_cause_is_told_once_until_a_save_works() -> None:
    disk = FullDisk()
    house = House(books=lambda store, registry: (Store(store, disk), registry))  # type: ignore[arg-type,return-value]
    disk.is_full = True
    for _ in range(5):
        house.signals(a_signal())
        house.advance(seconds=30)
    assert len(house.told(EventName.ENTRIES_STOPPED)) == 1

    disk.is_full = False
    house.signals(a_signal())
    disk.is_full = True
    house.signals(a_signal(2))

    assert len(house.told(EventName.ENTRIES_STOPPED)) == 2


def test_where_only_a_restart_can_tell_it_is_not_tried_again_and_again() -> None:
    disk = FullDisk()
    house = House(books=lambda store, registry: (Store(store, disk), registry))  # type: ignore[arg-type,return-value]
    disk.error = RestartNeeded("a sync failed")
    before = list(house.jobs.timers)

    house.signals(a_signal())

    assert house.jobs.timers == before
    assert house.broker.count("place") == 0


@pytest.mark.parametrize("first", Brake)
def test_each_brake_is_released_by_itself(first: Brake) -> None:
    halt = Halt()
    for brake in Brake:
        halt.pull(brake, f"by {brake}")

    halt.release(first)

    assert f"by {first}" not in halt.reason
    assert halt.reason
