"""One account at Kotak Neo behind the Broker port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial

from tradebot.adapters.brokers.admission import admit
from tradebot.adapters.brokers.caller import Caller
from tradebot.adapters.brokers.kotak import translate
from tradebot.adapters.brokers.kotak.api import KotakApi
from tradebot.adapters.brokers.kotak.market import KotakMarket
from tradebot.adapters.brokers.kotak.translate import (
    ORDER_TYPES,
    PRODUCTS,
    SEGMENTS,
    SIDES,
    VALIDITIES,
    trading_symbol_of,
)
from tradebot.adapters.brokers.same_rows import SameRows
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket
from tradebot.domain.errors import BrokerRejected, BrokerUnavailable, OutcomeUnknown
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import BrokerOrderId, Variety
from tradebot.domain.refusals import RefusalClass, refusal_class
from tradebot.ports import Capabilities

TAG_LENGTH_MAX = 20
VISIBILITY_DELAY = timedelta(seconds=120)
_ALL = {"seg": "ALL", "exch": "ALL", "prod": "ALL"}
_AMO = {Variety.AMO: "YES", Variety.REGULAR: "NO"}


class KotakBroker:
    """A doubled tag was refused in 2024; nothing here counts on it."""

    def __init__(self, api: KotakApi, caller: Caller, market: KotakMarket) -> None:
        self._api = api
        self._caller = caller
        self._market = market
        self._rows = SameRows("nOrdNo", translate.orders)
        self._trades = SameRows("flId", translate.trades)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="kotak",
            absence_is_proof=False,
            visibility_delay=VISIBILITY_DELAY,
            tag_length_max=TAG_LENGTH_MAX,
            refuses_duplicate_tag=False,
        )

    def place(self, ticket: Ticket) -> BrokerOrderId:
        admit(ticket, self._market.known_terms(ticket.symbol), tag_length_max=TAG_LENGTH_MAX)
        fields = _fields(ticket)
        call = partial(self._api.send, "/quick/order/rule/ms/place", fields)
        answer = self._caller.order(call, is_entry=ticket.is_entry)
        if not answer.get("nOrdNo"):
            raise OutcomeUnknown("an answer without an order number")
        return BrokerOrderId(str(answer["nOrdNo"]))

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        """Every field is sent again: those that stay are read from the standing order first."""
        standing = self.order(broker_order_id)
        if standing is None:
            raise BrokerUnavailable(f"{broker_order_id} is not in the book: not changed")
        fields = {
            "no": broker_order_id,
            "es": SEGMENTS[standing.exchange],
            "ts": trading_symbol_of(standing.symbol, standing.exchange),
            "tt": SIDES[standing.side],
            "pc": PRODUCTS[standing.product],
            "pt": ORDER_TYPES[standing.order_type],
            "pr": _plain(price),
            "tp": _plain(standing.trigger_price or Decimal(0)),
            "qt": str(quantity),
            "vd": "DAY",
            "dq": "0",
            "mp": "0",
            "am": _AMO[variety],
            "os": "NEOTRADEAPI",
        }
        self._caller.order(lambda: self._api.send("/quick/order/vr/modify", fields), is_entry=adds is not None)

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        fields = {"on": broker_order_id, "am": _AMO[variety]}
        self._caller.order(lambda: self._api.send("/quick/order/cancel", fields), is_urgent=True)

    def order_book(self) -> Sequence[BrokerOrder]:
        return self._caller.ask(lambda: self._rows.of(self._api.rows("/quick/user/orders")))

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        try:
            rows = self._caller.ask(lambda: translate.orders(self._api.rows(f"/quick/user/orders/{broker_order_id}")))
        except BrokerRejected as refusal:
            if refusal_class(refusal.text) is RefusalClass.NOT_FOUND:
                return None
            raise
        return next((row for row in rows if row.broker_order_id == broker_order_id), None)

    def trades(self) -> Sequence[BrokerTrade]:
        return self._caller.ask(lambda: self._trades.of(self._api.rows("/quick/user/trades")))

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        return [trade for trade in self.trades() if trade.broker_order_id == broker_order_id]

    def holdings(self) -> Sequence[Holding]:
        """The book is read last: a sell that goes out meanwhile makes less sellable, never more."""
        return self._caller.ask(self._holdings)

    def funds(self) -> Funds:
        return self._caller.ask(lambda: translate.funds(self._api.send("/quick/user/limits", _ALL)))

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        return self._caller.ask(lambda: self._market.terms(symbols))

    def _holdings(self) -> list[Holding]:
        held = self._api.rows("/portfolio/v1/holdings")
        positions = self._api.rows("/portfolio/v2/positions")
        return translate.holdings(held, positions, translate.orders(self._api.rows("/quick/user/orders")))


def _fields(ticket: Ticket) -> dict[str, str]:
    return {
        "am": _AMO[ticket.variety],
        "dq": str(ticket.disclosed_quantity),
        "es": SEGMENTS[ticket.exchange],
        "mp": "0",
        "pc": PRODUCTS[ticket.product],
        "pf": "N",
        "pr": _plain(ticket.price),
        "pt": ORDER_TYPES[ticket.order_type],
        "qt": str(ticket.quantity),
        "rt": VALIDITIES[ticket.validity],
        "tp": _plain(ticket.trigger_price or Decimal(0)),
        "ts": trading_symbol_of(ticket.symbol, ticket.exchange),
        "tt": SIDES[ticket.side],
        "ig": ticket.tag,
        "os": "NEOTRADEAPI",
    }


def _plain(price: Decimal) -> str:
    """Zero must be "0": "0.0" is refused."""
    return f"{price:f}" if price else "0"
