"""What the calendar makes happen at the exchange, instant by instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from tradebot.domain.calendar import Calendar, CalendarHorizonError, ist, ist_date
from tradebot.domain.trading_day import TradingDay
from tradebot.exchange.settings import ExchangeSettings

_DAYS_KEPT_MAX = 4


class Kind(IntEnum):
    """In the order in which they happen within one instant; prints trade after PRINTS_AFTER and before the rest."""

    BOOK_TURNS = 0
    STOPS_END = 1
    RELEASE = 2
    OPENING_MATCH = 3
    OPEN_RELEASE = 5
    CLOSING_MATCH = 6
    SESSION_ENDS = 7
    DAY_ENDS = 8


PRINTS_AFTER = Kind.OPENING_MATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that is planned for one class of instruments; `has_derivatives` None means all of them."""

    at: datetime
    kind: Kind
    day: date
    has_derivatives: bool | None = None

    def concerns(self, has_derivatives: bool) -> bool:
        return self.has_derivatives is None or self.has_derivatives == has_derivatives


class Agenda:
    """Happenings of trading days, worked out once a day and kept for a few days."""

    def __init__(self, calendar: Calendar, settings: ExchangeSettings) -> None:
        self._calendar = calendar
        self._settings = settings
        self._days: dict[date, tuple[Happening, ...]] = {}

    def next_at(self, now: datetime) -> datetime | None:
        """The first instant after `now` at which something is planned; None at the end of the calendar's horizon."""
        day = ist_date(now)
        today = self._calendar.trading_day(day)
        for happening in self._of(today) if today else ():
            if happening.at > now:
                return happening.at
        try:
            return self._of(self._calendar.next_trading_day(day))[0].at
        except CalendarHorizonError:
            return None

    def at(self, instant: datetime) -> tuple[Happening, ...]:
        today = self._calendar.trading_day(ist_date(instant))
        return tuple(h for h in self._of(today) if h.at == instant) if today else ()

    def _of(self, trading_day: TradingDay) -> tuple[Happening, ...]:
        found = self._days.get(trading_day.day)
        if found is None:
            if len(self._days) >= _DAYS_KEPT_MAX:
                del self._days[next(iter(self._days))]
            found = self._days[trading_day.day] = self._work_out(trading_day)
        return found

    def _work_out(self, trading_day: TradingDay) -> tuple[Happening, ...]:
        day, settings = trading_day.day, self._settings
        ends_at = max(ist(day, settings.day_ends_at), trading_day.ends_at)
        happenings = [
            Happening(at=ist(day, settings.book_turns_at), kind=Kind.BOOK_TURNS, day=day),
            Happening(at=ends_at, kind=Kind.DAY_ENDS, day=day),
        ]
        for has_derivatives in (True, False):
            happenings += _of_class(trading_day, has_derivatives)
        return tuple(sorted(happenings, key=lambda h: (h.at, h.kind, not h.has_derivatives)))


def _of_class(trading_day: TradingDay, has_derivatives: bool) -> list[Happening]:
    plan = trading_day.plan(has_derivatives)
    planned: list[tuple[Kind, datetime | None]] = [
        (Kind.RELEASE, plan.pre_open.start if plan.pre_open else None),
        (Kind.OPENING_MATCH, plan.auction_at),
        (Kind.OPEN_RELEASE, plan.opens_at),
        (Kind.SESSION_ENDS, plan.ends_at),
    ]
    if plan.closing_auction is not None:
        planned.append((Kind.STOPS_END, plan.closing_auction.cancels_stop_orders_at))
        planned.append((Kind.CLOSING_MATCH, plan.closing_auction.match_at))
    return [
        Happening(at=at, kind=kind, day=trading_day.day, has_derivatives=has_derivatives)
        for kind, at in planned
        if at is not None
    ]
