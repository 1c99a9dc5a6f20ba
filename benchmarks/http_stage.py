"""What HTTP is measured on, each a process of its own: `python -m benchmarks.http_stage daemon FOLDER`, or `empty`.

Says its port and a JSON object of what can be bought, and ends with its input. The daemon trades at the embedded
exchange at noon of a trading day, durable to the disk; the empty one is the framework with an endpoint that answers
nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from threading import RLock

from fastapi import FastAPI, Response

from benchmarks.stage import Contents, fill_folder
from benchmarks.stream_stage import open_served
from config.market_rules import load_market
from tests.builders import ACCOUNT, NOON
from tradebot.adapters.brokers.paper import PaperBroker
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.adapters.marketdata.paper_quotes import PaperQuotes
from tradebot.domain.market_rules import round_to_tick
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.market import MarketFacts
from tradebot.interfaces.api.server import HttpServer
from tradebot.interfaces.api.services import Limits

PLAIN = Limits(requests_per_s=1_000_000)
"""How many requests a caller may make is no part of what is measured."""

_CASH = Decimal(10) ** 10
_CONFIG = Path(__file__).parents[1] / "config" / "market"
_BELOW = Decimal("0.99")


def main(kind: str, *folder: str) -> None:
    with _daemon(Path(folder[0])) if kind == "daemon" else _empty() as (port, prices):
        print(json.dumps({"port": port, "prices": prices}), flush=True)
        sys.stdin.read()


@contextmanager
def _daemon(folder: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    fill_folder(folder, Contents())
    market, lock = load_market(_CONFIG), RLock()
    tape, _ = open_tape(None, 1, market.calendar, market.rules, market.actions, market.instruments)
    facts = MarketFacts(
        calendar=market.calendar,
        rules=market.rules,
        actions=(),
        instruments=market.instruments,
        amo_windows=market.amo_windows,
    )
    exchange = Exchange.open(
        folder / "exchange", tape=tape, facts=facts, seed=1, opening=NOON, accounts={ACCOUNT: _CASH}
    )
    exchange.advance_to(NOON)
    with open_served(folder, PaperBroker(exchange, ACCOUNT, lock), PaperQuotes(exchange, lock), PLAIN) as served:
        yield served.port, _resting_prices(exchange)
    exchange.close()


def _resting_prices(exchange: Exchange) -> Mapping[str, str]:
    """By symbol, a limit at which a buy stands in the book and is not filled."""
    quotes = {symbol: exchange.quote(symbol) for symbol in exchange.terms()}
    return {
        symbol: str(round_to_tick(quote.last_price * _BELOW, exchange.terms()[symbol].tick_size, "down"))
        for symbol, quote in quotes.items()
        if quote is not None and quote.bids
    }


@contextmanager
def _empty() -> Iterator[tuple[int, Mapping[str, str]]]:
    app = FastAPI()

    @app.post("/")
    async def nothing() -> Response:
        return Response(status_code=201)

    server = HttpServer("127.0.0.1", 0)
    server.start(lambda: app)
    yield server.port, {}
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
