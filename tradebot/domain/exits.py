"""Exits: one evaluation of a position against the last price; the first rule that hits wins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.orders import Product
from tradebot.domain.policy import ExitRules
from tradebot.domain.positions import Position

_ONE = Decimal(1)


class ExitRule(StrEnum):
    ATR_STOP = "atr_stop"
    TRAILING = "trailing_stop"
    PROFIT_TARGET = "profit_target"
    TIME_STOP = "time_stop"
    PANIC = "panic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitDecision:
    """The rule that hit, with the price that was found and the level it was held against."""

    rule: ExitRule
    found: Decimal
    level: Decimal


def evaluate(position: Position, last_price: Decimal, now: datetime, rules: ExitRules) -> ExitDecision | None:
    """The first rule that hits, in order: stop, trailing stop, age. None: the position stays.

    The profit target is no rule here: it rests at the broker as a limit sell, and only its fill is an exit.
    """
    entry = position.average_price
    if entry is None:
        return None
    if rules.use_stop and last_price <= (level := stop_level(position, entry, rules)):
        return ExitDecision(rule=ExitRule.ATR_STOP, found=last_price, level=level)
    level_of_trail = trail_level(position, entry, rules)
    if rules.use_trailing and level_of_trail is not None and last_price < level_of_trail:
        return ExitDecision(rule=ExitRule.TRAILING, found=last_price, level=level_of_trail)
    if _applies_ttl(position, rules) and now - position.first_fill_at >= rules.ttl:
        age_min = Decimal(int((now - position.first_fill_at).total_seconds() // 60))
        ttl_min = Decimal(int(rules.ttl.total_seconds() // 60))
        return ExitDecision(rule=ExitRule.TIME_STOP, found=age_min, level=ttl_min)
    return None


def panic(last_price: Decimal) -> ExitDecision:
    """The kill switch in mode flatten: whatever the price is."""
    return ExitDecision(rule=ExitRule.PANIC, found=last_price, level=last_price)


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
