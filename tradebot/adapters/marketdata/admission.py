"""Which rows of a file belong to the market that is traded: known instruments, on days and at times with a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tradebot.adapters.marketdata.fields import FieldError
from tradebot.adapters.marketdata.read_report import Flaw
from tradebot.domain.calendar import Calendar, CalendarHorizonError, ist_date
from tradebot.domain.instruments import Instrument
from tradebot.domain.trading_day import TradingDay


class Admission(Protocol):
    """Raises FieldError for what is not admitted."""

    def check_day(self, symbol: str, series: str | None, day: date, /) -> None: ...

    def check_instant(self, symbol: str, at: datetime, /) -> None: ...


class Everything:
    """Admits every row: for fitting, where no session is played."""

    def check_day(self, _symbol: str, _series: str | None, _day: date, /) -> None:
        return

    def check_instant(self, _symbol: str, _at: datetime, /) -> None:
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Admits rows of the instruments, in the instrument's series, within the sessions of the calendar."""

    calendar: Calendar
    instruments: Mapping[str, Instrument]

    def check_day(self, symbol: str, series: str | None, day: date) -> None:
        instrument = self._instrument(symbol)
        if series is not None and series != instrument.series:
            raise FieldError(Flaw.OTHER_SERIES, f"{symbol} {series}")
        self._session(day)

    def check_instant(self, symbol: str, at: datetime) -> None:
        plan = self._session(ist_date(at)).plan(self._instrument(symbol).has_derivatives)
        if not any(window.contains(at) for window in plan.continuous):
            raise FieldError(Flaw.OUTSIDE_SESSION, f"{symbol} {at.isoformat()}")

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self.instruments.get(symbol)
        if instrument is None:
            raise FieldError(Flaw.UNKNOWN_SYMBOL, symbol)
        return instrument

    def _session(self, day: date) -> TradingDay:
        try:
            found = self.calendar.trading_day(day)
        except CalendarHorizonError as error:
            raise FieldError(Flaw.NO_SESSION, f"{day}: the calendar knows {error.first} to {error.last}") from None
        if found is None:
            raise FieldError(Flaw.NO_SESSION, str(day))
        return found
