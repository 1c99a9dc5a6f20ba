"""Reads raw ticks (last price and cumulative volume) into prints, and a day's prints into its bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tradebot.adapters.marketdata.admission import Admission
from tradebot.adapters.marketdata.fields import FieldError, instant_of, price_of, text_of, volume_of
from tradebot.adapters.marketdata.layouts import OpenTable
from tradebot.adapters.marketdata.read_report import Findings, Flaw
from tradebot.domain.calendar import ist_date
from tradebot.domain.quotes import Bar, Print


@dataclass(frozen=True, slots=True, kw_only=True)
class TickDay:
    """One symbol's prints of one trading day, and its volume at the last of them."""

    symbol: str
    prints: Sequence[Print]
    volume: int


@dataclass(slots=True, kw_only=True)
class _Gathering:
    prints: list[Print]
    at: datetime
    price: Decimal
    volume: int


class TickReader:
    """Gathers the ticks of one or several files; without a symbol column the symbol is the file name up to `_`.

    A tick earlier than the newest one, or with less volume than it, is left out: nothing tells what it should have
    said. A tick that repeats the last one is left out too. Ticks that only repeat the volume carry no trade and
    become no print. The first tick of a day becomes a print of one share: what was traded before it is unknown.
    """

    def __init__(self, admission: Admission, findings: Findings) -> None:
        self._admission = admission
        self.findings = findings
        self._days: dict[tuple[str, date], _Gathering] = {}

    def read(self, table: OpenTable) -> None:
        """Take every usable row of the file; flawed ones are noted."""
        for line, row in table.rows:
            self.findings.rows += 1
            try:
                self._take(row, table.columns, table.path)
            except FieldError as error:
                self.findings.note(table.path.name, line, error.flaw, error.detail)
                continue
            self.findings.used += 1

    def days(self) -> Mapping[tuple[str, date], TickDay]:
        """The prints of each symbol and trading day in order of time; keys ascend."""
        return {
            (symbol, day): TickDay(symbol=symbol, prints=tuple(gathered.prints), volume=gathered.volume)
            for (symbol, day), gathered in sorted(self._days.items(), key=lambda item: item[0])
        }

    def _take(self, row: Sequence[str], columns: Mapping[str, int], path: Path) -> None:
        symbol = text_of(row, columns, "symbol") if "symbol" in columns else path.name.split("_")[0].split(".")[0]
        at = instant_of(text_of(row, columns, "timestamp"))
        self._admission.check_instant(symbol, at)
        price = price_of(text_of(row, columns, "ltp"))
        volume = volume_of(text_of(row, columns, "volume"))
        gathered = self._days.get((symbol, ist_date(at)))
        if gathered is None:
            first = Print(at=at, price=price, quantity=min(1, volume))
            self._days[symbol, ist_date(at)] = _Gathering(prints=[first], at=at, price=price, volume=volume)
            return
        _check_follows(gathered, at, price, volume)
        if volume > gathered.volume:
            gathered.prints.append(Print(at=at, price=price, quantity=volume - gathered.volume))
        gathered.at, gathered.price, gathered.volume = at, price, volume


def bar_of_ticks(day: TickDay, previous_close: Decimal | None) -> Bar:
    """The day's bar; without a day before, its own open stands for the previous close."""
    prices = [one.price for one in day.prints]
    return Bar(
        symbol=day.symbol,
        day=ist_date(day.prints[0].at),
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        previous_close=prices[0] if previous_close is None else previous_close,
        volume=day.volume,
    )


def _check_follows(gathered: _Gathering, at: datetime, price: Decimal, volume: int) -> None:
    if at < gathered.at:
        raise FieldError(Flaw.OUT_OF_ORDER, f"{at.isoformat()} after {gathered.at.isoformat()}")
    if volume < gathered.volume:
        raise FieldError(Flaw.VOLUME_BACKWARDS, f"{volume} after {gathered.volume}")
    if (at, price, volume) == (gathered.at, gathered.price, gathered.volume):
        raise FieldError(Flaw.DUPLICATE, at.isoformat())
