"""Kotak's scrip master and quotes: the day's terms, and pictures of the market with depth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tradebot.adapters.brokers.instants import number, whole
from tradebot.adapters.brokers.kotak.api import KotakApi
from tradebot.adapters.brokers.kotak.translate import SEGMENTS, previous_close, quote, symbol_of
from tradebot.adapters.brokers.pace import Pace
from tradebot.domain.calendar import ist_date
from tradebot.domain.errors import BrokerUnavailable
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.quotes import Quote
from tradebot.ports import Clock

QUOTES_PER_CALL = 50
_PAISE = Decimal(100)
_CASH_GROUPS = frozenset({"EQ", "BE", "BZ"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """A row of the scrip master; prices in rupees."""

    token: str
    tick_size: Decimal
    lot_size: int
    lower_limit: Decimal
    upper_limit: Decimal
    freeze_quantity: int


class KotakMarket:
    """Symbols are trading symbols of one exchange without the series EQ (IDEA for IDEA-EQ)."""

    def __init__(self, api: KotakApi, clock: Clock, day: Callable[[], date], pace: Pace, exchange: str = "NSE") -> None:
        """`clock` is the daemon's; `day` the trading day that prices asked for now are for."""
        self._api = api
        self._clock = clock
        self._day = day
        self._pace = pace
        self._exchange = exchange
        self._segment = SEGMENTS[exchange]
        self._lock = threading.Lock()
        self._listed: tuple[date, Mapping[str, _Listed]] = (date.min, {})
        self._terms: dict[str, InstrumentTerms] = {}

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        found = [picture for row in self._rows(symbols).values() if (picture := quote(row)) is not None]
        return {picture.symbol: picture for picture in found}

    def terms(self, symbols: Sequence[str]) -> dict[str, InstrumentTerms]:
        """All of it from the scrip master but the previous close, which the quote has."""
        listed, day = self._instruments(), self._day()
        rows = self._rows([symbol for symbol in symbols if symbol in listed])
        found = {symbol: self._of(symbol, listed[symbol], row, day) for symbol, row in rows.items()}
        self._terms |= found
        return found

    def known_terms(self, symbol: str) -> InstrumentTerms | None:
        """Those that were asked for before, if they are still of the day; asks nobody."""
        terms = self._terms.get(symbol)
        return terms if terms is not None and terms.day == self._day() else None

    def fetched_on(self) -> date:
        """The day of the scrip master; date.min before the first."""
        return self._listed[0]

    def _rows(self, symbols: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        listed = self._instruments()
        names = {listed[symbol].token: symbol for symbol in symbols if symbol in listed}
        tokens = list(names)
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(tokens), QUOTES_PER_CALL):
            self._pace.wait()
            part = ",".join(f"{self._segment}|{token}" for token in tokens[start : start + QUOTES_PER_CALL])
            for row in self._api.quotes(part):
                symbol = names.get(str(row["exchange_token"]))
                if symbol is not None:
                    found[symbol] = row
        return found

    def _instruments(self) -> Mapping[str, _Listed]:
        with self._lock:
            fetched, listed = self._listed
            today = ist_date(self._clock.now())
            if fetched != today:
                listed = self._fetch()
                self._listed = (today, listed)
            return listed

    def _fetch(self) -> Mapping[str, _Listed]:
        urls = [url for url in self._api.scrip_files() if self._segment in url]
        if not urls:
            raise BrokerUnavailable(f"no scrip master of {self._segment}")
        rows = self._api.table(urls[0])
        return {symbol_of(row["pTrdSymbol"]): _listed(row) for row in rows if row["pGroup"] in _CASH_GROUPS}

    def _of(self, symbol: str, listed: _Listed, row: Mapping[str, Any], day: date) -> InstrumentTerms:
        return InstrumentTerms(
            symbol=symbol,
            exchange=self._exchange,
            day=day,
            tick_size=listed.tick_size,
            lot_size=listed.lot_size,
            lower_limit=listed.lower_limit,
            upper_limit=listed.upper_limit,
            freeze_quantity=listed.freeze_quantity,
            previous_close=previous_close(row),
            is_halted=listed.upper_limit <= 0,
        )


def _listed(row: Mapping[str, str]) -> _Listed:
    """Ticks and bands are in paise."""
    return _Listed(
        token=row["pSymbol"],
        tick_size=number(row["dTickSize"]) / _PAISE,
        lot_size=whole(row["lLotSize"]),
        lower_limit=number(row["dLowPriceRange"]) / _PAISE,
        upper_limit=number(row["dHighPriceRange"]) / _PAISE,
        freeze_quantity=whole(row["lFreezeQty"]),
    )
