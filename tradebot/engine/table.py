"""Dictionaries in layers: what a unit of work changes waits in a layer of its own until it is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from tradebot.engine.sums import Parts, Sums

K = TypeVar("K")
V = TypeVar("V")


class Table(Generic[K, V]):
    """A dictionary whose changes wait in a layer of their own until `merge`. A key that was taken away is None until
    then."""

    __slots__ = ("_base", "_own")

    def __init__(self, base: Table[K, V] | None = None) -> None:
        self._base = base
        self._own: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        table: Table[K, V] | None = self
        while table is not None:
            if key in table._own:
                return table._own[key]
            table = table._base
        return None

    def __getitem__(self, key: K) -> V:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: K, value: V) -> None:
        self._own[key] = value

    def values(self) -> list[V]:
        """Every value as this layer sees it, the oldest key first; safe against changes while it is walked."""
        if self._base is None:
            return list(self._own.values())
        if not self._own:
            return self._base.values()
        return [value for value in self.flat().values() if value is not None]

    def copy(self) -> dict[K, V]:
        """What this layer sees, as a dictionary of its own; of a table from which nothing is ever taken away."""
        return dict(self.flat())

    def names(self) -> list[K]:
        return [key for key, value in self.flat().items() if value is not None]

    def flat(self) -> dict[K, V]:
        """One dictionary of what this layer sees; not to be changed."""
        if self._base is None:
            return self._own
        below = self._base.flat()
        return below | self._own if self._own else below

    def changed(self) -> list[V]:
        """The values set in this layer."""
        return [value for value in self._own.values() if value is not None]

    def remove(self, key: K) -> None:
        """Take a key away, in this layer and, once it is merged, below."""
        self._own[key] = None  # type: ignore[assignment]

    def merge(self) -> None:
        """Give this layer's values to the one below."""
        if self._base is None:
            return
        self._base._own.update(self._own)
        if self._base._base is None:
            for key in [key for key, value in self._own.items() if value is None]:
                del self._base._own[key]
        self._own.clear()

    def drop(self, key: K) -> None:
        """Forget a key of the lowest layer (memory only; nothing is deleted from the database)."""
        self._own.pop(key, None)


class SummedTable(Table[K, V]):
    """A table whose rows are added up while they change; `parts` says what a row adds."""

    __slots__ = ("_parts", "_sums")

    def __init__(self, sums: Sums, parts: Callable[[V], Parts], base: Table[K, V] | None = None) -> None:
        super().__init__(base)
        self._sums = sums
        self._parts = parts

    def layer(self, sums: Sums) -> SummedTable[K, V]:
        """A layer above this one."""
        return SummedTable(sums, self._parts, self)

    def __setitem__(self, key: K, value: V) -> None:
        before = self.get(key)
        super().__setitem__(key, value)
        self._sums.change(() if before is None else self._parts(before), self._parts(value))

    def remove(self, key: K) -> None:
        self._leave(key)
        super().remove(key)

    def drop(self, key: K) -> None:
        self._leave(key)
        super().drop(key)

    def _leave(self, key: K) -> None:
        before = self.get(key)
        if before is not None:
            self._sums.change(self._parts(before), ())
