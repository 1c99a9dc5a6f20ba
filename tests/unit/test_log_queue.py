"""The queue before the log's writer: what is dropped when it is full."""

from __future__ import annotations

from tests.unit.log_builders import an_event
from tradebot.adapters.log_queue import LogQueue
from tradebot.domain.events import Level


def queued(queue: LogQueue) -> list[str]:
    return [event.message for event in queue.take(100)] if len(queue) else []


def test_a_full_queue_drops_its_oldest_info_first() -> None:
    queue = LogQueue(3, "drop")
    for message, level in (("w1", Level.WARNING), ("i1", Level.INFO), ("d1", Level.DEBUG), ("e1", Level.ERROR)):
        queue.put(an_event(message=message, level=level))

    assert queued(queue) == ["w1", "d1", "e1"]
    assert queue.take_dropped() == 1
    assert queue.take_dropped() == 0


def test_a_queue_full_of_warnings_drops_a_new_info_and_for_a_new_warning_the_oldest() -> None:
    queue = LogQueue(2, "drop")
    for message, level in (("w1", Level.WARNING), ("w2", Level.ERROR), ("i1", Level.INFO), ("w3", Level.CRITICAL)):
        queue.put(an_event(message=message, level=level))

    assert queued(queue) == ["w2", "w3"]
    assert queue.take_dropped() == 2
