"""Saved first, then done: the order of effects, their number, and what happens when a book does not take a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest

from tests.builders import a_signal, some_terms
from tests.stores import ChangedStore
from tests.unit.engine.fakes import tag_of
from tests.unit.engine.house import House
from tradebot.adapters.disk import DiskRefused
from tradebot.adapters.lanes import LaneFull
from tradebot.domain.coids import IntentKey
from tradebot.domain.events import Event, EventName
from tradebot.domain.orders import Coid, OrderStatus
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.stored import Changes
from tradebot.engine.messages import Job, OrderPushed
from tradebot.ports import IdRegistry, OrderStore


class Books:
    """Store and registry that log what is done to them, and refuse what they are told to refuse."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.refusals: dict[str, int] = {}

    def wrap(self, store: OrderStore, registry: IdRegistry) -> tuple[OrderStore, IdRegistry]:
        return ChangedStore(store, self._saving), _Registry(registry, self)

    def _saving(self, changes: Changes) -> Changes:
        self.did("save")
        return changes

    def did(self, what: str) -> None:
        if self.refusals.get(what, 0) > 0:
            self.refusals[what] -= 1
            raise DiskRefused("/state", f"no {what}: no space left", mend="make room")
        self.log.append(what)


class _Registry:
    def __init__(self, registry: IdRegistry, books: Books) -> None:
        self._registry, self._books = registry, books

    def get(self, coid: Coid) -> RegistryEntry | None:
        return self._registry.get(coid)

    def attempts_of(self, key: IntentKey) -> Sequence[RegistryEntry]:
        return self._registry.attempts_of(key)

    def entries(self) -> Sequence[RegistryEntry]:
        return self._registry.entries()

    def open_entries(self) -> Sequence[RegistryEntry]:
        return self._registry.open_entries()

    def reserve(self, entries: Sequence[RegistryEntry]) -> None:
        self._books.did("reserve")
        self._registry.reserve(entries)

    def note(self, entries: Sequence[RegistryEntry]) -> None:
        self._books.did("note")
        self._registry.note(entries)

    def sync(self) -> None:
        self._books.did("sync")
        self._registry.sync()

    def fold(self, prune_finished_before: datetime) -> None:
        self._books.did("fold")
        self._registry.fold(prune_finished_before)

    def close(self) -> None:
        self._registry.close()


class LoggedLanes:
    """Work that is handed over is logged and waits; `is_full` refuses it."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.waiting: list[Callable[[], None]] = []
        self.is_full = False

    def hand_over(self, lane: str, work: Callable[[], None]) -> None:
        if self.is_full:
            raise LaneFull(f"{lane}: 100 calls wait already")
        self.log.append(f"hand over to {lane}")
        self.waiting.append(work)

    def close(self, timeout_s: float) -> bool:
        return True


def a_logged_house(log: list[str], **options: Any) -> tuple[House, Books]:
    books = Books(log)

    def listen(told: Event) -> None:
        log.append(f"tell {told.name}")

    house = House(books=books.wrap, listener=listen, **options)
    log.clear()
    return house, books


def test_an_order_is_reserved_saved_told_and_only_then_handed_over() -> None:
    log: list[str] = []
    house, _ = a_logged_house(log)
    house.disk.on_effect = lambda name, path: log.append(f"disk {name}")

    house.signals(a_signal(), settle=False)

    assert acts(log) == ["reserve", "disk append", "disk sync", "save"]
    assert [lane for lane, _ in house.lanes.waiting] == ["INFY"]
    assert log.index("save") < min(log.index(line) for line in log if line.startswith("tell"))


def test_a_call_is_handed_over_after_everything_is_saved() -> None:
    log: list[str] = []
    lanes = LoggedLanes(log)
    house, _ = a_logged_house(log, lanes=lanes)

    house.signals(a_signal(), settle=False)

    assert acts(log) == ["reserve", "save", "hand over to INFY"]


def test_nothing_is_told_that_was_not_saved() -> None:
    log: list[str] = []
    house, books = a_logged_house(log)
    books.refusals["save"] = 1

    house.signals(a_signal())

    assert log == ["reserve", "tell ENTRIES_STOPPED"]
    assert "place" not in house.broker.calls
    assert house.orders() == []


@pytest.mark.parametrize("act", ["reserve", "save"])
def test_after_a_refused_save_nothing_is_sent_and_entries_stop_until_one_works(act: str) -> None:
    house, books = a_logged_house([])
    house.broker.symbol_terms["TCS"] = some_terms("TCS")
    books.refusals[act] = 1

    house.signals(a_signal())
    stopped = house.memory.entries_stopped
    house.signals(a_signal(2, "TCS"))
    house.signals(a_signal(3, "TCS"))

    assert "no space left" in stopped
    assert [d.reason for d in house.memory.decisions.values() if d.outcome == "blocked"] == ["NO_ENTRIES"]
    assert house.memory.entries_stopped == ""
    assert house.broker.count("place") == 1


def test_the_id_of_an_order_that_was_not_saved_is_used_again() -> None:
    house, books = a_logged_house([])
    books.refusals["save"] = 1
    house.signals(a_signal())
    (entry,) = house.registry.open_entries()

    house.job(Job.CYCLE)
    house.signals(a_signal(), settle=True)
    house.signals(a_signal(), settle=True)

    assert house.broker.count("place") == 1
    assert tag_of(house.broker, "1") == entry.coid
    assert len(house.registry.open_entries()) == 1


def test_an_answer_that_could_not_be_saved_is_found_by_the_next_look() -> None:
    house, books = a_logged_house([])
    house.signals(a_signal(), settle=False)
    house.lanes.run_one("INFY")
    books.refusals["save"] = 1

    house.settle()
    before = house.the_order().broker_order_id
    house.advance(seconds=15)

    assert before is None
    assert (house.broker.count("place"), house.the_order().broker_order_id) == (1, "1")


def test_a_fill_that_could_not_be_saved_is_booked_by_the_next_look() -> None:
    house, books = a_logged_house([])
    house.signals(a_signal())
    house.broker.fill("1", 10)
    books.refusals["save"] = 1
    house.look()
    before = house.the_order().execution_qty

    house.advance(seconds=15)

    assert (before, house.the_order().execution_qty) == (0, 10)
    assert house.count_rows("fills") == 1


def test_a_wish_to_cancel_survives_a_refused_save() -> None:
    house, books = a_logged_house([])
    house.signals(a_signal())
    books.refusals["save"] = 1

    house.cancel(house.the_order())
    house.advance(minutes=2)

    assert house.the_order().cancel_requested


def test_a_note_that_the_registry_refuses_does_not_end_the_engine() -> None:
    house, books = a_logged_house([])
    books.refusals["note"] = 1

    house.signals(a_signal())
    house.advance(minutes=1)

    assert house.the_order().broker_order_id == "1"
    assert house.broker.count("place") == 1


def test_a_fold_that_the_disk_refuses_does_not_end_the_engine() -> None:
    house, books = a_logged_house([])
    books.refusals["fold"] = 1

    house.job(Job.END_OF_DAY)

    assert house.run_of(Job.END_OF_DAY) is not None


def test_a_full_lane_leaves_the_order_to_the_next_look() -> None:
    log: list[str] = []
    lanes = LoggedLanes(log)
    house, _ = a_logged_house(log, lanes=lanes)
    lanes.is_full = True

    house.signals(a_signal(), settle=False)

    assert house.memory.in_flight == set()
    assert house.the_order().status is OrderStatus.PENDING


def test_a_fault_in_one_message_leaves_the_others_of_its_batch_alone() -> None:
    house = House()
    house.signals(a_signal())
    house.broker.fill("1", 10)

    house.tell("no message at all", *_looks(house))  # type: ignore[arg-type]

    assert house.the_order().status is OrderStatus.ONGOING
    assert house.told(EventName.SYSTEMS_STOPPED) == []


def _looks(house: House) -> list[Any]:
    return [OrderPushed(broker_order_id=number) for number in house.broker.rows]


def test_a_listener_that_fails_hurts_nobody() -> None:
    def breaks(told: Event) -> None:
        raise RuntimeError("no")

    house = House(listener=breaks)

    house.signals(a_signal())

    assert house.the_order().broker_order_id == "1"
    assert house.told(EventName.ORDER_ACCEPTED)


def test_many_messages_of_one_batch_share_one_save() -> None:
    log: list[str] = []
    house, _ = a_logged_house(log)
    house.broker.symbol_terms |= {name: some_terms(name) for name in "ABCDE"}

    house.signals(*(a_signal(number, name) for number, name in enumerate("ABCDE")), settle=False)

    assert acts(log) == ["reserve", "save"]


@pytest.mark.parametrize("standing", [0, 5])
def test_an_order_costs_one_reservation_two_commits_and_one_call_and_its_first_look_a_third_commit(
    standing: int,
) -> None:
    log: list[str] = []
    house, _ = a_logged_house(log)
    names = [f"S{number}" for number in range(standing)]
    house.broker.symbol_terms |= {name: some_terms(name) for name in names}
    house.broker.cash *= 100
    for number, name in enumerate(names):
        house.signals(a_signal(100 + number, name))
    syncs: list[str] = []
    house.disk.on_effect = lambda name, path: syncs.append(name)
    log.clear()
    before = house.broker.calls.copy()

    house.signals(a_signal(), settle=False)
    assert house.lanes.run_one("INFY")
    house.engine.run_pending()
    until_answered = acts(log)
    house.settle()

    assert until_answered == ["reserve", "save", "save", "note"]
    assert acts(log) == [*until_answered, "save", "note"]
    assert syncs == ["append", "sync", "append", "append"]
    assert house.broker.calls[len(before) :] == ["terms", "funds", "place", "order_book"]


def acts(log: list[str]) -> list[str]:
    """What was done to the books, without what was told."""
    return [line for line in log if not line.startswith("tell")]


def test_a_look_that_finds_nothing_saves_nothing() -> None:
    log: list[str] = []
    house, _ = a_logged_house(log)
    house.signals(a_signal())
    log.clear()

    house.look()
    house.cycle()

    assert acts(log) == []


def test_a_filled_order_costs_a_commit_and_one_look_at_the_trades() -> None:
    log: list[str] = []
    house, _ = a_logged_house(log)
    house.signals(a_signal())
    house.broker.fill("1", 10)
    before = list(house.broker.calls)
    log.clear()

    house.look()

    assert acts(log) == ["save", "note"]
    assert house.broker.calls[len(before) :] == ["order_book", "trades"]
