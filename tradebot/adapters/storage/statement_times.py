"""How long the database's statements take: the slowest one since somebody last asked."""

from __future__ import annotations

from threading import Lock
from typing import Any

from sqlalchemy import Engine, event

from tradebot.adapters.storage.database import time_writes
from tradebot.ports import Clock


class StatementTimes:
    """Listens to every statement of an engine, in the thread that runs it, and to the transactions of the order path as
    a whole."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._slowest_s = 0.0
        event.listen(engine, "before_cursor_execute", self._begin)
        event.listen(engine, "after_cursor_execute", self._end)
        time_writes(engine, clock.monotonic, self)

    def take_slowest_s(self) -> float:
        """0.0 where there was none; the next asking begins anew."""
        with self._lock:
            slowest, self._slowest_s = self._slowest_s, 0.0
        return slowest

    def wrote(self, took_s: float) -> None:
        with self._lock:
            self._slowest_s = max(self._slowest_s, took_s)

    def _begin(self, connection: Any, *_: Any) -> None:
        connection.info["began_s"] = self._clock.monotonic()

    def _end(self, connection: Any, *_: Any) -> None:
        self.wrote(self._clock.monotonic() - connection.info.get("began_s", self._clock.monotonic()))
