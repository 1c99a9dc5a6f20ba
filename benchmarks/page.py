"""`python -m benchmarks.page RESULTS...`: puts results into docs/performance.md and keeps them in results/last.json.

The prose of the page stays; what stands between `<!-- figures: ROW -->` and `<!-- end of ROW -->` is made anew. Without
a file, the page is made from what was kept.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import as_text
from benchmarks.results import LAST, Measured, Results, read, write

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_BLOCK = re.compile(r"<!-- figures: (?P<row>\w+) -->\n.*?<!-- end of (?P=row) -->", re.DOTALL)
_NOT_YET = "Not measured yet: `python -m benchmarks {row}` does."


def main(paths: Sequence[str]) -> int:
    results = dict(read(LAST))
    for path in paths:
        results |= read(Path(path))
    write(LAST, results)
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    return 0


def with_figures(page: str, results: Results) -> str:
    """The page with the tables of each row that it has a place for."""

    def block(found: re.Match[str]) -> str:
        row = found["row"]
        text = _block(results[row]) if row in results else _NOT_YET.format(row=row)
        return f"<!-- figures: {row} -->\n\n{text}\n\n<!-- end of {row} -->"

    return _BLOCK.sub(block, page)


def rows_on(page: str) -> Sequence[str]:
    """The rows that the page has a place for, in its order."""
    return [found["row"] for found in _BLOCK.finditer(page)]


def _block(measured: Measured) -> str:
    on = f"{measured.on}, commit {measured.commit}, {'; '.join(measured.machine)}"
    return "\n\n".join([f"*{on}; took {measured.took_s:.0f} s*", *(as_text(row) for row in measured.tables)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
