"""Turns the text of one field into a date, an instant, a price or a volume, or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from tradebot.adapters.marketdata.read_report import Flaw
from tradebot.domain.calendar import IST

PRICES_MAX = 65_536

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}


class FieldError(ValueError):
    """A field that cannot be used; caught by the reader of the row, never beyond it."""

    def __init__(self, flaw: Flaw, detail: str) -> None:
        super().__init__(f"{flaw}: {detail}")
        self.flaw = flaw
        self.detail = detail


def text_of(row: Sequence[str], columns: Mapping[str, int], name: str) -> str:
    """The stripped text of a field that must be there."""
    index = columns[name]
    text = row[index].strip() if index < len(row) else ""
    if not text:
        raise FieldError(Flaw.MISSING_FIELD, name)
    return text


def day_of(text: str) -> date:
    """`2024-01-31`, or `31-Jan-2024` as in NSE's own files."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        day, month, year = text.split("-")
        return date(int(year), _MONTHS[month.lower()], int(day))
    except (ValueError, KeyError):
        raise FieldError(Flaw.UNKNOWN_DATE, text) from None


def instant_of(text: str) -> datetime:
    """An ISO date and time as aware UTC; without an offset it is IST."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise FieldError(Flaw.UNKNOWN_DATE, text) from None
    if len(text) <= 10:
        raise FieldError(Flaw.UNKNOWN_DATE, text)
    return (at if at.tzinfo else at.replace(tzinfo=IST)).astimezone(UTC)


@lru_cache(maxsize=PRICES_MAX)
def price_of(text: str) -> Decimal:
    """A price in rupees, above 0. Prices repeat all day long: the last PRICES_MAX texts give the same object again."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise FieldError(Flaw.NOT_A_NUMBER, text) from None
    if not price.is_finite():
        raise FieldError(Flaw.NOT_A_NUMBER, text)
    if price <= 0:
        raise FieldError(Flaw.NOT_POSITIVE, text)
    return price


def volume_of(text: str) -> int:
    """A count of shares, 0 or more."""
    try:
        volume = int(text)
    except ValueError:
        raise FieldError(Flaw.NOT_A_NUMBER, text) from None
    if volume < 0:
        raise FieldError(Flaw.NOT_POSITIVE, text)
    return volume


def prices_of(row: Sequence[str], columns: Mapping[str, int]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Open, high, low and close, which fit together."""
    open_, high, low, close = (price_of(text_of(row, columns, name)) for name in ("open", "high", "low", "close"))
    if not (low <= open_ <= high and low <= close <= high):
        raise FieldError(Flaw.OUTSIDE_RANGE, f"open {open_} high {high} low {low} close {close}")
    return open_, high, low, close
