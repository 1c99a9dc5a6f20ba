"""A recorded session that ran again, in words: the first decision that differs, or that none does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tradebot.domain.calendar import IST


def no_difference(compared: int, messages: int, *, is_cut: bool) -> str:
    text = f"no difference: {compared:,} decisions from {messages:,} messages are what they were"
    return f"{text}; the record of decisions ends early, as after a kill" if is_cut else text


def difference_line(when: str, said: tuple[str, str, str, Mapping[str, Any]] | None) -> str:
    """`said` is (instant, name, message, fields); None: nothing more was decided."""
    if said is None:
        return f"{when:9} nothing more"
    at, name, message, fields = said
    shown = " ".join(f"{key}={value}" for key, value in fields.items())
    return (
        f"{when:9} {datetime.fromisoformat(at).astimezone(IST):%Y-%m-%d %H:%M:%S} IST {name} {message}\n{'':9} {shown}"
    )
