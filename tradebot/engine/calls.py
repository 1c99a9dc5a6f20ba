"""What goes out: calls as values, and the one function that carries one out and turns its end into a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tradebot.domain.broker_views import BrokerOrder, Ticket
from tradebot.domain.errors import (
    BrokerRejected,
    BrokerUnavailable,
    KillSwitchLatched,
    MoreThanEntered,
    OutcomeUnknown,
    RateLimited,
    SessionExpired,
)
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import BrokerOrderId, Coid, Order, PositionId, Variety
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Quote
from tradebot.domain.refusals import RefusalClass, refusal_class
from tradebot.domain.retry import VOLUME_DAYS
from tradebot.domain.signals import Signal
from tradebot.engine.messages import (
    BookSeen,
    CallFailed,
    CallOutcome,
    JobDue,
    MarketSeen,
    Message,
    OrderSeen,
    RequestAnswered,
    RetryReady,
    SellsReady,
    SignalsReady,
)
from tradebot.ports import Broker, Clock, History, KnowsIndicators, MarketData, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    request_id: str
    ticket: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Modify:
    request_id: str
    broker_order_id: BrokerOrderId
    variety: Variety
    quantity: int
    price: Decimal
    adds: Decimal | None = None
    """Rupees that an entry takes on more; None where none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    request_id: str
    broker_order_id: BrokerOrderId
    variety: Variety


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtBook:
    """`booked` says how much of each broker order is booked: trades are fetched only when there are more.
    `quoted` are the symbols of open positions, for which quotes and holdings are fetched; `unknown_terms` those of
    them whose terms of the day are not known yet. `asked` is the engine's count of hand-overs and landings.
    `correlation_id` is that of a command which is answered by the look."""

    purpose: str
    booked: Mapping[BrokerOrderId, int]
    quoted: tuple[str, ...] = ()
    unknown_terms: tuple[str, ...] = ()
    asked: int = 0
    job: JobDue | None = None
    correlation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtOrder:
    coid: Coid
    broker_order_id: BrokerOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSignals:
    job: JobDue
    trading_day: date
    variety: Variety
    held: tuple[Position, ...]
    further_looks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareSells:
    job: JobDue
    trading_day: date
    held: tuple[Position, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtMarket:
    """Terms, quotes and funds for the submissions `names`, which wait for them; the quotes once more for each of the
    `further_looks`."""

    symbols: tuple[str, ...]
    names: tuple[str, ...]
    further_looks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRetry:
    """Everything that failed orders are judged by before they are tried again, for a run (`job`) or for the command
    `correlation_id`."""

    job: JobDue | None
    correlation_id: str
    trading_day: date
    variety: Variety
    orders: tuple[Order, ...]


Mutation = Place | Modify | Cancel
Question = LookAtBook | LookAtOrder | LookAtMarket | MakeSignals | PrepareSells | PrepareRetry
Call = Mutation | Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Everything that calls reach."""

    broker: Broker
    market_data: MarketData
    history: History
    strategies: Sequence[Strategy]
    clock: Clock


def perform(call: Call, outside: Outside) -> Message:
    """Carry one call out. Never raises: how a call ended is a message like any other."""
    match call:
        case Place() | Modify() | Cancel():
            return _mutate(call, outside.broker)
        case LookAtBook() | LookAtOrder() | LookAtMarket() | MakeSignals() | PrepareSells() | PrepareRetry():
            return _look(call, outside)


def not_performed(call: Call, cause: Exception) -> Message:
    """The end of a call that no lane took: certainly not carried out."""
    match call:
        case Place() | Modify() | Cancel():
            return _answered(call, CallOutcome.UNSENT, str(cause))
        case LookAtBook() | LookAtOrder() | LookAtMarket() | MakeSignals() | PrepareSells() | PrepareRetry():
            return _failed(call, cause)


def lane_of(call: Call, order: Order | None, *, is_by_symbol: bool) -> str:
    """The lane of a call: mutations of one symbol (or only those of one `order`) run one after the other, looks in a
    lane of their own."""
    match call:
        case Place() | Modify() | Cancel():
            assert order is not None
            return order.symbol if is_by_symbol else f"order {order.id}"
        case LookAtBook() | LookAtOrder():
            return "book"
        case LookAtMarket():
            return "market"
        case MakeSignals() | PrepareSells() | PrepareRetry():
            return "strategy"


def _mutate(call: Mutation, broker: Broker) -> RequestAnswered:
    try:
        broker_order_id = _send(call, broker)
    except BrokerRejected as refusal:
        is_there = isinstance(call, Place) and refusal_class(refusal.text) is RefusalClass.DUPLICATE
        return _answered(call, CallOutcome.DUPLICATE if is_there else CallOutcome.REFUSED, refusal.text)
    except KillSwitchLatched as latched:
        return _answered(call, CallOutcome.STOPPED, str(latched))
    except MoreThanEntered as beyond:
        return _answered(call, CallOutcome.BEYOND, str(beyond))
    except (BrokerUnavailable, RateLimited, SessionExpired) as cause:
        return _answered(call, CallOutcome.UNSENT, str(cause))
    except OutcomeUnknown as cause:
        return _answered(call, CallOutcome.UNKNOWN, str(cause))
    except Exception as fault:  # a defect of an adapter: it may have sent before it failed
        return _answered(call, CallOutcome.UNKNOWN, f"{type(fault).__name__}: {fault}")
    return RequestAnswered(request_id=call.request_id, outcome=CallOutcome.ACCEPTED, broker_order_id=broker_order_id)


def _send(call: Mutation, broker: Broker) -> BrokerOrderId:
    match call:
        case Place(ticket=ticket):
            return broker.place(ticket)
        case Modify():
            price, adds = call.price, call.adds
            broker.modify(call.broker_order_id, call.variety, quantity=call.quantity, price=price, adds=adds)
        case Cancel():
            broker.cancel(call.broker_order_id, call.variety)
    return call.broker_order_id


def _answered(call: Mutation, outcome: CallOutcome, text: str) -> RequestAnswered:
    return RequestAnswered(request_id=call.request_id, outcome=outcome, text=text)


def _look(call: Question, outside: Outside) -> Message:
    try:
        match call:
            case LookAtBook():
                return _book(call, outside)
            case LookAtOrder():
                return _order(call, outside.broker)
            case LookAtMarket():
                return _market(call, outside)
            case MakeSignals():
                return _signals(call, outside)
            case PrepareSells():
                return _sells(call, outside)
            case PrepareRetry():
                return _retry(call, outside)
    except Exception as cause:  # the broker's errors, a strategy's, or a defect: nothing is concluded from any
        return _failed(call, cause)


def _failed(call: Question, cause: Exception) -> CallFailed:
    return CallFailed(
        call=type(call).__name__,
        error=type(cause).__name__,
        text=str(cause),
        job=None if isinstance(call, LookAtOrder | LookAtMarket) else call.job,
        names=call.names if isinstance(call, LookAtMarket) else (),
        correlation_id=call.correlation_id if isinstance(call, PrepareRetry | LookAtBook) else "",
    )


def _book(call: LookAtBook, outside: Outside) -> BookSeen:
    asked_at = outside.clock.now()
    orders = tuple(outside.broker.order_book())
    trades = outside.broker.trades() if _has_news(orders, call.booked) else ()
    return BookSeen(
        asked_at=asked_at,
        asked=call.asked,
        purpose=call.purpose,
        orders=orders,
        trades=tuple(trades),
        quotes=outside.market_data.quotes(call.quoted) if call.quoted else {},
        terms=_terms(outside.broker, call.unknown_terms),
        holdings=tuple(outside.broker.holdings()) if call.quoted else (),
        job=call.job,
        correlation_id=call.correlation_id,
    )


def _has_news(orders: Sequence[BrokerOrder], booked: Mapping[BrokerOrderId, int]) -> bool:
    """An order without a tag is ours where it was linked: then it is among those that are booked."""
    return any(
        order.filled_quantity > booked.get(order.broker_order_id, 0)
        and (order.tag is not None or order.broker_order_id in booked)
        for order in orders
    )


def _order(call: LookAtOrder, broker: Broker) -> OrderSeen:
    order = broker.order(call.broker_order_id)
    trades = broker.order_trades(call.broker_order_id) if order and order.filled_quantity else ()
    return OrderSeen(coid=call.coid, order=order, trades=tuple(trades))


def _market(call: LookAtMarket, outside: Outside) -> MarketSeen:
    return MarketSeen(
        names=call.names,
        terms=_terms(outside.broker, call.symbols),
        funds=outside.broker.funds(),
        quotes=outside.market_data.quotes(call.symbols),
        further=_further(outside.market_data, call.symbols, call.further_looks),
    )


def _signals(call: MakeSignals, outside: Outside) -> SignalsReady:
    signals, unusable = _ask_strategies(call, outside)
    symbols = sorted({signal.symbol for signal in signals})
    needs_quotes = call.variety is Variety.REGULAR and bool(symbols)
    return SignalsReady(
        job=call.job,
        trading_day=call.trading_day,
        variety=call.variety,
        signals=signals,
        terms=_terms(outside.broker, symbols),
        funds=outside.broker.funds(),
        quotes=outside.market_data.quotes(symbols) if needs_quotes else {},
        halted=outside.history.halted(call.trading_day),
        unusable=unusable,
        further=_further(outside.market_data, symbols, call.further_looks) if needs_quotes else (),
    )


def _further(market_data: MarketData, symbols: Sequence[str], looks: int) -> tuple[Mapping[str, Quote], ...]:
    return tuple(market_data.quotes(symbols) for _ in range(looks))


def _ask_strategies(call: MakeSignals, outside: Outside) -> tuple[tuple[Signal, ...], Mapping[str, str]]:
    """The signals of every strategy; one that fails gives none, and does not keep the others from trading."""
    signals: list[Signal] = []
    unusable: dict[str, str] = {}
    for strategy in outside.strategies:
        try:
            signals += strategy.signals(call.trading_day, outside.history, call.held)
        except Exception as cause:  # the operator's own code may raise anything
            unusable[strategy.name] = f"{type(cause).__name__}: {cause}"
    return tuple(signals), unusable


def _sells(call: PrepareSells, outside: Outside) -> SellsReady:
    targets, unusable = _ask_for_targets(call, outside)
    symbols = sorted({position.symbol for position in call.held})
    return SellsReady(
        job=call.job,
        targets=targets,
        terms=_terms(outside.broker, symbols),
        holdings=tuple(outside.broker.holdings()) if symbols else (),
        unusable=unusable,
    )


def _ask_for_targets(call: PrepareSells, outside: Outside) -> tuple[Mapping[PositionId, Decimal], Mapping[str, str]]:
    """The targets of the day; a strategy that fails gives none, and keeps no other position from being sold."""
    by_name = {strategy.name: strategy for strategy in outside.strategies}
    targets: dict[PositionId, Decimal] = {}
    unusable: dict[str, str] = {}
    for position in call.held:
        strategy = by_name.get(position.metadata.get("strategy", ""))
        if strategy is None:
            continue
        try:
            target = strategy.target(position, call.trading_day, outside.history)
        except Exception as cause:  # the operator's own code may raise anything
            unusable[strategy.name] = f"{type(cause).__name__}: {cause}"
            continue
        if target is not None:
            targets[position.id] = target
    return targets, unusable


def _retry(call: PrepareRetry, outside: Outside) -> RetryReady:
    symbols = sorted({order.symbol for order in call.orders})
    bars = {symbol: outside.history.bars(symbol, call.trading_day, VOLUME_DAYS) for symbol in symbols}
    by_name = {strategy.name: strategy for strategy in outside.strategies}
    return RetryReady(
        job=call.job,
        correlation_id=call.correlation_id,
        order_ids=tuple(order.id for order in call.orders),
        trading_day=call.trading_day,
        variety=call.variety,
        terms=_terms(outside.broker, symbols),
        funds=outside.broker.funds(),
        quotes=outside.market_data.quotes(symbols) if call.variety is Variety.REGULAR else {},
        halted=outside.history.halted(call.trading_day),
        holdings=tuple(outside.broker.holdings()),
        book=tuple(outside.broker.order_book()),
        closes={symbol: found[-1].close for symbol, found in bars.items() if found},
        volumes={
            symbol: Decimal(sum(bar.volume for bar in found)) / len(found) for symbol, found in bars.items() if found
        },
        ready=frozenset(order.id for order in call.orders if _has_indicators(order, call, by_name, outside.history)),
    )


def _has_indicators(order: Order, call: PrepareRetry, by_name: Mapping[str, Strategy], history: History) -> bool:
    """A strategy that does not say what it needs is content with a last close."""
    strategy: object = by_name.get(order.metadata.get("strategy", ""))
    if isinstance(strategy, KnowsIndicators):
        return strategy.has_indicators(order.symbol, call.trading_day, history)
    return bool(history.bars(order.symbol, call.trading_day, 1))


def _terms(broker: Broker, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
    return broker.terms(symbols) if symbols else {}
