"""A thread that nobody waits for, not even for its beginning."""

from __future__ import annotations

import _thread
from collections.abc import Callable


def start_thread(work: Callable[[], None]) -> None:
    """Run `work` in a thread that ends with the process. Raises RuntimeError where the system gives none.

    `Thread.start` waits until the new thread says that it has begun: for one that dies of a MemoryError before that, it
    waits for ever (CPython 3.11). So whoever starts work here must not count on its being done.
    """
    _thread.start_new_thread(work, ())
