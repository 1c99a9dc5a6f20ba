"""Hand brakes for entries: each who pulls one has its own, and another thread may pull while the engine's is silent."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from threading import Lock


class Brake(StrEnum):
    """Who keeps entries out."""

    WATCHDOG = "watchdog"
    ROOM = "room"
    CLOCK = "clock"
    CALENDAR = "calendar"


class Halt:
    """While `reason` is not empty every entry is refused. Readers take one reference, so that they need no lock."""

    def __init__(self) -> None:
        self._reasons: Mapping[Brake, str] = {}
        self._changing = Lock()

    @property
    def reason(self) -> str:
        return "; ".join(self._reasons.values())

    def pull(self, brake: Brake, reason: str) -> None:
        with self._changing:
            self._reasons = {**self._reasons, brake: reason}

    def release(self, brake: Brake) -> None:
        with self._changing:
            self._reasons = {each: reason for each, reason in self._reasons.items() if each is not brake}
