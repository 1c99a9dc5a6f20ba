"""Positions: average cost, profit and loss, the end and a new beginning, splits and bonus issues."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_fill, a_position, later
from tradebot.domain.orders import Side
from tradebot.domain.positions import Position, adjusted, bought, signed, sold

NEARLY = Decimal("1e-12")


def grown(position: Position, quantity: int, price: str) -> Position:
    return bought(position, a_fill(quantity=quantity, price=Decimal(price)))


def test_more_shares_make_an_average_cost() -> None:
    position = grown(a_position(quantity=10), 30, "1100")

    assert (position.quantity, position.cost, position.average_price) == (40, Decimal(43_000), Decimal(1_075))


def test_a_buy_above_the_peak_is_the_new_peak() -> None:
    assert grown(a_position(), 1, "1100").peak_price == 1100
    assert grown(a_position(), 1, "900").peak_price == 1000


def test_a_part_is_sold_at_average_cost() -> None:
    position = sold(grown(a_position(quantity=10), 10, "1100"), 5, Decimal(1150), later(9))

    assert (position.quantity, position.cost, position.average_price) == (15, Decimal(15_750), Decimal(1_050))
    assert position.realised_pnl == 500
    assert position.is_open
    assert (position.bought_quantity, position.sold_quantity) == (20, 5)


def test_the_last_share_sold_closes_the_position() -> None:
    position = sold(a_position(quantity=10), 10, Decimal(990), later(9))

    assert (position.quantity, position.cost, position.realised_pnl) == (0, Decimal(0), Decimal(-100))
    assert position.closed_at == later(9)
    assert position.average_price is None


def test_more_than_is_held_cannot_be_sold() -> None:
    with pytest.raises(ValueError, match="11 sold, 10 held"):
        sold(a_position(quantity=10), 11, Decimal(1000), later(1))


def test_a_first_fill_keeps_its_hour_through_later_ones() -> None:
    assert grown(a_position(), 5, "1000").first_fill_at == a_position().first_fill_at


def test_a_closed_position_that_is_bought_again_is_open() -> None:
    closed = sold(a_position(quantity=10), 10, Decimal(1100), later(9))

    again = grown(closed, 4, "500")

    assert again.is_open
    assert (again.quantity, again.cost, again.realised_pnl) == (4, Decimal(2_000), Decimal(1_000))


def test_a_position_from_zero_begins_with_its_own_first_fill_and_peak() -> None:
    closed = sold(a_position(quantity=10, peak_price=Decimal(1200)), 10, Decimal(1100), later(9))

    again = bought(closed, a_fill(quantity=4, price=Decimal(1000), traded_at=later(60)))

    assert (again.first_fill_at, again.peak_price) == (later(60), Decimal(1000))


def test_a_split_makes_more_shares_of_the_same_cost() -> None:
    position = a_position(quantity=10, peak_price=Decimal(1050), metadata={"atr": "20", "strategy": "dip"})

    after = adjusted(position, Fraction(10), later(5))

    assert (after.quantity, after.cost, after.average_price) == (100, Decimal(10_000), Decimal(100))
    assert (after.bought_quantity, after.sold_quantity, after.peak_price) == (100, 0, Decimal(105))
    assert Decimal(after.metadata["atr"]) == 2
    assert after.metadata["strategy"] == "dip"
    assert position.metadata["atr"] == "20"


def test_a_bonus_issue_rounds_shares_down() -> None:
    after = adjusted(a_position(quantity=3, cost=Decimal(3000)), Fraction(3, 2), later(5))

    assert (after.quantity, after.cost) == (4, Decimal(3_000))


def test_a_position_without_an_atr_is_adjusted_without_one() -> None:
    assert "atr" not in adjusted(a_position(), Fraction(2), later(5)).metadata


def test_prices_that_somebody_gave_shrink_with_a_split_and_a_strategys_target_does_not() -> None:
    given = {"stop_loss": "990", "take_profit": "1050", "target": "1050"}
    assert dict(adjusted(a_position(metadata=given), Fraction(2), later(5)).metadata) == {
        "stop_loss": "495.0",
        "take_profit": "525.0",
        "target": "525.0",
    }
    assert adjusted(a_position(metadata={"target": "1050"}), Fraction(2), later(5)).metadata["target"] == "1050"


def test_shares_that_are_bought_anew_have_no_stop_of_those_that_were_sold() -> None:
    held = a_position(quantity=10, metadata={"stop_loss": "990", "strategy": "gen"})
    empty = sold(held, 10, Decimal(989), later(1))

    assert dict(grown(empty, 10, "1000").metadata) == {"strategy": "gen"}
    assert "stop_loss" in grown(held, 10, "1000").metadata


def test_what_was_bought_less_what_was_sold_is_held_after_an_adjustment_too() -> None:
    position = sold(a_position(quantity=4), 1, Decimal(1000), later(1))

    after = adjusted(position, Fraction(3, 2), later(5))

    assert after.bought_quantity - after.sold_quantity == after.quantity


def test_a_quantity_has_the_sign_of_its_effect() -> None:
    assert (signed(Side.BUY, 3), signed(Side.SELL, 3)) == (3, -3)


trades = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 50), st.decimals("1", "5000", places=2)), max_size=25)


@settings(deadline=None)
@given(st.integers(1, 50), st.decimals("1", "5000", places=2), trades)
def test_cost_and_profit_are_the_money_that_went_in_and_out(
    quantity: int, price: Decimal, later_trades: list[tuple[Side, int, Decimal]]
) -> None:
    position = a_position(quantity=quantity, cost=price * quantity)
    paid, got = price * quantity, Decimal(0)

    for side, wanted, at in later_trades:
        if side is Side.BUY:
            position, paid = grown(position, wanted, str(at)), paid + at * wanted
        else:
            count = min(wanted, position.quantity)
            position, got = sold(position, count, at, later(1)), got + at * count

    assert abs(position.cost - position.realised_pnl - (paid - got)) < NEARLY
    assert position.quantity == position.bought_quantity - position.sold_quantity
    assert position.cost == 0 or position.quantity > 0


@settings(deadline=None)
@given(st.integers(1, 10_000), st.integers(1, 20), st.integers(1, 20))
def test_an_adjustment_keeps_the_cost_and_never_makes_shares(held: int, new: int, old: int) -> None:
    position = a_position(quantity=held)

    after = adjusted(position, Fraction(new, old), later(1))

    assert after.cost == position.cost
    assert after.quantity * old <= held * new < (after.quantity + 1) * old
    assert replace(after, quantity=held, bought_quantity=held, peak_price=position.peak_price) == replace(
        position, updated_at=later(1)
    )
