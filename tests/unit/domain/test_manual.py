"""Sales by hand: what they take of a position, what is the people's own, and that each counts once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_broker_order, a_position
from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.manual import ManualPolicy, ManualRules, parse_policies, sold_by_hand
from tradebot.domain.orders import BrokerOrderId, Side

HELD = replace(a_position(), quantity=10)


def a_sale(quantity: int, price: str = "1010", number: str = "H1", **changes: Any) -> BrokerOrder:
    return a_broker_order(
        tag=None,
        side=Side.SELL,
        quantity=quantity,
        filled_quantity=quantity,
        average_price=Decimal(price),
        status="COMPLETE",
        broker_order_id=BrokerOrderId(number),
        **changes,
    )


def test_a_sale_takes_what_the_broker_has_less() -> None:
    found = sold_by_hand(HELD, 6, [a_sale(4)])

    assert found is not None
    assert (found.quantity, found.price) == (4, Decimal(1010))


def test_people_may_sell_shares_of_their_own() -> None:
    assert sold_by_hand(HELD, 10, [a_sale(4)]) is None
    partly = sold_by_hand(HELD, 9, [a_sale(4)])
    assert partly is not None
    assert partly.quantity == 1


def test_several_sales_have_their_weighted_price() -> None:
    found = sold_by_hand(HELD, 0, [a_sale(8, "1000"), a_sale(2, "1100", "H2")])

    assert found is not None
    assert (found.quantity, found.price) == (10, Decimal(1020))


def test_a_sale_counts_once_and_more_of_it_counts_anew() -> None:
    first = sold_by_hand(HELD, 6, [a_sale(4)])
    assert first is not None
    after = replace(HELD, quantity=6, metadata={**HELD.metadata, **first.counted})

    assert sold_by_hand(after, 4, [a_sale(4)]) is None
    more = sold_by_hand(after, 4, [replace(a_sale(6), filled_quantity=6)])
    assert more is not None
    assert more.quantity == 2


def test_without_a_sale_nothing_is_explained() -> None:
    assert sold_by_hand(HELD, 6, []) is None


def test_each_symbol_has_its_policy_or_the_one_for_all() -> None:
    rules = ManualRules(default=ManualPolicy.IGNORE, by_symbol=parse_policies("INFY=halt, M&M=adopt"))

    assert [rules.of(symbol) for symbol in ("INFY", "M&M", "TCS")] == ["halt", "adopt", "ignore"]
    with pytest.raises(ValueError, match="stop"):
        parse_policies("INFY=stop")
