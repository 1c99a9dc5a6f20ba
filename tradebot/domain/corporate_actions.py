"""Splits and bonus issues: what they do to prices and quantities, and the jump that none explains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import prod

from tradebot.domain.market_rules import round_to_tick

_ONE = Fraction(1)
_HUNDRED = Decimal(100)


class ActionKind(StrEnum):
    SPLIT = "split"
    BONUS = "bonus"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """One split or bonus issue, in force from the first session of `ex_date`.

    A split of 1:10 makes ten shares out of one (`numerator` old shares become `denominator` new ones); a
    bonus of 4:1 gives four new shares for each one held (`numerator` on top of `denominator`).
    """

    ex_date: date
    symbol: str
    kind: ActionKind
    numerator: int
    denominator: int
    source: str

    @property
    def factor(self) -> Fraction:
        """New shares for each old one."""
        match self.kind:
            case ActionKind.SPLIT:
                return Fraction(self.denominator, self.numerator)
            case ActionKind.BONUS:
                return Fraction(self.numerator + self.denominator, self.denominator)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeclaredJump:
    """A price that no declared action explains; `percent` is its signed distance from the expected price."""

    symbol: str
    day: date
    expected: Decimal
    reference: Decimal
    percent: Decimal

    def __str__(self) -> str:
        return (
            f"{self.symbol} {self.day}: {self.reference} is {self.percent:+.1f} % away from the expected"
            f" {self.expected}; a split or bonus issue belongs into config/market/corporate_actions.toml"
        )


def factor_on(actions: Iterable[CorporateAction], symbol: str, day: date) -> Fraction:
    """New shares for each old one on an ex-date, all actions of that day together; 1 on any other day."""
    return prod((a.factor for a in actions if a.symbol == symbol and a.ex_date == day), start=_ONE)


def factor_between(actions: Iterable[CorporateAction], symbol: str, after: date, until: date) -> Fraction:
    """All actions with an ex-date strictly after `after` and no later than `until`, together."""
    return prod((a.factor for a in actions if a.symbol == symbol and after < a.ex_date <= until), start=_ONE)


def adjust_price(price: Decimal, factor: Fraction, tick: Decimal) -> Decimal:
    """A price from before the ex-date in new shares, nearest tick: base price, resting limits, history."""
    return round_to_tick(price * factor.denominator / factor.numerator, tick, "nearest")


def adjust_quantity(quantity: int, factor: Fraction) -> tuple[int, Fraction]:
    """Whole new shares, and the fraction of a share that is left (paid out in cash)."""
    exact = quantity * factor
    whole = exact.numerator // exact.denominator
    return whole, exact - whole


def undeclared_jump(
    previous_close: Decimal,
    reference: Decimal,
    actions: Iterable[CorporateAction],
    limit_pct: Decimal = Decimal(20),
    *,
    symbol: str,
    day: date,
    last_seen: date | None = None,
) -> UndeclaredJump | None:
    """Whether `reference` (the day's open, or its stated previous close) is more than `limit_pct` away from
    where the previous close and the declared actions put it.

    `last_seen` is the day of `previous_close`; without it only the actions of `day` itself count.
    """
    factor = factor_on(actions, symbol, day) if last_seen is None else factor_between(actions, symbol, last_seen, day)
    expected = previous_close * factor.denominator / factor.numerator
    percent = (reference / expected - 1) * _HUNDRED
    if abs(percent) <= limit_pct:
        return None
    return UndeclaredJump(
        symbol=symbol, day=day, expected=round(expected, 2), reference=reference, percent=round(percent, 2)
    )
