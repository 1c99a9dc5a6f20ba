"""Ready fault dials for the way to the exchange: what a gateway answers in its place, each from a real complaint.

`per_mille` of the `calls` are struck. With `is_carried_out` the call is done all the same, which the answer hides.
"""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.exchange.commands import ErrorType, Refused
from tradebot.exchange.dials import COMMANDS
from tradebot.exchange.edge import Ask, Call, Edge, ErrorAnswer, Garbled

ALL_CALLS = COMMANDS | {
    "order_book",
    "order",
    "order_history",
    "trades",
    "order_trades",
    "holdings",
    "positions",
    "margins",
    "quote",
    "terms",
}
PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
WRONG_ADDRESS_CODE = "100008"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutAsBadRequest:
    """A time-out told as HTTP 400 (kite forum, comment 35732)."""

    per_mille: int
    calls: frozenset[str] = COMMANDS
    is_carried_out: bool = True
    name: str = "timeout_as_400"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        text = "Order request timed out. Please check the order book and confirm before placing again."
        refused = Refused(http_status=400, error_type=ErrorType.ORDER, text=text)
        return _instead(self, call, ask, edge, refused, is_carried_out=self.is_carried_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """Bursts of 503 at the open and near the close (kite forum, comment 21259)."""

    per_mille: int
    calls: frozenset[str] = ALL_CALLS
    is_carried_out: bool = False
    name: str = "unavailable_503"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        text = "Couldn't connect to the order management system. Please try again."
        refused = Refused(http_status=503, error_type=ErrorType.NETWORK, text=text)
        return _instead(self, call, ask, edge, refused, is_carried_out=self.is_carried_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedWithoutOrder:
    """A placement is refused before there is an order, which then is in no book (Zerodha's pre-validation).

    `text` is the broker's words.
    """

    per_mille: int
    text: str = "Your order could not be placed: this stock is on the watch list for unsolicited tips."
    calls: frozenset[str] = frozenset({"place"})
    name: str = "refused_without_order"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        return _instead(self, call, ask, edge, Refused(http_status=400, error_type=ErrorType.ORDER, text=self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRequests:
    """429, told as a network problem (kite forum, comment 34453)."""

    per_mille: int
    calls: frozenset[str] = ALL_CALLS
    is_carried_out: bool = False
    name: str = "too_many_requests"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        refused = Refused(http_status=429, error_type=ErrorType.NETWORK, text="Too many requests")
        return _instead(self, call, ask, edge, refused, is_carried_out=self.is_carried_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmlInstead:
    """A gateway's page instead of JSON; `http_status` may be 200."""

    per_mille: int
    calls: frozenset[str] = ALL_CALLS
    is_carried_out: bool = False
    http_status: int = 502
    name: str = "html_instead"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        if call.name not in self.calls or not edge.happens(self, call, self.per_mille):
            return ask()
        edge.note(self, call, repr(ask()) if self.is_carried_out else "")
        raise Garbled(PAGE, self.http_status)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadSession:
    """The session dies with this call; only a new login helps."""

    per_mille: int
    calls: frozenset[str] = ALL_CALLS
    name: str = "dead_session"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        refused = Refused(
            http_status=403, error_type=ErrorType.TOKEN, text="Invalid session: log in again.", code="100022"
        )
        return _instead(self, call, ask, edge, refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongAddress:
    """Orders come from an address that is not registered, and are refused; what is only asked is answered; always."""

    calls: frozenset[str] = COMMANDS
    name: str = "wrong_address"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        if call.name not in self.calls:
            return ask()
        edge.note(self, call)
        text = "Access denied: this IP address is not registered for order placement."
        return Refused(http_status=403, error_type=ErrorType.PERMISSION, text=text, code=WRONG_ADDRESS_CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Everything is done at once and the answer comes `delay_s` seconds of real time later (60 s: kotak-neo-api-v2,
    issue 68)."""

    per_mille: int
    delay_s: float = 60.0
    calls: frozenset[str] = COMMANDS
    name: str = "late"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        if call.name in self.calls and edge.happens(self, call, self.per_mille):
            edge.note(self, call, f"{self.delay_s} s")
            edge.delay(self.delay_s)
        return ask()


_Instead = TimeoutAsBadRequest | Unavailable | RefusedWithoutOrder | TooManyRequests | DeadSession


def _instead(
    dial: _Instead, call: Call, ask: Ask, edge: Edge, refused: Refused, *, is_carried_out: bool = False
) -> object:
    if call.name not in dial.calls or not edge.happens(dial, call, dial.per_mille):
        return ask()
    edge.note(dial, call, repr(ask()) if is_carried_out else "")
    if call.name in COMMANDS:
        return refused
    raise ErrorAnswer(refused)
