"""What reading market data found: how many rows were used, which were flawed and where, and what stops the reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tradebot.domain.errors import TradebotError

EXAMPLES_PER_FLAW_MAX = 5
ROWS_MAX = 5_000_000
_DETAIL_LENGTH_MAX = 80


class Flaw(StrEnum):
    """What can be wrong with one row. A flawed row is left out, except one that is only out of order in a file of
    bars: bars are sorted by their own time."""

    MISSING_FIELD = "a field is missing"
    NOT_A_NUMBER = "not a number"
    NOT_POSITIVE = "a price is not above 0, or a volume is below 0"
    OUTSIDE_RANGE = "high is below low, or open or close is outside them"
    UNKNOWN_DATE = "unknown date format"
    DUPLICATE = "the same symbol and time once more"
    OUT_OF_ORDER = "earlier than a row before it"
    VOLUME_BACKWARDS = "cumulative volume runs backwards"
    OTHER_SERIES = "another series than the instrument's"
    UNKNOWN_SYMBOL = "the symbol is not among the instruments"
    NO_SESSION = "the calendar has no session on that day"
    OUTSIDE_SESSION = "outside the continuous sessions of the day"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlawedRow:
    """One example: the line is counted from 1, the header included."""

    file: str
    line: int
    flaw: Flaw
    detail: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.flaw} ({self.detail})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport:
    """The outcome of one reading; `flaws` counts all of them, `examples` keeps the first few of each kind."""

    layout: str
    files: Sequence[str]
    rows: int
    used: int
    flaws: Mapping[Flaw, int] = field(default_factory=dict)
    examples: Sequence[FlawedRow] = ()

    @property
    def flawed(self) -> int:
        return sum(self.flaws.values())

    def __str__(self) -> str:
        """`data      17,347 rows of daily bars, all used`, and each flaw with its count and first examples."""
        left_out = f"{self.rows - self.used:,} left out" if self.used < self.rows else "all used"
        lines = [f"data      {self.rows:,} rows of {self.layout}, {left_out}"]
        lines += [f"  {count:,} x {flaw}" for flaw, count in self.flaws.items()]
        lines += [f"  {example}" for example in self.examples]
        return "\n".join(lines)


class DataFileError(TradebotError):
    """A file of market data that cannot be used at all. Names it, what is wrong, and which layouts are allowed."""

    def __init__(self, path: Path, problem: str, *, allowed: str) -> None:
        super().__init__(f"{path}: {problem}. Allowed: {allowed}")
        self.path = path
        self.problem = problem


class Findings:
    """Collects rows and flaws while files are read; remembers at most EXAMPLES_PER_FLAW_MAX examples of each flaw."""

    def __init__(self) -> None:
        self.rows = 0
        self.used = 0
        self._flaws: Counter[Flaw] = Counter()
        self._examples: list[FlawedRow] = []

    def note(self, file: str, line: int, flaw: Flaw, detail: str) -> None:
        self._flaws[flaw] += 1
        if self._flaws[flaw] <= EXAMPLES_PER_FLAW_MAX:
            shown = detail[:_DETAIL_LENGTH_MAX]
            self._examples.append(FlawedRow(file=file, line=line, flaw=flaw, detail=shown))

    def report(self, layout: str, files: Sequence[Path]) -> ReadReport:
        return ReadReport(
            layout=layout,
            files=tuple(path.name for path in files),
            rows=self.rows,
            used=self.used,
            flaws=dict(self._flaws),
            examples=tuple(self._examples),
        )

    def summary(self) -> str:
        """The flaws in one line, for an error about a file without a usable row."""
        return ", ".join(f"{count} x {flaw}" for flaw, count in self._flaws.most_common()) or "no rows"
