"""A whole database into an empty one of the other kind, table by table, compared before it counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, insert, select

from tradebot.adapters.storage import tables
from tradebot.adapters.storage.database import for_reading
from tradebot.adapters.storage.schema_version import check_version
from tradebot.domain.errors import StateCorrupt

_CHUNK = 1_000
_MODULUS = 2**256


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedTable:
    """A table of which both databases hold the same rows."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows there are, and the sum of their hashes: the same in whatever order."""

    rows: int
    total: int


def copy_database(source: Engine, target: Engine) -> list[CopiedTable]:
    """Every row of `source` into `target`, which has the tables of today and no row in them, in one transaction.

    Raises WrongSchema for a source that is not of today, and StateCorrupt when `target` holds rows, or does not read
    back what was written; then it is as it was.
    """
    check_version(source)
    check_version(target)
    with for_reading(source).begin() as reading, target.begin() as writing:
        return [_copied(table, reading, writing) for table in tables.whole_schema.sorted_tables]


def _copied(table: Table, reading: Connection, writing: Connection) -> CopiedTable:
    place = f"{writing.engine.url.render_as_string()}, table {table.name}"
    if writing.execute(select(table).limit(1)).first() is not None:
        raise StateCorrupt(place, "holds rows already", mend="name an empty database")
    for rows in rows_of(table, reading):
        writing.execute(insert(table), rows)
    before, after = content_of(table, reading), content_of(table, writing)
    if before != after:
        raise StateCorrupt(
            place,
            f"reads back {after.rows} rows that are not the {before.rows} of the source",
            mend="nothing was kept; tell the makers, with the table's name",
        )
    return CopiedTable(name=table.name, rows=after.rows)


def rows_of(
    table: Table, connection: Connection, which: ColumnElement[bool] | None = None
) -> Iterator[list[dict[str, Any]]]:
    """All rows of a table, or some, a thousand at a time."""
    query = select(table) if which is None else select(table).where(which)
    result = connection.execute(query, execution_options={"yield_per": _CHUNK})
    for rows in result.mappings().partitions():
        yield [dict(row) for row in rows]


def content_of(table: Table, connection: Connection, which: ColumnElement[bool] | None = None) -> Content:
    rows = total = 0
    for chunk in rows_of(table, connection, which):
        rows += len(chunk)
        total = (total + sum(_hash(row) for row in chunk)) % _MODULUS
    return Content(rows, total)


def _hash(row: Mapping[str, Any]) -> int:
    text = json.dumps([_plain(value) for value in row.values()], ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def _plain(value: Any) -> object:
    """Money with its digits as they are, instants in UTC."""
    match value:
        case None | bool() | int() | str():
            return value
        case Mapping():
            return sorted(value.items())
        case Sequence():
            return list(value)
        case _:
            return str(value)
