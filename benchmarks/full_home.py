"""A home as a paper run has left it, with many orders that stand at the exchange and in the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from time import perf_counter

from config.market_rules import load_market
from tests.builders import ACCOUNT, an_attempt, an_order
from tradebot.adapters.brokers.paper import PaperBroker
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import create_database
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.broker_views import Ticket
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.market_rules import round_to_tick
from tradebot.domain.orders import Attempt, DecisionId, Order, OrderId, Side, Variety
from tradebot.domain.stored import Changes
from tradebot.engine import ledger
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.market import MarketFacts

CASH = Decimal(10) ** 12

_CONFIG = Path(__file__).parents[1] / "config" / "market"
_BELOW = Decimal("0.97")
Pair = tuple[Order, Attempt]


def fill_home(home: Path, orders: int) -> float:
    """Buys below the market, as of now: after-market ones where the market is closed. Returns how many seconds the
    exchange takes to open its books and to tell them all."""
    (home / "state").mkdir(parents=True)
    now = RealClock().now()
    exchange = _exchange(home / "state" / "exchange", now)
    broker = PaperBroker(exchange, ACCOUNT)
    day = next(iter(exchange.terms().values())).day
    tickets = _tickets(exchange, broker, orders)
    pairs = [_placed(broker, ticket, number, now, day) for number, ticket in enumerate(tickets)]
    exchange.close()
    _write_books(home, pairs, now)
    began = perf_counter()
    exchange = _exchange(home / "state" / "exchange", now)
    PaperBroker(exchange, ACCOUNT).order_book()
    told_s = perf_counter() - began
    exchange.close()
    return told_s


def _exchange(folder: Path, now: datetime) -> Exchange:
    market = load_market(_CONFIG)
    tape, _ = open_tape(None, 1, market.calendar, market.rules, market.actions, market.instruments)
    facts = MarketFacts(
        calendar=market.calendar,
        rules=market.rules,
        actions=tuple(tape.actions),
        instruments=market.instruments,
        amo_windows=market.amo_windows,
    )
    return Exchange.open(folder, tape=tape, facts=facts, seed=1, opening=now, accounts={ACCOUNT: CASH})


def _tickets(exchange: Exchange, broker: PaperBroker, orders: int) -> Sequence[Ticket]:
    """Of the variety that the exchange takes at this hour."""
    symbols = [symbol for symbol in exchange.terms() if exchange.quote(symbol) is not None]
    tickets = [_ticket(exchange, symbol, number) for number, symbol in zip(range(orders), cycle(symbols), strict=False)]
    try:
        broker.cancel(broker.place(replace(tickets[0], tag=derive(_key(orders), 1))), Variety.REGULAR)
    except BrokerRejected:
        return [replace(ticket, variety=Variety.AMO) for ticket in tickets]
    return tickets


def _ticket(exchange: Exchange, symbol: str, number: int) -> Ticket:
    quote, terms, order = exchange.quote(symbol), exchange.terms()[symbol], an_order()
    assert quote is not None
    return Ticket(
        tag=derive(_key(number), 1),
        symbol=symbol,
        exchange=terms.exchange,
        side=Side.BUY,
        quantity=1,
        order_type=order.order_type,
        price=round_to_tick(quote.last_price * _BELOW, terms.tick_size, "down"),
        trigger_price=None,
        product=order.product,
        validity=order.validity,
        variety=Variety.REGULAR,
    )


def _key(number: int) -> IntentKey:
    return IntentKey(ACCOUNT, DecisionId(f"home-{number}"), 0, Side.BUY)


def _placed(broker: PaperBroker, ticket: Ticket, number: int, now: datetime, day: date) -> Pair:
    broker_order_id = broker.place(ticket)
    row = broker.order(broker_order_id)
    assert row is not None
    order = an_order(
        id=OrderId(str(10**12 + number)),
        decision_id=DecisionId(f"home-{number}"),
        symbol=ticket.symbol,
        exchange=ticket.exchange,
        variety=ticket.variety,
        quantity=ticket.quantity,
        price=ticket.price,
        coid=ticket.tag,
        broker_order_id=broker_order_id,
        trading_day=day,
        created_at=now,
        updated_at=now,
        placed_at=now,
    )
    return order, an_attempt(order, broker_order_id=broker_order_id, broker_status=row.status)


def _write_books(home: Path, pairs: Sequence[Pair], now: datetime) -> None:
    database = create_database(f"sqlite:///{home / 'state' / 'tradebot.db'}", "process")
    store = SqlOrderStore(database)
    store.save(Changes(orders=[order for order, _ in pairs], attempts=[attempt for _, attempt in pairs]))
    store.close()
    database.dispose()
    disk = RealDisk(durability="process")
    registry = CoidRegistry.open(disk, home / "state", now)
    registry.reserve([ledger.registry_entry(attempt, order) for order, attempt in pairs])
    registry.fold(now - timedelta(days=7))
    registry.close()
    disk.close()
