"""Brokers' strings as values: naive Indian times in many forms, numbers as texts, and their many words for nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from tradebot.domain.calendar import IST

_FORMS = ("%Y-%m-%d %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M:%S")
_NOTHING = frozenset({"", "na", "--", "-", "none", "null", "0001-01-01 00:00:00"})


def is_nothing(value: object) -> bool:
    return value is None or str(value).strip().lower() in _NOTHING


def text(value: object) -> str:
    """Empty for each of the words for nothing."""
    return "" if is_nothing(value) else str(value).strip()


def instant(value: object) -> datetime | None:
    """Aware UTC; None for nothing. Raises ValueError for a form that is not known."""
    if is_nothing(value):
        return None
    # Kotak's history has spaces within the time: "22-Jan-2025 14: 33: 01".
    said = " ".join(str(value).split()).replace(": ", ":")
    for form in _FORMS:
        try:
            return datetime.strptime(said, form).replace(tzinfo=IST).astimezone(UTC)
        except ValueError:
            continue
    raise ValueError(f"no known form of an instant: {value!r}")


def number(value: object) -> Decimal:
    """Exact; 0 for nothing. Raises ValueError."""
    if is_nothing(value):
        return Decimal(0)
    try:
        return Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation as cause:
        raise ValueError(f"no number: {value!r}") from cause


def whole(value: object) -> int:
    """Raises ValueError for a part of a share."""
    found = number(value)
    if found != found.to_integral_value():
        raise ValueError(f"no whole number: {value!r}")
    return int(found)


def latest(*values: object) -> datetime:
    """The latest of those that say something. Raises ValueError when none does."""
    found = [at for value in values if (at := instant(value)) is not None]
    if not found:
        raise ValueError("none of its times says anything")
    return max(found)
