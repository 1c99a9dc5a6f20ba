"""Reads the market data files: TOML tables with line numbers, each problem collected, not raised."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from tradebot.domain.calendar import ClockWindow

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=StrEnum)
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a file; `line` is missing where the whole file is meant."""

    file: str
    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisional:
    """An entry that no first-hand source has confirmed yet."""

    file: str
    line: int | None
    what: str
    source: str


class MarketDataFileError(ValueError):
    """The market data files cannot be used; the message has one line for each of the `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the reading of all files has turned up so far."""

    problems: list[Problem] = field(default_factory=list)
    provisional: list[Provisional] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """A kind of value: how it is read (`None`: it is not of this kind), what is allowed, and a value that
    stands in for a wrong one while the rest of the file is checked (it never leaves: a file with a problem is
    not loaded)."""

    parse: Callable[[object], T | None]
    allowed: str
    blank: T


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    name: str
    lines: Mapping[Place, int]
    findings: Findings


class Section:
    """One TOML table. Values are asked for by their kind; `finish` reports the keys nobody asked for."""

    def __init__(self, file: _File, place: Place, values: Mapping[str, object]) -> None:
        self._file = file
        self._place = place
        self._values = values
        self._asked: list[str] = []
        self._children: list[Section] = []
        self._has_problem = False
        self._is_finished = False

    def __contains__(self, key: str) -> bool:
        return key in self._values

    @property
    def is_sound(self) -> bool:
        """Whether no problem has been found in it or in a table below so far."""
        return not self._has_problem and all(child.is_sound for child in self._children)

    def required(self, key: str, kind: Kind[T]) -> T:
        if key not in self._values:
            self._asked.append(key)
            self.problem(key, f"is missing; it must be {kind.allowed}")
            return kind.blank
        return self._read(key, kind)

    def optional(self, key: str, kind: Kind[T], default: D) -> T | D:
        if key not in self._values:
            self._asked.append(key)
            return default
        return self._read(key, kind)

    def section(self, key: str) -> Section:
        """The table under `key`; where there is none, that is a problem and an empty table comes back."""
        found = self.sections(key)
        if not found:
            self.problem(key, "is missing; it must be a table")
        return found[0] if found else Section(self._file, (*self._place, key), {})

    def sections(self, key: str) -> list[Section]:
        """The list of tables under `key` (a single table is a list of one); empty where there is none."""
        self._asked.append(key)
        value = self._values.get(key, [])
        tables = [value] if isinstance(value, dict) else value
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.problem(key, "must be a list of tables")
            return []
        places = [(*self._place, key)] if tables is not value else [(*self._place, key, n) for n in range(len(tables))]
        found = [Section(self._file, place, table) for place, table in zip(places, tables, strict=True)]
        self._children += found
        return found

    def some_sections(self, key: str) -> list[Section]:
        """The list of tables under `key`, of which there must be one at least."""
        found = self.sections(key)
        if not found:
            self.problem(key, "is missing; there must be one entry at least")
        return found

    def origin(self, what: str) -> str:
        """The `source`, which every entry must have; an entry that is `provisional` is noted as `what`."""
        source = self.required("source", TEXT)
        if self.optional("provisional", FLAG, False):
            entry = Provisional(file=self._file.name, line=self._line(""), what=what, source=source)
            self._file.findings.provisional.append(entry)
        return source

    def problem(self, key: str, text: str) -> None:
        self._has_problem = True
        name = ".".join(str(part) for part in (*self._place, key) if isinstance(part, str) and part)
        self._file.findings.problems.append(Problem(file=self._file.name, line=self._line(key), key=name, text=text))

    def finish(self) -> bool:
        """Whether all of it can be used; unknown keys, here and in the tables below, are reported once."""
        if not self._is_finished:
            self._is_finished = True
            for key in [key for key in self._values if key not in self._asked]:
                self.problem(key, _unknown(key, self._asked))
            for child in self._children:
                child.finish()
        return self.is_sound

    def _read(self, key: str, kind: Kind[T]) -> T:
        self._asked.append(key)
        parsed = kind.parse(self._values[key])
        if parsed is None:
            self.problem(key, f"{_shown(self._values[key])} is not allowed; it must be {kind.allowed}")
            return kind.blank
        return parsed

    def _line(self, key: str) -> int | None:
        place = (*self._place, key)
        while place and place not in self._file.lines:
            place = place[:-1]
        return self._file.lines.get(place)


def open_file(path: Path, findings: Findings) -> Section | None:
    """The file's outermost table; `None` and a problem where it cannot be read or is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text, parse_float=Decimal)
    except (OSError, UnicodeDecodeError) as error:
        findings.problems.append(Problem(file=path.name, line=None, key="", text=f"cannot be read: {error}"))
        return None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        problem = Problem(file=path.name, line=int(line[1]) if line else None, key="", text=f"is no TOML: {error}")
        findings.problems.append(problem)
        return None
    return Section(_File(name=path.name, lines=_line_numbers(text), findings=findings), (), values)


def build_each(sections: Sequence[Section], build: Callable[[Section], T]) -> list[tuple[Section, T]]:
    """The sound sections with what was built from them, so that later checks can name their lines."""
    built = [(section, build(section)) for section in sections]
    return [(section, value) for section, value in built if section.finish()]


def one_of(words: type[E]) -> Kind[E]:
    def parse(value: object) -> E | None:
        return words(value) if isinstance(value, str) and value in list(words) else None

    return Kind(parse=parse, allowed="one of " + ", ".join(words), blank=next(iter(words)))


def one_of_numbers(*allowed: int) -> Kind[Decimal]:
    def parse(value: object) -> Decimal | None:
        number = _amount(value)
        return number if number in allowed else None

    return Kind(parse=parse, allowed="one of " + ", ".join(map(str, allowed)), blank=Decimal(1))


def _unknown(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "known keys are " + ", ".join(sorted(set(known)))
    return f"unknown key; {hint}"


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _line_numbers(text: str) -> dict[Place, int]:
    """Where each table, key and inline table (one a line) of a list stands; used in messages only."""
    found: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    open_list: Place | None = None
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if open_list is not None:
            if line.startswith("{"):
                found[_next_of(open_list, counts)] = number
            if line.endswith("]") or line.startswith("]"):
                open_list = None
        elif header := _HEADER.match(line):
            table = _table_place(header, counts)
            found[table] = number
        elif key := _KEY.match(line):
            found[*table, key[1]] = number
            open_list = (*table, key[1]) if key[2].startswith("[") and "]" not in key[2] else None
    return found


def _table_place(header: re.Match[str], counts: dict[Place, int]) -> Place:
    *parents, last = header[2].split(".")
    place: Place = ()
    for parent in parents:
        place = (*place, parent)
        if place in counts:
            place = (*place, counts[place])
    place = (*place, last)
    return _next_of(place, counts) if header[1] else place


def _next_of(place: Place, counts: dict[Place, int]) -> Place:
    counts[place] = counts.get(place, -1) + 1
    return (*place, counts[place])


_HEADER = re.compile(r"^\[(\[)?\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"^([\w-]+)\s*=\s*(.*)$")


def _date(value: object) -> date | None:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _clock(value: object) -> time | None:
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value)
    return value if isinstance(value, time) else None


def _window(value: object) -> ClockWindow | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    start, end = _clock(value[0]), _clock(value[1])
    return ClockWindow(start=start, end=end) if start is not None and end is not None and start < end else None


def _windows(value: object) -> tuple[ClockWindow, ...] | None:
    windows = [_window(part) for part in value] if isinstance(value, list) else []
    found = tuple(window for window in windows if window is not None)
    return found if found and len(found) == len(windows) else None


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() and number > 0 else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _years(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or not value or not all(isinstance(year, int) for year in value):
        return None
    years = tuple(value)
    return years if years == tuple(range(years[0], years[0] + len(years))) and years[0] > 1990 else None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _symbols(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not value:
        return None
    return tuple(value) if all(isinstance(s, str) and re.fullmatch(r"[A-Z0-9&-]+", s) for s in value) else None


def _ratio(value: object) -> tuple[int, int] | None:
    match = re.fullmatch(r"([1-9]\d*):([1-9]\d*)", value) if isinstance(value, str) else None
    return (int(match[1]), int(match[2])) if match else None


_MIDNIGHT = time(0, 0)
_MINUTE = ClockWindow(start=_MIDNIGHT, end=time(0, 1))
_NO_WINDOWS: tuple[ClockWindow, ...] = ()
_NO_YEARS: tuple[int, ...] = ()
_NO_SYMBOLS: tuple[str, ...] = ()

DATE = Kind(parse=_date, allowed="a date such as 2026-11-24", blank=date.min)
CLOCK = Kind(parse=_clock, allowed='a time of day such as "09:15"', blank=_MIDNIGHT)
WINDOW = Kind(parse=_window, allowed='a start and a later end such as ["09:15", "15:30"]', blank=_MINUTE)
WINDOWS = Kind(parse=_windows, allowed='a list of windows such as [["09:15", "15:30"]]', blank=_NO_WINDOWS)
AMOUNT = Kind(parse=_amount, allowed="a number above 0", blank=Decimal(1))
WHOLE = Kind(parse=_whole, allowed="a whole number above 0", blank=1)
YEARS = Kind(parse=_years, allowed="a list of years without a gap such as [2025, 2026]", blank=_NO_YEARS)
FLAG = Kind(parse=lambda value: value if isinstance(value, bool) else None, allowed="true or false", blank=False)
TEXT = Kind(parse=_text, allowed="a text that is not empty", blank="")
SYMBOLS = Kind(parse=_symbols, allowed='a list of symbols such as ["INFY", "M&M"]', blank=_NO_SYMBOLS)
RATIO = Kind(parse=_ratio, allowed='a ratio such as "1:10"', blank=(1, 1))
