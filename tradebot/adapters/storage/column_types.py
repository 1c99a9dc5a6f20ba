"""Column types that keep money exact, instants aware and words known, alike on SQLite and PostgreSQL.

Each gives its own bind processor, with nothing wrapped around it: the order path runs one for each column.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine

MONEY_LENGTH = 48
INSTANT_LENGTH = 27

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Money(TypeDecorator[Decimal]):
    """An exact decimal number, in rupees.

    PostgreSQL keeps it as NUMERIC without a scale: average costs are quotients, which no fixed scale holds.
    SQLite, whose NUMERIC is a binary float, keeps plain digits (`1234.50`, never an exponent) as text.
    Raises TypeError for anything but a Decimal and ValueError for one that is not finite.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(MONEY_LENGTH) if _is_sqlite(dialect) else Numeric())

    def bind_processor(self, dialect: Dialect) -> Callable[[Decimal | None], str | Decimal | None]:
        return _digits if _is_sqlite(dialect) else _checked_money

    def result_processor(
        self,
        dialect: Dialect,  # noqa: ARG002
        _coltype: object,
    ) -> Callable[[str | Decimal | None], Decimal | None]:
        return lambda value: None if value is None else Decimal(value)


class Instant(TypeDecorator[datetime]):
    """An aware instant, always UTC.

    SQLite keeps `2026-11-23T03:45:00.000000Z`: readable, of one width, so that text order is time order.
    Raises ValueError for a datetime without a zone.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(INSTANT_LENGTH) if _is_sqlite(dialect) else DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | datetime | None]:
        return _stamp if _is_sqlite(dialect) else _checked_instant

    def result_processor(self, dialect: Dialect, _coltype: object) -> Callable[[Any], datetime | None]:
        read = datetime.fromisoformat if _is_sqlite(dialect) else _in_utc
        return lambda value: None if value is None else read(value)


class Word(TypeDecorator[StrEnum]):
    """A member of an enum, kept as its word; the table's CHECK names the words that are allowed."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum], length: int) -> None:
        super().__init__(length)
        self.words = words

    def bind_processor(self, dialect: Dialect) -> Callable[[StrEnum | None], str | None]:  # noqa: ARG002
        return _plain_word

    def result_processor(
        self,
        dialect: Dialect,  # noqa: ARG002
        _coltype: object,
    ) -> Callable[[str | None], StrEnum | None]:
        words, known = self.words, {str(word): word for word in self.words}
        # A dictionary answers in a tenth of the time; the enum raises for a word that it does not know.
        return lambda value: None if value is None else known.get(value) or words(value)


class Words(TypeDecorator[Mapping[str, str]]):
    """A flat JSON object of strings, readable in a database shell."""

    impl = JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Mapping[str, str] | None], Any]:
        if _is_sqlite(dialect):
            return _json_or_none
        wrapped = JSON().dialect_impl(dialect).bind_processor(dialect)
        assert wrapped is not None  # the driver's own JSON type
        return lambda value: None if value is None else wrapped(dict(value))

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Mapping[str, str] | None]:
        wrapped = JSON().dialect_impl(dialect).result_processor(dialect, coltype)
        if wrapped is None:  # the driver reads JSON by itself
            return lambda value: value
        # Most are empty.
        return lambda value: {} if value == "{}" else wrapped(value)


def to_json(value: Any) -> str:
    """JSON as it is stored: compact, and with rupee signs and ellipses as themselves."""
    return _JSON.encode(value)


def _is_sqlite(dialect: Dialect) -> bool:
    return dialect.name == "sqlite"


def _checked_money(value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    if not isinstance(value, Decimal):
        raise TypeError(f"money is a Decimal, not {value!r}")
    if not value.is_finite():
        raise ValueError(f"money is a finite number, not {value}")
    return value


def _digits(value: Decimal | None) -> str | None:
    checked = _checked_money(value)
    return None if checked is None else format(checked, "f")


def _checked_instant(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"an instant has a zone, {value!r} has none")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


@lru_cache(maxsize=1_024)  # a row has many instants, and most of them were written before
def _stamp(value: datetime | None) -> str | None:
    checked = _checked_instant(value)
    return None if checked is None else checked.isoformat(timespec="microseconds")[:-6] + "Z"


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _plain_word(value: StrEnum | None) -> str | None:
    return None if value is None else str(value)


def _json_or_none(value: Mapping[str, str] | None) -> str | None:
    if value is None:
        return None
    return _JSON.encode(dict(value)) if value else "{}"
