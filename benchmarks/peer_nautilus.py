"""nautilus_trader's back-test over ticks: `PYTHON benchmarks/peer_nautilus.py TICKS ORDERS`, by a Python that has it.

It stands alone, so that it runs where tradebot's own packages are not. Prints its version, ticks a second of a strategy
that does nothing, and orders a second of one that buys and sells in turn, as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from time import perf_counter
from typing import Any

import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

_VENUE = "XNAS"
_SECOND_NS = 1_000_000_000
_FIRST_NS = 1_788_240_000 * _SECOND_NS


class Watching(Strategy):  # type: ignore[misc]
    """Looks at each tick and does nothing."""

    def __init__(self, instrument: Any, orders: int = 0) -> None:
        super().__init__()
        self._instrument = instrument
        self._orders = orders

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self._instrument.id)


class Trading(Watching):
    """Buys one share with a tick and sells it with the next, until there were enough orders."""

    def on_quote_tick(self, _tick: Any) -> None:
        if self._orders <= 0:
            return
        self._orders -= 1
        side = OrderSide.BUY if self._orders % 2 else OrderSide.SELL
        order = self.order_factory.market(self._instrument.id, side, Quantity.from_int(1))
        self.submit_order(order)


def _ticks(instrument: Any, count: int) -> list[Any]:
    size = Quantity.from_int(1_000)
    prices = [Price(Decimal(100) + Decimal(number % 50) / 100, 2) for number in range(60)]
    return [
        QuoteTick(
            instrument.id,
            prices[number % 50],
            prices[number % 50 + 1],
            size,
            size,
            _FIRST_NS + number * _SECOND_NS,
            _FIRST_NS + number * _SECOND_NS,
        )
        for number in range(count)
    ]


def _seconds(kind: type[Watching], ticks: int, orders: int = 0) -> tuple[float, int]:
    """Of the run alone, and how many orders there were."""
    engine = BacktestEngine(config=BacktestEngineConfig(logging=LoggingConfig(log_level="ERROR")))
    engine.add_venue(
        venue=Venue(_VENUE),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(1_000_000, USD)],
    )
    instrument = TestInstrumentProvider.equity(symbol="AAPL", venue=_VENUE)
    engine.add_instrument(instrument)
    engine.add_data(_ticks(instrument, ticks))
    engine.add_strategy(kind(instrument, orders))
    began = perf_counter()
    engine.run()
    took_s = perf_counter() - began
    made = len(engine.cache.orders())
    engine.dispose()
    return took_s, made


def main(ticks: int, orders: int) -> None:
    ticks_s, _ = _seconds(Watching, ticks)
    orders_s, made = _seconds(Trading, orders, orders)
    found = {
        "version": nautilus_trader.__version__,
        "ticks_a_second": ticks / ticks_s,
        "orders_a_second": made / orders_s,
        "orders": made,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
