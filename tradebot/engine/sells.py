"""Sells: each open position has at most one at the broker: at its target, or a stop, or where a rule has hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice

from tradebot.domain.broker_views import Holding
from tradebot.domain.calendar import ist_date
from tradebot.domain.events import EventName, Level
from tradebot.domain.exits import Circumstances, ExitDecision, ExitRule, hits, trail_level
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.kill import KillMode
from tradebot.domain.manual import ManualPolicy
from tradebot.domain.orders import (
    DecisionId,
    Order,
    OrderIntent,
    OrderStatus,
    Side,
    Source,
    Variety,
)
from tradebot.domain.positions import EXIT_WANTED, Position
from tradebot.domain.protection import Protection, protective_price
from tradebot.domain.quotes import Quote
from tradebot.engine import ledger, protecting
from tradebot.engine.desk import Desk
from tradebot.engine.messages import BookSeen, Job, SellsReady
from tradebot.engine.questions import sells_of
from tradebot.engine.retry_desk import RetryDesk, RetryTerms
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit
from tradebot.engine.wanted_sells import GIVES_WAY, WantedSell, gave_way, must_give_way, wanted_sell

REFUSALS_PER_DAY_MAX = 3
"""After so many sells of one decision that came to nothing in a day, the position waits for the next open."""

_TOLD = {
    ExitRule.STOP_LOSS: EventName.EXIT_STOP_LOSS_HIT,
    ExitRule.ATR_STOP: EventName.EXIT_ATR_STOP_HIT,
    ExitRule.TRAILING: EventName.EXIT_TRAILING_HIT,
    ExitRule.PROFIT_TARGET: EventName.EXIT_PROFIT_TARGET,
    ExitRule.TIME_STOP: EventName.EXIT_TIME_STOP,
    ExitRule.PANIC: EventName.EXIT_PANIC,
    ExitRule.MANUAL: EventName.EXIT_MANUAL,
}
_TRIES = "tries"


class Sells:
    """Driven by state alone: what is held, what stands, which rule has hit. A restart goes on where it was."""

    def __init__(self, setting: Setting, desk: Desk, retry_desk: RetryDesk) -> None:
        self._setting = setting
        self._desk = desk
        self._retry_desk = retry_desk

    def at_open(self, unit: Unit, ready: SellsReady) -> None:
        """Take over the day's targets and what may be sold, then place what is missing."""
        unit.facts["terms"] = ready.terms
        caps = _caps(ready.holdings)
        for position in _open_positions(unit):
            held = next((h.quantity for h in ready.holdings if h.symbol == position.symbol), 0)
            if held < position.quantity:
                self._tell_missing(unit, position, held)
            target = ready.targets.get(position.id)
            if target is not None:
                position = self._retarget(unit, position, target)
            terms = ready.terms.get(position.symbol)
            if terms is not None:
                self._drive(unit, position, terms, None, caps)

    def follow(self, unit: Unit, seen: BookSeen) -> None:
        """Judge every position on its quote: one evaluation, the first rule wins; then make its sell stand right."""
        terms_of = {**unit.memory.terms, **seen.terms}
        caps = _caps(seen.holdings)
        unit.facts |= {"terms": terms_of} if seen.terms else {}
        unit.facts["marks"] = seen.quotes
        for position in _open_positions(unit):
            quote, terms = seen.quotes.get(position.symbol), terms_of.get(position.symbol)
            if quote is None or terms is None or quote.best_bid is None:
                continue
            judged = self._judge(unit, position, quote)
            if judged.exit_rule is None and "target" in judged.metadata and not self._knows_targets(unit):
                continue
            has_just_hit = judged.exit_rule != position.exit_rule
            self._drive(unit, judged, terms, quote, caps, has_just_hit=has_just_hit)

    def _judge(self, unit: Unit, position: Position, quote: Quote) -> Position:
        """One evaluation, whose first hit decides; or, where the rules run apart, each of them by itself, with every
        hit told once. Either way the first one decides for good, but for the kill switch."""
        policy = self._setting.policy
        position = self._with_peak(unit, position, quote.last_price)
        found = hits(position, quote.last_price, unit.now, policy.exits, self._circumstances(unit, position))
        for hit in islice(found, 1) if policy.flags.consolidated_exits else found:
            decides = position.exit_rule is None or (hit.rule is ExitRule.PANIC and position.exit_rule != hit.rule)
            if decides:
                position = replace(position, exit_rule=hit.rule, updated_at=unit.now)
                unit.positions[position.id] = position
                protecting.close_wanted(unit, self._setting, position, hit.rule)
            is_apart = not policy.flags.consolidated_exits and position.exit_rule != hit.rule
            if decides or (is_apart and unit.is_news(f"exit:{position.id}:{hit.rule}")):
                self._tell_hit(unit, position, hit)
        return position

    def _circumstances(self, unit: Unit, position: Position) -> Circumstances:
        latch = unit.latch
        target = position.metadata.get("target")
        rests = any(order.status is OrderStatus.PENDING for order in sells_of(unit, position.id))
        counts = target is not None and not rests and self._knows_targets(unit)
        return Circumstances(
            opened_at=None if self._setting.policy.exits.ttl_from_first_fill else _submitted_at(unit, position),
            target=Decimal(target) if target is not None and counts else None,
            is_panic=latch is not None and latch.mode is KillMode.FLATTEN,
            is_wanted=EXIT_WANTED in position.metadata,
        )

    def _knows_targets(self, unit: Unit) -> bool:
        """Whether the day's targets have come: a cycle at the very open neither sells at yesterday's nor places there
        what would have to be moved a cycle later."""
        day = self._setting.calendar.trading_day(ist_date(unit.now))
        runs = (unit.job_runs.get(Job.OPEN), unit.job_runs.get(Job.FIRST_START))
        return day is None or any(run is not None and run.planned_for >= day.opens_at for run in runs)

    def _with_peak(self, unit: Unit, position: Position, last_price: Decimal) -> Position:
        """A new peak is kept, and saved from the moment on at which the trailing stop can depend on it."""
        if last_price <= position.peak_price:
            return position
        risen = replace(position, peak_price=last_price, updated_at=unit.now)
        entry = position.average_price
        if entry is not None and trail_level(risen, entry, self._setting.policy.exits) is not None:
            unit.positions[risen.id] = risen
            return risen
        return position

    def _retarget(self, unit: Unit, position: Position, target: Decimal) -> Position:
        """The strategy's target of the day; a take-profit that somebody gave stays."""
        target = protective_price(position.metadata, Protection.TAKE_PROFIT) or target
        changed = replace(position, metadata={**position.metadata, "target": str(target)}, updated_at=unit.now)
        if changed.metadata != position.metadata:
            unit.positions[changed.id] = changed
        return changed

    def _drive(
        self,
        unit: Unit,
        position: Position,
        terms: InstrumentTerms,
        quote: Quote | None,
        caps: Mapping[str, int],
        *,
        has_just_hit: bool = False,
    ) -> None:
        """One sell, at the right price: placed when there is none, moved down when it stands too high, cancelled when
        it is a stop that is not wanted any more."""
        wanted = wanted_sell(position, terms, quote, self._setting, unit.now)
        if wanted is None:
            return
        sells = sells_of(unit, position.id)
        standing = next((order for order in sells if order.status is OrderStatus.PENDING), None)
        if standing is None:
            self._place(unit, position, wanted, caps, sells)
        elif not standing.cancel_requested:
            self._mend(unit, position, standing, wanted, has_just_hit=has_just_hit)

    def _mend(self, unit: Unit, position: Position, standing: Order, wanted: WantedSell, *, has_just_hit: bool) -> None:
        """`has_just_hit`: a stop-loss that stands at the broker is given until the next cycle to act by itself."""
        if position.exit_rule is None and "rule" not in standing.metadata:
            return  # a signal's own sell keeps its price until a rule hits
        if must_give_way(standing, unit.attempts[standing.coid], wanted):
            if not (has_just_hit and wanted.rule is ExitRule.STOP_LOSS):
                self._desk.cancel(unit, standing, GIVES_WAY)
        elif wanted.trigger is None and standing.price is not None and wanted.price < standing.price:
            if position.exit_rule is not None and standing.metadata.get("rule") != position.exit_rule:
                standing = replace(standing, metadata={**standing.metadata, "rule": position.exit_rule})
                unit.orders[standing.id] = standing
            self._desk.modify(unit, standing, wanted.price)

    def _place(
        self, unit: Unit, position: Position, wanted: WantedSell, caps: Mapping[str, int], sells: Sequence[Order]
    ) -> None:
        today = ist_date(unit.now)
        quantity = min(position.quantity, caps.get(position.symbol, 0))
        decision = _decision(position, wanted, today)
        earlier = [order for order in sells if order.decision_id == decision]
        failed = next((order for order in reversed(sells) if order.status is OrderStatus.FAILED), None)
        empty = [o for o in earlier if not o.execution_qty and o is not failed]
        tries = sum(not gave_way(order) for order in empty)
        tries += _tries(failed, str(decision)) if failed is not None else 0
        if self._is_kept_out(position, earlier):
            return
        if quantity <= 0 or tries >= REFUSALS_PER_DAY_MAX or self._is_over(today, unit):
            return
        if failed is not None:
            terms = RetryTerms(
                quantity=quantity,
                price=wanted.price,
                variety=Variety.REGULAR,
                trading_day=today,
                metadata={"rule": wanted.rule, _TRIES: f"{decision} {tries + 1}"},
                order_type=wanted.order_type,
                trigger_price=wanted.trigger,
            )
            self._retry_desk.send(unit, failed, terms)
            return
        intent = _intent(position, wanted, decision, quantity, today)
        self._desk.place(unit, replace(intent, leg=len(earlier) - len(empty)))

    def _is_kept_out(self, position: Position, earlier: Sequence[Order]) -> bool:
        """A sell that somebody cancelled by hand is not placed again for the same rule on the same day, unless part of
        the shares was sold by hand as well: then there is another sell for the rest. A take-profit or stop-loss that
        somebody gave is armed again."""
        if any(str(protection) in position.metadata for protection in Protection):
            return False
        if self._setting.policy.manual.of(position.symbol) is ManualPolicy.IGNORE:
            return False
        return any(
            order.is_manual
            and order.status is OrderStatus.CANCELLED
            and order.quantity - order.execution_qty == position.quantity
            for order in earlier
        )

    def _is_over(self, today: date, unit: Unit) -> bool:
        day = self._setting.calendar.trading_day(today)
        return day is None or not day.opens_at <= unit.now < day.ends_at

    def _tell_hit(self, unit: Unit, position: Position, hit: ExitDecision) -> None:
        text = f"{position.symbol}: {hit.found} against {hit.level:.2f}, {position.quantity} to sell"
        ledger.tell(
            unit,
            _TOLD[hit.rule],
            text,
            fields={
                "position_id": position.id,
                "symbol": position.symbol,
                "found": hit.found,
                "threshold": hit.level,
                "quantity": position.quantity,
            },
            level=Level.CRITICAL if hit.rule is ExitRule.PANIC else Level.INFO,
        )

    def _tell_missing(self, unit: Unit, position: Position, held: int) -> None:
        text = f"{position.symbol}: {position.quantity} in our books, {held} at the broker"
        ledger.tell(
            unit,
            EventName.HOLDINGS_DIFFER,
            text,
            fields={"symbol": position.symbol, "ours": position.quantity, "broker": held},
            level=Level.WARNING,
        )


def _decision(position: Position, wanted: WantedSell, today: date) -> DecisionId:
    resting = "target" if wanted.trigger is None else "stop"
    return DecisionId(f"{position.exit_rule or resting}:{position.id}:{today}")


def _intent(position: Position, wanted: WantedSell, decision: DecisionId, quantity: int, today: date) -> OrderIntent:
    return OrderIntent(
        account_id=position.account_id,
        user_id=position.user_id,
        decision_id=decision,
        symbol=position.symbol,
        exchange=position.exchange,
        side=Side.SELL,
        quantity=quantity,
        order_type=wanted.order_type,
        price=wanted.price,
        trigger_price=wanted.trigger,
        product=position.product,
        variety=Variety.REGULAR,
        source=Source.STRATEGY,
        position_id=position.id,
        trading_day=today,
        correlation_id=decision,
        metadata={"rule": wanted.rule},
    )


def _submitted_at(unit: Unit, position: Position) -> datetime:
    """When the order that opened the position was submitted; its first fill, where that order is not known any more."""
    attempt = unit.attempts.get(position.opened_by)
    order = unit.orders.get(attempt.order_id) if attempt is not None else None
    return order.created_at if order is not None else position.first_fill_at


def _tries(failed: Order, decision: str) -> int:
    """How often a sell that failed was tried for the same rule on the same day."""
    name, _, count = failed.metadata.get(_TRIES, f"{failed.decision_id} 1").rpartition(" ")
    return int(count) if name == decision else 0


def _caps(holdings: Sequence[Holding]) -> dict[str, int]:
    """What the broker would let us sell, by symbol; of a symbol that is not there, nothing."""
    return {holding.symbol: holding.sellable_quantity for holding in holdings}


def _open_positions(unit: Unit) -> list[Position]:
    return [position for position in unit.positions.values() if position.is_open]
