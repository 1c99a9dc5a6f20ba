"""Quotes that were asked for a moment ago: fresh ones are answered at once, stale ones while one refresh runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from cachetools import LRUCache

from tradebot.domain.errors import BrokerUnavailable
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.quotes import Quote
from tradebot.ports import Clock, Lanes, MarketData

LANE = "quotes"
"""Where refreshes run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheAges:
    """Up to `fresh_s` after it was fetched a quote is answered as it is; up to `stale_s` it is answered and fetched
    anew; an older one is worth nothing."""

    fresh_s: float = 2.0
    stale_s: float = 5.0
    symbols_max: int = 1000


class CachedQuotes:
    """`ports.MarketData` with a memory of `symbols_max` symbols, the least recently used going first.

    Symbols that are not there are fetched together, in the caller's thread. `tell` is told of every symbol asked for:
    CACHE_HIT, CACHE_STALE or CACHE_MISS. What a fetch raises goes to the caller; a refresh that fails leaves the stale
    quote until it is too old.
    """

    def __init__(
        self,
        market_data: MarketData,
        *,
        clock: Clock,
        lanes: Lanes,
        tell: Callable[[Event], None],
        ages: CacheAges | None = None,
    ) -> None:
        ages = ages or CacheAges()
        self._market_data = market_data
        self._clock = clock
        self._lanes = lanes
        self._tell = tell
        self._ages = ages
        self._lock = Lock()
        self._kept: LRUCache[str, tuple[float, Quote]] = LRUCache(ages.symbols_max)
        self._refreshing: set[str] = set()
        self._is_frugal = False

    def be_frugal(self, wanted: bool) -> None:
        """Fetch less: while it is wanted a quote counts as fresh until it is too old to be answered at all."""
        self._is_frugal = wanted

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        found: dict[str, Quote] = {}
        missing: list[str] = []
        stale: list[str] = []
        for symbol in dict.fromkeys(symbols):
            name, quote = self._kept_of(symbol)
            self._tell_use(name, symbol)
            if quote is None:
                missing.append(symbol)
            else:
                found[symbol] = quote
            if name is EventName.CACHE_STALE:
                stale.append(symbol)
        if stale:
            self._refresh(stale)
        if missing:
            found |= self._fetch(missing)
        return {symbol: found[symbol] for symbol in symbols if symbol in found}

    def _kept_of(self, symbol: str) -> tuple[EventName, Quote | None]:
        with self._lock:
            kept = self._kept.get(symbol)
        if kept is None:
            return EventName.CACHE_MISS, None
        at, quote = kept
        age_s = self._clock.monotonic() - at
        if age_s > self._ages.stale_s:
            return EventName.CACHE_MISS, None
        is_fresh = age_s <= self._ages.fresh_s or self._is_frugal
        return (EventName.CACHE_HIT if is_fresh else EventName.CACHE_STALE), quote

    def _fetch(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        quotes = self._market_data.quotes(symbols)
        at = self._clock.monotonic()
        with self._lock:
            for symbol, quote in quotes.items():
                self._kept[symbol] = (at, quote)
        return quotes

    def _refresh(self, symbols: Sequence[str]) -> None:
        """One refresh of a symbol at a time, in a lane of its own."""
        with self._lock:
            wanted = [symbol for symbol in symbols if symbol not in self._refreshing]
            self._refreshing.update(wanted)
        if not wanted:
            return

        def work() -> None:
            try:
                self._fetch(wanted)
            finally:
                self._refreshed(wanted)

        try:
            self._lanes.hand_over(LANE, work)
        except BrokerUnavailable:
            self._refreshed(wanted)

    def _refreshed(self, symbols: Sequence[str]) -> None:
        with self._lock:
            self._refreshing.difference_update(symbols)

    def _tell_use(self, name: EventName, symbol: str) -> None:
        word = name.removeprefix("CACHE_").lower()
        event = Event(
            name=name,
            at=self._clock.now(),
            level=Level.DEBUG,
            message=f"quote of {symbol}: {word}",
            fields={"symbol": symbol},
        )
        self._tell(event)
