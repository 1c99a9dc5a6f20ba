"""The way to the exchange and back, where calls are lost, answers are late and books are stale: the place of faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Protocol, TypeVar, cast

from tradebot.domain.errors import TradebotError
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import Variety
from tradebot.domain.quotes import Quote
from tradebot.exchange.chance import draw_below
from tradebot.exchange.commands import Accepted, PlaceCommand, Placed, Refused
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.rows import HoldingRow, MarginsRow, OrderRow, PositionRow, Step, TradeRow

INCIDENTS_MAX = 10_000

Ask = Callable[[], object]
Answer = TypeVar("Answer")


class EdgeFault(TradebotError):
    """The caller got no usable answer."""


class NotReached(EdgeFault):
    """The call certainly did not reach the exchange."""


class AnswerLost(EdgeFault):
    """The caller cannot know whether the call was carried out. `hold_s` is for how many seconds it is kept waiting."""

    def __init__(self, text: str, hold_s: float = 0.0) -> None:
        super().__init__(text)
        self.hold_s = hold_s


class Garbled(AnswerLost):
    """A page came back that is no answer: from a gateway in between, for example."""

    def __init__(self, page: str, http_status: int) -> None:
        super().__init__(f"an answer that cannot be read (HTTP {http_status})")
        self.page = page
        self.http_status = http_status


class ErrorAnswer(EdgeFault):
    """A question was answered with an error."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.refused = refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call through the edge. `name` is the method's; `key` is the tag, order id or symbol that it is about, empty
    for the whole book. `number` counts calls and is what chance depends on, with the seed."""

    name: str
    account_id: str
    key: str
    number: int
    at: datetime
    command: PlaceCommand | None = None
    variety: Variety | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A fault that a dial made."""

    dial: str
    call: Call
    detail: str = ""


class Dial(Protocol):
    """One kind of fault; a new one is one class.

    `through` stands around every call: it may do something before `ask()`, change or lose the answer after it, or
    answer without asking; it may raise an EdgeFault. The answer has the type that the call answers. A dial that does
    something says so with `edge.note`; it keeps no state of its own.
    """

    @property
    def name(self) -> str: ...

    def through(self, call: Call, ask: Ask, edge: Edge) -> object: ...


class Edge:
    """The face of the exchange with dials in front of it, the first one outermost.

    `calls` counts the calls made; with it set back a run is repeated exactly. The last INCIDENTS_MAX incidents are
    kept. Not safe for threads, like the exchange.
    """

    def __init__(self, exchange: Exchange, seed: int, dials: Sequence[Dial] = ()) -> None:
        self.exchange = exchange
        self.dials = tuple(dials)
        self.calls = 0
        self.incidents: deque[Incident] = deque(maxlen=INCIDENTS_MAX)
        self.tell: Callable[[Incident], object] = self.incidents.append
        self._seed = seed
        self._delay_s = 0.0

    @property
    def now(self) -> datetime:
        return self.exchange.now

    @property
    def refuses_duplicate_tag(self) -> bool:
        return self.exchange.refuses_duplicate_tag

    def happens(self, dial: Dial, call: Call, per_mille: int) -> bool:
        """Whether the fault strikes this call: a pure function of the seed, the dial and the call's number."""
        return draw_below(1000, self._seed, "edge", dial.name, call.number) < per_mille

    def strikes(self, dial: Dial, order_id: str, per_mille: int) -> bool:
        """Whether the fault strikes this order, whatever the call."""
        return draw_below(1000, self._seed, "edge", dial.name, order_id) < per_mille

    def number_below(self, bound: int, dial: Dial, order_id: str) -> int:
        """A number from 0 to `bound` - 1 that belongs to this dial and order."""
        return draw_below(bound, self._seed, "edge", dial.name, order_id, "number")

    def note(self, dial: Dial, call: Call, detail: str = "") -> None:
        self.tell_of(dial.name, call, detail)

    def tell_of(self, dial: str, call: Call, detail: str = "") -> None:
        self.tell(Incident(dial=dial, call=call, detail=detail))

    def delay(self, seconds: float) -> None:
        """The answer of the running call is to come so much later; the exchange itself never waits."""
        self._delay_s += seconds

    def take_delay_s(self) -> float:
        """How late the last call's answer is to be; asked once."""
        delay_s, self._delay_s = self._delay_s, 0.0
        return delay_s

    def place(self, account_id: str, command: PlaceCommand) -> Placed | Refused:
        call = self._call("place", account_id, command.tag or "", command, command.variety)
        return self._pass(call, lambda: self.exchange.place(account_id, command))

    def modify(
        self, account_id: str, order_id: str, variety: Variety, *, quantity: int, price: Decimal
    ) -> Accepted | Refused:
        call = self._call("modify", account_id, order_id, variety=variety)
        return self._pass(
            call,
            lambda: self.exchange.modify(account_id, order_id, variety, quantity=quantity, price=price),
        )

    def cancel(self, account_id: str, order_id: str, variety: Variety) -> Accepted | Refused:
        call = self._call("cancel", account_id, order_id, variety=variety)
        return self._pass(call, lambda: self.exchange.cancel(account_id, order_id, variety))

    def order_book(self, account_id: str) -> Sequence[OrderRow]:
        return self._pass(self._call("order_book", account_id), lambda: self.exchange.order_book(account_id))

    def order(self, account_id: str, order_id: str) -> OrderRow | None:
        call = self._call("order", account_id, order_id)
        return self._pass(call, lambda: self.exchange.order(account_id, order_id))

    def order_history(self, account_id: str, order_id: str) -> Sequence[Step]:
        call = self._call("order_history", account_id, order_id)
        return self._pass(call, lambda: self.exchange.order_history(account_id, order_id))

    def trades(self, account_id: str) -> Sequence[TradeRow]:
        return self._pass(self._call("trades", account_id), lambda: self.exchange.trades(account_id))

    def order_trades(self, account_id: str, order_id: str) -> Sequence[TradeRow]:
        call = self._call("order_trades", account_id, order_id)
        return self._pass(call, lambda: self.exchange.order_trades(account_id, order_id))

    def holdings(self, account_id: str) -> Sequence[HoldingRow]:
        return self._pass(self._call("holdings", account_id), lambda: self.exchange.holdings(account_id))

    def positions(self, account_id: str) -> Sequence[PositionRow]:
        return self._pass(self._call("positions", account_id), lambda: self.exchange.positions(account_id))

    def margins(self, account_id: str) -> MarginsRow:
        return self._pass(self._call("margins", account_id), lambda: self.exchange.margins(account_id))

    def quote(self, symbol: str) -> Quote | None:
        return self._pass(self._call("quote", "", symbol), lambda: self.exchange.quote(symbol))

    def terms(self, symbol: str | None = None) -> Mapping[str, InstrumentTerms]:
        return self._pass(self._call("terms", "", symbol or ""), lambda: self.exchange.terms(symbol))

    def _call(
        self,
        name: str,
        account_id: str,
        key: str = "",
        command: PlaceCommand | None = None,
        variety: Variety | None = None,
    ) -> Call:
        self.calls += 1
        return Call(
            name=name,
            account_id=account_id,
            key=key,
            number=self.calls,
            at=self.now,
            command=command,
            variety=variety,
        )

    def _pass(self, call: Call, ask: Callable[[], Answer]) -> Answer:
        through: Ask = ask
        for dial in reversed(self.dials):
            through = partial(dial.through, call, through, self)
        return cast(Answer, through())
