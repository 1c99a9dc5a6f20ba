"""Where a database stands in the history of its schema, and what the queries found in it, for people."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.adapters.storage.migrating import SchemaStatus
from tradebot.adapters.storage.validation import Validated
from tradebot.interfaces.text.table import table


def schema_text(name: str, status: SchemaStatus, head: str) -> str:
    """The database, its revision, what is still to come, and the rows of each table."""
    lines = [
        f"database: {name}",
        f"stands at: {', '.join(status.stamps) or 'no revision'}",
        f"the code wants: {head}",
        *(f"to come: {revision.id} {revision.title}" for revision in status.pending),
    ]
    if status.rows:
        rows = [(name, str(count)) for name, count in status.rows.items()]
        lines += ["", table(("table", "rows"), rows, right=frozenset({1}))]
    return "\n".join(lines)


def validation_text(found: Sequence[Validated]) -> str:
    """Each query's title with what it found, one paragraph each."""
    return "\n\n".join(_paragraph(each) for each in found)


def _paragraph(found: Validated) -> str:
    rows = [tuple("" if value is None else str(value) for value in row) for row in found.rows]
    return f"{found.title}{'' if found.is_ok else ': WRONG'}\n{table(found.columns, rows)}"
