"""Entries that are paused: blocked with a reason, while exits go on, also after a restart."""

from __future__ import annotations

from tests.builders import a_signal
from tests.unit.engine.house import House
from tradebot.domain.events import EventName
from tradebot.engine.commands import PauseEntries


def paused(house: House, is_paused: bool = True) -> House:
    house.tell(PauseEntries(is_paused=is_paused, correlation_id="test"))
    return house


def test_a_paused_entry_is_blocked_and_told() -> None:
    house = paused(House())

    house.signals(a_signal())

    assert house.broker.count("place") == 0
    assert [event.fields["block_reason"] for event in house.told(EventName.GUARD_BLOCK)] == ["PAUSED"]


def test_a_resumed_entry_passes() -> None:
    house = paused(paused(House()), False)

    house.signals(a_signal())

    assert house.broker.count("place") == 1
    assert len(house.told(EventName.ENTRIES_RESUMED)) == 1


def test_the_same_wish_twice_is_told_once() -> None:
    house = paused(paused(House()))

    assert len(house.told(EventName.ENTRIES_PAUSED)) == 1


def test_a_restart_keeps_the_pause() -> None:
    house = paused(House())

    house.restart()
    house.signals(a_signal())

    assert house.broker.count("place") == 0


def test_a_restart_keeps_the_resumption() -> None:
    house = paused(House())
    house.advance(seconds=1)
    paused(house, False)

    house.restart()
    house.signals(a_signal())

    assert house.broker.count("place") == 1


def test_two_wishes_of_one_instant_leave_the_last_one_after_a_restart() -> None:
    house = paused(House())

    paused(house, is_paused=False)
    house.restart()

    assert not house.memory.is_paused
