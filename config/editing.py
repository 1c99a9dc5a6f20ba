"""Edits the operator's file as an operator would: only the values change, comments and order stay."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import tomlkit
from tomlkit.items import Table

from config.settings import KEYS
from tradebot.domain.policy import GuardMode


def edited(text: str, values: Mapping[str, object]) -> str:
    """The file's text with these keys (by their names) at these values; a key that the file does not have is added to
    its section. Raises KeyError for a name that is no key."""
    document = tomlkit.parse(text)
    for name, value in values.items():
        key = KEYS.by_name[name]
        if key.section not in document:
            document[key.section] = tomlkit.table()
        section = document[key.section]
        assert isinstance(section, Table)
        section[key.in_file] = _plain(value)
    return tomlkit.dumps(document)


def _plain(value: object) -> object:
    if isinstance(value, GuardMode):
        return "shadow" if value is GuardMode.SHADOW else value is GuardMode.ON
    return float(value) if isinstance(value, Decimal) else value
