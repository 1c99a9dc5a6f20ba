"""The log as the auditor sees it: which orders it says were filled, in full and in part."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.auditor.findings import Unreadable

_TOLD = frozenset({"ORDER_FILLED", "ORDER_PARTIAL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """Lines by order id; `missing` is how many the writer says it could not write."""

    filled: Counter[str]
    partial: Counter[str]
    missing: int = 0

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> LogView:
        """Raises Unreadable for a line that is no JSON object, or tells of a fill without an order."""
        told: dict[str, Counter[str]] = {name: Counter() for name in _TOLD}
        missing = 0
        for number, line in enumerate(lines, start=1):
            try:
                event = json.loads(line)
                if event["event"] == "LOG_LOST":
                    missing += event["lost"]
                elif event["event"] in _TOLD:
                    told[event["event"]][event["order_id"]] += 1
            except (ValueError, KeyError, TypeError) as e:
                raise Unreadable(f"log, line {number}: {type(e).__name__}: {e}") from e
        return cls(filled=told["ORDER_FILLED"], partial=told["ORDER_PARTIAL"], missing=missing)


def read_log(folder: Path) -> LogView:
    """The current file and those of the archive together. Raises Unreadable."""
    files = [*sorted(folder.glob("archive/*.jsonl")), *sorted(folder.glob("*.jsonl"))]
    return LogView.from_lines(line for path in files for line in path.read_text().splitlines())
