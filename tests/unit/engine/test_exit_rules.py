"""Exits at work: their order, the profit target, a person's wish, and an age that outlives restarts and part fills."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.builders import NOON, a_position, a_quote, a_signal
from tests.unit.engine.fakes import a_holding
from tests.unit.engine.house import House
from tests.unit.engine.test_sells import holding, opened, quoted
from tradebot.domain.events import EventName
from tradebot.domain.exits import Circumstances, ExitRule, evaluate, hits
from tradebot.domain.orders import OrderStatus, PositionId, Product, Side, Variety
from tradebot.domain.policy import ExitRules, Policy
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import ExitPosition
from tradebot.engine.messages import Job

EVERYTHING = Circumstances(target=Decimal(900), is_panic=True, is_wanted=True)
IN_ORDER = [
    ExitRule.PANIC,
    ExitRule.STOP_LOSS,
    ExitRule.ATR_STOP,
    ExitRule.TRAILING,
    ExitRule.PROFIT_TARGET,
    ExitRule.TIME_STOP,
    ExitRule.MANUAL,
]


def test_of_all_rules_at_once_the_first_in_order_wins() -> None:
    fallen = a_position(product=Product.MIS, peak_price=Decimal(1050), metadata={"stop_loss": "995"})
    late = NOON + timedelta(minutes=120)

    found = list(hits(fallen, Decimal(990), late, ExitRules(), EVERYTHING))

    assert [hit.rule for hit in found] == IN_ORDER == list(ExitRule)
    assert evaluate(fallen, Decimal(990), late, ExitRules(), EVERYTHING) == found[0]


@pytest.mark.parametrize(("minutes", "is_old"), [(119.99, False), (120, True)])
def test_an_age_of_exactly_the_limit_is_too_old(minutes: float, is_old: bool) -> None:
    position = a_position(product=Product.MIS)

    hit = evaluate(position, Decimal(1001), NOON + timedelta(minutes=minutes), ExitRules())

    assert (hit is not None) is is_old


def wants_out(house: House) -> Outcome:
    waiting = house.answers.expect("out")
    house.tell(ExitPosition(symbol="INFY", reason="enough", correlation_id="out"))
    return waiting.result(timeout=0).outcome


def test_a_wish_moves_the_standing_sell_to_what_the_market_pays() -> None:
    house = opened()

    assert wants_out(house) is Outcome.ASKED
    house.advance(seconds=1)

    sell = house.the_order(Side.SELL)
    assert house.the_position().exit_rule == ExitRule.MANUAL
    assert sell.price == Decimal("998.30")  # the best bid of 999.50 less 12 basis points
    assert house.broker.count("place") == 1


def test_a_wish_outlives_a_restart() -> None:
    house = opened()
    house.put(ExitPosition(symbol="INFY", reason="enough", correlation_id="out"))

    house.restart()
    house.cycle()

    assert house.the_position().exit_rule == ExitRule.MANUAL


def test_a_wish_for_what_is_not_held_is_refused() -> None:
    house = House()

    assert wants_out(house) is Outcome.CONFLICT


def test_a_wish_is_over_with_its_position() -> None:
    house = opened()
    wants_out(house)
    house.advance(seconds=1)
    house.broker.fill("1", 10, "999")
    house.look()
    house.broker.fill("1", 0)
    house.advance(minutes=20)
    house.broker.owned = []

    house.signals(a_signal(9), variety=Variety.AMO)
    house.broker.fill("2", 10)
    house.broker.owned = [a_holding(10)]
    quoted(house, "1001")

    held = [position for position in house.memory.positions.values() if position.is_open]
    assert [position.exit_rule for position in held] == [None]


def test_the_fill_of_a_resting_target_is_told_as_the_exit() -> None:
    house = opened()

    house.broker.fill("1", 10, "1050")
    house.look()

    (told,) = house.told(EventName.EXIT_PROFIT_TARGET)
    assert (told.fields["found"], told.fields["threshold"]) == (Decimal(1050), Decimal(1050))


def test_a_target_that_could_not_rest_is_a_rule_and_never_sells_below_it() -> None:
    house = holding()
    house.strategy.targets[PositionId("P1")] = Decimal("1201")
    house.job(Job.OPEN)
    none_rests = house.orders(Side.SELL)
    terms = house.broker.symbol_terms["INFY"]
    house.broker.symbol_terms["INFY"] = type(terms)(
        **{name: getattr(terms, name) for name in terms.__slots__} | {"upper_limit": Decimal(1300)}
    )
    house.memory.terms = dict(house.broker.symbol_terms)

    quoted(house, "1201.50")

    assert none_rests == []
    assert house.the_order(Side.SELL).price == Decimal(1201)
    assert house.the_position().exit_rule == ExitRule.PROFIT_TARGET


@pytest.mark.parametrize("restarts", [False, True])
def test_the_age_counts_from_the_first_fill_whatever_follows_it(restarts: bool) -> None:
    """Four shares at 12:00, six an hour later; sold when two hours have passed since the first four."""
    policy = Policy(exits=ExitRules(ttl_applies_to_delivery=True))
    house = House(policy=policy)
    house.market.prices["INFY"] = a_quote()
    house.signals(a_signal(), variety=Variety.REGULAR)
    house.broker.fill("1", 4)
    house.look()
    house.advance(minutes=60)
    house.broker.fill("1", 6)
    house.look()
    house.broker.owned = [a_holding(10)]
    if restarts:
        house.restart()

    house.advance(minutes=59)
    quoted(house, "1001")
    young = house.the_position().exit_rule
    house.advance(minutes=1)
    quoted(house, "1001")

    assert house.the_position().first_fill_at == NOON
    assert (young, house.the_position().exit_rule) == (None, ExitRule.TIME_STOP)
    assert house.the_order(Side.SELL).quantity == 10


def test_a_restart_between_the_hit_and_its_sell_sells_once() -> None:
    house = opened()
    house.market.prices["INFY"] = a_quote("990", "990.05")
    house.clock.at += timedelta(seconds=1)
    house.job(Job.CYCLE)

    house.restart()
    quoted(house, "989")

    assert [sell.status for sell in house.orders(Side.SELL)] == [OrderStatus.PENDING]
    assert len(house.broker.rows) == 1
