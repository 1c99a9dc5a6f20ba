"""What waits for the log's writer gathers, unless somebody is in a hurry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.builders import NOON
from tradebot.adapters.log_queue import LogQueue
from tradebot.domain.events import Event, EventName, Level

LONG_S = 60.0


def an_event(message: str = "done", level: Level = Level.INFO) -> Event:
    return Event(name=EventName.CYCLE, at=NOON, message=message, level=level)


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
