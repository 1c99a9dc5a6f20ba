"""Work that nobody must wait for without an end: its thread may never begin."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from tradebot.adapters.threads import Errand

DEADLINE_S = 60.0


def test_an_errand_is_done_before_its_join_returns() -> None:
    gate, done = Event(), Event()

    def work() -> None:
        gate.wait(DEADLINE_S)
        done.set()

    errand = Errand(work)
    assert not errand.has_ended
    gate.set()
    errand.join()

    assert done.is_set()
    assert errand.has_ended


def test_an_errand_that_has_not_begun_in_time_is_given_up_and_not_done_later() -> None:
    """As where its thread has died for want of memory."""
    done: list[str] = []
    late: list[Callable[[], None]] = []
    errand = Errand(lambda: done.append("done"), late.append)

    errand.join(begins_within_s=0.01)
    late[0]()

    assert done == []
    assert not errand.has_ended
