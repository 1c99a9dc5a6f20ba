"""Reads files of one-minute bars, and turns a day's minutes into its bar and its prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from tradebot.adapters.marketdata.admission import Admission
from tradebot.adapters.marketdata.chance import uniforms
from tradebot.adapters.marketdata.fields import FieldError, instant_of, prices_of, text_of, volume_of
from tradebot.adapters.marketdata.layouts import OpenTable
from tradebot.adapters.marketdata.read_report import Findings, Flaw
from tradebot.domain.calendar import ist_date
from tradebot.domain.quotes import Bar, Print

# Seconds of the minute at which its open, first extreme, second extreme and close are printed.
_SECONDS = (0, 20, 40, 59)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteBar:
    """What one symbol did in the minute that starts at `at` (aware UTC)."""

    symbol: str
    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


class MinuteReader:
    """Gathers the minutes of one or several files. Of two rows of one symbol and minute the first one counts."""

    def __init__(self, admission: Admission, findings: Findings) -> None:
        self._admission = admission
        self.findings = findings
        self._minutes: dict[tuple[str, datetime], MinuteBar] = {}
        self._latest: dict[str, datetime] = {}

    def read(self, table: OpenTable) -> None:
        """Take every usable row of the file; flawed ones are noted."""
        for line, row in table.rows:
            self.findings.rows += 1
            try:
                minute = self._minute(row, table.columns)
            except FieldError as error:
                self.findings.note(table.path.name, line, error.flaw, error.detail)
                continue
            if minute.at < self._latest.setdefault(minute.symbol, minute.at):
                self.findings.note(table.path.name, line, Flaw.OUT_OF_ORDER, f"{minute.symbol} {minute.at}")
            self._latest[minute.symbol] = minute.at
            self._minutes[minute.symbol, minute.at] = minute
            self.findings.used += 1

    def days(self) -> Mapping[tuple[str, date], Sequence[MinuteBar]]:
        """The minutes of each symbol and trading day in order of time; keys ascend."""
        ordered = (self._minutes[key] for key in sorted(self._minutes))
        by_day = groupby(ordered, key=lambda minute: (minute.symbol, ist_date(minute.at)))
        return {key: tuple(minutes) for key, minutes in by_day}

    def _minute(self, row: Sequence[str], columns: Mapping[str, int]) -> MinuteBar:
        symbol = text_of(row, columns, "symbol")
        at = instant_of(text_of(row, columns, "minute")).replace(second=0, microsecond=0)
        self._admission.check_instant(symbol, at)
        if (symbol, at) in self._minutes:
            raise FieldError(Flaw.DUPLICATE, f"{symbol} {at.isoformat()}")
        open_, high, low, close = prices_of(row, columns)
        volume = volume_of(text_of(row, columns, "volume"))
        return MinuteBar(symbol=symbol, at=at, open=open_, high=high, low=low, close=close, volume=volume)


def bar_of_minutes(minutes: Sequence[MinuteBar], previous_close: Decimal | None) -> Bar:
    """The day's bar; without a day before, its own open stands for the previous close."""
    first, last = minutes[0], minutes[-1]
    return Bar(
        symbol=first.symbol,
        day=ist_date(first.at),
        open=first.open,
        high=max(minute.high for minute in minutes),
        low=min(minute.low for minute in minutes),
        close=last.close,
        previous_close=first.open if previous_close is None else previous_close,
        volume=sum(minute.volume for minute in minutes),
    )


def prints_of_minutes(minutes: Sequence[MinuteBar], seed: int) -> Sequence[Print]:
    """Each minute as its open, both extremes in a seeded order, and its close; a quarter of its volume each."""
    first = minutes[0]
    chances = uniforms(len(minutes), seed, ist_date(first.at), first.symbol, "minutes")
    return tuple(_prints(minutes, chances))


def _prints(minutes: Iterable[MinuteBar], chances: Iterable[float]) -> Iterable[Print]:
    for minute, chance in zip(minutes, chances, strict=True):
        extremes = (minute.low, minute.high) if chance < _low_first(minute) else (minute.high, minute.low)
        quarter, rest = divmod(minute.volume, len(_SECONDS))
        for index, price in enumerate((minute.open, *extremes, minute.close)):
            yield Print(
                at=minute.at + timedelta(seconds=_SECONDS[index]),
                price=price,
                quantity=quarter + (index < rest),
            )


def _low_first(minute: MinuteBar) -> float:
    # A rising minute has more likely been at its low first.
    if minute.high == minute.low:
        return 0.5
    return 0.5 + 0.5 * float((minute.close - minute.open) / (minute.high - minute.low))
