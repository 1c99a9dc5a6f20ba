"""One row by key, as fast as the driver gives it: a statement that is compiled once and run on the driver's cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Select
from sqlalchemy.engine.interfaces import DBAPICursor


class RawSelect:
    """A select whose parameters are named by `bindparam`; columns come back as the domain has them."""

    def __init__(self, query: Select[Any], dialect: Dialect) -> None:
        compiled = query.compile(dialect=dialect)
        self._sql = str(compiled)
        self._names = compiled.positiontup
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        kinds = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in query.selected_columns]
        self._readers = [(index, read) for index, read in enumerate(kinds) if read is not None]

    def one(self, cursor: DBAPICursor, **parameters: object) -> tuple[Any, ...] | None:
        """The first row, or None."""
        self._ask(cursor, parameters)
        row = cursor.fetchone()
        return None if row is None else self._read(row)

    def all(self, cursor: DBAPICursor, **parameters: object) -> list[tuple[Any, ...]]:
        """Every row."""
        self._ask(cursor, parameters)
        return [self._read(row) for row in cursor.fetchall()]

    def _ask(self, cursor: DBAPICursor, parameters: Mapping[str, object]) -> None:
        named = {**self._constants, **parameters}
        cursor.execute(self._sql, named if self._names is None else [named[name] for name in self._names])

    def _read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        found = list(row)
        for index, read in self._readers:
            found[index] = read(found[index])
        return tuple(found)
