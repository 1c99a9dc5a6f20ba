"""OFF_HOURS_POLICY: an after-market order now, or a row that is held and goes out after the open, once guards pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest

from tests.builders import EVENING, MONDAY, a_level, a_quote, a_signal, some_terms
from tests.simulator.world import market
from tests.unit.engine.house import House
from tradebot.adapters.storage.lifecycle_store import LifecycleStore
from tradebot.domain.calendar import ist
from tradebot.domain.events import EventName
from tradebot.domain.guards import Reason
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import OrderStatus, OrderType, Product, Side, Source, Validity, Variety
from tradebot.domain.policy import OffHours, Policy, RiskLimits
from tradebot.domain.signals import Signal
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import SubmitOrder
from tradebot.engine.messages import Job, JobDue

pytestmark = pytest.mark.flag("OFF_HOURS_POLICY")

TUESDAY = MONDAY + timedelta(days=1)
OPEN = ist(TUESDAY, time(9, 15))
CLOSE = market().calendar.next_trading_day(MONDAY).ends_at + timedelta(seconds=30)
DEFER = Policy(off_hours=OffHours.DEFER)
BAD = a_quote("990", "1000.00")


def a_house(policy: Policy = DEFER, at: datetime = EVENING) -> House:
    house = House(policy=policy, at=at)
    house.broker.symbol_terms = {"INFY": some_terms(), "TCS": some_terms("TCS")}
    return house


def own_id_of(house: House) -> list[IdStatus]:
    entries = LifecycleStore(house.database.engine).history(house.the_order().id)[IdType.ORDER]
    return [entry.status for entry in entries]


def tonight(house: House, *signals: Signal) -> None:
    house.signals(*(signals or [a_signal(trading_day=TUESDAY)]), day=TUESDAY)


def at_open(house: House, *, after: timedelta = timedelta(0), quote: object = None) -> None:
    house.clock.at = OPEN + after
    shown = quote or a_quote()
    house.market.prices = {
        name: replace(shown, symbol=name, at=house.clock.at)  # type: ignore[type-var]
        for name in ("INFY", "TCS")
    }
    house.job(Job.OPEN if not after else Job.CYCLE)


@pytest.mark.parametrize("off_hours", list(OffHours))
def test_at_night_an_entry_goes_as_an_after_market_order_or_is_held(off_hours: OffHours) -> None:
    house = a_house(Policy(off_hours=off_hours))

    tonight(house)

    is_held = off_hours is OffHours.DEFER
    order = house.the_order()
    assert order.status is OrderStatus.PENDING
    assert house.broker.count("place") == (0 if is_held else 1)
    assert order.variety is (Variety.REGULAR if is_held else Variety.AMO)
    assert house.memory.decisions[order.decision_id].outcome == ("deferred" if is_held else "sent")
    assert len(house.told(EventName.ORDER_DEFERRED)) == is_held
    assert (house.registry.get(order.coid) is None) is is_held


@pytest.mark.parametrize("restarts", [False, True])
def test_after_the_open_what_is_held_goes_as_a_regular_order_once(restarts: bool) -> None:
    house = a_house()
    tonight(house)
    held = house.the_order()
    if restarts:
        house.restart()

    at_open(house)
    at_open(house, after=timedelta(minutes=1))

    order = house.the_order()
    (row,) = house.broker.rows.values()
    assert (order.id, order.coid, order.status) == (held.id, held.coid, OrderStatus.PENDING)
    assert (row.tag, row.variety, row.quantity) == (order.coid, Variety.REGULAR, 10)
    assert house.memory.decisions[order.decision_id].outcome == "sent"


def test_a_bad_book_keeps_it_until_it_is_better_and_is_told_once() -> None:
    house = a_house()
    tonight(house)

    at_open(house, quote=BAD)
    at_open(house, after=timedelta(minutes=1), quote=BAD)
    decision = house.memory.decisions[house.the_order().decision_id]
    waited = house.broker.count("place")
    at_open(house, after=timedelta(minutes=2))

    assert (decision.outcome, decision.reason) == ("deferred", Reason.WIDE_SPREAD)
    assert waited == 0
    assert len(house.told(EventName.GUARD_BLOCK)) == 1
    assert house.broker.count("place") == 1


def test_it_does_not_stand_in_its_own_way_in_the_risk_limits() -> None:
    house = a_house(replace(DEFER, risk=RiskLimits(positions_max=1, trades_per_day_max=1)))
    tonight(house)

    at_open(house)

    assert house.broker.count("place") == 1


def test_it_counts_for_others_while_it_is_held() -> None:
    house = a_house(replace(DEFER, risk=RiskLimits(positions_max=1)))

    tonight(house, a_signal(trading_day=TUESDAY), a_signal(2, "TCS", trading_day=TUESDAY))

    assert [order.status for order in house.orders()] == [OrderStatus.PENDING, OrderStatus.FAILED]


@pytest.mark.parametrize("restarts", [False, True])
def test_what_no_guard_lets_pass_is_cancelled_at_the_close(restarts: bool) -> None:
    house = a_house()
    tonight(house)
    at_open(house, quote=BAD)
    house.clock.at = CLOSE
    if restarts:
        house.restart()
    house.job(Job.MARKET_CLOSE)

    order = house.the_order()
    assert order.status is OrderStatus.CANCELLED
    assert "did not let it pass" in order.reason
    assert own_id_of(house) == [IdStatus.CANCELLED]
    at_open(house, after=timedelta(days=1))
    assert house.broker.count("place") == 0


def test_the_same_signal_again_while_it_is_held_is_a_duplicate() -> None:
    house = a_house()
    tonight(house)
    tonight(house)

    (told,) = house.told(EventName.COID_DUPLICATE)
    assert told.fields["order_id"] == house.the_order().id
    assert len(house.orders()) == 1


def test_a_held_order_is_cancelled_at_once_when_somebody_wants_that() -> None:
    house = a_house()
    tonight(house)

    house.cancel(house.the_order())
    at_open(house)

    assert house.the_order().status is OrderStatus.CANCELLED
    assert own_id_of(house) == [IdStatus.CANCELLED]
    assert house.broker.count("place") == house.broker.count("cancel") == 0


def test_without_an_answer_of_the_market_it_is_held_until_the_next_cycle() -> None:
    house = a_house()
    tonight(house)
    house.broker.troubles["funds"] = [ConnectionError("down")]

    at_open(house)
    held = house.broker.count("place")
    at_open(house, after=timedelta(minutes=1))

    assert (held, house.broker.count("place")) == (0, 1)


def test_killed_between_the_release_and_its_answer_it_is_sent_once() -> None:
    house = a_house()
    tonight(house)
    house.clock.at = OPEN
    house.market.prices = {"INFY": replace(a_quote(), at=OPEN)}
    house.put(JobDue(name=Job.OPEN, at=OPEN))
    house.lanes.run_one("market")
    house.engine.run_pending()
    house.lanes.run_one("INFY")

    house.restart()

    assert len(house.broker.rows) == 1
    assert house.the_order().broker_order_id == "1"


def test_an_order_that_somebody_gives_at_night_is_held_and_answered_with_its_id() -> None:
    """At 3 in the morning no after-market order could be given at all."""
    house = a_house(at=ist(TUESDAY, time(3, 0)))
    waiting = house.answers.expect("api")

    house.tell(a_submission())

    answer = waiting.result(timeout=0)
    assert answer.outcome is Outcome.DONE
    assert answer.order_ids == (house.the_order().id,)
    assert house.the_order().trading_day == TUESDAY
    at_open(house, quote=a_quote(asks=(a_level("1000", 10_000),)))
    assert house.broker.count("place") == 1


def a_submission() -> SubmitOrder:
    return SubmitOrder(
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
        correlation_id="api",
    )
