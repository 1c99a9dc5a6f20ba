"""The end of the day: steps that stand alone, the summary that names them, and ages in trading days."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest

from tests.builders import MONDAY, a_signal, an_order
from tests.simulator.world import market
from tests.unit.engine.fakes import NO_PROOF, a_holding, unreachable
from tests.unit.engine.house import House
from tests.unit.engine.test_manual import a_sale
from tests.unit.engine.test_retry_run import TUESDAY, at
from tradebot.domain.calendar import ist
from tradebot.domain.day_figures import age_in_trading_days
from tradebot.domain.errors import BrokerRejected, OutcomeUnknown
from tradebot.domain.events import EventName
from tradebot.domain.orders import OrderStatus
from tradebot.engine.messages import Job

ALL = "verify,reconcile,not_found,expire,statistics,archive"


def summary(house: House) -> dict[str, object]:
    return dict(house.told(EventName.DAY_SUMMARY)[-1].fields)


def close(house: House) -> dict[str, object]:
    house.clock.at = max(house.clock.at, at(MONDAY, 18))
    house.job(Job.END_OF_DAY)
    return summary(house)


def test_a_quiet_day_completes_every_step() -> None:
    told = close(House())

    assert (told["completed"], told["not_completed"]) == (ALL, "")


def test_the_summary_has_the_days_own_figures() -> None:
    house = House()
    house.broker.symbol_terms["TCS"] = house.broker.symbol_terms["INFY"]
    house.signals(a_signal())
    house.broker.troubles["place"] = [BrokerRejected("margin")]
    house.signals(a_signal(2, "TCS"))
    house.broker.owned = [a_holding(10)]
    house.broker.fill("1", 10)
    house.look()

    told = close(house)

    figures = {name: told[name] for name in ("day_orders", "day_filled", "day_rejected", "day_by_hand", "not_found")}
    assert figures == {"day_orders": 2, "day_filled": 1, "day_rejected": 1, "day_by_hand": 0, "not_found": 0}
    assert told["day_pnl"] == Decimal(0)


def test_a_sale_by_hand_after_the_last_cycle_is_settled_in_the_evening() -> None:
    house = House()
    house.signals(a_signal())
    house.broker.fill("1", 10)
    house.look()
    row = a_sale(10)
    house.broker.rows[row.broker_order_id] = row
    house.broker.owned = [a_holding(1, "OTHER")]

    close(house)

    assert not house.the_position().is_open
    assert len(house.told(EventName.MANUAL_EXIT)) == 1


def test_no_holdings_fail_their_step_alone() -> None:
    house = House()
    house.signals(a_signal())
    house.broker.fill("1", 10)
    house.look()

    told = close(house)

    assert told["not_completed"] == "reconcile"
    assert told["completed"] == "verify,not_found,expire,statistics,archive"
    assert house.the_position().quantity == 10
    assert len(house.told(EventName.JOB_FAILED)) == 1


def test_without_a_broker_the_day_is_closed_in_the_end_and_says_what_was_left_out() -> None:
    house = House()
    house.broker.troubles["order_book"] = [unreachable()] * 50
    house.clock.at = at(MONDAY, 18)
    house.jobs.timers.clear()
    house.job(Job.END_OF_DAY)
    early = house.told(EventName.DAY_SUMMARY)

    house.advance(minutes=15)

    assert early == []
    told = summary(house)
    assert told["not_completed"] == "verify,not_found"
    assert house.run_of(Job.END_OF_DAY) is not None


def test_failed_orders_that_are_too_old_expire_in_the_evening_too() -> None:
    house = House(at=at(MONDAY, 9, 30))
    house.broker.troubles["place"] = [BrokerRejected("margin")]
    house.signals(a_signal())
    house.clock.at = at(TUESDAY, 18)

    told = close(house)

    assert told["expired"] == 1
    assert [(event.event, event.to_status) for event in house.story()][-1] == ("expired", OrderStatus.CANCELLED)


def test_what_could_not_be_found_is_counted() -> None:
    house = House(capabilities=NO_PROOF)
    house.broker.troubles["place"] = [OutcomeUnknown("timed out")]
    house.signals(a_signal())

    assert close(house)["not_found"] == 1


@pytest.mark.parametrize(
    ("made", "today", "age"),
    [
        (date(2026, 11, 16), date(2026, 11, 16), 0),
        (date(2026, 11, 16), date(2026, 11, 17), 1),
        (date(2026, 11, 20), date(2026, 11, 23), 1),
        (date(2026, 11, 23), date(2026, 11, 25), 1),
    ],
    ids=["the same day", "a night", "a weekend", "a holiday"],
)
def test_the_age_of_an_order_counts_in_trading_days(made: date, today: date, age: int) -> None:
    order = an_order(created_at=ist(made, time(12, 0)))

    assert age_in_trading_days(order, today, market().calendar) == age
