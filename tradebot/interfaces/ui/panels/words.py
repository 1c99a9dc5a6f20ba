"""Figures in words: money, ages and clock times as they stand in a narrow column."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from rich.style import Style

from tradebot.domain.calendar import IST, ist_date
from tradebot.interfaces.ui.look import BAD, DIM, GOOD, PLAIN

_UNKNOWN = "-"


def money(amount: Decimal | None) -> str:
    """Rupees with paise; `-` for what is not known."""
    return _UNKNOWN if amount is None else f"{amount:,.2f}"


def gain(amount: Decimal | None, unit: str = "") -> tuple[str, Style]:
    """A profit or a loss: told apart by glyph and sign, and by colour only beside them."""
    if amount is None:
        return _UNKNOWN, DIM
    if amount == 0:
        return f"  {amount:,.2f}{unit}", PLAIN
    if amount > 0:
        return f"▲ +{amount:,.2f}{unit}", GOOD
    return f"▼ {amount:,.2f}{unit}", BAD


def age(span: timedelta) -> str:
    """Five characters at most: seconds below a minute, then minutes, `2h05`, hours, days.

    So coarse that a row of the screen rarely changes for its age alone.
    """
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    if seconds < 36_000:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02d}"
    return f"{seconds // 3600}h" if seconds < 172_800 else f"{seconds // 86_400}d"


def clock(at: datetime) -> str:
    return f"{at.astimezone(IST):%H:%M:%S}"


def clock_near(at: datetime | None, now: datetime) -> str:
    """The IST time, with the date where it is not that of `now`; `-` for none."""
    if at is None:
        return _UNKNOWN
    local = at.astimezone(IST)
    return f"{local:%H:%M}" if ist_date(at) == ist_date(now) else f"{local:%d %b %H:%M}"
