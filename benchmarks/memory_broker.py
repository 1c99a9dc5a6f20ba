"""A broker and its market that answer at once out of memory, and count what they were asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.builders import a_quote, a_row_of, some_terms
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket, broker_word
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import BrokerOrderId, Variety
from tradebot.domain.quotes import Bar, Quote
from tradebot.ports import Capabilities

CASH = Decimal(10) ** 12

Send = Callable[[Ticket], BrokerOrderId]


class MemoryBroker:
    """`ports.Broker` over a dictionary. `send` decides how an order gets its number: at once, or over a wire.

    `calls` counts every call by its name. What is placed stands in the book until `fill` executes part of it.
    """

    def __init__(self, rows: Sequence[BrokerOrder] = ()) -> None:
        self.calls: Counter[str] = Counter()
        self.rows = {row.broker_order_id: row for row in rows}
        self.executed: list[BrokerTrade] = []
        self.send: Send = self.numbered
        self._numbers = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="memory",
            absence_is_proof=True,
            visibility_delay=timedelta(0),
            tag_length_max=20,
            refuses_duplicate_tag=False,
        )

    def numbered(self, ticket: Ticket) -> BrokerOrderId:  # noqa: ARG002 - the number is all there is to say
        self._numbers += 1
        return BrokerOrderId(f"2611160{self._numbers:08}")

    def place(self, ticket: Ticket) -> BrokerOrderId:
        self.calls["place"] += 1
        number = self.send(ticket)
        self.rows[number] = a_row_of(ticket, number)
        return number

    def modify(self, broker_order_id: BrokerOrderId, variety: Variety, *, quantity: int, price: Decimal) -> None:  # noqa: ARG002
        self.calls["modify"] += 1
        self.rows[broker_order_id] = replace(self.rows[broker_order_id], quantity=quantity, price=price)

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:  # noqa: ARG002
        self.calls["cancel"] += 1
        row = self.rows[broker_order_id]
        self.rows[broker_order_id] = replace(row, status="CANCELLED", word=broker_word("CANCELLED"))

    def order_book(self) -> Sequence[BrokerOrder]:
        self.calls["order_book"] += 1
        return list(self.rows.values())

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        self.calls["order"] += 1
        return self.rows.get(broker_order_id)

    def trades(self) -> Sequence[BrokerTrade]:
        self.calls["trades"] += 1
        return list(self.executed)

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        self.calls["order_trades"] += 1
        return [trade for trade in self.executed if trade.broker_order_id == broker_order_id]

    def holdings(self) -> Sequence[Holding]:
        """What was bought; nothing is ever sold here."""
        self.calls["holdings"] += 1
        bought: Counter[str] = Counter()
        for trade in self.executed:
            bought[trade.symbol] += trade.quantity
        return [_holding(symbol, quantity) for symbol, quantity in bought.items()]

    def funds(self) -> Funds:
        self.calls["funds"] += 1
        return Funds(cash=CASH, blocked=Decimal(0))

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        self.calls["terms"] += 1
        known = {row.symbol for row in self.rows.values()}
        return {symbol: some_terms(symbol) for symbol in symbols if symbol in known}

    def fill(self, broker_order_id: BrokerOrderId, quantity: int, at: datetime) -> None:
        """Execute `quantity` more of an order, at its limit."""
        row = self.rows[broker_order_id]
        filled = row.filled_quantity + quantity
        status = "COMPLETE" if filled == row.quantity else "OPEN"
        self.rows[broker_order_id] = replace(
            row,
            filled_quantity=filled,
            average_price=row.price,
            status=status,
            word=broker_word(status),
            updated_at=at,
        )
        self.executed.append(
            BrokerTrade(
                broker_order_id=broker_order_id,
                trade_id=f"T{len(self.executed) + 1}",
                symbol=row.symbol,
                side=row.side,
                quantity=quantity,
                price=row.price,
                traded_at=at,
            )
        )


class StillMarket:
    """`ports.MarketData` and `ports.History` of a market in which nothing moves."""

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {symbol: a_quote(symbol=symbol) for symbol in symbols}

    def symbols(self) -> Sequence[str]:
        return ()

    def bars(self, symbol: str, as_of: date, count: int) -> Sequence[Bar]:  # noqa: ARG002
        return ()

    def halted(self, as_of: date) -> Mapping[str, str]:  # noqa: ARG002
        return {}


def _holding(symbol: str, quantity: int) -> Holding:
    return Holding(
        symbol=symbol,
        exchange="NSE",
        settled_quantity=0,
        t1_quantity=0,
        today_quantity=quantity,
        sellable_quantity=quantity,
        average_price=Decimal(1000),
    )
