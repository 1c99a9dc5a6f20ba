"""A clock that shows a day which the calendar does not know: nothing is planned or entered, and nothing breaks."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.engine.house import House
from tests.unit.engine.test_submissions import a_submission, submit
from tradebot.domain.events import EventName, Level
from tradebot.engine.answers import Outcome
from tradebot.engine.calls import LookAtMarket
from tradebot.engine.messages import CallFailed

TEN_YEARS = timedelta(days=3652)


def a_house_ten_years_ahead() -> House:
    house = House()
    house.clock.at += TEN_YEARS
    house.engine.clock_stepped(TEN_YEARS.total_seconds())
    house.settle()
    return house


def test_it_is_told_and_nothing_is_planned() -> None:
    house = a_house_ten_years_ahead()

    assert [event.level for event in house.told(EventName.CALENDAR_ENDED)] == [Level.CRITICAL]
    assert "outside the trading calendar" in house.memory.halt.reason
    assert [job.name for job in house.jobs.planned] == ["plan"]


def test_an_order_is_refused_once_and_the_market_is_not_asked_again_and_again() -> None:
    house = a_house_ten_years_ahead()
    future = house.answers.expect("me")

    house.put(a_submission())
    (waiting,) = house.memory.waiting.values()
    text = "an answer that cannot be read: no day of the calendar"
    house.put(CallFailed(call=LookAtMarket.__name__, error="BrokerUnavailable", text=text, names=(waiting.name,)))

    assert future.result(timeout=0).outcome is Outcome.BLOCKED
    assert house.memory.waiting.values() == []
    assert house.told(EventName.INTERNAL_FAULT) == []


def test_set_right_the_day_is_planned_and_entries_are_open() -> None:
    house = a_house_ten_years_ahead()

    house.clock.at -= TEN_YEARS
    house.engine.clock_stepped(-TEN_YEARS.total_seconds())
    house.settle()

    assert house.memory.halt.reason == ""
    assert len(house.jobs.planned) > 1


def test_an_order_with_a_picture_of_the_market_is_refused_too() -> None:
    house = a_house_ten_years_ahead()

    answer = submit(house)

    assert answer.outcome in (Outcome.BLOCKED, Outcome.CONFLICT)
    assert house.broker.count("place") == 0
    assert house.told(EventName.INTERNAL_FAULT) == []
