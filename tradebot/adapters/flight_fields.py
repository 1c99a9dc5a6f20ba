"""What a field that may hold much becomes in the flight record: itself, a reference to the line that has the same, or
what differs from that line."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress, count
from operator import is_not
from typing import Any, Literal

from tradebot.adapters.flight_encoding import Encode

_SAME_FROM = 64
"""A text shorter than this is cheaper to write than to refer to."""

Where = Literal["message", "same", "edited"]


class LargeField:
    """A container or a dataclass, and its text the last time that it was written."""

    def __init__(self, name: str, label: str, encode: Encode) -> None:
        self.name = name
        self.label = label
        self._encode = encode
        self._text = ""
        self._sequence = 0

    def take(self, value: object, sequence: int) -> tuple[Where, str]:
        """Where in line `sequence` it stands, and the text that stands there."""
        text = self._encode(value)
        if text == self._text and len(text) >= _SAME_FROM:
            return "same", str(self._sequence)
        self._text, self._sequence = text, sequence
        return "message", text


class RowsField:
    """A tuple of dataclasses, and its rows and their texts the last time that it was written.

    What is frozen and the very same object as before needs no second encoding: a book in which little has changed costs
    little, however long it is.
    """

    def __init__(self, name: str, label: str, encode: Encode) -> None:
        self.name = name
        self.label = label
        self._encode = encode
        self._rows: tuple[object, ...] = ()
        self._texts: list[str] = []
        self._sequence = 0

    def take(self, value: Iterable[object], sequence: int) -> tuple[Where, str]:
        """Where in line `sequence` it stands, and the text that stands there. What is empty leaves no trace: the next
        one is told by what was there before it."""
        rows = tuple(value)
        if not rows:
            return "message", "[]"
        before, referred = len(self._texts), self._sequence
        news = self._news(rows)
        if not news and len(rows) == before and self._is_worth_it():
            return "same", str(referred)
        self._sequence = sequence
        if len(news) * 2 < len(rows) and self._is_worth_it():
            texts = ",".join([f'"{index}":{self._texts[index]}' for index in news])
            return "edited", f'{{"of":{referred},"length":{len(rows)},"rows":{{{texts}}}}}'
        return "message", "[" + ",".join(self._texts) + "]"

    def _news(self, rows: tuple[object, ...]) -> list[int]:
        """The places at which another text stands now; from here on, `rows` are what was there before."""
        texts, news = self._texts, []
        for index in compress(count(), map(is_not, rows, self._rows)):
            text = self._encode(rows[index])
            if text != texts[index]:
                texts[index] = text
                news.append(index)
        added = range(len(texts), len(rows))
        texts += [self._encode(rows[index]) for index in added]
        del texts[len(rows) :]
        self._rows = rows
        return [*news, *added]

    def _is_worth_it(self) -> bool:
        return bool(self._texts) and len(self._texts[0]) * len(self._texts) >= _SAME_FROM


def edited(rows: list[Any], edit: dict[str, Any]) -> list[Any]:
    """The rows of a line, from those that it refers to. ValueError or TypeError for an edit that does not fit."""
    after = rows[: edit["length"]]
    for place, row in edit["rows"].items():
        index = int(place)
        if index == len(after):
            after.append(row)
        elif 0 <= index < len(after):
            after[index] = row
        else:
            raise ValueError(f"row {place} of {len(after)}")
    if len(after) != edit["length"]:
        raise ValueError(f"{len(after)} rows, not {edit['length']}")
    return after
