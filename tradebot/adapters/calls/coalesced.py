"""Equal requests in flight are one: whoever asks for what is being fetched waits for that answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from threading import Lock

from tradebot.domain.quotes import Quote
from tradebot.ports import MarketData

Answer = Mapping[str, Quote]


class CoalescedQuotes:
    """`ports.MarketData` that makes one call for all callers of the same symbols at the same time. Each of them gets
    the answer of that call, or what it raised; a caller that comes when it has ended makes the next one."""

    def __init__(self, market_data: MarketData) -> None:
        self._market_data = market_data
        self._lock = Lock()
        self._in_flight: dict[frozenset[str], Future[Answer]] = {}
        self.waiting = 0
        """Callers whose answer has not come yet, the one that fetches it among them."""
        self.joined = 0
        """Callers since the start who were spared a call of their own."""

    def quotes(self, symbols: Sequence[str]) -> Answer:
        wanted = frozenset(symbols)
        with self._lock:
            self.waiting += 1
            flight = self._in_flight.get(wanted)
            is_first = flight is None
            self.joined += not is_first
            if flight is None:
                flight = self._in_flight[wanted] = Future()
        if is_first:
            self._fetch(wanted, symbols, flight)
        try:
            return flight.result()
        finally:
            with self._lock:
                self.waiting -= 1

    def _fetch(self, wanted: frozenset[str], symbols: Sequence[str], flight: Future[Answer]) -> None:
        try:
            answer = self._market_data.quotes(symbols)
        except BaseException as cause:
            self._land(wanted)
            flight.set_exception(cause)
        else:
            self._land(wanted)
            flight.set_result(answer)

    def _land(self, wanted: frozenset[str]) -> None:
        with self._lock:
            del self._in_flight[wanted]
