"""A broker's rows that say the same as the last time: one comparison is a tenth of a translation, and whoever compares
the values finds the very same objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")
Row = Mapping[str, Any]


class SameRows(Generic[Value]):
    """Remembers the rows of the last answer with what they were translated to; for one thread at a time."""

    def __init__(self, key: str, translate: Callable[[Iterable[Row]], Sequence[Value]]) -> None:
        """`key` names a row among the others; `translate` may leave a row out."""
        self._key = key
        self._translate = translate
        self._known: dict[str, tuple[Row, Sequence[Value]]] = {}

    def of(self, rows: Sequence[Row]) -> list[Value]:
        before = self._known
        found: list[tuple[Row, Sequence[Value]]] = []
        for row in rows:
            known = before.get(row[self._key])
            found.append(known if known is not None and known[0] == row else (row, self._translate([row])))
        self._known = {row[self._key]: (row, values) for row, values in found}
        return [value for _, values in found for value in values]
