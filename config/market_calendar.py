"""Builds the trading calendar from calendar.toml, sessions.toml and the operator's local.toml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from config.market_file import (
    AMOUNT,
    CLOCK,
    DATE,
    FLAG,
    TEXT,
    WINDOW,
    WINDOWS,
    YEARS,
    Findings,
    Section,
    build_each,
    one_of,
    open_file,
)
from tradebot.domain.calendar import Calendar, ClockWindow, ClosingAuctionTimes, Regime, SessionTimes, SpecialSession
from tradebot.domain.trading_day import DayKind

Entry = TypeVar("Entry")

_DAY_KIND = one_of(DayKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """The entries of one calendar file, sound ones only, each with the section it came from."""

    file: Section | None = None
    years: tuple[int, ...] = ()
    holidays: dict[date, tuple[Section, str]] = field(default_factory=dict)
    sessions: dict[date, tuple[Section, SpecialSession]] = field(default_factory=dict)
    without_settlement: dict[date, tuple[Section, str]] = field(default_factory=dict)


def read_calendar(folder: Path, findings: Findings) -> Calendar | None:
    """The calendar; `None` where a problem was found in one of its files.

    An entry of local.toml replaces whatever calendar.toml says about the same day; `years` there adds years.
    """
    known_problems = len(findings.problems)
    regimes = _read_regimes(folder, findings)
    days = _read_days(folder / "calendar.toml", findings, needs_years=True)
    local_path = folder / "local.toml"
    local = _read_days(local_path, findings, needs_years=False) if local_path.exists() else _Days()
    years = (*days.years, *local.years)
    if years:
        _check_years(days, local)
    if len(findings.problems) == known_problems:
        _check_start(regimes, date(min(years), 1, 1))
    if len(findings.problems) > known_problems or not years:
        return None
    return Calendar(
        first=date(min(years), 1, 1),
        last=date(max(years), 12, 31),
        regimes=tuple(regime for _, regime in regimes),
        holidays={day: name for day, (_, name) in (days.holidays | local.holidays).items()},
        special_sessions=_sessions(days, local),
        without_settlement=frozenset({*days.without_settlement, *local.without_settlement}),
    )


def _sessions(days: _Days, local: _Days) -> dict[date, SpecialSession]:
    shipped = {day: session for day, (_, session) in days.sessions.items() if day not in local.holidays}
    return shipped | {day: session for day, (_, session) in local.sessions.items()}


def _read_days(path: Path, findings: Findings, *, needs_years: bool) -> _Days:
    file = open_file(path, findings)
    if file is None:
        return _Days()
    years = file.required("years", YEARS) if needs_years else file.optional("years", YEARS, ())
    days = _Days(
        file=file,
        years=years,
        holidays=_by_day(file.sections("holidays"), _holiday),
        sessions=_by_day(file.sections("sessions"), _session),
        without_settlement=_by_day(file.sections("settlement_holidays"), _holiday),
    )
    for day, (section, _) in days.sessions.items():
        if day in days.holidays:
            section.problem("day", f"{day} is a holiday in the same file: it must be one or the other")
    file.finish()
    return days


def _by_day(
    sections: list[Section], build: Callable[[Section], tuple[date, Entry]]
) -> dict[date, tuple[Section, Entry]]:
    found: dict[date, tuple[Section, Entry]] = {}
    for section, (day, entry) in build_each(sections, build):
        if day in found:
            section.problem("day", f"{day} is listed twice")
        found[day] = (section, entry)
    return found


def _holiday(section: Section) -> tuple[date, str]:
    day, name = section.required("day", DATE), section.required("name", TEXT)
    section.origin(f"{day} {name}")
    return day, name


def _session(section: Section) -> tuple[date, SpecialSession]:
    day, name = section.required("day", DATE), section.required("name", TEXT)
    section.origin(f"{day} {name}")
    kind = section.required("kind", _DAY_KIND)
    settlement = section.required("settlement", FLAG)
    has_times = "continuous" in section or "pre_open" in section
    times = _session_times(section) if has_times else None
    if times is None and kind is not DayKind.REGULAR:
        section.problem("continuous", f"is missing; a {kind} session has times of its own")
    return day, SpecialSession(day=day, kind=kind, settlement=settlement, times=times)


def _read_regimes(folder: Path, findings: Findings) -> list[tuple[Section, Regime]]:
    file = open_file(folder / "sessions.toml", findings)
    if file is None:
        return []
    regimes = build_each(file.some_sections("regime"), _regime)
    for (_, earlier), (section, later) in pairwise(regimes):
        if later.since <= earlier.since:
            section.problem("since", f"{later.since} must be later than {earlier.since} of the regime before")
    file.finish()
    return regimes


def _regime(section: Section) -> Regime:
    since = section.required("since", DATE)
    section.origin(f"session times from {since}")
    return Regime(
        since=since,
        derivatives=_session_times(section.section("derivatives")),
        cash_only=_session_times(section.section("cash_only")),
    )


def _session_times(section: Section) -> SessionTimes:
    times = SessionTimes(
        continuous=section.required("continuous", WINDOWS),
        pre_open=section.optional("pre_open", WINDOW, None),
        pre_open_limit_only_from=section.optional("pre_open_limit_only_from", CLOCK, None),
        auction_at=section.optional("auction_at", CLOCK, None),
        closing_auction=_closing_auction(section.section("closing_auction")) if "closing_auction" in section else None,
        post_close=section.optional("post_close", WINDOW, None),
    )
    if times.pre_open is None and (times.auction_at or times.pre_open_limit_only_from):
        section.problem("pre_open", "is missing; auction_at and pre_open_limit_only_from need it")
    if times.pre_open is not None and times.auction_at is None:
        section.problem("auction_at", "is missing; an order entry before the open ends in an auction")
    if section.is_sound:
        _check_order(section, _in_order(times))
    return times


def _closing_auction(section: Section) -> ClosingAuctionTimes:
    return ClosingAuctionTimes(
        reference=section.required("reference", WINDOW),
        entry=section.required("entry", WINDOW),
        limit_only_from=section.required("limit_only_from", CLOCK),
        match_at=section.required("match_at", CLOCK),
        ends_at=section.required("ends_at", CLOCK),
        band_pct=section.required("band_pct", AMOUNT),
        cancels_stop_orders_at=section.required("cancels_stop_orders_at", CLOCK),
    )


def _in_order(times: SessionTimes) -> list[tuple[str, time]]:
    """Every boundary of the day in the order in which it must come."""
    steps = list(_edges("pre_open", times.pre_open))
    if times.pre_open_limit_only_from is not None:
        steps.insert(1, ("pre_open_limit_only_from", times.pre_open_limit_only_from))
    if times.auction_at is not None:
        steps.append(("auction_at", times.auction_at))
    for window in times.continuous:
        steps += _edges("continuous", window)
    if (closing := times.closing_auction) is not None:
        steps.append(("closing_auction.cancels_stop_orders_at", closing.cancels_stop_orders_at))
        steps += _edges("closing_auction.reference", closing.reference)
        steps.append(("closing_auction.entry", closing.entry.start))
        steps.append(("closing_auction.limit_only_from", closing.limit_only_from))
        steps.append(("closing_auction.entry", closing.entry.end))
        steps.append(("closing_auction.match_at", closing.match_at))
        steps.append(("closing_auction.ends_at", closing.ends_at))
    return [*steps, *_edges("post_close", times.post_close)]


def _edges(name: str, window: ClockWindow | None) -> list[tuple[str, time]]:
    return [] if window is None else [(name, window.start), (name, window.end)]


def _check_order(section: Section, steps: list[tuple[str, time]]) -> None:
    for (before, earlier), (name, clock) in pairwise(steps):
        if clock < earlier:
            section.problem(name, f"{clock:%H:%M} is before {earlier:%H:%M} of {before}: windows must not overlap")


def _check_years(days: _Days, local: _Days) -> None:
    years = sorted({*days.years, *local.years})
    for year in range(years[0], years[-1] + 1):
        if days.file and not any(day.year == year for day in (*days.holidays, *local.holidays)):
            days.file.problem("years", f"{year} has no holidays: a year is known only when its holidays are listed")
    for listed in (days, local):
        _check_inside(listed.holidays, years)
        _check_inside(listed.sessions, years)
        _check_inside(listed.without_settlement, years)


def _check_inside(entries: Mapping[date, tuple[Section, object]], years: list[int]) -> None:
    for day, (section, _) in entries.items():
        if day.year not in years:
            section.problem("day", f"{day} is outside `years`, which are {', '.join(map(str, years))}")


def _check_start(regimes: list[tuple[Section, Regime]], first: date) -> None:
    section, regime = regimes[0]
    if regime.since > first:
        section.problem("since", f"must not be later than {first}, where the calendar begins")
