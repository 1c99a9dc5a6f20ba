"""Splits and bonus issues: factors, adjusted prices and quantities, and jumps that nobody declared."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.market_rules import load_market
from tradebot.domain.corporate_actions import (
    ActionKind,
    CorporateAction,
    UndeclaredJump,
    adjust_price,
    adjust_quantity,
    factor_between,
    factor_on,
    undeclared_jump,
)

ROOT = Path(__file__).parents[2]
DAILY_FILE = ROOT.parent / "shared" / "data" / "nse_daily_2024_2025.csv.gz"

EX_DATE = date(2026, 11, 20)


@cache
def shipped() -> tuple[CorporateAction, ...]:
    return load_market(ROOT / "config" / "market").actions


def an_action(
    kind: ActionKind, numerator: int, denominator: int, *, symbol: str = "INFY", ex_date: date = EX_DATE
) -> CorporateAction:
    return CorporateAction(
        ex_date=ex_date,
        symbol=symbol,
        kind=kind,
        numerator=numerator,
        denominator=denominator,
        source="test",
    )


def a_jump(
    previous_close: str,
    reference: str,
    actions: Sequence[CorporateAction] = (),
    last_seen: date | None = None,
) -> UndeclaredJump | None:
    return undeclared_jump(
        Decimal(previous_close), Decimal(reference), actions, symbol="INFY", day=EX_DATE, last_seen=last_seen
    )


@pytest.mark.parametrize(
    ("kind", "numerator", "denominator", "factor"),
    [
        (ActionKind.SPLIT, 1, 10, Fraction(10)),
        (ActionKind.SPLIT, 10, 1, Fraction(1, 10)),
        (ActionKind.BONUS, 1, 1, Fraction(2)),
        (ActionKind.BONUS, 4, 1, Fraction(5)),
        (ActionKind.BONUS, 1, 2, Fraction(3, 2)),
    ],
)
def test_the_factor_is_new_shares_for_each_old_one(
    kind: ActionKind, numerator: int, denominator: int, factor: Fraction
) -> None:
    assert an_action(kind, numerator, denominator).factor == factor


@pytest.mark.parametrize(
    ("symbol", "day", "factor"),
    [
        ("NESTLEIND", date(2024, 1, 5), 10),
        ("RELIANCE", date(2024, 10, 28), 2),
        ("WIPRO", date(2024, 12, 3), 2),
        ("BAJFINANCE", date(2025, 6, 16), 10),
        ("NESTLEIND", date(2025, 8, 8), 2),
        ("HDFCBANK", date(2025, 8, 26), 2),
        ("HDFCBANK", date(2025, 8, 25), 1),
        ("INFY", date(2025, 8, 26), 1),
    ],
)
def test_the_shipped_actions_have_the_real_factors(symbol: str, day: date, factor: int) -> None:
    assert factor_on(shipped(), symbol, day) == factor


def test_the_actions_of_a_stretch_of_time_multiply() -> None:
    whole = factor_between(shipped(), "NESTLEIND", date(2024, 1, 4), date(2025, 8, 8))
    assert whole == 20
    assert factor_between(shipped(), "NESTLEIND", date(2024, 1, 5), date(2025, 8, 7)) == 1


def test_a_price_is_divided_and_rounded_to_the_nearest_tick() -> None:
    assert adjust_price(Decimal("9331.00"), Fraction(10), Decimal("0.50")) == Decimal("933.00")
    assert adjust_price(Decimal("100.00"), Fraction(3, 2), Decimal("0.05")) == Decimal("66.65")


def test_a_quantity_keeps_its_whole_shares_and_names_the_fraction() -> None:
    assert adjust_quantity(7, Fraction(10)) == (70, Fraction(0))
    assert adjust_quantity(7, Fraction(3, 2)) == (10, Fraction(1, 2))
    assert adjust_quantity(7, Fraction(1, 10)) == (0, Fraction(7, 10))


@given(
    st.integers(min_value=0, max_value=10**7),
    st.fractions(min_value=Fraction(1, 20), max_value=20, max_denominator=20),
)
def test_no_share_is_lost_by_an_adjustment(quantity: int, factor: Fraction) -> None:
    whole, left = adjust_quantity(quantity, factor)
    assert whole + left == quantity * factor
    assert 0 <= left < 1


@pytest.mark.parametrize(("reference", "percent"), [("79.95", "-20.05"), ("120.05", "20.05"), ("50", "-50.00")])
def test_a_jump_over_the_limit_is_named_with_its_size(reference: str, percent: str) -> None:
    found = a_jump("100", reference)
    assert found is not None
    assert (found.symbol, found.day, found.percent) == ("INFY", EX_DATE, Decimal(percent))
    assert "INFY 2026-11-20" in str(found)
    assert "corporate_actions.toml" in str(found)


@pytest.mark.parametrize("reference", ["80", "100", "120"])
def test_a_move_up_to_the_limit_is_no_jump(reference: str) -> None:
    assert a_jump("100", reference) is None


def test_a_declared_action_explains_the_jump_and_a_wrong_one_does_not() -> None:
    assert a_jump("2655.70", "1337", [an_action(ActionKind.BONUS, 1, 1)]) is None
    assert a_jump("2655.70", "1337", [an_action(ActionKind.SPLIT, 1, 10)]) is not None
    assert a_jump("2655.70", "2655.70", [an_action(ActionKind.BONUS, 1, 1)]) is not None
    assert a_jump("2655.70", "1337", [an_action(ActionKind.BONUS, 1, 1, symbol="TCS")]) is not None


def test_an_action_on_a_day_without_a_bar_counts_from_the_day_last_seen() -> None:
    earlier = [an_action(ActionKind.BONUS, 1, 1, ex_date=date(2026, 11, 18))]
    assert a_jump("100", "50", earlier) is not None
    assert a_jump("100", "50", earlier, last_seen=date(2026, 11, 17)) is None
    assert a_jump("100", "50", earlier, last_seen=date(2026, 11, 18)) is not None


def test_the_real_opens_of_two_years_have_no_undeclared_jump_and_six_without_the_table() -> None:
    if not DAILY_FILE.exists():
        pytest.skip(f"{DAILY_FILE} is not there")
    with gzip.open(DAILY_FILE, "rt") as rows:
        opens = [
            (row["symbol"], date.fromisoformat(row["date"]), Decimal(row["prev_close"]), Decimal(row["open"]))
            for row in csv.DictReader(rows)
        ]

    def jumps(actions: Sequence[CorporateAction]) -> set[tuple[str, date]]:
        found = [undeclared_jump(close, price, actions, symbol=s, day=d) for s, d, close, price in opens]
        return {(jump.symbol, jump.day) for jump in found if jump is not None}

    assert jumps(shipped()) == set()
    assert jumps(()) == {(action.symbol, action.ex_date) for action in shipped()}
