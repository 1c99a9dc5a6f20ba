"""Kite's instruments and quotes: the day's terms, and pictures of the market with depth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tradebot.adapters.brokers.instants import number, whole
from tradebot.adapters.brokers.kite.api import KiteApi
from tradebot.adapters.brokers.kite.translate import quote
from tradebot.adapters.brokers.pace import Pace
from tradebot.domain.calendar import ist_date
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.quotes import Quote
from tradebot.ports import Clock

QUOTES_PER_CALL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRules:
    """What Kite does not tell: the trading day that prices asked for now are for, and the largest order at a price."""

    day: Callable[[], date]
    freeze_quantity: Callable[[Decimal, date], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    tick_size: Decimal
    lot_size: int


class KiteMarket:
    """Symbols are trading symbols of one exchange (INFY; of another series than EQ: CENTRALBK-BE)."""

    def __init__(self, api: KiteApi, clock: Clock, rules: DayRules, pace: Pace, exchange: str = "NSE") -> None:
        """`clock` is the daemon's: with its day the instrument file is fetched anew."""
        self._api = api
        self._clock = clock
        self._rules = rules
        self._pace = pace
        self._exchange = exchange
        self._lock = threading.Lock()
        self._listed: tuple[date, Mapping[str, _Listed]] = (date.min, {})
        self._terms: dict[str, InstrumentTerms] = {}

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        found = {symbol: quote(symbol, row) for symbol, row in self._rows(symbols).items()}
        return {symbol: picture for symbol, picture in found.items() if picture is not None}

    def terms(self, symbols: Sequence[str]) -> dict[str, InstrumentTerms]:
        """Tick and lot from the instrument file, band and previous close from the quote."""
        listed, day = self._instruments(), self._rules.day()
        rows = self._rows([symbol for symbol in symbols if symbol in listed])
        found = {symbol: self._of(symbol, listed[symbol], row, day) for symbol, row in rows.items()}
        self._terms |= found
        return found

    def known_terms(self, symbol: str) -> InstrumentTerms | None:
        """Those that were asked for before, if they are still of the day; asks nobody."""
        terms = self._terms.get(symbol)
        return terms if terms is not None and terms.day == self._rules.day() else None

    def fetched_on(self) -> date:
        """The day of the instrument file; date.min before the first."""
        return self._listed[0]

    def _rows(self, symbols: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(symbols), QUOTES_PER_CALL):
            names = {f"{self._exchange}:{symbol}": symbol for symbol in symbols[start : start + QUOTES_PER_CALL]}
            self._pace.wait()
            rows = self._api.data("GET", "/quote", query=[("i", name) for name in names])
            found |= {names[name]: row for name, row in rows.items() if name in names}
        return found

    def _instruments(self) -> Mapping[str, _Listed]:
        with self._lock:
            fetched, listed = self._listed
            today = ist_date(self._clock.now())
            if fetched != today:
                rows = self._api.table(f"/instruments/{self._exchange}")
                listed = {row["tradingsymbol"]: _listed(row) for row in rows if row["instrument_type"] == "EQ"}
                self._listed = (today, listed)
            return listed

    def _of(self, symbol: str, listed: _Listed, row: Mapping[str, Any], day: date) -> InstrumentTerms:
        previous_close = number(row["ohlc"]["close"])
        lower, upper = number(row["lower_circuit_limit"]), number(row["upper_circuit_limit"])
        price = number(row["last_price"]) or previous_close or upper
        return InstrumentTerms(
            symbol=symbol,
            exchange=self._exchange,
            day=day,
            tick_size=listed.tick_size,
            lot_size=listed.lot_size,
            lower_limit=lower,
            upper_limit=upper,
            freeze_quantity=self._rules.freeze_quantity(price, day) if price > 0 else 1,
            previous_close=previous_close,
            is_halted=upper <= 0,
        )


def _listed(row: Mapping[str, str]) -> _Listed:
    return _Listed(tick_size=number(row["tick_size"]), lot_size=whole(row["lot_size"]))
