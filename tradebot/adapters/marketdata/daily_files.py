"""Reads end-of-day files of the exchange into daily bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from tradebot.adapters.marketdata.admission import Admission
from tradebot.adapters.marketdata.fields import FieldError, day_of, price_of, prices_of, text_of, volume_of
from tradebot.adapters.marketdata.layouts import OpenTable
from tradebot.adapters.marketdata.read_report import Findings, Flaw
from tradebot.domain.quotes import Bar


class DailyReader:
    """Gathers the bars of one or several files. Of two rows of one symbol and day the first one counts."""

    def __init__(self, admission: Admission, findings: Findings) -> None:
        self._admission = admission
        self.findings = findings
        self._bars: dict[tuple[str, date], Bar] = {}
        self._latest: dict[str, date] = {}

    def read(self, table: OpenTable) -> None:
        """Take every usable row of the file; flawed ones are noted."""
        for line, row in table.rows:
            self.findings.rows += 1
            try:
                bar = self._bar(row, table.columns)
            except FieldError as error:
                self.findings.note(table.path.name, line, error.flaw, error.detail)
                continue
            if bar.day < self._latest.setdefault(bar.symbol, bar.day):
                self.findings.note(table.path.name, line, Flaw.OUT_OF_ORDER, f"{bar.symbol} {bar.day}")
            self._latest[bar.symbol] = bar.day
            self._bars[bar.symbol, bar.day] = bar
            self.findings.used += 1

    def bars(self) -> Sequence[Bar]:
        """All bars, by symbol and day."""
        return [self._bars[key] for key in sorted(self._bars)]

    def _bar(self, row: Sequence[str], columns: Mapping[str, int]) -> Bar:
        symbol = text_of(row, columns, "symbol")
        day = day_of(text_of(row, columns, "date"))
        self._admission.check_day(symbol, text_of(row, columns, "series") if "series" in columns else None, day)
        if (symbol, day) in self._bars:
            raise FieldError(Flaw.DUPLICATE, f"{symbol} {day}")
        open_, high, low, close = prices_of(row, columns)
        return Bar(
            symbol=symbol,
            day=day,
            open=open_,
            high=high,
            low=low,
            close=close,
            previous_close=price_of(text_of(row, columns, "previous_close")),
            volume=volume_of(text_of(row, columns, "volume")),
        )
