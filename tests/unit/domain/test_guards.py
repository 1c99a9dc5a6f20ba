"""The entry guards at their boundaries: what is equal to its limit passes, what is just over it blocks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOON, SYMBOL, a_level, a_quote, some_terms
from tradebot.domain.guards import (
    Entry,
    Portfolio,
    Reason,
    Refusal,
    depth,
    judge_quote,
    judge_risk,
    judge_terms,
    slippage,
    slippage_bps,
    spread,
)
from tradebot.domain.orders import Side
from tradebot.domain.policy import GuardMode, QuoteLimits, RiskLimits
from tradebot.domain.quotes import Level, Quote

PAISA = Decimal("0.01")
LIMITS = QuoteLimits()


def an_entry(quantity: int = 10, price: str = "1000", side: Side = Side.BUY) -> Entry:
    return Entry(symbol=SYMBOL, side=side, quantity=quantity, price=Decimal(price))


def a_portfolio(**changes: Any) -> Portfolio:
    """Ten lakh of equity, all of it free, nothing done today."""
    portfolio = Portfolio(
        equity=Decimal(1_000_000),
        free_cash=Decimal(1_000_000),
        exposure=Decimal(0),
        symbol_exposure=Decimal(0),
        slots_used=0,
        takes_new_slot=True,
        trades_today=0,
        drawdown=Decimal(0),
    )
    return replace(portfolio, **changes)


def with_mode(guard: str, mode: GuardMode) -> QuoteLimits:
    modes: dict[str, Any] = {guard: mode}
    return replace(LIMITS, **modes)


def reasons(refusals: list[Refusal]) -> list[Reason]:
    return [refusal.reason for refusal in refusals]


@pytest.mark.parametrize(
    ("bid", "ask", "passes"),
    [("1000", "1001.0", True), ("1000", "1001.01", False), ("10000", "10010", True), ("10000", "10010.10", False)],
)
def test_a_spread_of_10_bps_passes_and_of_10_1_blocks(bid: str, ask: str, passes: bool) -> None:
    refusal = spread(a_quote(bid, ask), LIMITS)

    assert (refusal is None) is passes
    if refusal is not None:
        assert refusal.reason is Reason.WIDE_SPREAD
        assert refusal.figures == {"spread_bps": Decimal("10.1"), "spread_bps_max": 10}


def test_a_spread_is_measured_against_the_bid() -> None:
    assert spread(a_quote("100", "101"), replace(LIMITS, spread_bps_max=Decimal(100))) is None
    assert spread(a_quote("100", "101"), replace(LIMITS, spread_bps_max=Decimal("99.99"))) is not None


@pytest.mark.parametrize(("price", "passes"), [("1000", True), ("999.9998", False)])
def test_a_depth_of_50000_passes_and_of_49999_99_blocks(price: str, passes: bool) -> None:
    refusal = depth([a_level(price, 50)], LIMITS)

    assert (refusal is None) is passes
    if refusal is not None:
        assert refusal.reason is Reason.THIN_DEPTH
        assert refusal.figures == {"depth_notional": Decimal("49999.99"), "depth_notional_min": 50_000}


def test_depth_counts_the_best_five_levels_only() -> None:
    five = [a_level("1000", 9)] * 5

    assert depth(five, LIMITS) is not None
    assert depth([*five, a_level("1000", 1_000)], LIMITS) is not None
    assert depth([a_level("1000", 10)] * 5, LIMITS) is None


def test_an_empty_side_is_no_depth() -> None:
    refusal = depth([], LIMITS)

    assert refusal is not None
    assert refusal.figures["depth_notional"] == 0


@pytest.mark.parametrize(("far", "passes"), [("10030", True), ("10030.02", False)])
def test_a_slippage_of_15_bps_passes_and_of_15_01_blocks(far: str, passes: bool) -> None:
    book = [a_level("10000", 5), a_level(far, 5)]

    refusal = slippage(an_entry(quantity=10), book, LIMITS)

    assert (refusal is None) is passes
    if refusal is not None:
        assert refusal.reason is Reason.SLIPPAGE
        assert refusal.figures == {"slippage_bps": Decimal("15.01"), "slippage_bps_max": 15}


def test_slippage_walks_the_book_for_the_whole_size() -> None:
    book = [a_level("1000", 4), a_level("1001", 3), a_level("1010", 100)]

    refusal = slippage(an_entry(quantity=10), book, replace(LIMITS, slippage_bps_max=Decimal(0)))

    # (4 x 1000 + 3 x 1001 + 3 x 1010) / 10 = 1003.3
    assert refusal is not None
    assert refusal.figures["slippage_bps"] == 33


def test_what_fits_into_the_best_level_slips_nothing() -> None:
    assert slippage(an_entry(quantity=4), [a_level("1000", 4), a_level("1100", 4)], LIMITS) is None


def test_what_the_book_cannot_fill_costs_at_least_its_last_level() -> None:
    refusal = slippage(an_entry(quantity=10), [a_level("1000", 1), a_level("1010", 1)], LIMITS)

    assert refusal is not None
    assert refusal.figures["slippage_bps"] == 90


def test_slippage_of_a_sell_walks_the_bids_down() -> None:
    book = [a_level("1000", 5), a_level("990", 5)]

    refusal = slippage(an_entry(quantity=10, side=Side.SELL), book, LIMITS)

    assert refusal is not None
    assert refusal.figures["slippage_bps"] == 50


@pytest.mark.parametrize(
    ("side", "average", "bps"),
    [(Side.BUY, "1001", 10), (Side.BUY, "999", -10), (Side.SELL, "999", 10), (Side.SELL, "1001", -10)],
)
def test_positive_slippage_is_worse_on_both_sides(side: Side, average: str, bps: int) -> None:
    assert slippage_bps(side, Decimal(average), Decimal(1000)) == bps


prices = st.decimals("1", "9999", places=2)


@settings(deadline=None)
@given(prices, prices)
def test_what_a_buy_loses_a_sell_gains(average: Decimal, reference: Decimal) -> None:
    assert slippage_bps(Side.BUY, average, reference) == -slippage_bps(Side.SELL, average, reference)


@pytest.mark.parametrize(
    "quote",
    [None, a_quote(bids=()), a_quote(asks=()), a_quote(bids=(), asks=())],
    ids=["no quote", "no bids", "no asks", "no book"],
)
def test_without_a_two_sided_book_there_is_no_market_data(quote: Quote | None) -> None:
    ((mode, refusal),) = judge_quote(an_entry(), quote, LIMITS, NOON)

    assert (mode, refusal.reason) == (GuardMode.ON, Reason.NO_MARKET_DATA)


def test_a_good_book_passes_every_guard() -> None:
    assert judge_quote(an_entry(), a_quote("999.50", "1000"), LIMITS, NOON) == []


def a_bad_book() -> Quote:
    """Wide and thin, and worse with every share."""
    return a_quote(asks=(a_level("1100", 1), a_level("1200", 1)))


def test_every_guard_that_blocks_is_named_in_order() -> None:
    judged = judge_quote(an_entry(), a_bad_book(), LIMITS, NOON)

    assert reasons([refusal for _, refusal in judged]) == [Reason.WIDE_SPREAD, Reason.THIN_DEPTH, Reason.SLIPPAGE]
    assert {mode for mode, _ in judged} == {GuardMode.ON}


@pytest.mark.parametrize(
    ("guard", "reason"),
    [("spread", Reason.WIDE_SPREAD), ("depth", Reason.THIN_DEPTH), ("slippage", Reason.SLIPPAGE)],
)
def test_a_guard_that_is_off_says_nothing_and_one_in_the_shadow_says_so(guard: str, reason: Reason) -> None:
    off, shadow = (
        judge_quote(an_entry(), a_bad_book(), with_mode(guard, mode), NOON)
        for mode in (GuardMode.OFF, GuardMode.SHADOW)
    )

    assert reason not in [refusal.reason for _, refusal in off]
    assert [refusal.reason for mode, refusal in shadow if mode is GuardMode.SHADOW] == [reason]
    assert (len(off), len(shadow)) == (2, 3)


def test_a_buy_is_judged_by_the_asks_and_a_sell_by_the_bids() -> None:
    thin_bids = a_quote(bids=(a_level("999.50", 1),))

    assert judge_quote(an_entry(), thin_bids, LIMITS, NOON) == []
    ((_, refusal), *_) = judge_quote(an_entry(side=Side.SELL), thin_bids, LIMITS, NOON)
    assert refusal.reason is Reason.THIN_DEPTH


# (limit, what is exactly at it, what is just over it): the entry costs Rs 10,000.
AT_AND_OVER: list[tuple[Reason, RiskLimits, dict[str, Any], dict[str, Any]]] = [
    (
        Reason.MAX_POSITIONS,
        RiskLimits(positions_max=6),
        {"slots_used": 5},
        {"slots_used": 6},
    ),
    (
        Reason.MAX_EXPOSURE,
        RiskLimits(exposure_pct_max=Decimal(80)),
        {"exposure": Decimal(790_000)},
        {"exposure": 790_000 + PAISA},
    ),
    (
        Reason.MAX_SYMBOL_EXPOSURE,
        RiskLimits(symbol_exposure_pct_max=Decimal(20)),
        {"symbol_exposure": Decimal(190_000)},
        {"symbol_exposure": 190_000 + PAISA},
    ),
    (
        Reason.DAILY_DRAWDOWN,
        RiskLimits(daily_drawdown_pct_max=Decimal(8)),
        {"drawdown": Decimal(80_000)},
        {"drawdown": 80_000 + PAISA},
    ),
    (
        Reason.MAX_TRADES,
        RiskLimits(trades_per_day_max=120),
        {"trades_today": 119},
        {"trades_today": 120},
    ),
    (
        Reason.MIN_CASH,
        RiskLimits(cash_reserve_min=Decimal(5_000)),
        {"free_cash": Decimal(15_000)},
        {"free_cash": 15_000 - PAISA},
    ),
]


def test_figures_of_money_are_told_to_the_paisa() -> None:
    portfolio = a_portfolio(equity=Decimal("999787.800000"), symbol_exposure=Decimal("191322.700000"))

    (refusal,) = judge_risk(an_entry(), portfolio, RiskLimits(symbol_exposure_pct_max=Decimal(20)))

    assert {name: str(figure) for name, figure in refusal.figures.items()} == {
        "found": "201322.70",
        "allowed": "199957.56",
    }


@pytest.mark.parametrize(("reason", "limits", "at", "over"), AT_AND_OVER, ids=[case[0].name for case in AT_AND_OVER])
def test_each_risk_limit_passes_at_it_and_blocks_just_over_it(
    reason: Reason, limits: RiskLimits, at: dict[str, Any], over: dict[str, Any]
) -> None:
    assert judge_risk(an_entry(), a_portfolio(**at), limits) == []
    assert reasons(judge_risk(an_entry(), a_portfolio(**over), limits)) == [reason]


def test_an_order_of_the_largest_notional_passes_and_a_paisa_more_blocks() -> None:
    limits = RiskLimits(order_notional_max=Decimal(10_000))

    assert judge_risk(an_entry(), a_portfolio(), limits) == []
    (refusal,) = judge_risk(an_entry(price="1000.01"), a_portfolio(), limits)
    assert refusal.reason is Reason.ORDER_NOTIONAL
    assert refusal.figures == {"found": Decimal("10000.10"), "allowed": 10_000}


def test_a_symbol_that_has_its_slot_passes_a_full_portfolio() -> None:
    assert judge_risk(an_entry(), a_portfolio(slots_used=6, takes_new_slot=False), RiskLimits()) == []


def test_all_limits_that_are_broken_are_named() -> None:
    portfolio = a_portfolio(equity=Decimal(1_000), free_cash=Decimal(0), slots_used=6, drawdown=Decimal(500))

    assert set(reasons(judge_risk(an_entry(), portfolio, RiskLimits()))) == {
        Reason.MAX_POSITIONS,
        Reason.MAX_EXPOSURE,
        Reason.MAX_SYMBOL_EXPOSURE,
        Reason.DAILY_DRAWDOWN,
        Reason.MIN_CASH,
    }


@pytest.mark.parametrize(("price", "passes"), [("800", True), ("799.95", False), ("1200", True), ("1200.05", False)])
def test_a_price_on_the_edge_of_the_band_passes(price: str, passes: bool) -> None:
    assert reasons(judge_terms(an_entry(price=price), some_terms())) == ([] if passes else [Reason.PRICE_BAND])


def test_the_freeze_quantity_itself_passes() -> None:
    terms = some_terms(freeze_quantity=10)

    assert judge_terms(an_entry(quantity=10), terms) == []
    assert reasons(judge_terms(an_entry(quantity=11), terms)) == [Reason.FREEZE_QUANTITY]


def test_a_halted_symbol_is_refused() -> None:
    assert reasons(judge_terms(an_entry(), some_terms(is_halted=True))) == [Reason.SYMBOL_HALTED]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.decimals("100", "110", places=2), st.integers(1, 50)), min_size=1, max_size=5),
    st.integers(1, 300),
)
def test_a_larger_order_never_slips_less(levels: list[tuple[Decimal, int]], quantity: int) -> None:
    book = [Level(price=price, quantity=size) for price, size in sorted(levels)]
    strict = replace(LIMITS, slippage_bps_max=Decimal(-1))

    smaller = slippage(an_entry(quantity=quantity), book, strict)
    larger = slippage(an_entry(quantity=quantity + 1), book, strict)

    assert smaller is not None
    assert larger is not None
    found = [Decimal(refusal.figures["slippage_bps"]) for refusal in (smaller, larger)]
    assert found[0] <= found[1] + Decimal("1e-18")
