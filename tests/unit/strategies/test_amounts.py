"""How prices become Decimal on their way out, and how text becomes a price."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.strategies.amounts import fine, read_rupees, rupees


def test_a_price_is_rounded_to_whole_paise_halves_up() -> None:
    assert str(rupees(1500.5)) == "1500.50"
    assert rupees(Decimal("0.125")) == Decimal("0.13")


def test_a_width_keeps_four_decimals() -> None:
    assert fine(0.123456) == Decimal("0.1235")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_no_number_is_no_price(value: float | Decimal) -> None:
    with pytest.raises(ValueError, match="no price"):
        rupees(value)


@given(st.decimals(Decimal("0.01"), 10_000_000, places=2))
def test_a_price_that_is_written_down_is_read_as_the_same_one(price: Decimal) -> None:
    assert read_rupees(str(rupees(price))) == price


@given(st.text(max_size=12))
def test_any_text_is_a_price_in_whole_paise_or_none(text: str) -> None:
    price = read_rupees(text)
    assert price is None or (0 < price <= 10_000_000 and price.as_tuple().exponent == -2)
