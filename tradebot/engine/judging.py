"""Judging: whether an entry may go to the broker, whoever gives it, and what the account holds and has free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from tradebot.domain import guards
from tradebot.domain.broker_views import Funds
from tradebot.domain.calendar import ist_date
from tradebot.domain.events import EventName
from tradebot.domain.guards import Entry, Portfolio, Reason, Refusal
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import EntryType, Order, OrderIntent, OrderStatus, Side, Source, Variety
from tradebot.domain.policy import GuardMode, Policy
from tradebot.domain.positions import Position, open_gain
from tradebot.domain.quotes import Quote
from tradebot.domain.reconcile import PRICE_TOLERANCE
from tradebot.domain.retry import is_by_symbol
from tradebot.engine import ledger
from tradebot.engine.halts import halts_of
from tradebot.engine.messages import MarketSeen
from tradebot.engine.questions import is_uncertain, sells_of
from tradebot.engine.setting import Setting
from tradebot.engine.sums import Sum, Sums, of_order, own_key
from tradebot.engine.unit import Unit
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
    """What entries are judged by: one look at the market and at the account; `further` looks at the quotes, where each
    guard has one of its own."""

    terms: Mapping[str, InstrumentTerms]
    quotes: Mapping[str, Quote]
    halted: Mapping[str, str]
    money: Money
    further: Sequence[Mapping[str, Quote]] = ()


class Judging:
    """Every refusal that an entry meets; none means that it may be placed."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def entry(
        self, unit: Unit, intent: OrderIntent, picture: Picture, instead_of: Order | None = None
    ) -> list[Refusal]:
        """The refusals of an entry: the state of things, the instrument's own limits, the risk limits, the book. All of
        them; where the guards run apart, the first one alone. As if the row `instead_of` were not there: an order that
        this one replaces, or its own row, where there is one that counts already."""
        is_apart = not self._setting.policy.flags.consolidated_guards
        found: list[Refusal] = []
        try:
            for step in (self._state_refusals, self._limit_refusals, self._quote_refusals):
                if found and is_apart:
                    break
                found += step(unit, intent, picture, instead_of)
        except Exception as fault:  # a guard that fails blocks
            figures = {"error": f"{type(fault).__name__}: {fault}"}
            return [Refusal("fault", Reason.INTERNAL_FAULT, figures)]
        if intent.variety is not Variety.REGULAR and not found:
            self._tell_not_evaluated(unit, intent)
        elif not found:
            _tell_pass(unit, intent, picture.quotes.get(intent.symbol))
        return found[:1] if is_apart else found

    def sell(self, unit: Unit, symbol: str, position: Position | None) -> list[Refusal]:
        """A sell is for what is held, and only where no sell of the position stands already."""
        if position is None:
            return [Refusal("state", Reason.NOT_HELD, {"symbol": symbol, "found": 0})]
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
        if stopped_by := unit.breaches.get(intent.decision_id):
            found.append(Refusal("state", Reason.DECISION_STOPPED, {"order_id": stopped_by}))
        if is_uncertain(unit, symbol):
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

    def _limit_refusals(
        self, unit: Unit, intent: OrderIntent, picture: Picture, instead_of: Order | None
    ) -> list[Refusal]:
        entry = _entry_of(intent)
        found = guards.judge_terms(entry, picture.terms[intent.symbol])
        portfolio = _portfolio(unit, intent, picture.money, instead_of)
        return [*found, *guards.judge_risk(entry, portfolio, self._setting.policy.risk)]

    def _quote_refusals(
        self,
        unit: Unit,
        intent: OrderIntent,
        picture: Picture,
        _: Order | None,
    ) -> list[Refusal]:
        """None at night, when there is no book; a guard in the shadow only tells."""
        if intent.variety is not Variety.REGULAR:
            return []
        limits, entry = self._setting.policy.quotes, _entry_of(intent)
        quotes = [quotes.get(intent.symbol) for quotes in (picture.quotes, *picture.further)]
        is_apart = not self._setting.policy.flags.consolidated_guards
        judge = (
            partial(guards.judge_apart, entry, quotes) if is_apart else partial(guards.judge_quote, entry, quotes[0])
        )
        judged = judge(limits, unit.now)
        for mode, refusal in judged:
            if mode is GuardMode.SHADOW:
                tell_block(unit, intent.symbol, intent.correlation_id, refusal, is_shadow=True)
        return [refusal for mode, refusal in judged if mode is GuardMode.ON]

    def _tell_not_evaluated(self, unit: Unit, intent: OrderIntent) -> None:
        text = f"{intent.symbol}: spread, depth and slippage not evaluated, there is no book at night"
        ledger.tell(
            unit,
            EventName.GUARD_NOT_EVALUATED,
            text,
            fields={"symbol": intent.symbol},
            correlation_id=intent.correlation_id,
        )


def _tell_pass(unit: Unit, intent: OrderIntent, quote: Quote | None) -> None:
    if quote is None or quote.best_bid is None or quote.best_ask is None:
        return
    found = guards.figures(_entry_of(intent), quote)
    text = f"{intent.symbol}: " + ", ".join(f"{name} {value}" for name, value in found.items())
    fields = {"symbol": intent.symbol, **found}
    ledger.tell(unit, EventName.GUARD_PASS, text, fields=fields, correlation_id=intent.correlation_id)


def further_looks(policy: Policy) -> int:
    """How many looks at the quotes are needed beside the first one."""
    return 0 if policy.flags.consolidated_guards else guards.QUOTE_GUARDS - 1


def _entry_of(intent: OrderIntent) -> Entry:
    assert intent.price is not None
    return Entry(symbol=intent.symbol, side=intent.side, quantity=intent.quantity, price=intent.price)


def money_of(unit: Unit, funds: Funds) -> Money:
    return Money(equity=funds.cash + unit.sums.of(Sum.HELD), cash=funds.available)


def picture_of(unit: Unit, seen: MarketSeen) -> Picture:
    return Picture(
        terms=seen.terms,
        quotes=seen.quotes,
        halted=unit.memory.halted,
        money=money_of(unit, seen.funds),
        further=seen.further,
    )


def held_position(unit: Unit, symbol: str) -> Position | None:
    return next((p for p in unit.positions.values() if p.is_open and p.symbol == symbol), None)


def free_cash(unit: Unit, funds: Funds) -> Decimal:
    """What a buy can still cost, in rupees, when everything that waits for the broker is paid for."""
    return funds.available - unit.sums.of(Sum.UNBLOCKED)


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
    """Another row of the symbol that blocks a new entry; the intent's own failed row does not. It is looked for only
    where the running sums say that there is one."""
    own = own_key(intent.decision_id, intent.symbol)
    if unit.sums.count(Sum.BLOCKING, intent.symbol) <= unit.sums.count(Sum.BLOCKING_OWN, own):
        return None
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


def _open_gain(unit: Unit, day: date) -> Decimal:
    """What is held has gained on the day, at the prices of the last cycle; nothing is known before that, and nothing
    of a day that has not come."""
    if day != ist_date(unit.now):
        return Decimal(0)
    return sum(
        (
            open_gain(position, quote.last_price, quote.previous_close, is_of_today=_is_of(position, day))
            for position in unit.positions.values()
            if position.is_open and (quote := unit.memory.marks.get(position.symbol)) is not None
        ),
        Decimal(0),
    )


def _is_of(position: Position, day: date) -> bool:
    return ist_date(position.first_fill_at) == day


def _portfolio(unit: Unit, intent: OrderIntent, money: Money, instead_of: Order | None) -> Portfolio:
    """From the running sums, with one row left out."""
    sums = Sums(unit.sums)
    if instead_of is not None:
        sums.change(of_order(instead_of), ())
    symbol, day = intent.symbol, intent.trading_day.isoformat()
    return Portfolio(
        equity=money.equity,
        free_cash=money.cash - sums.of(Sum.UNBLOCKED),
        exposure=sums.of(Sum.HELD) + sums.of(Sum.WAITING),
        symbol_exposure=sums.of(Sum.HELD, symbol) + sums.of(Sum.WAITING, symbol),
        slots_used=sums.count(Sum.SLOTS_USED),
        takes_new_slot=not sums.count(Sum.SLOTS, symbol),
        trades_today=sums.count(Sum.TRADES, day),
        drawdown=-sums.of(Sum.REALISED, day) - _open_gain(unit, intent.trading_day),
        orders_open=sums.count(Sum.OPEN),
        gross_today=sums.of(Sum.GROSS, day),
    )
