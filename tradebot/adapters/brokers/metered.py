"""Entered against sent: what leaves is held against what was asked for, whoever sends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from threading import Lock

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket
from tradebot.domain.calendar import ist_date
from tradebot.domain.errors import MoreThanEntered
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import BrokerOrderId, Coid, Variety
from tradebot.ports import Broker, Capabilities, Clock

SENDS_MAX = 3
"""How often an order that was entered once may leave, until the broker takes it."""
WAITING_MAX = 20_000
"""So many entered orders may wait to be sent or taken; beyond that the oldest may not leave any more."""


class SendCounter:
    """One for each broker; asked on the lanes' threads. An order leaves at most `SENDS_MAX` times and with no more than
    its quantity, and entries no further than the day's gross; one that was never entered does not leave at all."""

    def __init__(self, clock: Clock, gross_max: Callable[[], Decimal]) -> None:
        self._clock = clock
        self._gross_max = gross_max
        self._lock = Lock()
        self._waiting: dict[Coid, tuple[int, int]] = {}
        self._gross: dict[tuple[date, Variety], Decimal] = {}
        self.entered = 0
        self.sent = 0
        self.refused = 0

    def enter(self, tag: Coid, quantity: int) -> None:
        with self._lock:
            self.entered += 1
            self._waiting[tag] = (quantity, SENDS_MAX)
            if len(self._waiting) > WAITING_MAX:
                del self._waiting[next(iter(self._waiting))]

    def begin(self, gross: Mapping[Variety, Decimal]) -> None:
        today = ist_date(self._clock.now())
        with self._lock:
            self._gross = {(today, variety): amount for variety, amount in gross.items()}

    def leave(self, ticket: Ticket) -> None:
        """Right before an order is sent. Raises MoreThanEntered."""
        with self._lock:
            quantity, sends = self._waiting.get(ticket.tag, (0, 0))
            problem = self._problem(ticket, quantity, sends)
            if problem:
                self.refused += 1
                raise MoreThanEntered(problem)
            if sends == SENDS_MAX:
                self.sent += 1
                self._add_gross(ticket)
            self._waiting[ticket.tag] = (quantity, sends - 1)

    def taken(self, ticket: Ticket) -> None:
        """The broker has it: it never leaves again."""
        with self._lock:
            self._waiting.pop(ticket.tag, None)

    def grow(self, variety: Variety, adds: Decimal) -> None:
        """Right before an entry that stands takes on so many rupees more. Raises MoreThanEntered."""
        with self._lock:
            day = ist_date(self._clock.now()), variety
            gross, allowed = self._gross.get(day, Decimal(0)) + adds, self._gross_max()
            if gross > allowed:
                self.refused += 1
                raise MoreThanEntered(_beyond(gross, allowed))
            self._gross[day] = gross

    def _problem(self, ticket: Ticket, quantity: int, sends: int) -> str:
        if not sends:
            return f"{ticket.tag} would leave more often than it was entered"
        if ticket.quantity > quantity:
            return f"{ticket.tag} would leave with {ticket.quantity}, and {quantity} were entered"
        gross, allowed = self._gross_with(ticket), self._gross_max()
        if ticket.is_entry and sends == SENDS_MAX and gross > allowed:
            return _beyond(gross, allowed)
        return ""

    def _gross_with(self, ticket: Ticket) -> Decimal:
        return self._gross.get(self._day(ticket), Decimal(0)) + ticket.price * ticket.quantity

    def _add_gross(self, ticket: Ticket) -> None:
        if ticket.is_entry:
            today = ist_date(self._clock.now())
            kept = {key: value for key, value in self._gross.items() if key[0] == today}
            self._gross = kept | {self._day(ticket): self._gross_with(ticket)}

    def _day(self, ticket: Ticket) -> tuple[date, Variety]:
        """After-market orders of an evening trade on another day than the regular ones before them."""
        return ist_date(self._clock.now()), ticket.variety


def _beyond(gross: Decimal, allowed: Decimal) -> str:
    return f"entries worth Rs {gross} would leave on one day, and Rs {allowed} are allowed"


class MeteredBroker:
    """`ports.Broker` in front of another one."""

    def __init__(self, broker: Broker, counter: SendCounter) -> None:
        self._broker = broker
        self._counter = counter

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    def place(self, ticket: Ticket) -> BrokerOrderId:
        self._counter.leave(ticket)
        broker_order_id = self._broker.place(ticket)
        self._counter.taken(ticket)
        return broker_order_id

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        if adds is not None:
            self._counter.grow(variety, adds)
        self._broker.modify(broker_order_id, variety, quantity=quantity, price=price, adds=adds)

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        self._broker.cancel(broker_order_id, variety)

    def order_book(self) -> Sequence[BrokerOrder]:
        return self._broker.order_book()

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        return self._broker.order(broker_order_id)

    def trades(self) -> Sequence[BrokerTrade]:
        return self._broker.trades()

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        return self._broker.order_trades(broker_order_id)

    def holdings(self) -> Sequence[Holding]:
        return self._broker.holdings()

    def funds(self) -> Funds:
        return self._broker.funds()

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        return self._broker.terms(symbols)
