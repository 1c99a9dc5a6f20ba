"""Reads the operator's file of signals: every row checked, all problems named at once with their lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import TypeVar

from tradebot.domain.errors import SignalsUnusable
from tradebot.domain.orders import Side
from tradebot.strategies.amounts import read_rupees

BYTES_MAX = 1_000_000
ROWS_MAX = 5_000
QUANTITY_MAX = 10_000_000
PROBLEMS_SHOWN_MAX = 50

_PRICE = "a price in rupees above 0, up to 10000000, with at most two decimals"
_ALLOWED = {
    "id": "1 to 64 letters, digits and . _ : -, in no other row (empty: made from date, symbol and side)",
    "date": "the trading day as YYYY-MM-DD",
    "symbol": "an NSE symbol such as INFY or M&M",
    "side": "buy or sell",
    "quantity": f"a whole number from 1 to {QUANTITY_MAX} (empty, for a buy: from the capital per trade)",
    "limit": f"{_PRICE} (empty: a protected limit from the last close)",
    "target": f"{_PRICE} (empty: no target)",
}
_REQUIRED = ("date", "symbol", "side")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """One row of the file: prices in rupees, `line` counted from 1 as editors do."""

    line: int
    id: str
    day: date
    symbol: str
    side: Side
    quantity: int | None
    limit: Decimal | None
    target: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """One thing that is wrong; `line` is missing where the whole file is meant, `field` where the whole
    line is."""

    line: int | None
    field: str
    text: str

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line}: "
        return f"{place}{self.field}: {self.text}" if self.field else f"{place}{self.text}"


class SignalFileInvalid(SignalsUnusable):
    """The file of signals has a problem, so that nothing in it is placed. `problems` has all of them; the
    message has a line for each of the first fifty."""

    def __init__(self, place: str, problems: Sequence[RowProblem]) -> None:
        lines = [f"{place}: {problem}" for problem in problems[:PROBLEMS_SHOWN_MAX]]
        if len(problems) > PROBLEMS_SHOWN_MAX:
            lines.append(f"{place}: and {len(problems) - PROBLEMS_SHOWN_MAX} more")
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)


def read_rows(place: str, data: bytes) -> Sequence[SignalRow]:
    """The rows of all days in the order of the file. `place` names the file in the messages.

    Raises SignalFileInvalid. Blank lines and lines that begin with # are comments; a row is one line of
    UTF-8.
    """
    problems: list[RowProblem] = []
    lines = _lines(data, problems)
    columns = _columns(lines[0], problems) if lines else None
    rows = [_row(columns, line, problems) for line in lines[1:]] if columns else []
    sound = [row for row in rows if row is not None]
    _check_ids(sound, problems)
    if problems:
        raise SignalFileInvalid(place, sorted(problems, key=lambda problem: problem.line or 0))
    return sound


def read_day(text: str) -> date | None:
    """A day written as YYYY-MM-DD; None when it is anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    number: int
    fields: Sequence[str]


def _lines(data: bytes, problems: list[RowProblem]) -> Sequence[_Line]:
    """The header and the rows, split into fields. Each line is read on its own, so that an open quote
    spoils its own line and not the rest of the file."""
    if len(data) > BYTES_MAX:
        problems.append(_of_file(f"has more than {BYTES_MAX} bytes; move old rows to another file"))
        return ()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(RowProblem(line=line, field="", text="is not UTF-8; save the file as UTF-8"))
        return ()
    lines = [
        _Line(number=number, fields=_fields(number, line, problems))
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)
        if line.strip(" \t,") and not line.lstrip().startswith("#")
    ]
    if not lines:
        problems.append(_of_file(f"has no header; the first line is {','.join(_ALLOWED)}"))
    if len(lines) > ROWS_MAX + 1:
        problems.append(_of_file(f"has more than {ROWS_MAX} rows; move old rows to another file"))
        return ()
    return lines


def _of_file(text: str) -> RowProblem:
    return RowProblem(line=None, field="", text=text)


def _fields(number: int, line: str, problems: list[RowProblem]) -> Sequence[str]:
    try:
        return [field.strip() for field in next(csv.reader([line], strict=True))]
    except csv.Error as error:
        problems.append(RowProblem(line=number, field="", text=f"cannot be split into fields: {error}"))
        return ()


def _columns(header: _Line, problems: list[RowProblem]) -> Sequence[str] | None:
    """The names of the columns; None where the rows cannot be read by them."""
    if not header.fields:
        return None
    names = [name.lower() for name in header.fields]
    faults = [_unknown_column(name) for name in names if name not in _ALLOWED]
    broken = [RowProblem(line=None, field=name, text="stands there twice") for name in _repeated(names)]
    broken += [
        RowProblem(line=None, field=name, text=f"is missing among the columns; it holds {_ALLOWED[name]}")
        for name in _REQUIRED
        if name not in names
    ]
    problems += [RowProblem(line=header.number, field=fault.field, text=fault.text) for fault in (*faults, *broken)]
    return None if broken else names


def _unknown_column(name: str) -> RowProblem:
    close = get_close_matches(name, _ALLOWED, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"allowed are {', '.join(_ALLOWED)}"
    return RowProblem(line=None, field=name, text=f"is no column; {hint}")


def _repeated(names: Sequence[str]) -> Sequence[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _row(columns: Sequence[str], line: _Line, problems: list[RowProblem]) -> SignalRow | None:
    if not line.fields:
        return None
    if len(line.fields) != len(columns):
        text = f"has {len(line.fields)} fields where the header has {len(columns)}"
        problems.append(RowProblem(line=line.number, field="", text=text))
        return None
    reader = _RowReader(line=line.number, values=dict(zip(columns, line.fields, strict=True)), problems=problems)
    known_before = len(problems)
    given_id = reader.read("id", _id)
    day = reader.read("date", read_day)
    symbol = reader.read("symbol", _symbol)
    side = reader.read("side", _side)
    quantity = reader.read("quantity", _quantity)
    limit = reader.read("limit", read_rupees)
    target = reader.read("target", read_rupees)
    if day is None or symbol is None or side is None or len(problems) > known_before:
        return None
    # Not from quantity or prices: a row that is corrected after it was placed must stay the same intention.
    row_id = given_id or f"csv:{day}:{symbol}:{side}"
    row = SignalRow(
        line=line.number,
        id=row_id,
        day=day,
        symbol=symbol,
        side=side,
        quantity=quantity,
        limit=limit,
        target=target,
    )
    problems += _contradictions(row)
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class _RowReader:
    line: int
    values: Mapping[str, str]
    problems: list[RowProblem]

    def read(self, field: str, parse: Callable[[str], T | None]) -> T | None:
        """The value of a field; None when it is empty or wrong, which the problems then say."""
        text = self.values.get(field, "")
        if not text:
            if field in _REQUIRED:
                self._problem(field, "is empty")
            return None
        value = parse(text)
        if value is None:
            self._problem(field, f"{text[:40]!r} is not allowed")
        return value

    def _problem(self, field: str, what: str) -> None:
        text = f"{what}; allowed is {_ALLOWED[field]}"
        self.problems.append(RowProblem(line=self.line, field=field, text=text))


def _id(text: str) -> str | None:
    return text if re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", text) else None


def _symbol(text: str) -> str | None:
    return text.upper() if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9&-]{0,19}", text) else None


def _side(text: str) -> Side | None:
    return next((side for side in Side if side == text.lower()), None)


def _quantity(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,8}", text):
        return None
    return int(text) if 1 <= int(text) <= QUANTITY_MAX else None


def _contradictions(row: SignalRow) -> Sequence[RowProblem]:
    found = []
    if row.side is Side.SELL and row.quantity is None:
        text = f"a sell needs one: a whole number from 1 to {QUANTITY_MAX}"
        found.append(RowProblem(line=row.line, field="quantity", text=text))
    if row.side is Side.SELL and row.target is not None:
        found.append(RowProblem(line=row.line, field="target", text="a sell has none; leave it empty"))
    if row.limit is not None and row.target is not None and row.target <= row.limit:
        text = f"{row.target} is not above the limit {row.limit}; allowed is a price above it"
        found.append(RowProblem(line=row.line, field="target", text=text))
    return found


def _check_ids(rows: Sequence[SignalRow], problems: list[RowProblem]) -> None:
    first_lines: dict[str, int] = {}
    for row in rows:
        first = first_lines.setdefault(row.id, row.line)
        if first != row.line:
            text = f"{row.id} is that of line {first} too; allowed is an id of its own for each of them"
            problems.append(RowProblem(line=row.line, field="id", text=text))
