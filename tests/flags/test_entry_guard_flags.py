"""Each guard of the order book on, off and in the shadow: what an engine does with an entry that it would block."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from config.flags import MASTER
from config.settings import Settings
from tests.builders import a_level, a_quote, a_signal, some_terms
from tests.unit.engine.house import House
from tradebot.domain.events import EventName
from tradebot.domain.orders import Variety
from tradebot.domain.quotes import Quote

WIDE = a_quote(bid="990.00", ask="1000.00")
THIN = replace(a_quote(), asks=(a_level("1000.00", 12),))
STEEP = replace(a_quote(), asks=(a_level("1000.00", 5), a_level("1050.00", 500)))


def entered(flag: str, word: str, quote: Quote, **more: str) -> House:
    """A house whose only guard is this one, and which was asked for one entry in market hours."""
    off = dict.fromkeys(
        ("ENABLE_SPREAD_GUARD_ENTRY", "ENABLE_DEPTH_GUARD_ENTRY", "ENABLE_ENTRY_SLIPPAGE_GUARD"), "false"
    )
    house = House(policy=Settings.of_words({**off, flag: word, **more}).policy())
    house.broker.symbol_terms = {"INFY": some_terms()}
    house.market.prices = {"INFY": quote}
    house.signals(a_signal(limit_price=Decimal("1060.00"), quantity=10), variety=Variety.REGULAR)
    return house


def judged(flag: str, quote: Quote, reason: str) -> None:
    """On it blocks, in the shadow it tells and lets through, off (or without the master) it says nothing."""
    blocked = entered(flag, "true", quote)
    assert not blocked.orders()
    assert [event.fields["block_reason"] for event in blocked.told(EventName.GUARD_BLOCK)] == [reason]

    shadow = entered(flag, '"shadow"', quote)
    assert len(shadow.orders()) == 1
    assert [event.fields["shadow"] for event in shadow.told(EventName.GUARD_BLOCK)] == [True]

    for off in (entered(flag, "false", quote), entered(flag, "true", quote, **{MASTER: "false"})):
        assert len(off.orders()) == 1
        assert not off.told(EventName.GUARD_BLOCK)


@pytest.mark.flag("ENABLE_SPREAD_GUARD_ENTRY")
def test_the_spread_guard_blocks_a_wide_spread_where_it_is_on() -> None:
    judged("ENABLE_SPREAD_GUARD_ENTRY", WIDE, "WIDE_SPREAD")


@pytest.mark.flag("ENABLE_DEPTH_GUARD_ENTRY")
def test_the_depth_guard_blocks_a_thin_book_where_it_is_on() -> None:
    judged("ENABLE_DEPTH_GUARD_ENTRY", THIN, "THIN_DEPTH")


@pytest.mark.flag("ENABLE_ENTRY_SLIPPAGE_GUARD")
def test_the_slippage_guard_blocks_a_walk_up_the_book_where_it_is_on() -> None:
    judged("ENABLE_ENTRY_SLIPPAGE_GUARD", STEEP, "SLIPPAGE")


def quoted_at(found: Decimal) -> Quote:
    """A bid from which an ask lies so many basis points away, to the last digit."""
    bid = Decimal(1000)
    return a_quote(bid=str(bid), ask=str(bid * (1 + found / 10_000)))


@pytest.mark.parametrize(("spread_bps", "orders"), [("10.0", 1), ("10.1", 0)])
def test_a_spread_of_exactly_its_limit_passes(spread_bps: str, orders: int) -> None:
    assert len(entered("ENABLE_SPREAD_GUARD_ENTRY", "true", quoted_at(Decimal(spread_bps))).orders()) == orders


@pytest.mark.parametrize(("price", "orders"), [("1000.00", 1), ("999.9998", 0)])
def test_a_depth_of_exactly_its_limit_passes(price: str, orders: int) -> None:
    """Fifty shares: Rs 50,000.00 and Rs 49,999.99."""
    thin = replace(a_quote(), asks=(a_level(price, 50),))
    assert len(entered("ENABLE_DEPTH_GUARD_ENTRY", "true", thin).orders()) == orders


@pytest.mark.parametrize(("second", "orders"), [("1003.00", 1), ("1003.002", 0)])
def test_a_slippage_of_exactly_its_limit_passes(second: str, orders: int) -> None:
    """Five shares at Rs 1,000 and five at the second level: on average 15.0 and 15.01 basis points above the best."""
    steep = replace(a_quote(), asks=(a_level("1000.00", 5), a_level(second, 500)))
    assert len(entered("ENABLE_ENTRY_SLIPPAGE_GUARD", "true", steep).orders()) == orders
