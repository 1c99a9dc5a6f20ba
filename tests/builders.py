"""Values for the tests, each builder naming only what matters there: orders, what a broker shows, and the instants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Ticket, broker_word
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    BrokerOrderId,
    Coid,
    DecisionId,
    EntryType,
    Fill,
    Order,
    OrderId,
    OrderIntent,
    OrderStatus,
    OrderType,
    PositionId,
    Product,
    Side,
    Source,
    Validity,
    Variety,
)
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Level, Quote
from tradebot.domain.signals import Signal

MONDAY = date(2026, 11, 16)
"""An ordinary week begins: no holiday until the Tuesday of the next one."""

NOON = datetime(2026, 11, 16, 6, 30, tzinfo=UTC)
"""12:00 IST on that Monday, in the session."""

EVENING = datetime(2026, 11, 16, 10, 35, tzinfo=UTC)
"""16:05 IST on that Monday, when after-market orders are placed for Tuesday."""

ACCOUNT = "primary"
SYMBOL = "INFY"
BROKER_ORDER_ID = BrokerOrderId("251116000000001")


def later(minutes: float = 0, seconds: float = 0, since: datetime = NOON) -> datetime:
    return since + timedelta(minutes=minutes, seconds=seconds)


def an_intent(**changes: Any) -> OrderIntent:
    """A buy of ten at Rs 1,000 by a strategy's decision, for Monday's session."""
    intent = OrderIntent(
        account_id=ACCOUNT,
        user_id="owner",
        decision_id=DecisionId("signal-1"),
        symbol=SYMBOL,
        side=Side.BUY,
        quantity=10,
        price=Decimal("1000.00"),
        variety=Variety.REGULAR,
        source=Source.STRATEGY,
        entry_type=EntryType.INITIAL,
        trading_day=MONDAY,
        correlation_id="signal:signal-1",
    )
    return replace(intent, **changes)


def an_order(**changes: Any) -> Order:
    """A buy of ten at Rs 1,000, recorded and not yet accepted."""
    order = Order(
        id=OrderId("7"),
        user_id="owner",
        account_id=ACCOUNT,
        symbol=SYMBOL,
        exchange="NSE",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        product=Product.CNC,
        validity=Validity.DAY,
        variety=Variety.REGULAR,
        quantity=10,
        price=Decimal("1000.00"),
        trigger_price=None,
        status=OrderStatus.PENDING,
        reason="Order placed - waiting for execution",
        coid=derive(IntentKey(ACCOUNT, DecisionId("signal-1"), 0, changes.get("side", Side.BUY)), 1),
        orig_source=Source.STRATEGY,
        entry_type=EntryType.INITIAL,
        created_at=NOON,
        updated_at=NOON,
        decision_id=DecisionId("signal-1"),
        leg=0,
        correlation_id="signal:signal-1",
        trading_day=MONDAY,
    )
    return replace(order, **changes)


def an_attempt(order: Order | None = None, **changes: Any) -> Attempt:
    """The first attempt of the order, pending and without a number at the broker."""
    order = order or an_order()
    attempt = Attempt(
        coid=order.coid,
        number=1,
        order_id=order.id,
        account_id=order.account_id,
        decision_id=order.decision_id,
        leg=order.leg,
        side=order.side,
        symbol=order.symbol,
        variety=order.variety,
        quantity=order.quantity,
        price=order.price,
        status=AttemptStatus.PENDING,
        trading_day=order.trading_day,
        created_at=order.created_at,
        updated_at=order.updated_at,
    )
    return replace(attempt, **changes)


def a_broker_order(order: Order | None = None, *, status: str = "OPEN", **changes: Any) -> BrokerOrder:
    """The order as a row of the broker's book; the word follows from the status."""
    order = order or an_order()
    assert order.price is not None
    row = BrokerOrder(
        broker_order_id=BROKER_ORDER_ID,
        tag=order.coid,
        symbol=order.symbol,
        exchange=order.exchange,
        side=order.side,
        order_type=order.order_type,
        product=order.product,
        variety=order.variety,
        quantity=order.quantity,
        price=order.price,
        trigger_price=None,
        filled_quantity=0,
        average_price=None,
        status=status,
        word=broker_word(status),
        status_text="",
        placed_at=NOON,
        updated_at=NOON,
    )
    return replace(row, **changes)


def a_row_of(ticket: Ticket, number: BrokerOrderId, *, status: str = "OPEN", at: datetime = NOON) -> BrokerOrder:
    """What the broker's book shows of an order that was just taken."""
    return BrokerOrder(
        broker_order_id=number,
        tag=ticket.tag,
        symbol=ticket.symbol,
        exchange=ticket.exchange,
        side=ticket.side,
        order_type=ticket.order_type,
        product=ticket.product,
        variety=ticket.variety,
        quantity=ticket.quantity,
        price=ticket.price,
        trigger_price=ticket.trigger_price,
        filled_quantity=0,
        average_price=None,
        status=status,
        word=broker_word(status),
        status_text="",
        placed_at=at,
        updated_at=at,
    )


def a_ticket(**changes: Any) -> Ticket:
    """A buy of ten at Rs 1,000 that takes on risk."""
    ticket = Ticket(
        tag=Coid("A1"),
        symbol=SYMBOL,
        exchange="NSE",
        side=Side.BUY,
        quantity=10,
        order_type=OrderType.LIMIT,
        price=Decimal(1000),
        trigger_price=None,
        product=Product.CNC,
        validity=Validity.DAY,
        variety=Variety.REGULAR,
    )
    return replace(ticket, **changes)


def a_trade(number: int = 1, quantity: int = 10, price: str = "1000", **changes: Any) -> BrokerTrade:
    """An execution of the broker's order; trades with higher numbers come later."""
    trade = BrokerTrade(
        broker_order_id=BROKER_ORDER_ID,
        trade_id=f"T{number}",
        symbol=SYMBOL,
        side=Side.BUY,
        quantity=quantity,
        price=Decimal(price),
        traded_at=later(seconds=number),
    )
    return replace(trade, **changes)


def a_fill(order: Order | None = None, **changes: Any) -> Fill:
    """A fill of the whole order at Rs 1,000."""
    order = order or an_order()
    fill = Fill(
        account_id=order.account_id,
        broker_order_id=BROKER_ORDER_ID,
        trade_id="T1",
        order_id=order.id,
        coid=order.coid,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        price=Decimal(1000),
        traded_at=later(seconds=1),
        booked_at=later(seconds=2),
    )
    return replace(fill, **changes)


def a_position(**changes: Any) -> Position:
    """Ten shares bought at Rs 1,000 at noon, for delivery."""
    quantity = changes.get("quantity", 10)
    position = Position(
        id=PositionId("P1"),
        account_id=ACCOUNT,
        user_id="owner",
        symbol=SYMBOL,
        exchange="NSE",
        product=Product.CNC,
        opened_by=an_order().coid,
        quantity=quantity,
        cost=Decimal(1000) * quantity,
        bought_quantity=quantity,
        peak_price=Decimal(1000),
        first_fill_at=NOON,
        updated_at=NOON,
    )
    return replace(position, **changes)


def a_quote(bid: str = "999.50", ask: str = "1000.00", **changes: Any) -> Quote:
    """A deep book of one level on each side; the last trade was at the bid."""
    quote = Quote(
        symbol=SYMBOL,
        at=NOON,
        last_price=Decimal(bid),
        volume=100_000,
        day_high=Decimal(ask),
        day_low=Decimal(bid),
        previous_close=Decimal(1000),
        bids=(a_level(bid, 10_000),),
        asks=(a_level(ask, 10_000),),
    )
    return replace(quote, **changes)


def a_level(price: str, quantity: int) -> Level:
    return Level(price=Decimal(price), quantity=quantity)


def some_terms(symbol: str = SYMBOL, **changes: Any) -> InstrumentTerms:
    """Ticks of five paise, a band of 20 % around Rs 1,000."""
    terms = InstrumentTerms(
        symbol=symbol,
        exchange="NSE",
        day=MONDAY,
        tick_size=Decimal("0.05"),
        lot_size=1,
        lower_limit=Decimal(800),
        upper_limit=Decimal(1200),
        freeze_quantity=100_000,
        previous_close=Decimal(1000),
    )
    return replace(terms, **changes)


def a_signal(number: int = 1, symbol: str = SYMBOL, **changes: Any) -> Signal:
    """A buy of ten at Rs 1,000, for Monday."""
    signal = Signal(
        id=f"signal-{number}",
        strategy="test",
        symbol=symbol,
        side=Side.BUY,
        trading_day=MONDAY,
        quantity=10,
        limit_price=Decimal("1000.00"),
        reference_close=Decimal(1000),
    )
    return replace(signal, **changes)
