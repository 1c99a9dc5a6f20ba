"""What is wrong with the configuration, in words an operator can act on; collected, then raised all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    `place` is file:line, the name of a variable, or "command line"; `key` is empty where the whole file is meant;
    `value` is what was found, as it would stand in the file; `text` says what is allowed; `nearest` is the right name
    for a mistyped one.
    """

    place: str
    key: str = ""
    value: str = ""
    text: str
    nearest: str = ""

    def __str__(self) -> str:
        found = f"{self.key} = {self.value}" if self.value else self.key
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return ": ".join(part for part in (self.place, found, self.text + hint) if part)


class ConfigError(ValueError):
    """The configuration cannot be used; the message has one line for each of the `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """The known name that `name` was probably meant to be, whatever the case; empty when none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(name.casefold(), by_folded, n=1, cutoff=likeness)
    return by_folded[near[0]] if near else ""
