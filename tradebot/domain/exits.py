"""Exits: one evaluation of a position against the last price; the first rule that hits wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.orders import Product
from tradebot.domain.policy import ExitRules
from tradebot.domain.positions import Position
from tradebot.domain.protection import Protection, protective_price

_ONE = Decimal(1)


class ExitRule(StrEnum):
    """In the order in which they win."""

    PANIC = "panic"
    STOP_LOSS = "stop_loss"
    ATR_STOP = "atr_stop"
    TRAILING = "trailing_stop"
    PROFIT_TARGET = "profit_target"
    TIME_STOP = "time_stop"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitDecision:
    """The rule that hit, with the price that was found and the level it was held against."""

    rule: ExitRule
    found: Decimal
    level: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a rule needs to know beside position and price.

    `opened_at`: since when the position's age counts, where that is not its first fill; `target`: the profit target in
    rupees, where no sell rests at it; `is_panic`: the kill switch is in mode flatten; `is_wanted`: somebody wants the
    position sold.
    """

    opened_at: datetime | None = None
    target: Decimal | None = None
    is_panic: bool = False
    is_wanted: bool = False


_NOTHING_ELSE = Circumstances()


def evaluate(
    position: Position,
    last_price: Decimal,
    now: datetime,
    rules: ExitRules,
    circumstances: Circumstances = _NOTHING_ELSE,
) -> ExitDecision | None:
    """The first rule that hits; None: the position stays."""
    return next(hits(position, last_price, now, rules, circumstances), None)


def hits(
    position: Position,
    last_price: Decimal,
    now: datetime,
    rules: ExitRules,
    circumstances: Circumstances = _NOTHING_ELSE,
) -> Iterator[ExitDecision]:
    """Every rule that hits, in order: panic, given stop-loss, stop, trailing stop, profit target, age, wish.

    The profit target is a rule only where it does not rest at the broker as a limit sell: there its fill is the exit.
    """
    entry = position.average_price
    if entry is None:
        return
    if circumstances.is_panic:
        yield ExitDecision(rule=ExitRule.PANIC, found=last_price, level=last_price)
    given = protective_price(position.metadata, Protection.STOP_LOSS)
    if given is not None and last_price <= given:
        yield ExitDecision(rule=ExitRule.STOP_LOSS, found=last_price, level=given)
    if rules.use_stop and last_price <= (level := stop_level(position, entry, rules)):
        yield ExitDecision(rule=ExitRule.ATR_STOP, found=last_price, level=level)
    level_of_trail = trail_level(position, entry, rules)
    if rules.use_trailing and level_of_trail is not None and last_price < level_of_trail:
        yield ExitDecision(rule=ExitRule.TRAILING, found=last_price, level=level_of_trail)
    if circumstances.target is not None and last_price >= circumstances.target:
        yield ExitDecision(rule=ExitRule.PROFIT_TARGET, found=last_price, level=circumstances.target)
    age = now - (circumstances.opened_at or position.first_fill_at)
    if _applies_ttl(position, rules) and age >= rules.ttl:
        yield ExitDecision(rule=ExitRule.TIME_STOP, found=_minutes(age), level=_minutes(rules.ttl))
    if circumstances.is_wanted:
        yield ExitDecision(rule=ExitRule.MANUAL, found=last_price, level=last_price)


def stop_level(position: Position, entry: Decimal, rules: ExitRules) -> Decimal:
    """entry - max(ATR x multiple, floor per cent of entry); without an ATR the floor alone."""
    atr = Decimal(position.metadata.get("atr", "0"))
    return entry - max(atr * rules.atr_multiple, entry * rules.stop_floor_pct / 100)


def trail_level(position: Position, entry: Decimal, rules: ExitRules) -> Decimal | None:
    """The trailing stop's level, or None while it is not armed."""
    armed_above = entry * (_ONE + rules.trail_arm_pct / 100)
    if position.peak_price <= armed_above:
        return None
    return max(armed_above, position.peak_price * (_ONE - rules.trail_giveback_pct / 100))


def _applies_ttl(position: Position, rules: ExitRules) -> bool:
    return position.product is Product.MIS or rules.ttl_applies_to_delivery


def _minutes(span: timedelta) -> Decimal:
    return Decimal(int(span.total_seconds() // 60))
