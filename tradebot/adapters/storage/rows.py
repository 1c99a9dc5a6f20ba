"""From our values to rows and back: a statement is compiled once, a row costs no copy of its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import Connection, Dialect, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from tradebot.adapters.storage.database import fetch_all

Value = TypeVar("Value")
OnConflict = Literal["replace", "keep", "fail"]

# Columns that say again what follows from others; they are written for people and never read back.
_DERIVED = {"avg_price": "average_price"}


class RowWriter:
    """Inserts values whose attributes are named like the table's columns.

    What becomes of a row whose primary key is there already: with "replace" the new one is written, with
    "keep" the old one stays, with "fail" the database refuses.
    """

    def __init__(self, table: Table, dialect: Dialect, on_conflict: OnConflict) -> None:
        """A key that the database numbers itself is left out; the table's unique column stands for it."""
        written = [column.name for column in table.columns if column.name not in _numbered(table)]
        compiled = _insert(table, dialect, on_conflict).compile(dialect=dialect, column_keys=written)
        self._sql = str(compiled)
        names = list(compiled.positiontup or compiled.params)
        self._names = None if compiled.positional else names
        self._values_of = attrgetter(*(_DERIVED.get(name, name) for name in names))
        self._converters = [
            (index, converter)
            for index, name in enumerate(names)
            if (converter := _converter(table, name, dialect)) is not None
        ]

    def parameters(self, values: Sequence[object]) -> list[Any]:
        """What the driver is given. Raises TypeError or ValueError for a value that cannot be kept."""
        rows = [self._row(value) for value in values]
        return rows if self._names is None else [dict(zip(self._names, row, strict=True)) for row in rows]

    def write(self, cursor: DBAPICursor, parameters: list[Any]) -> None:
        """One statement for all rows, by the driver's own cursor. Raises the driver's errors."""
        if len(parameters) == 1:
            cursor.execute(self._sql, parameters[0])
        else:
            cursor.executemany(self._sql, parameters)

    def _row(self, value: object) -> tuple[Any, ...]:
        row = list(self._values_of(value))
        for index, converter in self._converters:
            if (found := row[index]) is not None:
                row[index] = converter(found)
        return tuple(row)


class RowReader(Generic[Value]):
    """Selects whole rows of a table as values, by the driver's own cursor: for what is asked for often.

    The statement is compiled once for each kind of database; SQLAlchemy takes several times as long over one row. What
    is looked for is given by the names of the query's `bindparam`s, and is text.
    """

    def __init__(self, kind: type[Value], query: Select[Any]) -> None:
        self._kind = kind
        self._query = query
        self._compiled: dict[str, _Compiled] = {}

    def read(self, connection: Connection, **texts: str) -> list[Value]:
        """Raises SQLAlchemy's errors, as any other query does."""
        dialect, kind = connection.dialect, self._kind
        # Two threads may compile at once: they come to the same.
        compiled = self._compiled.get(dialect.name) or self._compile(dialect)
        return [
            kind(
                **{
                    name: row[at] if read is None or row[at] is None else read(row[at])
                    for at, name, read in compiled.fields
                }
            )
            for row in fetch_all(connection, compiled.sql, compiled.parameters(texts))
        ]

    def _compile(self, dialect: Dialect) -> _Compiled:
        found = self._query.compile(dialect=dialect)
        wanted = _field_names(self._kind)
        fields = [
            (at, wanted[column.name], column.type.dialect_impl(dialect).result_processor(dialect, None))
            for at, column in enumerate(self._query.selected_columns)
            if column.name in wanted
        ]
        names = found.positiontup if found.positional else None
        compiled = self._compiled[dialect.name] = _Compiled(
            sql=str(found), names=names, constants=dict(found.params), fields=fields
        )
        return compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """`names` are those of the parameters in their order, None where the driver takes them by name; `fields` are
    place, name and conversion of each column that is read."""

    sql: str
    names: Sequence[str] | None
    constants: Mapping[str, Any]
    fields: Sequence[tuple[int, str, Callable[[Any], Any] | None]]

    def parameters(self, texts: Mapping[str, str]) -> Any:
        values = {**self.constants, **texts}
        return values if self.names is None else tuple(values[name] for name in self.names)


def read_all(
    connection: Connection, kind: type[Value], query: Select[Any], parameters: Mapping[str, object] | None = None
) -> list[Value]:
    """Values of the domain from whole rows of their table."""
    result = connection.execute(query, parameters)
    fields = _field_names(kind)
    wanted = [(index, fields[name]) for index, name in enumerate(result.keys()) if name in fields]
    return [kind(**{name: row[index] for index, name in wanted}) for row in result.all()]


def _field_names(kind: type) -> Mapping[str, str]:
    """The class's own names of its fields. SQLAlchemy's are another kind of text, by which Python takes twice as long
    to make a value of many fields."""
    return {name: name for name in kind.__dataclass_fields__}  # type: ignore[attr-defined]


def _insert(table: Table, dialect: Dialect, on_conflict: OnConflict) -> sqlite.Insert | postgresql.Insert:
    insert = sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)
    numbered = _numbered(table)
    key = (
        [column.name for column in table.columns if column.unique] if numbered else [c.name for c in table.primary_key]
    )
    match on_conflict:
        case "replace":
            changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in (*key, *numbered)}
            return insert.on_conflict_do_update(index_elements=key, set_=changed)
        case "keep":
            return insert.on_conflict_do_nothing(index_elements=key)
        case "fail":
            return insert


def _numbered(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key if column.autoincrement is True)


def _converter(table: Table, name: str, dialect: Dialect) -> Callable[[Any], Any] | None:
    return table.columns[name].type.dialect_impl(dialect).bind_processor(dialect)
