"""The lookup of ids in this process. Losing all of it changes no answer."""

from __future__ import annotations

from collections.abc import Iterable

from tradebot.domain.lifecycle_ids import Resolved

ENTRIES_MAX = 1_000_000


class MemoryLookup:
    """A dictionary with a bound: at the bound the entry that came first goes."""

    def __init__(self, bound: int = ENTRIES_MAX) -> None:
        self._bound = bound
        self._entries: dict[str, Resolved] = {}

    def get(self, name: str) -> Resolved | None:
        return self._entries.get(name)

    def put(self, entries: Iterable[tuple[str, Resolved]]) -> None:
        for name, found in entries:
            if name not in self._entries and len(self._entries) >= self._bound:
                self._entries.pop(next(iter(self._entries)), None)
            self._entries[name] = found

    def clear(self) -> None:
        self._entries.clear()
