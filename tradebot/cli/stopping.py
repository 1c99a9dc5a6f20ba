"""How a run is asked to end: by signals that may come at any moment, also while it is still being set up."""

from __future__ import annotations

import signal
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread


class StoppedEarly(BaseException):
    """The run is to end before it has begun. No `except Exception` on the way may take it for a failure."""


class Stopping:
    """SIGINT and SIGTERM end the run in an orderly way, SIGHUP only what is shown; SIGCONT shows it anew.

    Once it runs, a handler leaves the word for a thread that sets the flag: it may have interrupted the very lock that
    this needs. That thread is there beforehand, since the system may give none when it is wanted. Before that nothing
    can have been sent: the set-up is left at once, by `StoppedEarly`, and what it had opened is closed on the way.
    """

    def __init__(self, hang_up: Callable[[], None], come_back: Callable[[], None] = lambda: None) -> None:
        self._stop: Callable[[], None] | None = None
        self._wanted: SimpleQueue[None] = SimpleQueue()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._want())
        signal.signal(signal.SIGHUP, lambda *_: hang_up())
        signal.signal(signal.SIGCONT, lambda *_: come_back())

    def then(self, stop: Callable[[], None]) -> None:
        """What a signal does from now on."""
        self._stop = stop
        Thread(target=self._serve, args=(stop,), name="stopping", daemon=True).start()

    def never_suspended(self, say_so: Callable[[], None]) -> None:
        """Ctrl-Z stops nothing from now on: suspended, the daemon would leave orders alone."""
        signal.signal(signal.SIGTSTP, lambda *_: say_so())

    def _want(self) -> None:
        if self._stop is None:
            raise StoppedEarly
        self._wanted.put(None)

    def _serve(self, stop: Callable[[], None]) -> None:
        while True:
            self._wanted.get()
            stop()
