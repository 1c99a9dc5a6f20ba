"""Results that are kept: by row, with date, commit and machine, so that rows measured apart can stand together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.figures import Goal, Line, Row

FOLDER = Path(__file__).parent / "results"
LAST = FOLDER / "last.json"
"""The figures behind docs/performance.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one row gave, and on what."""

    on: str
    commit: str
    machine: Sequence[str]
    took_s: float
    tables: Sequence[Row]


Results = Mapping[str, Measured]


def write(path: Path, results: Results) -> None:
    path.parent.mkdir(exist_ok=True)
    kept = {name: asdict(measured) for name, measured in results.items()}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> Results:
    """Nothing where there is no file. Raises ValueError for a file that is none of ours."""
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    try:
        return {name: _measured(fields) for name, fields in kept.items()}
    except (AttributeError, KeyError, TypeError) as cause:
        raise ValueError(f"{path} holds no results of these benchmarks") from cause


def _measured(fields: Mapping[str, object]) -> Measured:
    tables = [_row(dict(row)) for row in fields["tables"]]  # type: ignore[attr-defined]
    return Measured(**{**fields, "tables": tables})  # type: ignore[arg-type]


def _row(fields: dict[str, object]) -> Row:
    fields["lines"] = [Line(**line) for line in fields["lines"]]  # type: ignore[attr-defined]
    fields["goals"] = [Goal(**goal) for goal in fields["goals"]]  # type: ignore[attr-defined]
    return Row(**fields)  # type: ignore[arg-type]
