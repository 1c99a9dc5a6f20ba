"""Entries: from the day's signals to intents, judged by the guards, and the decision that is kept of each."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.domain.events import EventName
from tradebot.domain.guards import Reason, Refusal
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.market_rules import round_to_tick
from tradebot.domain.orders import Coid, DecisionId, Order, OrderIntent, Product, Side, Source
from tradebot.domain.positions import Position
from tradebot.domain.retry import OF_SIGNAL, PRICED_BY, SIZED_BY
from tradebot.domain.signals import Signal
from tradebot.engine import ledger, verdicts
from tradebot.engine.deferring import DEFERRED, Deferring
from tradebot.engine.desk import Desk
from tradebot.engine.entry_slippage import with_reference
from tradebot.engine.judging import Judging, Picture, held_position, money_of, replaceable
from tradebot.engine.messages import SignalsReady
from tradebot.engine.order_rows import new_order, placed_reason
from tradebot.engine.replacing import Replacing
from tradebot.engine.setting import Setting
from tradebot.engine.slots import Submission
from tradebot.engine.unit import Unit
from tradebot.engine.verdicts import Wish


class Entries:
    """Judges signals one after the other, each with what the ones before it have taken."""

    def __init__(
        self, setting: Setting, desk: Desk, judging: Judging, replacing: Replacing, deferring: Deferring
    ) -> None:
        self._setting = setting
        self._replacing = replacing
        self._deferring = deferring
        self._desk = desk
        self._judging = judging

    def place_all(self, unit: Unit, ready: SignalsReady) -> dict[str, int]:
        """Every signal ends as a decision: sent, blocked, failed, duplicate or uncertain. Returns the counts."""
        counts: dict[str, int] = {}
        picture = Picture(
            terms=ready.terms,
            quotes=ready.quotes,
            halted=ready.halted,
            money=money_of(unit, ready.funds),
            further=ready.further,
        )
        for signal in ready.signals:
            outcome = self._enter(unit, signal, ready, picture)
            counts[str(outcome)] = counts.get(str(outcome), 0) + 1
        ledger.tell(
            unit,
            EventName.SIGNALS_RECEIVED,
            f"{len(ready.signals)} signals for {ready.trading_day}: {in_words(counts)}",
            fields={"trading_day": ready.trading_day.isoformat(), "signals": len(ready.signals), **counts},
        )
        return counts

    def _enter(self, unit: Unit, signal: Signal, ready: SignalsReady, picture: Picture) -> str:
        terms = ready.terms.get(signal.symbol)
        if terms is None:
            verdicts.block(unit, self._wish(signal, ready), [_missing(signal)])
            return "blocked"
        position = held_position(unit, signal.symbol) if signal.side is Side.SELL else None
        intent = self._intent(signal, terms, ready, position)
        slot = self._desk.slot(unit, intent)
        if slot.verdict is not Submission.SENT:
            self._desk.stop(unit, intent, slot)
            return slot.verdict
        old = replaceable(unit, intent) if signal.side is Side.BUY else None
        if signal.side is Side.SELL:
            refusals = self._judging.sell(unit, signal.symbol, position)
        else:
            refusals = self._judging.entry(unit, intent, picture, old)
        if not refusals and old is not None and not self._setting.policy.flags.observe_only:
            return self._replace(unit, intent, slot.coid, old)
        if not refusals and self._deferring.wants(intent):
            self._deferring.hold(unit, intent, slot)
            return DEFERRED
        if not refusals:
            verdict = self._desk.place(unit, with_reference(intent, picture.quotes), slot)
            placed = unit.attempts.get(slot.coid)
            order_id = placed.order_id if placed is not None else None
            verdicts.decide(unit, verdicts.wish_of(intent), verdict, order_id=order_id)
            return verdict
        if all(refusal.reason in verdicts.FAILS_WITH_ROW for refusal in refusals):
            verdicts.fail(unit, intent, slot.coid, refusals, self._setting.ids)
            return "failed"
        verdicts.block(unit, verdicts.wish_of(intent), refusals)
        return "blocked"

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
            metadata={"strategy": signal.strategy, **_own_figures(signal), **signal.metadata},
        )

    def _replace(self, unit: Unit, intent: OrderIntent, coid: Coid, old: Order) -> str:
        """The new order is recorded now and sent when the old one is certainly gone."""
        row_id = unit.unsent.get(coid)
        if row_id:  # this signal's own row, from when it failed
            new = unit.orders[row_id]
        else:
            new = new_order(intent, self._setting.ids.next(unit.now), coid, unit.now, placed_reason(intent))
            ledger.record(unit, new, None)
        self._replacing.begin(unit, new, old)
        outcome = Submission.SENT if coid in unit.attempts else "replacing"
        verdicts.decide(unit, verdicts.wish_of(intent), outcome, order_id=new.id)
        return outcome

    def _wish(self, signal: Signal, ready: SignalsReady) -> Wish:
        return Wish(
            id=DecisionId(signal.id),
            account_id=self._setting.policy.account_id,
            symbol=signal.symbol,
            side=signal.side,
            trading_day=ready.trading_day,
            correlation_id=f"signal:{signal.id}",
        )


def in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _own_figures(signal: Signal) -> dict[str, str]:
    """What of price and quantity is the signal's own, and stays when its order is tried again."""
    given = ((PRICED_BY, signal.limit_price), (SIZED_BY, signal.quantity))
    return {name: OF_SIGNAL for name, value in given if value is not None}


def _missing(signal: Signal) -> Refusal:
    return Refusal("state", Reason.NO_MARKET_DATA, {"symbol": signal.symbol, "missing": "instrument terms"})
