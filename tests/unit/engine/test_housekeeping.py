"""Memory has a bound: what is finished leaves it at the end of its day, what is not stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import MONDAY, NOON, a_broker_order, a_quote, a_signal, some_terms
from tests.unit.engine.fakes import a_holding
from tests.unit.engine.house import House
from tradebot.domain.orders import OrderStatus, Side
from tradebot.engine.messages import Job

TUESDAY = MONDAY + timedelta(days=1)
TABLES = ("orders", "attempts", "requests", "positions", "decisions", "trades", "coids", "sends", "modifies")


def sizes(house: House) -> dict[str, int]:
    memory = house.memory
    tables = {name: len(getattr(memory, name).names()) for name in TABLES}
    return {**tables, "seen": len(memory.seen), "landings": len(memory.landings), "in_flight": len(memory.in_flight)}


def test_a_finished_order_leaves_memory_with_all_that_belongs_to_it_and_stays_in_the_database() -> None:
    house = House()
    house.signals(a_signal())
    house.broker.change("1", status="CANCELLED")
    house.look()
    assert sizes(house)["orders"] == 1
    house.broker.rows.clear()
    house.clock.at = NOON + timedelta(days=1)

    house.job(Job.END_OF_DAY)

    assert set(sizes(house).values()) == {0}
    assert house.count_rows("orders") == house.count_rows("attempts") == house.count_rows("decisions") == 1


def test_a_finished_order_of_today_stays_for_late_fills() -> None:
    house = House()
    house.signals(a_signal())
    house.broker.change("1", status="CANCELLED")
    house.look()

    house.job(Job.END_OF_DAY)

    assert house.the_order().status is OrderStatus.CANCELLED


def test_an_order_for_tomorrow_stays() -> None:
    house = House()
    house.signals(a_signal(trading_day=TUESDAY), day=TUESDAY)

    house.job(Job.END_OF_DAY)

    assert house.the_order().trading_day == TUESDAY
    assert sizes(house)["attempts"] == 1


@pytest.mark.parametrize("days", [1, 5])
def test_what_is_held_stays_for_as_long_as_it_is_held(days: int) -> None:
    house = House()
    house.signals(a_signal())
    house.broker.fill("1", 10)
    house.look()

    for _ in range(days):
        house.clock.at += timedelta(days=1)
        house.job(Job.END_OF_DAY)

    assert house.the_order().status is OrderStatus.ONGOING
    assert house.the_position().is_open


def test_a_position_that_was_sold_leaves_with_its_orders() -> None:
    house = House()
    house.market.prices["INFY"] = a_quote("900", "900.05")
    house.broker.owned = [a_holding(10)]
    house.signals(a_signal())
    house.broker.fill("1", 10)
    house.look()
    house.cycle()
    house.broker.fill("2", 10, "900")
    house.look()
    assert house.the_order(Side.SELL).status is OrderStatus.CLOSED
    house.broker.rows.clear()
    house.clock.at = NOON + timedelta(days=1)

    house.job(Job.END_OF_DAY)

    assert set(sizes(house).values()) == {0}
    assert house.count_rows("positions") == 1


def test_many_days_leave_memory_as_large_as_it_was() -> None:
    house = House()
    house.broker.symbol_terms |= {name: some_terms(name) for name in ("A", "B", "C")}
    after_a_day = {}

    for number in range(12):
        house.clock.at = NOON + timedelta(days=number)
        day = MONDAY + timedelta(days=number)
        house.broker.rows.clear()
        for index, name in enumerate(("A", "B", "C")):
            house.signals(a_signal(number * 10 + index, name, trading_day=day), day=day)
        for row in list(house.broker.rows):
            house.broker.change(row, status="REJECTED" if row == "1" else "CANCELLED")
        house.look()
        house.job(Job.END_OF_DAY)
        after_a_day[number] = sizes(house)

    assert after_a_day[11] == after_a_day[5]


def test_orders_that_are_not_ours_leave_memory_too() -> None:
    house = House()
    for number in range(50):
        house.broker.rows[f"F{number}"] = a_broker_order(tag=None, broker_order_id=f"F{number}")  # type: ignore[index]
    house.look()
    house.broker.rows.clear()
    house.clock.at = NOON + timedelta(days=1)

    house.job(Job.END_OF_DAY)

    assert house.memory.seen == {}


def test_finished_ids_older_than_a_week_leave_the_registry() -> None:
    house = House()
    house.signals(a_signal())
    coid = house.the_order().coid
    house.broker.change("1", status="CANCELLED")
    house.look()
    house.clock.at = NOON + timedelta(days=6)
    house.job(Job.END_OF_DAY)
    before = house.registry.get(coid)
    house.clock.at = NOON + timedelta(days=8)

    house.job(Job.END_OF_DAY)

    assert before is not None
    assert house.registry.get(coid) is None


def test_an_open_id_stays_in_the_registry_however_old() -> None:
    house = House()
    house.signals(a_signal())
    coid = house.the_order().coid
    house.clock.at = NOON + timedelta(days=30)

    house.job(Job.END_OF_DAY)

    assert house.registry.get(coid) is not None


def test_the_terms_of_the_day_are_forgotten() -> None:
    house = House()
    house.broker.owned = [a_holding(10)]
    house.market.prices["INFY"] = a_quote()
    house.signals(a_signal())
    house.broker.fill("1", 10)
    house.look()
    house.cycle()
    assert house.memory.terms

    house.job(Job.END_OF_DAY)

    assert house.memory.terms == {}
