"""Ready fault dials for the edge, each one from a real complaint about a broker.

`per_mille` says how many of a thousand calls (or orders) are struck; the seed and the call's number (or the order's id)
decide which.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradebot.exchange import words
from tradebot.exchange.commands import ErrorType, Placed, Refused
from tradebot.exchange.edge import AnswerLost, Ask, Call, Edge, ErrorAnswer, NotReached
from tradebot.exchange.front_office import Rejection
from tradebot.exchange.rows import OrderRow, Status, Step, TradeRow, as_of

COMMANDS = frozenset({"place", "modify", "cancel"})
_NO_DATA = Refused(http_status=200, error_type=ErrorType.GENERAL, text="No Data", code="5203")
_DUPLICATE = Refused(
    http_status=400, error_type=ErrorType.ORDER, text=words.DUPLICATE_TAG, code=words.DUPLICATE_TAG_CODE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLostBefore:
    """The call does not arrive and the caller cannot know: a time-out on the way out.

    With `is_known` the caller does know (connection refused). `hold_s`: how long it is kept waiting.
    """

    per_mille: int
    calls: frozenset[str] = COMMANDS
    is_known: bool = False
    hold_s: float = 0.0
    name: str = "answer_lost_before"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        if call.name not in self.calls or not edge.happens(self, call, self.per_mille):
            return ask()
        edge.note(self, call)
        if self.is_known:
            raise NotReached("connection refused")
        raise AnswerLost(words.OUTCOME_OPEN, self.hold_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLostAfter:
    """The call is carried out and its answer is lost (kite forum 9602: a blind retry doubles the position)."""

    per_mille: int
    calls: frozenset[str] = COMMANDS
    hold_s: float = 0.0
    name: str = "answer_lost_after"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        answer = ask()
        if call.name not in self.calls or not edge.happens(self, call, self.per_mille):
            return answer
        edge.note(self, call, repr(answer))
        raise AnswerLost(words.OUTCOME_OPEN, self.hold_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInstead:
    """The call is carried out, or not, and an error is answered: for example the time-out told as HTTP 400."""

    per_mille: int
    refused: Refused
    calls: frozenset[str] = COMMANDS
    is_carried_out: bool = False
    name: str = "error_instead"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        if call.name not in self.calls or not edge.happens(self, call, self.per_mille):
            return ask()
        edge.note(self, call, repr(ask()) if self.is_carried_out else "")
        if call.name in COMMANDS:
            return self.refused
        raise ErrorAnswer(self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleBook:
    """Orders and trades are shown as they were `age` ago."""

    per_mille: int
    age: timedelta
    name: str = "stale_book"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        answer, cutoff = ask(), call.at - self.age
        if not edge.happens(self, call, self.per_mille):
            return answer
        stale: object = answer
        if isinstance(answer, OrderRow):
            stale = as_of(answer, cutoff)
        elif isinstance(answer, list | tuple):
            shown = (_as_of(row, cutoff) for row in answer)
            stale = [row for row in shown if row is not None]
        if stale != answer:
            edge.note(self, call)
        return stale


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentThenPresent:
    """An accepted order stays out of the book, the look-up and the trades for `hidden_for` after it was placed.

    `per_mille` of the orders are struck.
    """

    per_mille: int
    hidden_for: timedelta
    name: str = "absent_then_present"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        answer = ask()
        shown: object = answer
        if isinstance(answer, OrderRow):
            shown = None if self._hides(answer, call, edge) else answer
        elif isinstance(answer, list | tuple):
            shown = [row for row in answer if not self._hides(row, call, edge)]
            shown = answer if len(shown) == len(answer) else shown
        if shown is not answer:
            edge.note(self, call)
        return shown

    def _hides(self, row: object, call: Call, edge: Edge) -> bool:
        match row:
            case TradeRow():
                order: object = edge.exchange.order(row.account_id, row.order_id)
            case Step():
                order = edge.exchange.order(call.account_id, call.key)
            case _:
                order = row
        if not isinstance(order, OrderRow):
            return False
        is_new = call.at < order.placed_at + self.hidden_for
        return is_new and edge.strikes(self, order.order_id, self.per_mille)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyBookIsError:
    """An empty order or trade book is answered with an error (Kotak: Not_Ok, 5203, "No Data"); always."""

    name: str = "empty_book_is_error"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        answer = ask()
        if call.name not in ("order_book", "trades") or answer:
            return answer
        edge.note(self, call)
        raise ErrorAnswer(_NO_DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedThenRejected:
    """A placement is acknowledged and the order is rejected in the same moment, with any broker's words in `text`."""

    per_mille: int
    text: str = "Order rejected by the risk management system."
    raw: str = "RMS:Blocked for entity account"
    name: str = "accepted_then_rejected"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        answer = ask()
        if not isinstance(answer, Placed) or not edge.happens(self, call, self.per_mille):
            return answer
        if edge.exchange.levers.reject_standing(answer.order_id, Rejection(text=self.text, raw=self.raw)):
            edge.note(self, call, answer.order_id)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class FillsAfterCancel:
    """An order that was cancelled by its owner gets one more trade once `delay` is over, seen with the next call.

    `per_mille` of the cancelled orders are struck; the trade is for one to `quantity_max` shares.
    """

    per_mille: int
    delay: timedelta
    quantity_max: int = 10
    name: str = "fills_after_cancel"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        for row in edge.exchange.order_book(call.account_id) if call.account_id else ():
            if self._is_due(row, call, edge):
                quantity = 1 + edge.number_below(self.quantity_max, self, row.order_id)
                if edge.exchange.levers.fill_after_cancel(row.order_id, quantity):
                    edge.note(self, call, row.order_id)
        return ask()

    def _is_due(self, row: OrderRow, call: Call, edge: Edge) -> bool:
        # The late trade adds a step without this text, so that an order is struck once.
        return (
            row.status is Status.CANCELLED
            and row.status_text == words.CANCELLED_BY_USER
            and call.at >= row.updated_at + self.delay
            and edge.strikes(self, row.order_id, self.per_mille)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateTagRefused:
    """A second order with a tag that is in the book is refused (Kotak 5204); always."""

    name: str = "duplicate_tag_refused"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        if call.name != "place" or not call.key:
            return ask()
        if all(row.tag != call.key for row in edge.exchange.order_book(call.account_id)):
            return ask()
        edge.note(self, call)
        return _DUPLICATE


def _as_of(row: object, cutoff: datetime) -> object:
    match row:
        case OrderRow():
            return as_of(row, cutoff)
        case TradeRow():
            return row if row.traded_at <= cutoff else None
        case Step():
            return row if row.at <= cutoff else None
        case _:
            return row
