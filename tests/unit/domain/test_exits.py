"""When a position is sold at the market: the stop, the trailing stop and the age, each at its boundary."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_position, later
from tradebot.domain.exits import ExitRule, evaluate, stop_level, trail_level
from tradebot.domain.orders import Product
from tradebot.domain.policy import ExitRules
from tradebot.domain.positions import Position

RULES = ExitRules()
ENTRY = Decimal(1000)


def rule_at(price: str, position: Position | None = None, minutes: float = 1, **rules: Any) -> ExitRule | None:
    hit = evaluate(position or a_position(), Decimal(price), later(minutes), replace(RULES, **rules))
    return hit.rule if hit else None


def with_atr(atr: str, **changes: Any) -> Position:
    return a_position(metadata={"atr": atr}, **changes)


def test_the_stop_lies_two_atr_below_the_entry() -> None:
    assert stop_level(with_atr("10"), ENTRY, RULES) == 980


@pytest.mark.parametrize("atr", ["0", "1", "2.5"])
def test_the_stop_is_never_nearer_than_half_a_per_cent(atr: str) -> None:
    assert stop_level(with_atr(atr), ENTRY, RULES) == 995


def test_an_atr_just_above_the_floor_counts() -> None:
    assert stop_level(with_atr("2.51"), ENTRY, RULES) == Decimal("994.98")


def test_without_an_atr_the_floor_alone_is_the_stop() -> None:
    assert stop_level(a_position(), ENTRY, RULES) == 995


@pytest.mark.parametrize(("price", "is_hit"), [("995.05", False), ("995", True), ("990", True)])
def test_a_price_at_the_stop_hits_it(price: str, is_hit: bool) -> None:
    assert rule_at(price) is (ExitRule.ATR_STOP if is_hit else None)


def test_a_hit_says_what_was_found_and_against_which_level() -> None:
    hit = evaluate(with_atr("10"), Decimal("979.50"), later(1), RULES)

    assert hit is not None
    assert (hit.rule, hit.found, hit.level) == (ExitRule.ATR_STOP, Decimal("979.50"), Decimal(980))


@pytest.mark.parametrize(("peak", "level"), [("1005", None), ("1005.01", "1005"), ("1020", "1009.80")])
def test_the_trailing_stop_is_armed_above_half_a_per_cent_and_not_at_it(peak: str, level: str | None) -> None:
    armed = trail_level(a_position(peak_price=Decimal(peak)), ENTRY, RULES)

    assert armed == (None if level is None else Decimal(level))


def test_the_trailing_stop_never_lies_below_where_it_was_armed() -> None:
    assert trail_level(a_position(peak_price=Decimal(1010)), ENTRY, RULES) == 1005


@pytest.mark.parametrize(("price", "is_hit"), [("1009.80", False), ("1009.75", True)])
def test_a_price_below_the_trail_hits_it_and_one_at_it_does_not(price: str, is_hit: bool) -> None:
    position = a_position(peak_price=Decimal(1020))

    assert rule_at(price, position) is (ExitRule.TRAILING if is_hit else None)


def test_an_unarmed_trailing_stop_hits_nothing() -> None:
    assert rule_at("1000", a_position(peak_price=Decimal(1005))) is None


def test_the_first_rule_that_hits_wins() -> None:
    everything = a_position(peak_price=Decimal(1020), product=Product.MIS)

    assert rule_at("990", everything, minutes=500) is ExitRule.ATR_STOP
    assert rule_at("990", everything, minutes=500, use_stop=False) is ExitRule.TRAILING
    assert rule_at("990", everything, minutes=500, use_stop=False, use_trailing=False) is ExitRule.TIME_STOP


@pytest.mark.parametrize(("minutes", "is_hit"), [(119.99, False), (120, True), (500, True)])
def test_an_intraday_position_is_sold_at_its_age(minutes: float, is_hit: bool) -> None:
    position = a_position(product=Product.MIS)

    assert rule_at("1000", position, minutes) is (ExitRule.TIME_STOP if is_hit else None)


def test_a_delivery_position_has_no_age_unless_it_is_wanted() -> None:
    assert rule_at("1000", minutes=50_000) is None
    assert rule_at("1000", minutes=120, ttl_applies_to_delivery=True) is ExitRule.TIME_STOP


def test_an_age_counts_from_the_first_fill() -> None:
    position = a_position(product=Product.MIS, first_fill_at=later(30))

    assert rule_at("1000", position, minutes=149) is None
    assert rule_at("1000", position, minutes=150) is ExitRule.TIME_STOP


def test_another_ttl_is_another_age() -> None:
    position = a_position(product=Product.MIS)

    assert rule_at("1000", position, minutes=5, ttl=timedelta(minutes=5)) is ExitRule.TIME_STOP


def test_levels_follow_the_average_price() -> None:
    position = a_position(quantity=10, cost=Decimal(20_000))

    assert rule_at("1990", position) is ExitRule.ATR_STOP
    assert rule_at("1990.05", position) is None


def test_nothing_held_is_nothing_to_sell() -> None:
    assert rule_at("1", a_position(quantity=0, cost=Decimal(0))) is None
