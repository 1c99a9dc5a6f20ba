"""The trading calendar: the days with a session, their times by the Indian clock, and when an AMO is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tradebot.domain.trading_day import ClosingAuction, DayKind, Phase, SessionPlan, TradingDay, Window

IST = ZoneInfo("Asia/Kolkata")

_IST_OFFSET = timedelta(hours=5, minutes=30)
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class CalendarHorizonError(ValueError):
    """The calendar does not know this year: nothing is guessed, the caller refuses what depends on it."""

    def __init__(self, day: date, *, first: date, last: date) -> None:
        super().__init__(
            f"{day} is outside the trading calendar, which knows {first} to {last}:"
            f" in config/market/calendar.toml add {day.year} to `years` and its holidays to `holidays`"
        )
        self.day = day
        self.first = first
        self.last = last


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockWindow:
    """A stretch of the IST clock, the same on every day of a regime."""

    start: time
    end: time

    def on(self, day: date) -> Window:
        return Window(start=ist(day, self.start), end=ist(day, self.end))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingAuctionTimes:
    """A closing auction by the IST clock; the fields are those of `ClosingAuction`."""

    reference: ClockWindow
    entry: ClockWindow
    limit_only_from: time
    match_at: time
    ends_at: time
    band_pct: Decimal
    cancels_stop_orders_at: time

    def on(self, day: date) -> ClosingAuction:
        return ClosingAuction(
            reference=self.reference.on(day),
            entry=self.entry.on(day),
            limit_only_from=ist(day, self.limit_only_from),
            match_at=ist(day, self.match_at),
            ends_at=ist(day, self.ends_at),
            band_pct=self.band_pct,
            cancels_stop_orders_at=ist(day, self.cancels_stop_orders_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimes:
    """A session plan by the IST clock; the fields are those of `SessionPlan`."""

    continuous: tuple[ClockWindow, ...]
    pre_open: ClockWindow | None = None
    pre_open_limit_only_from: time | None = None
    auction_at: time | None = None
    closing_auction: ClosingAuctionTimes | None = None
    post_close: ClockWindow | None = None

    def on(self, day: date) -> SessionPlan:
        limit_only = self.pre_open_limit_only_from
        return SessionPlan(
            pre_open=self.pre_open.on(day) if self.pre_open else None,
            auction_at=ist(day, self.auction_at) if self.auction_at else None,
            continuous=tuple(window.on(day) for window in self.continuous),
            closing_auction=self.closing_auction.on(day) if self.closing_auction else None,
            post_close=self.post_close.on(day) if self.post_close else None,
            pre_open_limit_only_from=ist(day, limit_only) if limit_only else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """The session times of regular days from `since` until the next regime's `since`."""

    since: date
    derivatives: SessionTimes
    cash_only: SessionTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialSession:
    """A session outside the weekly pattern, or with times of its own; without `times` the regime's apply."""

    day: date
    kind: DayKind
    settlement: bool = True
    times: SessionTimes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Every trading day from `first` to `last`, both included; a question about any other day is refused.

    `regimes` ascend by `since`, the first no later than `first`. A special session wins over a holiday and
    over the weekend. `without_settlement` are trading days on which banks or depositories are closed. Days
    are resolved once and kept: at most one entry for each day of the horizon.
    """

    first: date
    last: date
    regimes: tuple[Regime, ...]
    holidays: Mapping[date, str] = field(default_factory=dict)
    special_sessions: Mapping[date, SpecialSession] = field(default_factory=dict)
    without_settlement: frozenset[date] = frozenset()
    _resolved: dict[date, TradingDay | None] = field(init=False, repr=False, compare=False, default_factory=dict)

    def trading_day(self, day: date) -> TradingDay | None:
        """The day's sessions, `None` when the exchange is closed; raises CalendarHorizonError."""
        if day not in self._resolved:
            self._resolved[day] = self._resolve(day)
        return self._resolved[day]

    def with_holiday(self, day: date, name: str) -> Calendar:
        """The same calendar without the session of `day`."""
        special = {at: session for at, session in self.special_sessions.items() if at != day}
        return replace(self, holidays={**self.holidays, day: name}, special_sessions=special)

    def is_trading_day(self, day: date) -> bool:
        return self.trading_day(day) is not None

    def next_trading_day(self, after: date) -> TradingDay:
        """The first trading day strictly after `after`; raises CalendarHorizonError past the last year."""
        day = after + _ONE_DAY
        while (found := self.trading_day(day)) is None:
            day += _ONE_DAY
        return found

    def next_full_day(self, after: date) -> TradingDay:
        """The first day with a full regular session strictly after `after`."""
        found = self.next_trading_day(after)
        while not found.is_full:
            found = self.next_trading_day(found.day)
        return found

    def next_settlement_day(self, after: date) -> TradingDay:
        """The day on which trades of `after` settle (T+1, skipping settlement holidays)."""
        found = self.next_trading_day(after)
        while not found.settlement:
            found = self.next_trading_day(found.day)
        return found

    def previous_trading_day(self, before: date) -> TradingDay:
        """The last trading day strictly before `before`; raises CalendarHorizonError past the first year."""
        day = before - _ONE_DAY
        while (found := self.trading_day(day)) is None:
            day -= _ONE_DAY
        return found

    def trading_days_between(self, first: date, last: date) -> Sequence[TradingDay]:
        """The trading days from `first` to `last`, both included, in order."""
        days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
        return tuple(found for day in days if (found := self.trading_day(day)) is not None)

    def phase(self, at: datetime, has_derivatives: bool, amo: AmoWindow) -> Phase:
        """The one phase of the instant `at`.

        A day without a session is HOLIDAY from midnight to midnight IST, although AMOs may be taken
        (`amo.accepts` says so). On a trading day the sessions come first, then the AMO window, then the
        post-close session. PRE_OPEN lasts from the first order entry to the open, CLOSING to the end of the
        closing auction's matching; the gap between two continuous windows of one day is CLOSED.
        """
        found = self.trading_day(ist_date(at))
        if found is None:
            return Phase.HOLIDAY
        plan = found.plan(has_derivatives)
        session = _session_phase(plan, at)
        if session is not None:
            return session
        if amo.accepts(at, self):
            return Phase.AMO
        if plan.post_close is not None and plan.post_close.contains(at):
            return Phase.POST_CLOSE
        return Phase.CLOSED

    def _resolve(self, day: date) -> TradingDay | None:
        if not self.first <= day <= self.last:
            raise CalendarHorizonError(day, first=self.first, last=self.last)
        special = self.special_sessions.get(day)
        if special is None:
            if day.weekday() >= _SATURDAY or day in self.holidays:
                return None
            special = SpecialSession(day=day, kind=DayKind.REGULAR)
        regime = next(regime for regime in reversed(self.regimes) if regime.since <= day)
        return TradingDay(
            day=day,
            kind=special.kind,
            settlement=special.settlement and day not in self.without_settlement,
            derivatives=(special.times or regime.derivatives).on(day),
            cash_only=(special.times or regime.cash_only).on(day),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AmoWindow:
    """When one broker takes after-market orders for one exchange, from `since` until a later entry's `since`.

    On a trading day the window is shut from `end` in the morning until `start` in the evening (IST), and
    longer where the day's own sessions begin earlier or end later than that. On a day without a session it is
    open all day (Zerodha's support page on AMOs says so), and the order is meant for the next trading day.
    `next_bands_at` (a morning time means the next morning) is when the broker loads the next day's price
    bands: until then an AMO is checked against the bands of the day that is over.
    """

    broker: str
    exchange: str
    since: date
    start: time
    end: time
    next_bands_at: time
    takes_etfs: bool = True

    def accepts(self, at: datetime, calendar: Calendar) -> bool:
        today = calendar.trading_day(ist_date(at))
        return today is None or not self._shut_on(today).contains(at)

    def next_opening(self, at: datetime, calendar: Calendar) -> datetime:
        """`at` itself while the window is open, else the instant at which it opens next (aware UTC)."""
        today = calendar.trading_day(ist_date(at))
        if today is None or not (shut := self._shut_on(today)).contains(at):
            return at
        return shut.end

    def for_day(self, at: datetime, calendar: Calendar) -> TradingDay:
        """The trading day that an AMO placed at `at`, or at the next opening after it, is meant for."""
        today = calendar.trading_day(ist_date(at))
        if today is not None and at < self._shut_on(today).start:
            return today
        return calendar.next_trading_day(ist_date(at))

    def _shut_on(self, today: TradingDay) -> Window:
        return Window(
            start=min(ist(today.day, self.end), today.release_at),
            end=max(ist(today.day, self.start), today.ends_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AmoWindows:
    """All AMO windows; a broker that is not listed gets the cautious ones of the broker `default`."""

    windows: tuple[AmoWindow, ...]

    def of(self, broker: str, exchange: str, day: date) -> AmoWindow:
        """The window in force on `day`; raises LookupError when neither the broker nor `default` has one."""
        for name in (broker, "default"):
            listed = [w for w in self.windows if w.broker == name and w.exchange == exchange and w.since <= day]
            if listed:
                return max(listed, key=lambda window: window.since)
        raise LookupError(f"no AMO window of {broker} or default for {exchange} on {day}: see amo_windows.toml")


def ist(day: date, clock: time) -> datetime:
    """The instant (aware UTC) at which the IST clock shows `clock` on `day`."""
    # India has had one offset since 1945: subtracting it is exact, and much faster than a zone lookup.
    return datetime.combine(day, clock, tzinfo=UTC) - _IST_OFFSET


def ist_date(at: datetime) -> date:
    """The date that the IST calendar shows at `at`."""
    return at.astimezone(IST).date()


def retry_expiry(first_failed_at: datetime, calendar: Calendar, at: time = time(15, 30)) -> datetime:
    """When a failed order expires: `at` IST on the first full day strictly after its IST date."""
    return ist(calendar.next_full_day(ist_date(first_failed_at)).day, at)


def _session_phase(plan: SessionPlan, at: datetime) -> Phase | None:
    if at < plan.opens_at:
        return Phase.PRE_OPEN if plan.release_at <= at else None
    for window in plan.continuous:
        if window.contains(at):
            return Phase.OPEN
    closing = plan.closing_auction
    if closing is not None and closing.reference.start <= at < closing.ends_at:
        return Phase.CLOSING
    return None
