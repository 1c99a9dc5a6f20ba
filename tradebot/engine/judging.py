"""Judging: whether an entry may go to the broker, whoever gives it, and what the account holds and has free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tradebot.domain import guards
from tradebot.domain.broker_views import Funds
from tradebot.domain.events import EventName
from tradebot.domain.guards import Entry, Portfolio, Reason, Refusal
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import EntryType, Order, OrderIntent, OrderStatus, Side, Source, Variety
from tradebot.domain.policy import GuardMode
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Quote
from tradebot.domain.reconcile import PRICE_TOLERANCE
from tradebot.domain.retry import is_by_symbol
from tradebot.engine import ledger
from tradebot.engine.halts import halts_of
from tradebot.engine.messages import MarketSeen
from tradebot.engine.questions import sells_of, uncertain_symbols
from tradebot.engine.setting import Setting
from tradebot.engine.state import Unit
from tradebot.engine.verdicts import tell_block

_OF_PEOPLE = frozenset({Source.API, Source.BATCH, Source.MANUAL})
"""Whose entries are never blocked because of what happened in the symbol before."""


@dataclass(frozen=True, slots=True)
class Money:
    """The account's figures before the entries that are being judged, in rupees."""

    equity: Decimal
    cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What entries are judged by: one look at the market and at the account."""

    terms: Mapping[str, InstrumentTerms]
    quotes: Mapping[str, Quote]
    halted: Mapping[str, str]
    money: Money


class Judging:
    """Every refusal that an entry meets; none means that it may be placed."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def entry(
        self, unit: Unit, intent: OrderIntent, picture: Picture, instead_of: Order | None = None
    ) -> list[Refusal]:
        """The refusals of a buy: the state of things, the instrument's own limits, the risk limits, the book; as if the
        order that it replaces were not there."""
        try:
            found = self._state_refusals(unit, intent, picture, instead_of)
            assert intent.price is not None
            entry = Entry(symbol=intent.symbol, side=intent.side, quantity=intent.quantity, price=intent.price)
            found += guards.judge_terms(entry, picture.terms[intent.symbol])
            portfolio = _portfolio(unit, intent, picture.money, instead_of)
            found += guards.judge_risk(entry, portfolio, self._setting.policy.risk)
            if intent.variety is Variety.REGULAR:
                found += self._quote_refusals(unit, intent, entry, picture)
            elif not found:
                text = f"{intent.symbol}: spread, depth and slippage not evaluated, there is no book at night"
                ledger.tell(
                    unit,
                    EventName.GUARD_NOT_EVALUATED,
                    text,
                    fields={"symbol": intent.symbol},
                    correlation_id=intent.correlation_id,
                )
        except Exception as fault:  # a guard that fails blocks
            figures = {"error": f"{type(fault).__name__}: {fault}"}
            return [Refusal("fault", Reason.INTERNAL_FAULT, figures)]
        return found

    def sell(self, unit: Unit, symbol: str, position: Position | None) -> list[Refusal]:
        """A sell is for what is held, and only where no sell of the position stands already."""
        if position is None:
            return [Refusal("state", Reason.NOT_HELD, {"symbol": symbol})]
        standing = [order for order in sells_of(unit, position.id) if order.status is OrderStatus.PENDING]
        return [Refusal("state", Reason.SELL_STANDS, {"order_id": order.id}) for order in standing]

    def _state_refusals(
        self, unit: Unit, intent: OrderIntent, picture: Picture, instead_of: Order | None
    ) -> list[Refusal]:
        found = []
        symbol = intent.symbol
        if unit.memory.entries_stopped:
            figures = {"cause": unit.memory.entries_stopped}
            found.append(Refusal("state", Reason.ENTRIES_STOPPED, figures))
        if (latch := unit.latch) is not None:
            found.append(Refusal("state", Reason.KILL_SWITCH, {"mode": latch.mode, "cause": latch.reason}))
        if unit.memory.halt.reason:
            found.append(Refusal("state", Reason.ENTRIES_STOPPED, {"cause": unit.memory.halt.reason}))
        if unit.is_paused:
            found.append(Refusal("state", Reason.ENTRIES_PAUSED, {"symbol": symbol}))
        if symbol in picture.halted:
            found.append(Refusal("state", Reason.SYMBOL_HALTED, {"jump": picture.halted[symbol]}))
        if symbol in (halts := halts_of(unit)):
            found.append(Refusal("state", Reason.SYMBOL_HALTED, {"cause": halts[symbol]}))
        if symbol in uncertain_symbols(unit):
            found.append(Refusal("state", Reason.SYMBOL_UNCERTAIN, {"symbol": symbol}))
        if intent.source in _OF_PEOPLE:
            return found
        if intent.entry_type is EntryType.INITIAL and (taken := _taken_by(unit, intent, instead_of)):
            found.append(Refusal("state", Reason.SYMBOL_TAKEN, {"order_id": taken.id, "status": taken.status}))
        cooled = self._cooldown(unit, symbol)
        return [*found, cooled] if cooled else found

    def _cooldown(self, unit: Unit, symbol: str) -> Refusal | None:
        cooldown = self._setting.policy.cooldown
        closed = [p.closed_at for p in unit.positions.values() if p.symbol == symbol and p.closed_at is not None]
        if not closed or unit.now - max(closed) >= cooldown:
            return None
        figures = {
            "minutes_since_exit": int((unit.now - max(closed)).total_seconds() // 60),
            "cooldown_min": int(cooldown.total_seconds() // 60),
        }
        return Refusal("state", Reason.COOLDOWN, figures)

    def _quote_refusals(self, unit: Unit, intent: OrderIntent, entry: Entry, picture: Picture) -> list[Refusal]:
        quote = picture.quotes.get(intent.symbol)
        judged = guards.judge_quote(entry, quote, self._setting.policy.quotes, unit.now)
        for mode, refusal in judged:
            if mode is GuardMode.SHADOW:
                tell_block(unit, intent.symbol, intent.correlation_id, refusal, is_shadow=True)
        return [refusal for mode, refusal in judged if mode is GuardMode.ON]


def money_of(unit: Unit, funds: Funds) -> Money:
    held = sum((p.cost for p in unit.positions.values() if p.is_open), Decimal(0))
    return Money(equity=funds.cash + held, cash=funds.available)


def picture_of(unit: Unit, seen: MarketSeen) -> Picture:
    return Picture(terms=seen.terms, quotes=seen.quotes, halted=unit.memory.halted, money=money_of(unit, seen.funds))


def held_position(unit: Unit, symbol: str) -> Position | None:
    return next((p for p in unit.positions.values() if p.is_open and p.symbol == symbol), None)


def free_cash(unit: Unit, funds: Funds) -> Decimal:
    """What a buy can still cost, in rupees, when everything that waits for the broker is paid for."""
    waiting = [o for o in unit.orders.values() if o.side is Side.BUY and o.status is OrderStatus.PENDING]
    return funds.available - sum((_left(order) for order in _unblocked(waiting)), Decimal(0))


def replaceable(unit: Unit, intent: OrderIntent) -> Order | None:
    """The order that a new entry of its symbol takes the place of: it waits or has failed, and another quantity or
    price is wanted now. One that is filled in part, or that is being cancelled already, is none."""
    taken = _taken_by(unit, intent, None)
    if intent.entry_type is not EntryType.INITIAL or taken is None or not is_by_symbol(taken) or taken.execution_qty:
        return None
    if taken.status not in (OrderStatus.PENDING, OrderStatus.FAILED) or taken.cancel_requested:
        return None
    is_same_price = abs((taken.price or Decimal(0)) - (intent.price or Decimal(0))) <= PRICE_TOLERANCE
    return None if is_same_price and taken.quantity == intent.quantity else taken


def _taken_by(unit: Unit, intent: OrderIntent, instead_of: Order | None) -> Order | None:
    """Another row of the symbol that blocks a new entry; the intent's own failed row does not."""
    blocking = (OrderStatus.PENDING, OrderStatus.ONGOING, OrderStatus.FAILED)
    return next(
        (
            order
            for order in unit.orders.values()
            if order.symbol == intent.symbol
            and order.side is Side.BUY
            and order.status in blocking
            and order.decision_id != intent.decision_id
            and (instead_of is None or order.id != instead_of.id)
        ),
        None,
    )


def _portfolio(unit: Unit, intent: OrderIntent, money: Money, instead_of: Order | None) -> Portfolio:
    held = [position for position in unit.positions.values() if position.is_open]
    waiting = [
        order
        for order in unit.orders.values()
        if order.side is Side.BUY
        and order.status is OrderStatus.PENDING
        and (instead_of is None or order.id != instead_of.id)
    ]
    symbols = {p.symbol for p in held} | {o.symbol for o in waiting}
    today = [o for o in unit.orders.values() if o.trading_day == intent.trading_day]
    return Portfolio(
        equity=money.equity,
        free_cash=money.cash - sum((_left(o) for o in _unblocked(waiting)), Decimal(0)),
        exposure=sum((p.cost for p in held), Decimal(0)) + sum((_left(o) for o in waiting), Decimal(0)),
        symbol_exposure=sum((p.cost for p in held if p.symbol == intent.symbol), Decimal(0))
        + sum((_left(o) for o in waiting if o.symbol == intent.symbol), Decimal(0)),
        slots_used=len(symbols),
        takes_new_slot=intent.symbol not in symbols,
        trades_today=sum(o.side is Side.BUY and o.status is not OrderStatus.FAILED for o in today),
        drawdown=-sum((Decimal(o.metadata.get("realised_pnl", "0")) for o in today), Decimal(0)),
    )


def _unblocked(waiting: Sequence[Order]) -> list[Order]:
    """Buys whose money the broker did not block yet when it told us what is free."""
    return [order for order in waiting if order.placed_at is None]


def _left(order: Order) -> Decimal:
    return (order.price or Decimal(0)) * (order.quantity - order.execution_qty)
