"""Checks of what the operator has written down: settings, market files, calendar, corporate actions."""

from __future__ import annotations

from datetime import timedelta

from tradebot.adapters.storage.book_reader import StoredBooks
from tradebot.doctor.evidence import Evidence, Unreadable
from tradebot.doctor.findings import not_looked_at, nothing_yet, ok, unreadable, warn
from tradebot.domain.calendar import ist_date
from tradebot.interfaces.text.examination import Area, Finding

HORIZON_DAYS_MIN = 45
ACTION_DAYS = 10

_AREA = Area.CONFIGURATION


def settings(evidence: Evidence) -> Finding:
    what = "configuration"
    found = evidence.settings
    if isinstance(found, Unreadable):
        return unreadable(_AREA, what, found)
    return ok(_AREA, what, f"mode {found.run.mode}, account {found.run.account_id}, hash {found.hash()[:12]}")


def market_files(evidence: Evidence) -> Finding:
    """Entries that no first-hand source has confirmed are listed: they are used as they are."""
    what = "market files"
    market = evidence.market
    if isinstance(market, Unreadable):
        return unreadable(_AREA, what, market)
    lines = tuple(
        f"config/market/{entry.file}:{entry.line or 1}: {entry.what} ({entry.source})" for entry in market.provisional
    )
    return ok(_AREA, what, f"{len(market.instruments)} instruments, {len(lines)} provisional entries", lines)


def calendar_horizon(evidence: Evidence) -> Finding:
    what = "calendar"
    market = evidence.market
    if isinstance(market, Unreadable):
        return not_looked_at(_AREA, what, "the market files cannot be read")
    left = (market.calendar.last - ist_date(evidence.now)).days
    detail = f"known until {market.calendar.last}, {left} days from now"
    if left >= HORIZON_DAYS_MIN:
        return ok(_AREA, what, detail)
    todo = "add the next year with its holidays to config/market/calendar.toml; days beyond the end are refused"
    return warn(_AREA, what, detail, todo)


def corporate_actions(evidence: Evidence) -> Finding:
    """Splits and bonus issues of the next days in what is held or on order."""
    what = "corporate actions"
    market, database = evidence.market, evidence.books.database
    if isinstance(market, Unreadable) or isinstance(database, Unreadable):
        return not_looked_at(_AREA, what, "the market files or the database cannot be read")
    if database is None:
        return nothing_yet(_AREA, what)
    first = ist_date(evidence.at)
    last = first + timedelta(days=ACTION_DAYS)
    concerned = _held_or_ordered(database)
    lines = tuple(
        f"{action.ex_date} {action.symbol}: {action.kind} {action.numerator}:{action.denominator},"
        f" {concerned[action.symbol]}"
        for action in market.actions
        if first <= action.ex_date <= last and action.symbol in concerned
    )
    if not lines:
        return ok(_AREA, what, f"none until {last} in the {len(concerned)} symbols held or on order")
    todo = "nothing, if the ratio is right: at 08:00 IST of the ex-date quantities and prices are adjusted"
    return warn(_AREA, what, f"{len(lines)} until {last}", todo, lines)


def _held_or_ordered(database: StoredBooks) -> dict[str, str]:
    ordered = {attempt.symbol: "an order is open" for attempt in database.attempts if attempt.status.is_open}
    return ordered | {position.symbol: f"{position.quantity} held" for position in database.positions}
