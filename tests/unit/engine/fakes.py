"""Hand-written stand-ins for what is outside: a broker that can be told to fail, lanes that wait, noted jobs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.builders import NOON, a_row_of, some_terms
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, BrokerWord, Funds, Holding, Ticket, broker_word
from tradebot.domain.errors import BrokerRejected, BrokerUnavailable, OutcomeUnknown
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import BrokerOrderId, Coid, PositionId, Variety
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Bar, Quote
from tradebot.domain.signals import Signal
from tradebot.ports import Capabilities, History, PlannedJob

PROOF = Capabilities(
    name="fake", absence_is_proof=True, visibility_delay=timedelta(0), tag_length_max=20, refuses_duplicate_tag=False
)
"""A broker at which an order that is not in the book was never taken."""

NO_PROOF = replace(PROOF, absence_is_proof=False, visibility_delay=timedelta(seconds=30))


class AnswerLost(OutcomeUnknown):
    """The call is carried out, and nobody hears of it."""


class FakeClock:
    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class FakeBroker:
    """One account. `troubles` are what the next calls of a name raise, in their order; None is no trouble.
    `frozen` is what the book shows instead of what stands; with `drops_changes` a new price is taken and not made, and
    with `fills_changes_at` the whole order trades at that price as soon as its own is changed. `added` is what
    each change was said to take on.
    """

    def __init__(self, clock: FakeClock, capabilities: Capabilities = PROOF) -> None:
        self.capabilities = capabilities
        self.rows: dict[BrokerOrderId, BrokerOrder] = {}
        self.executions: list[BrokerTrade] = []
        self.owned: list[Holding] = []
        self.cash = Decimal(1_000_000)
        self.symbol_terms: dict[str, InstrumentTerms] = {"INFY": some_terms()}
        self.troubles: dict[str, list[Exception | None]] = {}
        self.calls: list[str] = []
        self.frozen: Sequence[BrokerOrder] | None = None
        self.drops_changes = False
        self.fills_changes_at: str | None = None
        self.added: list[Decimal | None] = []
        self._clock = clock

    def place(self, ticket: Ticket) -> BrokerOrderId:
        lost = self._call("place")
        number = BrokerOrderId(str(len(self.rows) + 1))
        status = "OPEN" if ticket.trigger_price is None else "TRIGGER PENDING"
        self.rows[number] = a_row_of(ticket, number, status=status, at=self._clock.now())
        if lost:
            raise lost
        return number

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        lost = self._call("modify")
        self.added.append(adds)
        if not self.drops_changes:
            self.change(broker_order_id, price=price, quantity=quantity)
        if self.fills_changes_at is not None:
            self.fill(broker_order_id, quantity, self.fills_changes_at)
        if lost:
            raise lost

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        lost = self._call("cancel")
        if self.rows[broker_order_id].word is BrokerWord.EXECUTED:
            raise BrokerRejected("the order is complete")
        self.change(broker_order_id, status="CANCELLED")
        if lost:
            raise lost

    def order_book(self) -> Sequence[BrokerOrder]:
        self._call("order_book")
        return list(self.rows.values()) if self.frozen is None else self.frozen

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        self._call("order")
        return self.rows.get(broker_order_id)

    def trades(self) -> Sequence[BrokerTrade]:
        self._call("trades")
        return list(self.executions)

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        self._call("order_trades")
        return [trade for trade in self.executions if trade.broker_order_id == broker_order_id]

    def holdings(self) -> Sequence[Holding]:
        self._call("holdings")
        return list(self.owned)

    def funds(self) -> Funds:
        self._call("funds")
        return Funds(cash=self.cash, blocked=Decimal(0))

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        self._call("terms")
        return {symbol: self.symbol_terms[symbol] for symbol in symbols if symbol in self.symbol_terms}

    def change(self, number: str, **changes: object) -> None:
        """Something happens to an order; its row says when."""
        row = replace(self.rows[BrokerOrderId(number)], updated_at=self._clock.now(), **changes)  # type: ignore[arg-type]
        self.rows[row.broker_order_id] = replace(row, word=broker_word(row.status))

    def fill(self, number: str, quantity: int, price: str = "1000", *, status: str | None = None) -> None:
        """One execution; the row is complete when nothing is left, unless a status is given."""
        row = self.rows[BrokerOrderId(number)]
        filled = row.filled_quantity + quantity
        self.change(
            number, filled_quantity=filled, status=status or ("COMPLETE" if filled == row.quantity else row.status)
        )
        trade = BrokerTrade(
            broker_order_id=row.broker_order_id,
            trade_id=f"T{len(self.executions) + 1}",
            symbol=row.symbol,
            side=row.side,
            quantity=quantity,
            price=Decimal(price),
            traded_at=self._clock.now(),
        )
        self.executions.append(trade)

    def count(self, name: str) -> int:
        return self.calls.count(name)

    def _call(self, name: str) -> Exception | None:
        self.calls.append(name)
        waiting = self.troubles.get(name)
        trouble = waiting.pop(0) if waiting else None
        if trouble is not None and not isinstance(trouble, AnswerLost):
            raise trouble
        return trouble


class HeldLanes:
    """Work waits until it is run: one after the other, or that of one lane only."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[str, Callable[[], None]]] = deque()

    def hand_over(self, lane: str, work: Callable[[], None]) -> None:
        self.waiting.append((lane, work))

    def run_one(self, lane: str | None = None) -> bool:
        for index, (name, work) in enumerate(self.waiting):
            if lane is None or name == lane:
                del self.waiting[index]
                work()
                return True
        return False

    def close(self, timeout_s: float) -> bool:
        return True


class NotedJobs:
    """A scheduler that only notes what it was told."""

    def __init__(self) -> None:
        self.planned: list[PlannedJob] = []
        self.timers: list[tuple[str, datetime]] = []

    def plan(self, jobs: Sequence[PlannedJob]) -> None:
        self.planned = list(jobs)

    def once(self, name: str, at: datetime) -> None:
        self.timers.append((name, at))


@dataclass(slots=True)
class FakeMarket:
    """Quotes, daily bars by symbol, and halts."""

    prices: dict[str, Quote] = field(default_factory=dict)
    halts: dict[str, str] = field(default_factory=dict)
    days: dict[str, Sequence[Bar]] = field(default_factory=dict)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {symbol: self.prices[symbol] for symbol in symbols if symbol in self.prices}

    def symbols(self) -> Sequence[str]:
        return list(self.prices)

    def bars(self, symbol: str, as_of: date, count: int) -> Sequence[Bar]:
        return list(self.days.get(symbol, ()))[-count:]

    def halted(self, as_of: date) -> Mapping[str, str]:
        return self.halts


@dataclass(slots=True)
class FakeStrategy:
    """Gives the signals and targets it was given, or fails."""

    given: list[Signal] = field(default_factory=list)
    targets: dict[PositionId, Decimal] = field(default_factory=dict)
    name: str = "test"
    failure: Exception | None = None

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:
        return self.given

    def target(self, position: Position, as_of: date, history: History) -> Decimal | None:
        if self.failure is not None:
            raise self.failure
        return self.targets.get(position.id)


@dataclass(slots=True)
class NoRecorder:
    """Takes nothing down."""

    def record(self, sequence: int, at: datetime, message: object, *, joins: bool = False) -> None:
        pass


def a_holding(quantity: int, symbol: str = "INFY", sellable: int | None = None) -> Holding:
    return Holding(
        symbol=symbol,
        exchange="NSE",
        settled_quantity=quantity,
        t1_quantity=0,
        today_quantity=0,
        sellable_quantity=quantity if sellable is None else sellable,
        average_price=Decimal(1000),
    )


def unreachable() -> BrokerUnavailable:
    return BrokerUnavailable("connection refused")


def tag_of(broker: FakeBroker, number: str) -> Coid:
    tag = broker.rows[BrokerOrderId(number)].tag
    assert tag is not None
    return tag
