"""The paper broker: one account at the simulated exchange behind the Broker port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket, broker_word
from tradebot.domain.errors import (
    BrokerError,
    BrokerRejected,
    BrokerUnavailable,
    OutcomeUnknown,
    RateLimited,
    SessionExpired,
)
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import BrokerOrderId, Coid, Variety
from tradebot.exchange.commands import Accepted, ErrorType, PlaceCommand, Placed, Refused
from tradebot.exchange.edge import AnswerLost, EdgeFault, ErrorAnswer, NotReached
from tradebot.exchange.face import Face
from tradebot.exchange.rows import HoldingRow, MarginsRow, OrderRow, TradeRow
from tradebot.ports import Capabilities

_TAG_LENGTH_MAX = 20
_TOO_MANY_REQUESTS = 429
_OUTCOME_OPEN = frozenset({ErrorType.NETWORK, ErrorType.DATA, ErrorType.GENERAL})

Answer = TypeVar("Answer")


class PaperBroker:
    """The account `account_id` at the exchange or at the edge in front of it.

    `lock` is held during each call. Whoever shares the exchange (another account's broker, the quotes, the part that
    advances it) is given the same lock; a broker that is alone makes its own.
    """

    def __init__(self, face: Face, account_id: str, lock: AbstractContextManager[object] | None = None) -> None:
        self._face = face
        self._account_id = account_id
        self._lock = lock if lock is not None else threading.RLock()
        self._orders: dict[str, tuple[OrderRow, BrokerOrder]] = {}
        self._trades: dict[tuple[str, str], tuple[TradeRow, BrokerTrade]] = {}

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="paper",
            absence_is_proof=True,
            visibility_delay=timedelta(0),
            tag_length_max=_TAG_LENGTH_MAX,
            refuses_duplicate_tag=self._face.refuses_duplicate_tag,
        )

    def place(self, ticket: Ticket) -> BrokerOrderId:
        command = _command(ticket)
        answer = self._send(lambda: self._face.place(self._account_id, command))
        return BrokerOrderId(answer.order_id)

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,  # noqa: ARG002 - this one looks at no kill switch
    ) -> None:
        self._send(
            lambda: self._face.modify(self._account_id, broker_order_id, variety, quantity=quantity, price=price)
        )

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        self._send(lambda: self._face.cancel(self._account_id, broker_order_id, variety))

    def order_book(self) -> Sequence[BrokerOrder]:
        rows = self._ask(lambda: self._face.order_book(self._account_id))
        before = self._orders
        # The exchange's rows are values: one that is still the same object needs no new translation.
        self._orders = {
            row.order_id: known if (known := before.get(row.order_id)) and known[0] is row else (row, translate(row))
            for row in rows
        }
        return [order for _, order in self._orders.values()]

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        row = self._ask(lambda: self._face.order(self._account_id, broker_order_id))
        return translate(row) if row else None

    def trades(self) -> Sequence[BrokerTrade]:
        rows = self._ask(lambda: self._face.trades(self._account_id))
        before = self._trades
        self._trades = {
            (key := (row.order_id, row.trade_id)): (
                known if (known := before.get(key)) and known[0] is row else (row, _trade(row))
            )
            for row in rows
        }
        return [trade for _, trade in self._trades.values()]

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        rows = self._ask(lambda: self._face.order_trades(self._account_id, broker_order_id))
        return [_trade(row) for row in rows]

    def holdings(self) -> Sequence[Holding]:
        return [_holding(row) for row in self._ask(lambda: self._face.holdings(self._account_id))]

    def funds(self) -> Funds:
        return _funds(self._ask(lambda: self._face.margins(self._account_id)))

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        known = self._ask(lambda: self._face.terms())
        return {symbol: known[symbol] for symbol in symbols if symbol in known}

    def _send(self, call: Callable[[], Placed | Accepted | Refused]) -> Placed | Accepted:
        """A command: what was lost on the way may have been carried out."""
        try:
            with self._lock:
                answer = call()
        except NotReached as e:
            raise BrokerUnavailable(str(e)) from e
        except AnswerLost as e:
            raise OutcomeUnknown(str(e)) from e
        except ErrorAnswer as e:
            raise _error(e.refused) from e
        if isinstance(answer, Refused):
            raise _error(answer)
        return answer

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """A question: whatever went wrong, nothing was changed by it."""
        try:
            with self._lock:
                return call()
        except ErrorAnswer as e:
            error = _error(e.refused)
            raise BrokerUnavailable(str(error)) if isinstance(error, OutcomeUnknown) else error from e
        except EdgeFault as e:
            raise BrokerUnavailable(str(e)) from e


def translate(row: OrderRow) -> BrokerOrder:
    """A row of the exchange's order book in our words; the only place that reads the broker's status."""
    return BrokerOrder(
        broker_order_id=BrokerOrderId(row.order_id),
        tag=Coid(row.tag) if row.tag is not None else None,
        symbol=row.symbol,
        exchange=row.exchange,
        side=row.side,
        order_type=row.order_type,
        product=row.product,
        variety=row.variety,
        quantity=row.quantity,
        price=row.price,
        trigger_price=row.trigger_price,
        filled_quantity=row.filled_quantity,
        average_price=row.average_price,
        status=row.status.value,
        word=broker_word(row.status),
        status_text=row.status_text,
        placed_at=row.placed_at,
        updated_at=row.updated_at,
    )


def _command(ticket: Ticket) -> PlaceCommand:
    return PlaceCommand(
        symbol=ticket.symbol,
        exchange=ticket.exchange,
        side=ticket.side,
        quantity=ticket.quantity,
        order_type=ticket.order_type,
        price=ticket.price,
        trigger_price=ticket.trigger_price,
        product=ticket.product,
        validity=ticket.validity,
        variety=ticket.variety,
        disclosed_quantity=ticket.disclosed_quantity,
        tag=ticket.tag,
    )


def _trade(row: TradeRow) -> BrokerTrade:
    return BrokerTrade(
        broker_order_id=BrokerOrderId(row.order_id),
        trade_id=row.trade_id,
        symbol=row.symbol,
        side=row.side,
        quantity=row.quantity,
        price=row.price,
        traded_at=row.traded_at,
    )


def _holding(row: HoldingRow) -> Holding:
    return Holding(
        symbol=row.symbol,
        exchange=row.exchange,
        settled_quantity=row.settled_quantity,
        t1_quantity=row.t1_quantity,
        today_quantity=row.today_quantity,
        sellable_quantity=row.sellable_quantity,
        average_price=row.average_price,
    )


def _funds(row: MarginsRow) -> Funds:
    return Funds(cash=row.cash, blocked=row.blocked)


def _error(refused: Refused) -> BrokerError:
    """What an error answer means for the caller (the classes of Kite Connect's exceptions page)."""
    if refused.http_status == _TOO_MANY_REQUESTS:
        return RateLimited(refused.text)
    if refused.error_type is ErrorType.TOKEN:
        return SessionExpired(refused.text)
    if refused.error_type in _OUTCOME_OPEN:
        return OutcomeUnknown(refused.text)
    return BrokerRejected(refused.text, code=refused.code)
