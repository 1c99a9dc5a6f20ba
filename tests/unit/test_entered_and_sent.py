"""Entered against sent: nothing leaves that was not asked for, not more often and with no more than that."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import a_signal, a_ticket, some_terms
from tests.unit.engine.fakes import FakeBroker, FakeClock, unreachable
from tests.unit.engine.house import House
from tradebot.adapters.brokers.metered import SENDS_MAX, MeteredBroker, SendCounter
from tradebot.domain.errors import BrokerRejected, BrokerUnavailable, MoreThanEntered
from tradebot.domain.events import EventName
from tradebot.domain.guards import Reason
from tradebot.domain.orders import Coid, OrderStatus, Variety
from tradebot.domain.policy import Policy, RiskLimits
from tradebot.engine import backoff
from tradebot.engine.commands import PauseEntries
from tradebot.engine.unit import Unit

TICKET = a_ticket()


def a_door(gross_max: int = 1_000_000) -> tuple[MeteredBroker, SendCounter, FakeBroker]:
    clock = FakeClock()
    broker, counter = FakeBroker(clock), SendCounter(clock, lambda: Decimal(gross_max))
    return MeteredBroker(broker, counter), counter, broker


def test_what_was_never_entered_does_not_leave() -> None:
    door, counter, broker = a_door()

    with pytest.raises(MoreThanEntered):
        door.place(TICKET)

    assert broker.count("place") == 0
    assert (counter.entered, counter.sent, counter.refused) == (0, 0, 1)


def test_what_was_taken_once_does_not_leave_again() -> None:
    door, counter, broker = a_door()
    counter.enter(TICKET.tag, 10)
    door.place(TICKET)

    for _ in range(1000):
        with pytest.raises(MoreThanEntered):
            door.place(TICKET)

    assert broker.count("place") == 1
    assert (counter.entered, counter.sent) == (1, 1)


def test_what_does_not_arrive_leaves_as_often_as_a_placement_is_tried() -> None:
    door, counter, broker = a_door()
    counter.enter(TICKET.tag, 10)
    broker.troubles["place"] = [unreachable() for _ in range(9)]

    for _ in range(SENDS_MAX):
        with pytest.raises(BrokerUnavailable):
            door.place(TICKET)
    with pytest.raises(MoreThanEntered):
        door.place(TICKET)

    assert broker.count("place") == SENDS_MAX == backoff.SENDS_MAX
    assert counter.sent == 1


def test_no_more_leaves_than_the_quantity_that_was_entered() -> None:
    door, counter, broker = a_door()
    counter.enter(TICKET.tag, 10)

    with pytest.raises(MoreThanEntered):
        door.place(replace(TICKET, quantity=11))
    door.place(TICKET)

    assert broker.count("place") == 1


def test_entries_leave_up_to_the_gross_of_a_day_and_exits_beyond_it() -> None:
    door, counter, broker = a_door(gross_max=25_000)
    for number in range(4):
        counter.enter(Coid(f"A{number}"), 10)

    door.place(replace(TICKET, tag=Coid("A0")))
    door.place(replace(TICKET, tag=Coid("A1")))
    with pytest.raises(MoreThanEntered):
        door.place(replace(TICKET, tag=Coid("A2")))
    door.place(replace(TICKET, tag=Coid("A3"), is_entry=False))

    assert broker.count("place") == 3


def test_what_a_change_takes_on_counts_into_the_gross_of_the_day() -> None:
    door, counter, broker = a_door(gross_max=25_000)
    for number in range(2):
        counter.enter(Coid(f"A{number}"), 10)
    placed = door.place(replace(TICKET, tag=Coid("A0")))

    door.modify(placed, Variety.REGULAR, quantity=20, price=Decimal(1000), adds=Decimal(10_000))
    with pytest.raises(MoreThanEntered):
        door.modify(placed, Variety.REGULAR, quantity=26, price=Decimal(1000), adds=Decimal(6_000))
    with pytest.raises(MoreThanEntered):
        door.place(replace(TICKET, tag=Coid("A1")))
    door.modify(placed, Variety.REGULAR, quantity=5, price=Decimal(1000))

    assert broker.count("modify") == 2
    assert counter.refused == 2


def test_a_restart_goes_on_with_the_gross_of_the_day() -> None:
    door, counter, broker = a_door(gross_max=25_000)
    counter.begin({Variety.REGULAR: Decimal(20_000)})
    counter.enter(TICKET.tag, 10)

    with pytest.raises(MoreThanEntered):
        door.place(TICKET)

    assert broker.count("place") == 0


def test_an_engine_that_runs_away_with_one_order_is_stopped_and_entries_are_paused() -> None:
    """A defect that sends the children of one parent again and again."""
    house = House()
    house.signals(a_signal())
    order = house.the_order()
    attempt = house.memory.attempts[order.coid]
    for _ in range(50):
        unit = Unit(house.memory, house.clock.at)
        house.engine._handling._desk.send(unit, order, attempt)
        house.engine._commit(unit)
        house.settle()

    assert len(house.broker.rows) == 1
    assert house.memory.is_paused
    assert {event.fields["bound"] for event in house.told(EventName.BOUND_REACHED)} == {"entered_against_sent"}


@pytest.mark.parametrize(
    ("risk", "reason", "budget"),
    [
        (RiskLimits(positions_max=5000, trades_per_day_max=5000, orders_open_max=7), Reason.OPEN_ORDERS, 7),
        (
            RiskLimits(positions_max=5000, trades_per_day_max=5000, gross_per_day_max=Decimal(52_000)),
            Reason.GROSS,
            5,
        ),
        (RiskLimits(positions_max=5000, trades_per_day_max=4), Reason.MAX_TRADES, 4),
    ],
)
def test_a_strategy_that_runs_away_is_stopped_before_the_order_after_its_budget(
    risk: RiskLimits, reason: Reason, budget: int
) -> None:
    house = House(policy=Policy(risk=risk))
    house.broker.cash = Decimal(10) ** 9
    symbols = [f"S{number}" for number in range(300)]
    house.broker.symbol_terms = {symbol: some_terms(symbol) for symbol in symbols}

    house.signals(*(a_signal(number, symbol) for number, symbol in enumerate(symbols)), settle=False)
    house.restart()
    house.signals(*(a_signal(1000 + number, symbol) for number, symbol in enumerate(symbols[100:], 1)))

    assert len(house.broker.rows) == budget
    blocked = [d.reason for d in house.memory.decisions.values() if d.outcome == "blocked"]
    assert set(blocked) == {reason}


def test_refusals_in_a_row_pause_entries_until_somebody_resumes_them() -> None:
    house = House(policy=Policy(risk=RiskLimits(rejects_in_a_row_max=3)))
    symbols = [f"S{number}" for number in range(9)]
    house.broker.symbol_terms = {symbol: some_terms(symbol) for symbol in symbols}
    no = BrokerRejected("no")
    house.broker.troubles["place"] = [no, no, None, no, no, no]

    for number, symbol in enumerate(symbols[:6]):
        house.signals(a_signal(number, symbol))
    paused = house.memory.is_paused
    house.restart()
    house.signals(a_signal(7, "S7"))
    still = house.broker.count("place")
    house.tell(PauseEntries(is_paused=False, correlation_id="test"))
    house.signals(a_signal(8, "S8"))

    assert paused
    assert (still, house.broker.count("place")) == (6, 7)
    (told,) = house.told(EventName.BOUND_REACHED)
    assert told.fields["bound"] == "rejects_in_a_row"
    assert [order.status for order in house.orders()].count(OrderStatus.FAILED) == 5
