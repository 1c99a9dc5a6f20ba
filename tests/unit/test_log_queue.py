"""The queue before the log's writer: what is dropped when it is full, and that it gathers unless it is hurried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.unit.log_builders import an_event
from tradebot.adapters.log_queue import LogQueue
from tradebot.domain.events import Event, Level

LONG_S = 60.0


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


@pytest.fixture
def gathering() -> Iterator[tuple[LogQueue, Future[list[Event]]]]:
    """A queue whose writer would gather for a minute, and what that one takes."""
    queue = LogQueue(10, "drop", gather_s=LONG_S)
    with ThreadPoolExecutor(1) as writer:
        yield queue, writer.submit(queue.take, 100)
        queue.close()


def test_what_arrives_one_after_the_other_is_taken_together(
    gathering: tuple[LogQueue, Future[list[Event]]],
) -> None:
    queue, taken = gathering
    for number in range(3):
        queue.put(an_event(message=str(number)))
        with pytest.raises(TimeoutError):
            taken.result(0.05)
    queue.close()

    assert [event.message for event in taken.result(10)] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "hurry",
    [
        lambda queue: queue.put(an_event(message="it broke", level=Level.ERROR)),
        lambda queue: [queue.put(an_event()) for _ in range(5)],
        lambda queue: queue.wait_until_empty(0.0),
    ],
    ids=["an error", "half full", "somebody waits"],
)
def test_a_writer_that_gathers_is_hurried(
    gathering: tuple[LogQueue, Future[list[Event]]], hurry: Callable[[LogQueue], object]
) -> None:
    queue, taken = gathering
    queue.put(an_event())

    hurry(queue)

    assert taken.result(LONG_S / 5)
