"""The last look at an order before it leaves: what the broker would refuse by the day's instruments is not sent."""

from __future__ import annotations

from tradebot.domain.broker_views import Ticket
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.market_rules import on_tick
from tradebot.domain.orders import OrderType, Side

LOCAL = "not sent"
"""The code of a refusal that is our own."""

_TAKEN = frozenset({OrderType.LIMIT, OrderType.SL})


def admit(ticket: Ticket, terms: InstrumentTerms | None, *, tag_length_max: int) -> None:
    """Raises BrokerRejected with LOCAL. Without terms of the day only what is wrong on any day is looked at."""
    for problem in (_of_form(ticket, tag_length_max), _of_terms(ticket, terms) if terms is not None else None):
        if problem is not None:
            raise BrokerRejected(problem, code=LOCAL)


def _of_form(ticket: Ticket, tag_length_max: int) -> str | None:
    if ticket.order_type not in _TAKEN:
        return f"{ticket.order_type}: programs send limit and stop-limit orders only"
    if not (ticket.tag.isascii() and ticket.tag.isalnum() and len(ticket.tag) <= tag_length_max):
        return f"the tag {ticket.tag!r} is not 1 to {tag_length_max} letters and digits"
    if ticket.quantity <= 0 or ticket.price <= 0:
        return f"{ticket.quantity} at {ticket.price}: quantity and price must be positive"
    if ticket.order_type is OrderType.SL:
        return _of_trigger(ticket)
    return None


def _of_trigger(ticket: Ticket) -> str | None:
    if ticket.trigger_price is None or ticket.trigger_price <= 0:
        return "a stop order needs a trigger price"
    is_buy = ticket.side is Side.BUY
    if ticket.price < ticket.trigger_price if is_buy else ticket.price > ticket.trigger_price:
        return f"the limit {ticket.price} lies on the wrong side of the trigger {ticket.trigger_price}"
    return None


def _of_terms(ticket: Ticket, terms: InstrumentTerms) -> str | None:
    prices = [price for price in (ticket.price, ticket.trigger_price) if price is not None]
    for price in prices:
        if not on_tick(price, terms.tick_size):
            return f"{price} is no multiple of the tick {terms.tick_size}"
        if not terms.lower_limit <= price <= terms.upper_limit:
            return f"{price} is outside of the price band {terms.lower_limit} to {terms.upper_limit}"
    if ticket.quantity > terms.freeze_quantity:
        return f"{ticket.quantity} is more than the freeze quantity {terms.freeze_quantity}"
    if ticket.quantity % terms.lot_size:
        return f"{ticket.quantity} is no multiple of the lot {terms.lot_size}"
    return None
