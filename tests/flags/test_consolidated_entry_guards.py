"""ENABLE_CONSOLIDATED_ENTRY_GUARDS: one picture and every reason; or one guard after the other, each on its quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from tests.builders import EVENING, MONDAY, NOON, a_level, a_quote, a_signal, some_terms
from tests.unit.engine.fakes import FakeMarket
from tests.unit.engine.house import House
from tradebot.domain.events import EventName
from tradebot.domain.guards import Entry, Reason, judge_apart
from tradebot.domain.orders import OrderType, Product, Side, Source, Validity, Variety
from tradebot.domain.policy import FlowFlags, GuardMode, Policy, QuoteLimits, RiskLimits
from tradebot.domain.quotes import Quote
from tradebot.engine.calls import MakeSignals
from tradebot.engine.commands import SubmitOrder
from tradebot.engine.messages import Job, JobDue

pytestmark = pytest.mark.flag("ENABLE_CONSOLIDATED_ENTRY_GUARDS")

BAD = a_quote("990", "1000.00", asks=(a_level("1000", 1),))
"""A wide spread over a thin book."""


@dataclass(slots=True)
class CountedMarket(FakeMarket):
    """Counts the looks; each is answered by the next of `answers`, then by `prices`."""

    answers: list[Quote] = field(default_factory=list)
    looks: int = 0

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        self.looks += 1
        quote = self.answers.pop(0) if self.answers else self.prices["INFY"]
        return {"INFY": quote}


def a_house(*, is_on: bool, **policy: object) -> House:
    house = House(policy=Policy(flags=FlowFlags(consolidated_guards=is_on), **policy))  # type: ignore[arg-type]
    house.market = CountedMarket(prices={"INFY": a_quote()})
    house.restart()
    return house


def placed(house: House) -> list[str]:
    """What the day's signals come to, with quotes that the placement job fetches; the reasons of those blocked."""
    house.strategy.given = [a_signal()]
    call = MakeSignals(
        job=JobDue(name=Job.AMO_PLACEMENT, at=NOON),
        trading_day=MONDAY,
        variety=Variety.REGULAR,
        held=(),
        further_looks=0 if house.policy.flags.consolidated_guards else 2,
    )
    house.engine._departures.hand_over(call)
    house.settle()
    return [reason for d in house.memory.decisions.values() for reason in d.reason.split(", ") if reason]


@pytest.mark.parametrize(("is_on", "looks"), [(True, 1), (False, 3)])
def test_a_placement_looks_once_or_once_for_each_guard(is_on: bool, looks: int) -> None:
    house = a_house(is_on=is_on)
    assert isinstance(house.market, CountedMarket)

    placed(house)

    assert house.market.looks == looks
    assert house.broker.count("place") == 1


@pytest.mark.parametrize("is_on", [True, False])
def test_all_reasons_are_named_or_the_first_alone(is_on: bool) -> None:
    house = a_house(is_on=is_on)
    house.market.prices["INFY"] = BAD

    reasons = placed(house)

    both = [Reason.WIDE_SPREAD, Reason.THIN_DEPTH]
    assert reasons == (both if is_on else both[:1])
    assert len(house.told(EventName.GUARD_BLOCK)) == len(reasons)


@pytest.mark.parametrize("is_on", [True, False])
def test_a_risk_limit_comes_before_the_book(is_on: bool) -> None:
    house = a_house(is_on=is_on, risk=RiskLimits(order_notional_max=Decimal(9_000)))
    house.market.prices["INFY"] = BAD

    reasons = placed(house)

    everything = [Reason.ORDER_NOTIONAL, Reason.WIDE_SPREAD, Reason.THIN_DEPTH]
    assert reasons == (everything if is_on else everything[:1])


def test_each_guard_apart_sees_a_quote_of_its_own() -> None:
    """The book is deep for the spread's look and thin for the depth's."""
    house = a_house(is_on=False)
    assert isinstance(house.market, CountedMarket)
    thin = a_quote("999.50", "1000.00", asks=(a_level("1000", 1),))
    house.market.answers = [a_quote(), thin, a_quote()]

    assert placed(house) == [Reason.THIN_DEPTH]


@pytest.mark.parametrize(("is_on", "looks"), [(True, 1), (False, 3)])
def test_an_order_that_somebody_gives_is_judged_the_same_way(is_on: bool, looks: int) -> None:
    house = a_house(is_on=is_on)
    assert isinstance(house.market, CountedMarket)
    house.market.prices["INFY"] = BAD
    house.market.looks = 0

    house.tell(
        SubmitOrder(
            account_id="primary",
            user_id="owner",
            symbol="INFY",
            exchange="NSE",
            side=Side.BUY,
            quantity=10,
            order_type=OrderType.LIMIT,
            price=Decimal(1000),
            product=Product.CNC,
            validity=Validity.DAY,
            source=Source.API,
            correlation_id="test",
        )
    )

    (decision,) = house.memory.decisions.values()
    both = f"{Reason.WIDE_SPREAD}, {Reason.THIN_DEPTH}"
    assert decision.reason == (both if is_on else Reason.WIDE_SPREAD)
    assert house.market.looks == looks


LIMITS = QuoteLimits()
ENTRY = Entry(symbol="INFY", side=Side.BUY, quantity=10, price=Decimal(1000))


def test_apart_a_guard_in_the_shadow_is_told_and_the_next_one_is_asked() -> None:
    judged = judge_apart(ENTRY, [BAD] * 3, replace(LIMITS, spread=GuardMode.SHADOW), NOON)

    assert [(mode, refusal.reason) for mode, refusal in judged] == [
        (GuardMode.SHADOW, Reason.WIDE_SPREAD),
        (GuardMode.ON, Reason.THIN_DEPTH),
    ]


def test_apart_a_quote_that_is_missing_ends_it() -> None:
    judged = judge_apart(ENTRY, [a_quote(), None, a_quote()], LIMITS, NOON)

    assert [refusal.reason for _, refusal in judged] == [Reason.NO_MARKET_DATA]


def test_apart_and_all_off_there_must_be_market_data_all_the_same() -> None:
    off = replace(LIMITS, spread=GuardMode.OFF, depth=GuardMode.OFF, slippage=GuardMode.OFF)

    assert [refusal.reason for _, refusal in judge_apart(ENTRY, [None], off, NOON)] == [Reason.NO_MARKET_DATA]
    assert judge_apart(ENTRY, [BAD], off, NOON) == []


def test_at_night_there_is_no_book_either_way() -> None:
    for is_on in (True, False):
        house = House(policy=Policy(flags=FlowFlags(consolidated_guards=is_on)), at=EVENING)
        house.broker.symbol_terms = {"INFY": some_terms()}
        house.signals(a_signal())
        assert house.told(EventName.GUARD_NOT_EVALUATED)
        assert house.broker.count("place") == 1
