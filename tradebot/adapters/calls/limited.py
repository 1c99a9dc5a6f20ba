"""A broker and its quotes behind turnstiles: one for each class of call, told when a call had to wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tradebot.adapters.calls.turnstile import CountingTurnstile, OnDelay, Passage, Turnstile, WaitingTurnstile
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket
from tradebot.domain.call_limits import CallClass, CallLimit, CallLimits
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import BrokerOrderId, Variety
from tradebot.domain.quotes import Quote
from tradebot.ports import Broker, Capabilities, Clock, MarketData

MakeTurnstile = Callable[[CallLimit, Clock, OnDelay], Turnstile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnstiles:
    """All classes of calls of one broker account."""

    quotes: Turnstile
    orders: Turnstile
    rest: Turnstile

    @property
    def calls(self) -> int:
        return self.quotes.calls + self.orders.calls + self.rest.calls

    @property
    def delayed(self) -> int:
        return self.quotes.delayed + self.orders.delayed + self.rest.delayed


def make_turnstiles(
    broker: str, limits: CallLimits, clock: Clock, tell: Callable[[Event], None], *, is_virtual: bool
) -> Turnstiles:
    """`tell` may be called from any thread. On virtual time nothing waits; what would have is told."""
    make: MakeTurnstile = CountingTurnstile if is_virtual else WaitingTurnstile

    def made(kind: CallClass) -> Turnstile:
        def told(passage: Passage) -> None:
            tell(_throttled(broker, kind, passage, clock))

        return make(limits[kind], clock, told)

    return Turnstiles(quotes=made(CallClass.QUOTES), orders=made(CallClass.ORDERS), rest=made(CallClass.REST))


def _throttled(broker: str, kind: CallClass, passage: Passage, clock: Clock) -> Event:
    wait_ms = round(passage.waited_s * 1000)
    return Event(
        name=EventName.RATE_LIMIT_THROTTLE,
        at=clock.now(),
        level=Level.DEBUG,
        message=f"{broker}: a call of class {kind} waited {wait_ms} ms for its turn",
        fields={"broker": broker, "call_class": str(kind), "wait_ms": wait_ms, "urgent": passage.is_urgent},
    )


class LimitedBroker:
    """`ports.Broker` that waits for its turn before each call. A cancellation overtakes placements that wait: what
    lowers the risk goes first. A call that gets no turn in time raises RateLimited, and nothing of it was sent."""

    def __init__(self, broker: Broker, turnstiles: Turnstiles) -> None:
        self._broker = broker
        self._orders = turnstiles.orders
        self._rest = turnstiles.rest

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    def place(self, ticket: Ticket) -> BrokerOrderId:
        self._orders.enter()
        return self._broker.place(ticket)

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        self._orders.enter()
        self._broker.modify(broker_order_id, variety, quantity=quantity, price=price, adds=adds)

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        self._orders.enter(is_urgent=True)
        self._broker.cancel(broker_order_id, variety)

    def order_book(self) -> Sequence[BrokerOrder]:
        self._rest.enter()
        return self._broker.order_book()

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        self._rest.enter()
        return self._broker.order(broker_order_id)

    def trades(self) -> Sequence[BrokerTrade]:
        self._rest.enter()
        return self._broker.trades()

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        self._rest.enter()
        return self._broker.order_trades(broker_order_id)

    def holdings(self) -> Sequence[Holding]:
        self._rest.enter()
        return self._broker.holdings()

    def funds(self) -> Funds:
        self._rest.enter()
        return self._broker.funds()

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        self._rest.enter()
        return self._broker.terms(symbols)


class LimitedQuotes:
    """`ports.MarketData` that waits for its turn: one request for all symbols is one call."""

    def __init__(self, market_data: MarketData, turnstile: Turnstile) -> None:
        self._market_data = market_data
        self._turnstile = turnstile

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        self._turnstile.enter()
        return self._market_data.quotes(symbols)
