"""The checks of a retry: each in its place, the first that says something decides."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_broker_order, an_order
from tradebot.domain.orders import EntryType, OrderId, OrderStatus, Source
from tradebot.domain.retry import RetryFacts, Step, judge_retry

FREE = RetryFacts(
    slots_used=0,
    positions_max=6,
    is_slot_used=False,
    is_held=False,
    has_indicators=True,
    close=Decimal(1000),
    volume=Decimal(100_000),
    volume_pct_max=Decimal(5),
    manual=None,
    live=None,
    price=Decimal(1010),
    lot_size=1,
    capital=Decimal(50_000),
    free_cash=Decimal(1_000_000),
)
# One breach for each check, in the order of the specification.
BREACHES: list[tuple[Step, dict[str, Any]]] = [
    (Step.LIMIT, {"slots_used": 6}),
    (Step.HELD, {"is_held": True}),
    (Step.NO_INDICATORS, {"has_indicators": False}),
    (Step.NO_PRICE, {"close": Decimal(0)}),
    (Step.LINK, {"manual": a_broker_order(tag=None)}),
    (Step.REPLACE, {"live": OrderId("9")}),
    (Step.VOLUME, {"volume": Decimal(900)}),
    (Step.BALANCE, {"free_cash": Decimal(100)}),
]


def failed(**changes: Any) -> Any:
    return an_order(status=OrderStatus.FAILED, **changes)


@pytest.mark.parametrize("first", range(len(BREACHES)), ids=[step for step, _ in BREACHES])
def test_of_several_breaches_the_first_one_decides(first: int) -> None:
    facts = FREE
    for _, breach in BREACHES[first:]:
        facts = replace(facts, **breach)

    assert judge_retry(failed(), facts).step is BREACHES[first][0]


def test_an_order_that_breaks_nothing_is_placed_and_sized_anew() -> None:
    verdict = judge_retry(failed(quantity=3), FREE)

    assert (verdict.step, verdict.quantity) == (Step.PLACE, 50)


@pytest.mark.parametrize(("close", "quantity"), [("999", 50), ("1001", 49), ("60000", 1)])
def test_the_quantity_is_what_the_capital_buys_and_at_least_one(close: str, quantity: int) -> None:
    facts = replace(FREE, close=Decimal(close), volume=None)

    assert judge_retry(failed(), facts).quantity == quantity


def test_a_quantity_of_the_signal_itself_stays() -> None:
    order = failed(quantity=3, metadata={"sized_by": "signal"})

    assert judge_retry(order, FREE).quantity == 3


@pytest.mark.parametrize("source", [Source.API, Source.MANUAL])
def test_an_order_of_people_keeps_its_quantity_and_meets_no_check_by_symbol(source: Source) -> None:
    facts = replace(
        FREE, is_held=True, has_indicators=False, manual=a_broker_order(tag=None), live=OrderId("9"), close=None
    )

    verdict = judge_retry(failed(quantity=3, orig_source=source), facts)

    assert (verdict.step, verdict.quantity) == (Step.PLACE, 3)


@pytest.mark.parametrize(("source", "step"), [(Source.API, Step.LIMIT), (Source.STRATEGY, Step.LIMIT)])
def test_the_portfolio_limit_is_for_all(source: Source, step: Step) -> None:
    assert judge_retry(failed(orig_source=source), replace(FREE, slots_used=6)).step is step


def test_a_reentry_is_not_cancelled_for_what_is_held_and_takes_no_new_slot() -> None:
    facts = replace(FREE, is_held=True, is_slot_used=True, slots_used=6)

    assert judge_retry(failed(entry_type=EntryType.REENTRY), facts).step is Step.PLACE


def test_exactly_the_allowed_share_of_the_volume_and_exactly_the_cash_pass() -> None:
    facts = replace(FREE, volume=Decimal(1000), free_cash=Decimal(50 * 1010))

    assert judge_retry(failed(), facts).step is Step.PLACE


def test_what_is_short_is_told_in_rupees() -> None:
    verdict = judge_retry(failed(), replace(FREE, free_cash=Decimal(50_000)))

    assert (verdict.step, verdict.short) == (Step.BALANCE, Decimal(500))
