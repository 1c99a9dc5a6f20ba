"""What is to leave the daemon is saved with what it tells of, and marked by the one writer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.builders import a_signal, later
from tests.unit.engine.house import House
from tradebot.adapters.storage.outbox_reader import OutboxReader
from tradebot.domain.errors import BrokerRejected, SaveFailed
from tradebot.domain.events import Event, EventName
from tradebot.domain.outbox import OutboxEntry, OutboxKind, OutboxState, outbox_entry
from tradebot.domain.stored import Changes
from tradebot.engine.messages import OutboxMarked
from tradebot.ports import OrderStore


def rejections(event: Event) -> Sequence[OutboxEntry]:
    if event.name is not EventName.ORDER_REJECTED:
        return ()
    key = str(event.fields["coid"])
    kind = OutboxKind.NOTIFICATION
    return [outbox_entry(kind, target="me", topic=event.name, key=key, payload=event.message, at=event.at)]


def a_rejected_order(house: House) -> None:
    house.broker.troubles["place"] = [BrokerRejected("RMS: no margin")]
    house.signals(a_signal())


def waiting(house: House) -> Sequence[OutboxEntry]:
    return OutboxReader(house.database.engine).waiting(OutboxKind.NOTIFICATION, 10)


def test_what_is_announced_is_saved_with_the_order() -> None:
    house = House(announcers=[rejections])

    a_rejected_order(house)

    (entry,) = waiting(house)
    assert (entry.topic, entry.state, entry.attempts) == ("ORDER_REJECTED", OutboxState.WAITING, 0)
    assert "RMS: no margin" in entry.payload


def test_nothing_is_announced_of_what_was_not_saved() -> None:
    class Refusing:
        def __init__(self, store: OrderStore) -> None:
            self._store = store
            self.refused: list[Changes] = []

        def __getattr__(self, name: str) -> object:
            return getattr(self._store, name)

        def save(self, changes: Changes) -> None:
            if changes.outbox:
                self.refused.append(changes)
                raise SaveFailed("disk full")
            self._store.save(changes)

    refusing: list[Refusing] = []

    def wrap(store: OrderStore, registry: object) -> tuple[OrderStore, object]:
        refusing.append(Refusing(store))
        return refusing[0], registry  # type: ignore[return-value]

    house = House(announcers=[rejections], books=wrap)  # type: ignore[arg-type]

    a_rejected_order(house)

    assert refusing[0].refused
    assert all(changes.orders for changes in refusing[0].refused)
    assert waiting(house) == []
    assert house.told(EventName.ORDER_REJECTED) == []


def test_an_announcer_that_fails_is_told_and_hurts_no_order() -> None:
    def fails(event: Event) -> Sequence[OutboxEntry]:
        raise RuntimeError("no such word")

    house = House(announcers=[fails, rejections])

    a_rejected_order(house)

    assert len(waiting(house)) == 1
    assert "no such word" in house.told(EventName.INTERNAL_FAULT)[0].message


def test_a_mark_replaces_the_entry_and_a_second_announcement_does_not() -> None:
    house = House(announcers=[rejections])
    a_rejected_order(house)
    (entry,) = waiting(house)

    house.tell(OutboxMarked(entries=(entry.delivered(later(1), "sent"),)))
    house.database.store.save(Changes(outbox=[entry]))

    assert waiting(house) == []
    assert OutboxReader(house.database.engine).known([entry.id, "other"]) == {entry.id}
    assert house.count_rows("outbox") == 1


def test_a_mark_of_an_entry_that_is_not_there_adds_it() -> None:
    house = House()
    entry = outbox_entry(OutboxKind.WEBHOOK, target="a", topic="b", key="c", payload="{}", at=later(0))

    house.tell(OutboxMarked(entries=(entry,)))

    assert OutboxReader(house.database.engine).waiting(OutboxKind.WEBHOOK, 10) == [entry]


def test_without_announcers_nothing_is_written() -> None:
    house = House()

    a_rejected_order(house)

    assert house.count_rows("outbox") == 0


@pytest.mark.parametrize(("attempts", "wait_s"), [(0, 5), (1, 10), (4, 80), (6, 300), (1_000, 300)])
def test_each_attempt_in_vain_waits_longer_up_to_five_minutes(attempts: int, wait_s: int) -> None:
    entry = outbox_entry(OutboxKind.WEBHOOK, target="a", topic="b", key="c", payload="{}", at=later(0))
    for _ in range(attempts):
        entry = entry.failed(later(0), "down")

    assert entry.failed(later(0), "down").next_attempt_at == later(seconds=wait_s)


def test_no_text_can_make_the_database_refuse_an_entry() -> None:
    entry = outbox_entry(
        OutboxKind.WEBHOOK, target="t" * 99, topic="x" * 99, key="k" * 999, payload="\x00a", at=later(0)
    ).failed(later(0), "d" * 9_999)

    assert (len(entry.target), len(entry.topic), len(entry.detail), entry.payload) == (64, 64, 500, "a")
