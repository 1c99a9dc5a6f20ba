"""Whether a migrated database is whole: the queries of `migrations/validate_*.sql`, which people can run as well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine

from tradebot.adapters.storage.database import for_reading
from tradebot.adapters.storage.schema_version import check_version

FOLDER = Path(__file__).resolve().parents[3] / "migrations"
_VERDICT, _OK = "verdict", "ok"
_QUERY = re.compile(r"^-- (?P<title>[^\n]+)\n(?P<sql>SELECT\b.*?);$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What one query found; one without a verdict only shows figures."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]

    @property
    def is_ok(self) -> bool:
        if _VERDICT not in self.columns:
            return True
        place = self.columns.index(_VERDICT)
        return bool(self.rows) and all(row[place] == _OK for row in self.rows)


def validate(engine: Engine) -> list[Validated]:
    """All queries, of one state of the database. Raises WrongSchema for one that is behind or ahead of the code."""
    check_version(engine)
    text = sql_file(engine.dialect.name).read_text(encoding="utf-8")
    with for_reading(engine).begin() as connection:
        return [_found(connection, query["title"], query["sql"]) for query in _QUERY.finditer(text)]


def sql_file(dialect: str) -> Path:
    return FOLDER / f"validate_{dialect}.sql"


def _found(connection: Connection, title: str, sql: str) -> Validated:
    # The driver would take a % for a place of its own.
    result = connection.exec_driver_sql(sql.replace("%", "%%") if connection.dialect.name != "sqlite" else sql)
    return Validated(title=title, columns=tuple(result.keys()), rows=[tuple(row) for row in result])
