"""One account at Kite behind the Broker port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from tradebot.adapters.brokers.admission import admit
from tradebot.adapters.brokers.caller import Caller
from tradebot.adapters.brokers.kite import translate
from tradebot.adapters.brokers.kite.api import KiteApi
from tradebot.adapters.brokers.kite.market import KiteMarket
from tradebot.adapters.brokers.kite.translate import ORDER_TYPES, PRODUCTS, SIDES, VALIDITIES, VARIETIES
from tradebot.adapters.brokers.same_rows import SameRows
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import BrokerOrderId, OrderType, Variety
from tradebot.domain.refusals import RefusalClass, refusal_class
from tradebot.ports import Capabilities

TAG_LENGTH_MAX = 20
VISIBILITY_DELAY = timedelta(seconds=120)
"""An order was seen to stay in PUT ORDER REQ RECEIVED for a minute and a half."""


class KiteBroker:
    """There is no idempotency key and no look-up by tag: an order that is not in the book proves nothing."""

    def __init__(self, api: KiteApi, caller: Caller, market: KiteMarket) -> None:
        self._api = api
        self._caller = caller
        self._market = market
        self._rows = SameRows("order_id", translate.orders)
        self._trades = SameRows("trade_id", translate.trades)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="kite",
            absence_is_proof=False,
            visibility_delay=VISIBILITY_DELAY,
            tag_length_max=TAG_LENGTH_MAX,
            refuses_duplicate_tag=False,
        )

    def place(self, ticket: Ticket) -> BrokerOrderId:
        admit(ticket, self._market.known_terms(ticket.symbol), tag_length_max=TAG_LENGTH_MAX)
        path, form = f"/orders/{VARIETIES[ticket.variety]}", _form(ticket)
        data = self._caller.order(lambda: self._api.data("POST", path, form=form), is_entry=ticket.is_entry)
        return BrokerOrderId(str(data["order_id"]))

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        """What is not named stays as it is: type, trigger and validity."""
        path = f"/orders/{VARIETIES[variety]}/{broker_order_id}"
        form = {"quantity": str(quantity), "price": str(price)}
        self._caller.order(lambda: self._api.data("PUT", path, form=form), is_entry=adds is not None)

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        path = f"/orders/{VARIETIES[variety]}/{broker_order_id}"
        self._caller.order(lambda: self._api.data("DELETE", path), is_urgent=True)

    def order_book(self) -> Sequence[BrokerOrder]:
        return self._caller.ask(lambda: self._rows.of(self._api.data("GET", "/orders")))

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        """The last row of its history, of today alone."""
        try:
            return self._caller.ask(lambda: translate.order(self._api.data("GET", f"/orders/{broker_order_id}")[-1]))
        except BrokerRejected as refusal:
            if refusal_class(refusal.text) is RefusalClass.NOT_FOUND:
                return None
            raise

    def trades(self) -> Sequence[BrokerTrade]:
        return self._caller.ask(lambda: self._trades.of(self._api.data("GET", "/trades")))

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        path = f"/orders/{broker_order_id}/trades"
        return self._caller.ask(lambda: translate.trades(self._api.data("GET", path)))

    def holdings(self) -> Sequence[Holding]:
        """The book is read last: a sell that goes out meanwhile makes less sellable, never more."""
        return self._caller.ask(self._holdings)

    def funds(self) -> Funds:
        return self._caller.ask(lambda: translate.funds(self._api.data("GET", "/user/margins")["equity"]))

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        return self._caller.ask(lambda: self._market.terms(symbols))

    def _holdings(self) -> list[Holding]:
        held = self._api.data("GET", "/portfolio/holdings")
        positions = self._api.data("GET", "/portfolio/positions")["net"]
        return translate.holdings(held, positions, translate.orders(self._api.data("GET", "/orders")))


def _form(ticket: Ticket) -> dict[str, str]:
    form = {
        "exchange": ticket.exchange,
        "tradingsymbol": ticket.symbol,
        "transaction_type": SIDES[ticket.side],
        "quantity": str(ticket.quantity),
        "product": PRODUCTS[ticket.product],
        "order_type": ORDER_TYPES[ticket.order_type],
        "price": str(ticket.price),
        "validity": VALIDITIES[ticket.validity],
        "tag": ticket.tag,
    }
    if ticket.order_type is OrderType.SL:
        form["trigger_price"] = str(ticket.trigger_price)
    if ticket.disclosed_quantity:
        form["disclosed_quantity"] = str(ticket.disclosed_quantity)
    return form
