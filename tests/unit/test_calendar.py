"""The trading calendar: the shipped data against real sessions, and its rules as properties."""

from __future__ import annotations

import csv
import gzip
import warnings
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.market_rules import Market, load_market
from tradebot.domain.calendar import (
    IST,
    AmoWindow,
    Calendar,
    CalendarHorizonError,
    ClockWindow,
    Regime,
    SessionTimes,
    SpecialSession,
    ist,
    retry_expiry,
)
from tradebot.domain.trading_day import DayKind, Phase, TradingDay

ROOT = Path(__file__).parents[2]
DAILY_FILE = ROOT.parent / "shared" / "data" / "nse_daily_2024_2025.csv.gz"

MINUTE = timedelta(minutes=1)


@cache
def market() -> Market:
    return load_market(ROOT / "config" / "market")


@cache
def calendar() -> Calendar:
    return market().calendar


def amo(broker: str = "kite", day: date = date(2026, 11, 20)) -> AmoWindow:
    return market().amo_windows.of(broker, "NSE", day)


def at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=IST).astimezone(UTC)


def clock(instant: datetime | None) -> str:
    return "" if instant is None else instant.astimezone(IST).strftime("%H:%M")


def traded(day: str) -> TradingDay:
    found = calendar().trading_day(date.fromisoformat(day))
    assert found is not None
    return found


def a_calendar(
    *, holidays: frozenset[date] = frozenset(), special_sessions: dict[date, SpecialSession] | None = None
) -> Calendar:
    times = SessionTimes(continuous=(ClockWindow(start=time(9, 15), end=time(15, 30)),))
    return Calendar(
        first=date(2030, 1, 1),
        last=date(2031, 12, 31),
        regimes=(Regime(since=date(2030, 1, 1), derivatives=times, cash_only=times),),
        holidays=dict.fromkeys(holidays, "holiday"),
        special_sessions=special_sessions or {},
    )


def instants_between(first: date, last: date) -> st.SearchStrategy[datetime]:
    seconds = st.integers(min_value=0, max_value=(last - first).days * 86_400)
    return seconds.map(lambda count: ist(first, time(0)) + timedelta(seconds=count))


def muhurat_on(day: date) -> SpecialSession:
    evening = SessionTimes(continuous=(ClockWindow(start=time(18), end=time(19)),))
    return SpecialSession(day=day, kind=DayKind.MUHURAT, times=evening)


def test_the_sessions_of_2024_and_2025_are_those_of_the_end_of_day_files() -> None:
    if not DAILY_FILE.exists():
        pytest.skip(f"{DAILY_FILE} is not there")
    with gzip.open(DAILY_FILE, "rt") as rows:
        real = sorted({date.fromisoformat(row["date"]) for row in csv.DictReader(rows)})
    ours = [found.day for found in calendar().trading_days_between(date(2024, 1, 1), date(2025, 12, 31))]
    assert ours == real


def test_the_weekdays_are_those_of_the_bombay_calendar_package() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("exchange_calendars")
        sessions = package.get_calendar("XBOM", start="2024-01-01", end="2026-12-31").sessions
    theirs = [session.date() for session in sessions]
    days = calendar().trading_days_between(date(2024, 1, 1), date(2026, 12, 31))
    ours = [d.day for d in days if d.day.weekday() < 5 and d.kind is not DayKind.MUHURAT]
    assert ours == theirs


@pytest.mark.parametrize("day", ["2024-01-20", "2025-02-01", "2026-02-01"])
def test_a_full_weekend_session_counts_as_a_full_day(day: str) -> None:
    found = traded(day)
    assert found.is_full
    assert (clock(found.opens_at), clock(found.ends_at)) == ("09:15", "15:30")


@pytest.mark.parametrize(("day", "second"), [("2024-03-02", ("11:30", "12:30")), ("2024-05-18", ("11:45", "12:40"))])
def test_the_drill_saturdays_have_two_windows_and_are_no_full_days(day: str, second: tuple[str, str]) -> None:
    plan = traded(day).cash_only
    assert [(clock(w.start), clock(w.end)) for w in plan.continuous] == [("09:15", "10:00"), second]
    assert traded(day).kind is DayKind.SPECIAL
    assert not traded(day).is_full


@pytest.mark.parametrize(
    ("day", "release", "opens", "ends"),
    [
        ("2024-11-01", "17:45", "18:00", "19:00"),
        ("2025-10-21", "13:30", "13:45", "14:45"),
        ("2026-11-08", "18:00", "18:15", "19:15"),
    ],
)
def test_muhurat_has_an_hour_of_its_own(day: str, release: str, opens: str, ends: str) -> None:
    found = traded(day)
    assert (clock(found.release_at), clock(found.opens_at), clock(found.ends_at)) == (release, opens, ends)
    assert found.kind is DayKind.MUHURAT
    assert not found.is_full


def test_nothing_settles_on_a_bank_holiday_or_a_weekend() -> None:
    def settles(day: str) -> date:
        return calendar().next_settlement_day(date.fromisoformat(day)).day

    assert settles("2026-03-30") == date(2026, 4, 2)  # 31 March is a holiday, 1 April the bank closing
    assert settles("2026-01-30") == date(2026, 2, 2)  # the Budget's Sunday settles nothing
    assert settles("2025-09-04") == date(2025, 9, 9)
    assert settles("2026-11-19") == date(2026, 11, 20)


def test_settlement_holidays_are_trading_days() -> None:
    assert all(calendar().is_trading_day(day) for day in calendar().without_settlement)


def test_a_holiday_of_the_file_falls_on_a_weekday() -> None:
    assert all(day.weekday() < 5 for day in calendar().holidays)


def described(day: str, *, has_derivatives: bool) -> str:
    plan = traded(day).plan(has_derivatives)
    closing = plan.closing_auction
    parts = [
        f"pre {clock(plan.release_at)}-{clock(plan.pre_open.end) if plan.pre_open else ''}",
        f"limit {clock(plan.pre_open_limit_only_from)}",
        f"auction {clock(plan.auction_at)}",
        f"open {clock(plan.opens_at)}-{clock(plan.continuous[-1].end)}",
    ]
    if closing is not None:
        parts.append(f"closing {clock(closing.reference.start)} {clock(closing.entry.start)}")
        parts.append(f"{clock(closing.limit_only_from)} {clock(closing.match_at)}-{clock(closing.ends_at)}")
    return ", ".join([*parts, f"ends {clock(plan.ends_at)}"])


@pytest.mark.parametrize(
    ("day", "has_derivatives", "expected"),
    [
        ("2026-07-31", True, "pre 09:00-09:08, limit , auction 09:08, open 09:15-15:30, ends 15:30"),
        (
            "2026-08-03",
            True,
            "pre 09:00-09:08, limit , auction 09:08, open 09:15-15:15,"
            " closing 15:15 15:20, 15:25 15:30-15:35, ends 15:35",
        ),
        ("2026-08-03", False, "pre 09:00-09:08, limit , auction 09:08, open 09:15-15:30, ends 15:30"),
        (
            "2026-09-07",
            True,
            "pre 09:00-09:10, limit 09:05, auction 09:10, open 09:15-15:15,"
            " closing 15:15 15:20, 15:25 15:30-15:35, ends 15:35",
        ),
        ("2026-12-04", False, "pre 09:00-09:10, limit 09:05, auction 09:10, open 09:15-15:30, ends 15:30"),
        (
            "2026-12-07",
            True,
            "pre 09:00-09:10, limit 09:05, auction 09:10, open 09:15-15:30,"
            " closing 15:30 15:31, 15:36 15:40-15:40, ends 15:40",
        ),
    ],
)
def test_the_session_plan_changes_with_its_dates(day: str, has_derivatives: bool, expected: str) -> None:
    assert described(day, has_derivatives=has_derivatives) == expected


def test_the_closing_auction_cancels_stop_orders_when_continuous_trading_ends() -> None:
    closing = traded("2026-11-20").derivatives.closing_auction
    assert closing is not None
    assert clock(closing.cancels_stop_orders_at) == "15:15"
    assert closing.band_pct == Decimal(3)


def test_a_day_lasts_from_the_first_to_the_last_of_both_plans() -> None:
    found = traded("2026-11-20")
    assert (clock(found.release_at), clock(found.opens_at), clock(found.ends_at)) == (
        "09:00",
        "09:15",
        "15:35",
    )


def test_days_outside_the_horizon_are_refused_with_what_to_do() -> None:
    with pytest.raises(CalendarHorizonError, match=r"2027-01-04 .* 2026-12-31.*calendar\.toml add 2027") as caught:
        calendar().trading_day(date(2027, 1, 4))
    assert (caught.value.day, caught.value.last) == (date(2027, 1, 4), date(2026, 12, 31))
    with pytest.raises(CalendarHorizonError):
        calendar().next_trading_day(date(2026, 12, 31))
    with pytest.raises(CalendarHorizonError):
        calendar().previous_trading_day(date(2024, 1, 1))
    with pytest.raises(CalendarHorizonError):
        calendar().trading_days_between(date(2026, 12, 30), date(2027, 1, 2))
    with pytest.raises(CalendarHorizonError):
        retry_expiry(at("2026-12-31", "16:05"), calendar())


known_days = st.dates(min_value=date(2024, 1, 2), max_value=date(2026, 12, 30))


@given(known_days)
def test_next_and_previous_trading_day_are_inverse(day: date) -> None:
    following = calendar().next_trading_day(day)
    preceding = calendar().previous_trading_day(day)
    assert preceding.day < day < following.day
    between = [d.day for d in calendar().trading_days_between(preceding.day, following.day)]
    assert between in ([preceding.day, following.day], [preceding.day, day, following.day])
    assert calendar().previous_trading_day(following.day).day == between[-2]
    assert calendar().next_trading_day(preceding.day).day == between[1]


def test_an_empty_stretch_has_no_trading_days() -> None:
    assert calendar().trading_days_between(date(2026, 11, 21), date(2026, 11, 22)) == ()
    assert calendar().trading_days_between(date(2026, 11, 20), date(2026, 11, 19)) == ()


@pytest.mark.parametrize(
    ("failed", "expires"),
    [
        (("2026-11-16", "16:05"), ("2026-11-17", "15:30")),  # Monday evening: Tuesday
        (("2026-11-20", "09:01"), ("2026-11-23", "15:30")),  # Friday, at any hour: Monday
        (("2026-11-20", "16:05"), ("2026-11-23", "15:30")),
        (("2026-11-21", "12:00"), ("2026-11-23", "15:30")),  # Saturday
        (("2026-11-22", "23:59"), ("2026-11-23", "15:30")),  # Sunday
        (("2026-11-23", "16:05"), ("2026-11-25", "15:30")),  # eve of a holiday
        (("2024-10-31", "16:05"), ("2024-11-04", "15:30")),  # Muhurat and a weekend are skipped
        (("2026-01-30", "16:05"), ("2026-02-01", "15:30")),  # the Budget's Sunday counts
        (("2024-03-01", "16:05"), ("2024-03-04", "15:30")),  # the drill Saturday does not
        (("2026-11-17", "00:01"), ("2026-11-18", "15:30")),  # the date is that of India
    ],
)
def test_a_failed_order_expires_on_the_next_full_day(failed: tuple[str, str], expires: tuple[str, str]) -> None:
    assert retry_expiry(at(*failed), calendar()) == at(*expires)


def test_the_hour_of_expiry_is_a_setting() -> None:
    assert retry_expiry(at("2026-11-16", "16:05"), calendar(), time(15, 15)) == at("2026-11-17", "15:15")


days_of_2030 = st.dates(min_value=date(2030, 1, 1), max_value=date(2030, 12, 31))


@given(
    holidays=st.frozensets(days_of_2030, max_size=60),
    muhurats=st.frozensets(days_of_2030, max_size=10),
    failed_at=instants_between(date(2030, 1, 1), date(2030, 12, 31)),
)
def test_expiry_is_the_first_later_full_day_on_any_calendar(
    holidays: frozenset[date], muhurats: frozenset[date], failed_at: datetime
) -> None:
    days = a_calendar(holidays=holidays, special_sessions={day: muhurat_on(day) for day in muhurats})
    expiry = retry_expiry(failed_at, days).astimezone(IST)
    failed_day = failed_at.astimezone(IST).date()
    assert expiry > failed_at
    assert expiry.time() == time(15, 30)
    between = days.trading_days_between(failed_day + timedelta(days=1), expiry.date())
    assert [found.day for found in between if found.is_full] == [expiry.date()]


def phases_of(day: str, *, has_derivatives: bool, broker: str = "kite") -> list[tuple[str, Phase]]:
    """Each phase of the day with the minute at which it begins."""
    instants = [at(day, "00:00") + MINUTE * n for n in range(24 * 60)]
    window = amo(broker, date.fromisoformat(day))
    named = [(instant, calendar().phase(instant, has_derivatives, window)) for instant in instants]
    return [(clock(next(group)[0]), phase) for phase, group in groupby(named, key=lambda pair: pair[1])]


def test_a_day_with_a_closing_auction_passes_through_all_its_phases() -> None:
    assert phases_of("2026-11-20", has_derivatives=True) == [
        ("00:00", Phase.AMO),
        ("08:58", Phase.CLOSED),
        ("09:00", Phase.PRE_OPEN),
        ("09:15", Phase.OPEN),
        ("15:15", Phase.CLOSING),
        ("15:35", Phase.CLOSED),
        ("15:50", Phase.POST_CLOSE),
        ("16:00", Phase.AMO),
    ]


def test_a_day_without_a_closing_auction_ends_with_continuous_trading() -> None:
    assert phases_of("2026-11-20", has_derivatives=False)[3:] == [
        ("09:15", Phase.OPEN),
        ("15:30", Phase.CLOSED),
        ("15:50", Phase.POST_CLOSE),
        ("16:00", Phase.AMO),
    ]


def test_the_amo_window_of_a_broker_goes_before_the_post_close_session() -> None:
    assert phases_of("2026-11-20", has_derivatives=True, broker="kotak")[-2:] == [
        ("15:35", Phase.CLOSED),
        ("15:45", Phase.AMO),
    ]


def test_between_the_windows_of_a_drill_saturday_the_market_is_closed() -> None:
    assert phases_of("2024-03-02", has_derivatives=True)[2:] == [
        ("09:00", Phase.PRE_OPEN),
        ("09:15", Phase.OPEN),
        ("10:00", Phase.CLOSED),
        ("11:30", Phase.OPEN),
        ("12:30", Phase.CLOSED),
        ("12:40", Phase.POST_CLOSE),
        ("12:50", Phase.CLOSED),
        ("16:00", Phase.AMO),
    ]


def test_on_muhurat_the_amo_window_waits_for_the_end_of_the_evening_session() -> None:
    assert phases_of("2024-11-01", has_derivatives=True) == [
        ("00:00", Phase.AMO),
        ("08:58", Phase.CLOSED),
        ("17:45", Phase.PRE_OPEN),
        ("18:00", Phase.OPEN),
        ("19:00", Phase.AMO),
    ]


@pytest.mark.parametrize("day", ["2026-11-21", "2026-11-24", "2026-12-25"])
def test_a_day_without_a_session_is_a_holiday_from_midnight_to_midnight(day: str) -> None:
    assert phases_of(day, has_derivatives=True) == [("00:00", Phase.HOLIDAY)]


instants = instants_between(date(2024, 1, 2), date(2026, 12, 30))


@given(instants, st.booleans())
def test_each_instant_has_exactly_one_phase(instant: datetime, has_derivatives: bool) -> None:
    found = calendar().trading_day(instant.astimezone(IST).date())
    phase = calendar().phase(instant, has_derivatives, amo())
    if found is None:
        assert phase is Phase.HOLIDAY
        return
    plan = found.plan(has_derivatives)
    closing = plan.closing_auction
    claims = {
        Phase.PRE_OPEN: plan.release_at <= instant < plan.opens_at,
        Phase.OPEN: any(window.contains(instant) for window in plan.continuous),
        Phase.CLOSING: closing is not None and closing.reference.start <= instant < closing.ends_at,
        Phase.AMO: amo().accepts(instant, calendar()),
    }
    claimed = [phase for phase, claim in claims.items() if claim]
    assert len(claimed) <= 1
    assert phase in (claimed or [Phase.CLOSED, Phase.POST_CLOSE])


@given(known_days)
def test_the_boundaries_of_a_day_never_go_back(day: date) -> None:
    found = calendar().trading_day(day)
    for plan in () if found is None else (found.derivatives, found.cash_only):
        steps = [plan.release_at, *([plan.auction_at] if plan.auction_at else [])]
        steps += [edge for window in plan.continuous for edge in (window.start, window.end)]
        if (closing := plan.closing_auction) is not None:
            steps += [closing.cancels_stop_orders_at, closing.reference.end, closing.entry.start]
            steps += [closing.limit_only_from, closing.entry.end, closing.match_at, closing.ends_at]
        assert all(before <= after for before, after in pairwise([*steps, plan.ends_at]))


def test_a_listed_broker_has_its_own_amo_window_and_others_the_cautious_one() -> None:
    assert (amo("kite").start, amo("kite").end) == (time(16, 0), time(8, 58))
    assert (amo("kotak").start, amo("kotak").end) == (time(15, 45), time(8, 57))
    assert (amo("paper").start, amo("paper").end) == (time(16, 5), time(8, 50))


def test_an_amo_window_of_a_later_date_replaces_the_earlier_one() -> None:
    early, late = amo("kite", date(2026, 8, 2)), amo("kite", date(2026, 8, 3))
    assert (early.since, late.since) == (date(2024, 1, 1), date(2026, 8, 3))


def test_an_exchange_without_any_amo_window_is_an_error_that_names_the_file() -> None:
    with pytest.raises(LookupError, match=r"MCX .*amo_windows\.toml"):
        market().amo_windows.of("kite", "MCX", date(2026, 11, 20))


@pytest.mark.parametrize(
    ("placed", "meant_for", "opening"),
    [
        (("2026-11-19", "16:00"), "2026-11-20", ("2026-11-19", "16:00")),  # in the evening: tomorrow
        (("2026-11-20", "08:57"), "2026-11-20", ("2026-11-20", "08:57")),  # in the morning: today
        (("2026-11-20", "08:58"), "2026-11-23", ("2026-11-20", "16:00")),  # too late: waits for the evening
        (("2026-11-20", "11:00"), "2026-11-23", ("2026-11-20", "16:00")),
        (("2026-11-21", "11:00"), "2026-11-23", ("2026-11-21", "11:00")),  # at any time of a weekend
        (("2026-11-24", "11:00"), "2026-11-25", ("2026-11-24", "11:00")),  # or of a holiday
        (("2026-11-07", "11:00"), "2026-11-08", ("2026-11-07", "11:00")),  # Muhurat is a trading day
        (("2024-11-01", "18:30"), "2024-11-04", ("2024-11-01", "19:00")),
    ],
)
def test_an_amo_is_meant_for_a_trading_day(placed: tuple[str, str], meant_for: str, opening: tuple[str, str]) -> None:
    assert amo().for_day(at(*placed), calendar()).day == date.fromisoformat(meant_for)
    assert amo().next_opening(at(*placed), calendar()) == at(*opening)
    assert amo().accepts(at(*placed), calendar()) is (placed == opening)


@given(instants, st.sampled_from(["kite", "kotak", "default"]))
def test_an_amo_placed_at_the_next_opening_is_taken_and_reaches_its_day_in_time(instant: datetime, broker: str) -> None:
    window = amo(broker)
    opening = window.next_opening(instant, calendar())
    assert opening >= instant
    assert window.accepts(opening, calendar())
    assert opening == instant or not window.accepts(opening - timedelta(microseconds=1), calendar())
    meant_for = window.for_day(opening, calendar())
    assert meant_for == window.for_day(instant, calendar())
    assert opening < meant_for.release_at


@given(st.dates(min_value=date(1946, 1, 1), max_value=date(2200, 1, 1)), st.times())
def test_the_instant_of_a_clock_time_agrees_with_the_zone(day: date, clock_time: time) -> None:
    assert ist(day, clock_time) == datetime.combine(day, clock_time, tzinfo=IST)


def test_instants_of_the_clock_are_utc() -> None:
    assert ist(date(2026, 11, 20), time(9, 15)) == datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
    assert ist(date(2026, 11, 20), time(9, 15)).tzinfo is UTC
