"""Ready fault dials for what becomes of an order at the broker, each from a real complaint.

`per_mille` of the orders (of the calls, where that is said) are struck.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from tradebot.domain.orders import Side, Variety
from tradebot.exchange import words
from tradebot.exchange.commands import Accepted, ErrorType, Refused
from tradebot.exchange.edge import Ask, Call, Edge
from tradebot.exchange.front_office import order_error
from tradebot.exchange.rows import OrderRow, Status, Step, TradeRow

BAD_INPUT = "Cancel Order Response : Bad Input"
BAD_INPUT_CODE = "5204"


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckInterim:
    """An order is shown as PUT ORDER REQ RECEIVED, without trades, for `stuck_for` after it was placed, and takes no
    change meanwhile (kite forum, comment 41029). A rejected or cancelled one is stuck as well."""

    per_mille: int
    stuck_for: timedelta = timedelta(seconds=90)
    name: str = "stuck_interim"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        if call.name in ("modify", "cancel"):
            row = edge.exchange.order(call.account_id, call.key)
            if row is not None and self._is_stuck(row, call, edge):
                edge.note(self, call)
                return order_error(words.BEING_PROCESSED)
        answer = ask()
        shown = self._shown(answer, call, edge)
        if shown is not answer:
            edge.note(self, call)
        return shown

    def _shown(self, answer: object, call: Call, edge: Edge) -> object:
        if isinstance(answer, OrderRow):
            return self._seen(answer, call, edge)
        if not isinstance(answer, list | tuple):
            return answer
        rows = [seen for row in answer if (seen := self._seen(row, call, edge)) is not None]
        return answer if rows == list(answer) else rows

    def _seen(self, row: object, call: Call, edge: Edge) -> object:
        """The row as it is shown; None for one that is not."""
        match row:
            case OrderRow():
                return _as_received(row) if self._is_stuck(row, call, edge) else row
            case TradeRow():
                return None if self._is_stuck_id(row.order_id, call, edge) else row
            case Step() if row.status is not Status.PUT_ORDER_REQ_RECEIVED:
                return None if self._is_stuck_id(call.key, call, edge) else row
            case _:
                return row

    def _is_stuck_id(self, order_id: str, call: Call, edge: Edge) -> bool:
        row = edge.exchange.order(call.account_id, order_id)
        return row is not None and self._is_stuck(row, call, edge)

    def _is_stuck(self, row: OrderRow, call: Call, edge: Edge) -> bool:
        is_new = call.at < row.placed_at + self.stuck_for
        return is_new and not row.is_parked and edge.strikes(self, row.order_id, self.per_mille)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopsCancelled:
    """A stop order that waits is cancelled by the exchange once `delay` is over, seen with the next call.

    At 15:15 all of them are where a closing auction follows (SEBI's circular), which the exchange does by itself.
    """

    per_mille: int
    delay: timedelta = timedelta(0)
    name: str = "stops_cancelled"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        for row in edge.exchange.order_book(call.account_id) if call.account_id else ():
            is_due = row.status is Status.TRIGGER_PENDING and call.at >= row.updated_at + self.delay
            if is_due and edge.strikes(self, row.order_id, self.per_mille):
                edge.exchange.levers.cancel_standing(row.order_id, words.CANCELLED_STOP)
                edge.note(self, call, row.order_id)
        return ask()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyNotTaken:
    """A modification is taken in and not carried out: the order goes on at the old price (kite forum 3799)."""

    per_mille: int
    name: str = "modify_not_taken"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        if call.name != "modify" or not edge.happens(self, call, self.per_mille):
            return ask()
        if not edge.exchange.levers.refuse_modification(call.key):
            return ask()
        edge.note(self, call)
        return Accepted(order_id=call.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmoCancelOtherVariety:
    """An after-market order that waits is cancelled as a regular one only: with its own variety the call ends as a
    time-out (kite forum, comment 40302; kotak-neo-api, issue 123); always."""

    name: str = "amo_cancel_other_variety"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        row = edge.exchange.order(call.account_id, call.key) if call.name == "cancel" else None
        if row is None or not row.is_parked:
            return ask()
        edge.note(self, call)
        if call.variety is Variety.REGULAR:
            return edge.exchange.cancel(call.account_id, call.key, Variety.AMO)
        return Refused(http_status=503, error_type=ErrorType.NETWORK, text=BAD_INPUT, code=BAD_INPUT_CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceZeroFilled:
    """A limit order without a price is taken at a substitute, the worst price of the day's band (kotak-neo-python,
    place_order.md); always."""

    name: str = "price_zero_filled"

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        command = call.command
        if command is None or command.price != 0:
            return ask()
        terms = edge.exchange.terms(command.symbol).get(command.symbol)
        if terms is None:
            return ask()
        edge.note(self, call)
        substitute = terms.upper_limit if command.side is Side.BUY else terms.lower_limit
        return edge.exchange.place(call.account_id, replace(command, price=substitute))


def _as_received(row: OrderRow) -> OrderRow:
    """The order as it is shown while its validation hangs."""
    return replace(
        row,
        status=Status.PUT_ORDER_REQ_RECEIVED,
        status_text="",
        status_text_raw="",
        exchange_order_id=None,
        filled_quantity=0,
        filled_value=row.filled_value * 0,
        updated_at=row.placed_at,
        steps=row.steps[:1],
    )
