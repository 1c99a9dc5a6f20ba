"""Entries: from the day's signals to intents, judged by the guards, and the decision that is kept of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tradebot.domain import guards
from tradebot.domain.events import EventName
from tradebot.domain.guards import Entry, Portfolio, Reason, Refusal
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.market_rules import round_to_tick
from tradebot.domain.orders import (
    Coid,
    Decision,
    DecisionId,
    EntryType,
    Order,
    OrderIntent,
    OrderStatus,
    Product,
    Side,
    Source,
    Variety,
)
from tradebot.domain.policy import GuardMode
from tradebot.domain.positions import Position
from tradebot.domain.signals import Signal
from tradebot.engine import ledger
from tradebot.engine.desk import Desk, Submission, new_order
from tradebot.engine.messages import SignalsReady
from tradebot.engine.questions import sells_of, uncertain_symbols
from tradebot.engine.setting import Setting
from tradebot.engine.state import Unit

_FAILS_WITH_ROW = frozenset({Reason.MAX_POSITIONS, Reason.MIN_CASH})
"""Refusals that leave a failed order, which can be retried; every other one leaves a decision only."""


@dataclass(frozen=True, slots=True)
class _Money:
    """The account's figures before this batch of entries, in rupees."""

    equity: Decimal
    cash: Decimal


class Entries:
    """Judges signals one after the other, each with what the ones before it have taken."""

    def __init__(self, setting: Setting, desk: Desk) -> None:
        self._setting = setting
        self._desk = desk

    def place_all(self, unit: Unit, ready: SignalsReady) -> dict[str, int]:
        """Every signal ends as a decision: sent, blocked, failed, duplicate or uncertain. Returns the counts."""
        counts: dict[str, int] = {}
        money = _money(unit, ready)
        for signal in ready.signals:
            outcome = self._enter(unit, signal, ready, money)
            counts[str(outcome)] = counts.get(str(outcome), 0) + 1
        ledger.tell(
            unit,
            EventName.SIGNALS_RECEIVED,
            f"{len(ready.signals)} signals for {ready.trading_day}: {in_words(counts)}",
            fields={"trading_day": ready.trading_day.isoformat(), "signals": len(ready.signals), **counts},
        )
        return counts

    def _enter(self, unit: Unit, signal: Signal, ready: SignalsReady, money: _Money) -> str:
        terms = ready.terms.get(signal.symbol)
        if terms is None:
            return self._block(unit, signal, ready, [_missing(signal)])
        position = _held(unit, signal.symbol) if signal.side is Side.SELL else None
        intent = self._intent(signal, terms, ready, position)
        slot = self._desk.slot(unit, intent)
        if slot.verdict is not Submission.SENT:
            self._desk.stop(unit, intent, slot)
            return slot.verdict
        if signal.side is Side.SELL:
            refusals = _sell_refusals(unit, signal, position)
        else:
            refusals = self._refusals(unit, signal, intent, terms, ready, money)
        if not refusals:
            self._desk.place(unit, intent)
            order = unit.orders[unit.attempts[slot.coid].order_id]
            self._decide(unit, intent, Submission.SENT, "", {}, order)
            return Submission.SENT
        if all(refusal.reason in _FAILS_WITH_ROW for refusal in refusals):
            return self._fail(unit, intent, slot.coid, refusals)
        return self._block(unit, signal, ready, refusals)

    def _intent(
        self, signal: Signal, terms: InstrumentTerms, ready: SignalsReady, position: Position | None
    ) -> OrderIntent:
        policy = self._setting.policy
        price = signal.limit_price
        if price is None:
            away = signal.reference_close * policy.amo_limit_pct / 100
            price = signal.reference_close + (away if signal.side is Side.BUY else -away)
        price = round_to_tick(price, terms.tick_size, "down" if signal.side is Side.BUY else "up")
        quantity = signal.quantity or max(1, int(policy.capital_per_trade / signal.reference_close))
        lots = max(1, quantity // terms.lot_size)
        if position is not None:
            lots = min(lots, position.quantity // terms.lot_size)
        return OrderIntent(
            account_id=policy.account_id,
            user_id=policy.user_id,
            decision_id=DecisionId(signal.id),
            symbol=signal.symbol,
            exchange=terms.exchange,
            side=signal.side,
            quantity=lots * terms.lot_size,
            price=price,
            product=Product.CNC,
            variety=ready.variety,
            source=Source.SIGNAL if signal.strategy == "csv" else Source.STRATEGY,
            entry_type=signal.entry_type if signal.side is Side.BUY else None,
            position_id=position.id if position is not None else None,
            trading_day=ready.trading_day,
            correlation_id=f"signal:{signal.id}",
            metadata={"strategy": signal.strategy, **signal.metadata},
        )

    def _refusals(
        self,
        unit: Unit,
        signal: Signal,
        intent: OrderIntent,
        terms: InstrumentTerms,
        ready: SignalsReady,
        money: _Money,
    ) -> list[Refusal]:
        try:
            found = self._state_refusals(unit, signal, ready)
            assert intent.price is not None
            entry = Entry(symbol=intent.symbol, side=intent.side, quantity=intent.quantity, price=intent.price)
            found += guards.judge_terms(entry, terms)
            portfolio = _portfolio(unit, intent, money)
            found += guards.judge_risk(entry, portfolio, self._setting.policy.risk)
            if ready.variety is Variety.REGULAR:
                found += self._quote_refusals(unit, intent, entry, ready)
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

    def _state_refusals(self, unit: Unit, signal: Signal, ready: SignalsReady) -> list[Refusal]:
        found = []
        symbol = signal.symbol
        if unit.memory.entries_stopped:
            figures = {"cause": unit.memory.entries_stopped}
            found.append(Refusal("state", Reason.ENTRIES_STOPPED, figures))
        if unit.memory.is_paused:
            found.append(Refusal("state", Reason.ENTRIES_PAUSED, {"symbol": symbol}))
        if symbol in ready.halted:
            found.append(Refusal("state", Reason.SYMBOL_HALTED, {"jump": ready.halted[symbol]}))
        if symbol in uncertain_symbols(unit):
            found.append(Refusal("state", Reason.SYMBOL_UNCERTAIN, {"symbol": symbol}))
        if signal.entry_type is EntryType.INITIAL and (taken := _taken_by(unit, signal)):
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

    def _quote_refusals(self, unit: Unit, intent: OrderIntent, entry: Entry, ready: SignalsReady) -> list[Refusal]:
        quote = ready.quotes.get(intent.symbol)
        judged = guards.judge_quote(entry, quote, self._setting.policy.quotes, unit.now)
        for mode, refusal in judged:
            if mode is GuardMode.SHADOW:
                _tell_block(unit, intent.symbol, intent.correlation_id, refusal, is_shadow=True)
        return [refusal for mode, refusal in judged if mode is GuardMode.ON]

    def _block(self, unit: Unit, signal: Signal, ready: SignalsReady, refusals: Sequence[Refusal]) -> str:
        correlation_id = f"signal:{signal.id}"
        for refusal in refusals:
            _tell_block(unit, signal.symbol, correlation_id, refusal)
        decision = Decision(
            id=DecisionId(signal.id),
            account_id=self._setting.policy.account_id,
            symbol=signal.symbol,
            side=signal.side,
            trading_day=ready.trading_day,
            outcome="blocked",
            reason=", ".join(refusal.reason for refusal in refusals),
            figures=_figures(refusals),
            order_id=None,
            at=unit.now,
            correlation_id=correlation_id,
        )
        _keep(unit, decision)
        return "blocked"

    def _fail(self, unit: Unit, intent: OrderIntent, coid: Coid, refusals: Sequence[Refusal]) -> str:
        """The portfolio is full or the money short: a failed order, of which nothing was reserved or sent.

        It keeps its place under the id that it would get; the same intent again finds this row.
        """
        for refusal in refusals:
            _tell_block(unit, intent.symbol, intent.correlation_id, refusal)
        row_id = unit.unsent.get(coid)
        change = OrderChange.REFUSED if row_id is None else OrderChange.RETRY_FAILED
        if row_id is None:
            order = new_order(intent, self._setting.ids.next(unit.now), coid, unit.now, "Not sent")
            ledger.record(unit, order, None)
        else:
            order = unit.orders[row_id]
        reason, figures = _failure_reason(refusals[0]), _figures(refusals)
        transition = Transition(change=change, at=unit.now, reason=reason, source="guard", figures=figures)
        order = ledger.change(unit, order, transition)
        self._decide(unit, intent, "failed", reason, figures, order)
        return "failed"

    def _decide(
        self,
        unit: Unit,
        intent: OrderIntent,
        outcome: str,
        reason: str,
        figures: Mapping[str, str],
        order: Order,
    ) -> None:
        decision = Decision(
            id=intent.decision_id,
            account_id=intent.account_id,
            symbol=intent.symbol,
            side=intent.side,
            trading_day=intent.trading_day,
            outcome=outcome,
            reason=reason,
            figures=figures,
            order_id=order.id,
            at=unit.now,
            correlation_id=intent.correlation_id,
        )
        _keep(unit, decision)


def in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _keep(unit: Unit, decision: Decision) -> None:
    """The last word on a signal; one that says the same as before is not written again."""
    before = unit.decisions.get(decision.id)
    if before is not None and replace(decision, at=before.at, correlation_id=before.correlation_id) == before:
        return
    unit.new_decisions.append(decision)
    unit.decisions[decision.id] = decision


def _missing(signal: Signal) -> Refusal:
    return Refusal("state", Reason.NO_MARKET_DATA, {"symbol": signal.symbol, "missing": "instrument terms"})


def _taken_by(unit: Unit, signal: Signal) -> Order | None:
    """Another row of the symbol that blocks a new entry; the signal's own failed row does not."""
    blocking = (OrderStatus.PENDING, OrderStatus.ONGOING, OrderStatus.FAILED)
    return next(
        (
            order
            for order in unit.orders.values()
            if order.symbol == signal.symbol
            and order.side is Side.BUY
            and order.status in blocking
            and order.decision_id != signal.id
        ),
        None,
    )


def _held(unit: Unit, symbol: str) -> Position | None:
    return next((p for p in unit.positions.values() if p.is_open and p.symbol == symbol), None)


def _sell_refusals(unit: Unit, signal: Signal, position: Position | None) -> list[Refusal]:
    """A signal sells what is held, and only where no sell of the position stands already."""
    if position is None:
        return [Refusal("state", Reason.NOT_HELD, {"symbol": signal.symbol})]
    standing = [order for order in sells_of(unit, position.id) if order.status is OrderStatus.PENDING]
    return [Refusal("state", Reason.SELL_STANDS, {"order_id": order.id}) for order in standing]


def _money(unit: Unit, ready: SignalsReady) -> _Money:
    held = sum((p.cost for p in unit.positions.values() if p.is_open), Decimal(0))
    return _Money(equity=ready.funds.cash + held, cash=ready.funds.available)


def _portfolio(unit: Unit, intent: OrderIntent, money: _Money) -> Portfolio:
    held = [position for position in unit.positions.values() if position.is_open]
    waiting = [o for o in unit.orders.values() if o.side is Side.BUY and o.status is OrderStatus.PENDING]
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


def _failure_reason(refusal: Refusal) -> str:
    if refusal.reason is Reason.MIN_CASH:
        short = Decimal(refusal.figures["allowed"]) - Decimal(refusal.figures["found"])
        return f"insufficient_funds - shortfall: Rs {short:,.0f}"
    return f"portfolio_full - {refusal.figures['found']} of {refusal.figures['allowed']} positions"


def _figures(refusals: Sequence[Refusal]) -> dict[str, str]:
    return {f"{r.reason}.{name}": str(value) for r in refusals for name, value in r.figures.items()}


def _tell_block(unit: Unit, symbol: str, correlation_id: str, refusal: Refusal, *, is_shadow: bool = False) -> None:
    figures = ", ".join(f"{name} {value}" for name, value in refusal.figures.items())
    ledger.tell(
        unit,
        EventName.GUARD_BLOCK,
        f"{symbol} {refusal.reason}: {figures}",
        fields={
            **refusal.figures,
            "symbol": symbol,
            "guard": refusal.guard,
            "block_reason": refusal.reason,
            "shadow": is_shadow,
        },
        correlation_id=correlation_id,
    )
