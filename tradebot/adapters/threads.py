"""A thread that nobody waits for, not even for its beginning."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from threading import Event, Lock

BEGINS_WITHIN_S = 10.0


def start_thread(work: Callable[[], None]) -> None:
    """Run `work` in a thread that ends with the process. Raises RuntimeError where the system gives none.

    `Thread.start` waits until the new thread says that it has begun: for one that dies of a MemoryError before that, it
    waits for ever (CPython 3.11). So whoever starts work here must not count on its being done.
    """
    _thread.start_new_thread(work, ())


class Errand:
    """Work in a thread of its own, begun at once. Raises RuntimeError where the system gives no thread.

    Whoever is first has it, the thread that begins or the one that gives it up: it is never done after a `join`.
    """

    def __init__(self, work: Callable[[], None], start: Callable[[Callable[[], None]], None] = start_thread) -> None:
        self._work = work
        self._is_taken = Lock()
        self._ended = Event()
        start(self._run)

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def join(self, begins_within_s: float = BEGINS_WITHIN_S) -> None:
        """Wait for its end; one that has not begun in time is given up."""
        if self._ended.wait(begins_within_s) or self._is_taken.acquire(blocking=False):
            return
        self._ended.wait()

    def _run(self) -> None:
        if not self._is_taken.acquire(blocking=False):
            return
        try:
            self._work()
        finally:
            self._ended.set()
