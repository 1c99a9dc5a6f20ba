"""A hand brake for entries that another thread may pull while the engine's own is silent."""

from __future__ import annotations


class Halt:
    """While `reason` is not empty every entry is refused. One reference is swapped, so that no lock is needed."""

    def __init__(self) -> None:
        self.reason = ""

    def pull(self, reason: str) -> None:
        self.reason = reason

    def release(self) -> None:
        self.reason = ""
