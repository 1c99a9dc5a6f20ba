"""The catalogue of keys: found by name, by place in the file and by variable; each reads its own values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic.fields import FieldInfo

from config.declaring import Section
from config.kinds import grouped, in_file, listed, shown
from tradebot.domain.policy import GuardMode

PREFIX = "TRADEBOT_"
PASSWORD = re.compile(r"(?<=:)[^/\s][^/\s]*(?=@)|(?<=password=)[^&\s]+")
"""Within a URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key. `name` is unique over all sections; `in_file` is what it is called inside of its section.

    `low` and `high` are None where a range makes no sense. `is_text`: a variable's text is taken as it is.
    `under_master`: a switch that counts only while the master switch is on.
    """

    name: str
    section: str
    in_file: str
    attribute: str
    model: type[Section] = field(repr=False)
    default: object
    low: object
    high: object
    unit: str
    meaning: str
    allowed: str
    live: bool
    is_text: bool
    is_secret: bool
    is_credential: bool
    under_master: bool

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    def read(self, value: object) -> object:
        """The value in the key's own type. Raises ValueError for one that is not allowed."""
        section = self.model.model_validate({self.in_file: value})
        return getattr(section, self.attribute)

    def masked(self, text: str) -> str:
        """A value's text without what nobody may see: of a credential, only whether there is one."""
        if self.is_credential:
            return "***" if text not in ("", '""') else text
        return PASSWORD.sub("***", text) if self.is_secret else text

    def secrets_in(self, text: str) -> list[str]:
        if self.is_credential:
            return [text] if text else []
        return PASSWORD.findall(text) if self.is_secret else []

    def shown(self, value: object) -> str:
        """The value in a message. Of a secret nothing is shown, since what is wrong with it may hide a password."""
        return "***" if self.is_secret else shown(value)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All keys, in the order of the file."""

    by_name: Mapping[str, Key]

    @classmethod
    def of(cls, sections: Mapping[str, FieldInfo]) -> Catalogue:
        keys = [key for section, about in sections.items() for key in _keys(section, about.annotation)]
        return cls({key.name: key for key in keys})

    def __iter__(self) -> Iterator[Key]:
        return iter(self.by_name.values())

    def sections(self) -> dict[str, dict[str, Key]]:
        """The keys by section and by what they are called in it."""
        found: dict[str, dict[str, Key]] = {}
        for key in self:
            found.setdefault(key.section, {})[key.in_file] = key
        return found

    def variables(self) -> dict[str, Key]:
        return {key.variable: key for key in self}


def _keys(section: str, model: object) -> Iterator[Key]:
    assert isinstance(model, type) and issubclass(model, Section)
    defaults = model()
    for attribute, info in model.model_fields.items():
        about = _about(info)
        name = info.alias or attribute
        yield Key(
            name=about["known_as"],
            section=section,
            in_file=name,
            attribute=attribute,
            model=model,
            default=getattr(defaults, attribute),
            low=about["low"],
            high=about["high"],
            unit=about["unit"],
            meaning=info.description or "",
            allowed=_allowed(info, about),
            live=about["live"],
            is_text=info.annotation is str,
            is_secret=about["is_secret"],
            is_credential=about["is_credential"],
            under_master=about["under_master"],
        )


def _about(info: FieldInfo) -> dict[str, Any]:
    extra = info.json_schema_extra
    assert isinstance(extra, dict) and isinstance(extra["about"], dict)
    return dict(extra["about"])


def _allowed(info: FieldInfo, about: Mapping[str, Any]) -> str:
    if about["allowed"]:
        return str(about["allowed"])
    kind = info.annotation
    if kind is GuardMode:
        return 'true, false or "shadow"'
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return listed([in_file(word) for word in kind])
    if kind is bool:
        return "true or false"
    if kind is date:
        return "a date such as 2026-09-16"
    words: dict[object, str] = {int: "a whole number", Decimal: "a number", time: "a time of day"}
    unit = f" {about['unit']}" if about["unit"] else ""
    exact = ", with at most two decimals" if kind is Decimal else ""
    return f"{words[kind]} from {grouped(about['low'])} to {grouped(about['high'])}{unit}{exact}"
