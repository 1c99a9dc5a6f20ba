"""Reads a TOML file and says on which line each of its tables and keys stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

Place = tuple[str | int, ...]
BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlText:
    """A file's values, decimal numbers exact, and the line of every table, key and element of a list of tables."""

    values: Mapping[str, object]
    lines: Mapping[Place, int]

    def line(self, *place: str | int) -> int:
        """The line of what stands at `place`, or of the nearest table around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


class TomlUnreadable(ValueError):
    """The text is no TOML; `line` and `column` begin at 1."""

    def __init__(self, text: str, *, line: int, column: int) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


def read_toml(data: bytes) -> TomlText:
    """Raises TomlUnreadable for what is no TOML, is empty, or is larger than 64 KB."""
    if len(data) > BYTES_MAX:
        raise TomlUnreadable(f"is larger than {BYTES_MAX // 1024} KB", line=1, column=1)
    text = _decoded(data)
    values = _parsed(text)
    if not values:
        raise TomlUnreadable("is empty", line=1, column=1)
    return TomlText(values=values, lines=_lines(text))


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise TomlUnreadable("is no UTF-8", line=line, column=column) from error


def _parsed(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        said = re.sub(r" \(at [^)]*\)$", "", str(error))
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        last = text.rstrip("\n").split("\n")
        line, column = (int(place[1]), int(place[2])) if place else (len(last), len(last[-1]) + 1)
        raise TomlUnreadable(f"is no TOML: {said}", line=line, column=column) from error


def _lines(text: str) -> dict[Place, int]:
    found: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    for number, statement, parsed in _statements(text):
        path = _path(parsed)
        if statement.startswith("[["):
            table = _next_element(path, counts)
        elif statement.startswith("["):
            table = _resolved(path, counts)
        place = table if statement.startswith("[") else (*table, *path)
        for end in range(1, len(place) + 1):
            found.setdefault(place[:end], number)
    return found


def _statements(text: str) -> Iterator[tuple[int, str, Mapping[str, object]]]:
    """Each header and each key with its value: the line it begins on, its text, and what the parser makes of it.

    A statement ends with the first line at which the parser takes it, so that texts and lists over several lines,
    quoted keys and brackets within texts need no rules of their own here.
    """
    begun: list[str] = []
    first = 0
    for number, line in enumerate(text.split("\n"), start=1):
        first = first if begun else number
        begun.append(line)
        statement = "\n".join(begun).lstrip()
        try:
            parsed = tomllib.loads(statement, parse_float=Decimal)
        except tomllib.TOMLDecodeError:
            continue
        begun = []
        if parsed:
            yield first, statement, parsed


def _path(parsed: Mapping[str, object]) -> Place:
    path: Place = ()
    node: object = parsed
    while isinstance(node, dict) and len(node) == 1:
        ((name, node),) = node.items()
        path = (*path, name)
    return path


def _next_element(path: Place, counts: dict[Place, int]) -> Place:
    place = (*_resolved(path[:-1], counts), path[-1])
    counts[place] = counts.get(place, -1) + 1
    return (*place, counts[place])


def _resolved(path: Place, counts: Mapping[Place, int]) -> Place:
    """With the number of the element that a header below a list of tables means: the last one so far."""
    place: Place = ()
    for part in path:
        place = (*place, part)
        if place in counts:
            place = (*place, counts[place])
    return place
