"""Verdicts: what became of a wish to trade, with the figures, as a decision that is kept and can be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from tradebot.domain.events import EventName
from tradebot.domain.guards import Reason, Refusal
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.orders import Coid, Decision, DecisionId, Order, OrderId, OrderIntent, Side, Source
from tradebot.engine import ledger
from tradebot.engine.ids import OrderIds
from tradebot.engine.order_rows import new_order
from tradebot.engine.unit import Unit

FAILS_WITH_ROW = frozenset({Reason.MAX_POSITIONS, Reason.MIN_CASH})
"""Refusals that leave a failed order, which can be retried; every other one leaves a decision only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wanted what: the part of a decision that is known before anything is judged."""

    id: DecisionId
    account_id: str
    symbol: str
    side: Side
    trading_day: date
    correlation_id: str


def wish_of(intent: OrderIntent) -> Wish:
    return Wish(
        id=intent.decision_id,
        account_id=intent.account_id,
        symbol=intent.symbol,
        side=intent.side,
        trading_day=intent.trading_day,
        correlation_id=intent.correlation_id,
    )


def block(unit: Unit, wish: Wish, refusals: Sequence[Refusal]) -> None:
    """Refused, and no order: each refusal told, and the decision with all of them kept."""
    for refusal in refusals:
        tell_block(unit, wish.symbol, wish.correlation_id, refusal)
    decide(unit, wish, "blocked", ", ".join(refusal.reason for refusal in refusals), figures_of(refusals))


def fail(unit: Unit, intent: OrderIntent, coid: Coid, refusals: Sequence[Refusal], ids: OrderIds) -> Order:
    """The portfolio is full or the money short: a failed order, of which nothing was reserved or sent.

    It keeps its place under the id that it would get; the same intent again finds this row.
    """
    for refusal in refusals:
        tell_block(unit, intent.symbol, intent.correlation_id, refusal)
    row_id = unit.unsent.get(coid) or _failed_before(unit, intent)
    change = OrderChange.REFUSED if row_id is None else OrderChange.RETRY_FAILED
    if row_id is None:
        order = new_order(intent, ids.next(unit.now), coid, unit.now, "Not sent")
        ledger.record(unit, order, None)
    else:
        order = unit.orders[row_id]
    reason, figures = _failure_reason(refusals[0]), figures_of(refusals)
    transition = Transition(change=change, at=unit.now, reason=reason, source="guard", figures=figures)
    order = ledger.change(unit, order, transition)
    decide(unit, wish_of(intent), "failed", reason, figures, order.id)
    return order


def decide(
    unit: Unit,
    wish: Wish,
    outcome: str,
    reason: str = "",
    figures: Mapping[str, str] | None = None,
    order_id: OrderId | None = None,
) -> None:
    """The last word on a wish; one that says the same as before is not written again."""
    decision = Decision(
        id=wish.id,
        account_id=wish.account_id,
        symbol=wish.symbol,
        side=wish.side,
        trading_day=wish.trading_day,
        outcome=outcome,
        reason=reason,
        figures=figures or {},
        order_id=order_id,
        at=unit.now,
        correlation_id=wish.correlation_id,
    )
    before = unit.decisions.get(decision.id)
    if before is not None and replace(decision, at=before.at, correlation_id=before.correlation_id) == before:
        return
    unit.new_decisions.append(decision)
    unit.decisions[decision.id] = decision


def figures_of(refusals: Sequence[Refusal]) -> dict[str, str]:
    return {f"{r.reason}.{name}": str(value) for r in refusals for name, value in r.figures.items()}


def tell_block(unit: Unit, symbol: str, correlation_id: str, refusal: Refusal, *, is_shadow: bool = False) -> None:
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


def _failed_before(unit: Unit, intent: OrderIntent) -> OrderId | None:
    """The failed row of the same symbol and side: of signals and strategies there is one at most."""
    rows = ledger.failed_rows(unit, intent.account_id, intent.exchange, intent.symbol, intent.side)
    is_of_signals = intent.source in (Source.SIGNAL, Source.STRATEGY)
    return rows[0].id if rows and is_of_signals else None


def _failure_reason(refusal: Refusal) -> str:
    if refusal.reason is Reason.MIN_CASH:
        short = Decimal(refusal.figures["allowed"]) - Decimal(refusal.figures["found"])
        return f"insufficient_funds - shortfall: Rs {short:,.0f}"
    return f"portfolio_full - {refusal.figures['found']} of {refusal.figures['allowed']} positions"
