"""The numbers and names by which brokers know an instrument."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.domain.instruments import Instrument
from tradebot.exchange.chance import draw_below

_NUMBERS = 60_000
_SEGMENTS = {"NSE": 1, "BSE": 4}


class Directory:
    """Token and trading symbol of each instrument: made from its name, so that they are the same on every day.

    A Kite token is the exchange's number x 256 + the segment (1 is NSE, 4 is BSE).
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.instruments = instruments
        self._numbers = _numbered(instruments)
        self._by_token = {self.instrument_token(symbol): symbol for symbol in instruments}
        self._by_name = {(i.exchange, self.tradingsymbol(symbol)): symbol for symbol, i in instruments.items()}
        self._by_series_symbol = {(i.exchange, self.series_symbol(symbol)): symbol for symbol, i in instruments.items()}
        self._by_number = {(i.exchange, str(self._numbers[symbol])): symbol for symbol, i in instruments.items()}

    def exchange_token(self, symbol: str) -> int:
        return self._numbers[symbol]

    def instrument_token(self, symbol: str) -> int:
        return self._numbers[symbol] * 256 + _SEGMENTS[self.instruments[symbol].exchange]

    def tradingsymbol(self, symbol: str) -> str:
        """Kite's name: the series is a suffix of every one but EQ."""
        series = self.instruments[symbol].series
        return symbol if series == "EQ" else f"{symbol}-{series}"

    def series_symbol(self, symbol: str) -> str:
        """Kotak's name, always with the series: IDEA-EQ."""
        return f"{symbol}-{self.instruments[symbol].series}"

    def isin(self, symbol: str) -> str:
        return f"INE{self._numbers[symbol]:06d}010"

    def of_token(self, token: int) -> str | None:
        return self._by_token.get(token)

    def of_number(self, exchange: str, number: str) -> str | None:
        return self._by_number.get((exchange, number))

    def of_series_symbol(self, exchange: str, name: str) -> str | None:
        return self._by_series_symbol.get((exchange, name))

    def of_name(self, exchange: str, tradingsymbol: str) -> str | None:
        return self._by_name.get((exchange, tradingsymbol))


def _numbered(instruments: Mapping[str, Instrument]) -> dict[str, int]:
    taken: set[int] = set()
    numbers: dict[str, int] = {}
    for symbol in sorted(instruments):
        number = 1 + draw_below(_NUMBERS, "exchange token", instruments[symbol].exchange, symbol)
        while number in taken:
            number = number % _NUMBERS + 1
        taken.add(number)
        numbers[symbol] = number
    return numbers
