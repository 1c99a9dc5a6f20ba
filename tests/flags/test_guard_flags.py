"""Each entry guard's own switch: on it blocks, in the shadow it tells, off it is silent; at its limit it passes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_level, a_quote, a_signal
from tests.unit.engine.house import House
from tradebot.domain.events import EventName
from tradebot.domain.guards import Reason
from tradebot.domain.orders import Variety
from tradebot.domain.policy import GuardMode, Policy, QuoteLimits
from tradebot.domain.quotes import Quote

SPREAD_10 = a_quote("1000.00", "1001.00")
SPREAD_10_1 = a_quote("1000.00", "1001.01")
DEPTH_50_000 = a_quote(asks=(a_level("1000.00", 50),))
DEPTH_49_999_99 = a_quote(asks=(a_level("999.9998", 50),))
SLIPPAGE_15 = a_quote(asks=(a_level("1000.00", 5), a_level("1003.00", 100)))
SLIPPAGE_15_01 = a_quote(asks=(a_level("1000.00", 5), a_level("1003.002", 100)))

GUARDS = [
    pytest.param(
        "spread", Reason.WIDE_SPREAD, SPREAD_10, SPREAD_10_1, marks=pytest.mark.flag("ENABLE_SPREAD_GUARD_ENTRY")
    ),
    pytest.param(
        "depth", Reason.THIN_DEPTH, DEPTH_50_000, DEPTH_49_999_99, marks=pytest.mark.flag("ENABLE_DEPTH_GUARD_ENTRY")
    ),
    pytest.param(
        "slippage",
        Reason.SLIPPAGE,
        SLIPPAGE_15,
        SLIPPAGE_15_01,
        marks=pytest.mark.flag("ENABLE_ENTRY_SLIPPAGE_GUARD"),
    ),
]


def entered(guard: str, mode: GuardMode, quote: Quote) -> House:
    """An entry of ten in the session, with this guard in this mode and the others off."""
    off = QuoteLimits(spread=GuardMode.OFF, depth=GuardMode.OFF, slippage=GuardMode.OFF)
    house = House(policy=Policy(quotes=replace(off, **{guard: mode})))  # type: ignore[arg-type]
    house.market.prices["INFY"] = quote
    house.signals(a_signal(), variety=Variety.REGULAR)
    return house


@pytest.mark.parametrize(("guard", "reason", "passes", "fails"), GUARDS)
@pytest.mark.parametrize("mode", list(GuardMode))
def test_beyond_its_limit_a_guard_blocks_watches_or_is_silent(
    mode: GuardMode, guard: str, reason: Reason, passes: Quote, fails: Quote
) -> None:
    house = entered(guard, mode, fails)

    told = house.told(EventName.GUARD_BLOCK)
    assert house.broker.count("place") == (0 if mode is GuardMode.ON else 1)
    assert [event.fields["block_reason"] for event in told] == ([] if mode is GuardMode.OFF else [reason])
    assert all(event.fields["shadow"] is (mode is GuardMode.SHADOW) for event in told)


@pytest.mark.parametrize(("guard", "reason", "passes", "fails"), GUARDS)
def test_at_its_limit_a_guard_lets_pass(guard: str, reason: Reason, passes: Quote, fails: Quote) -> None:
    house = entered(guard, GuardMode.ON, passes)

    assert house.broker.count("place") == 1
    assert not house.told(EventName.GUARD_BLOCK)
