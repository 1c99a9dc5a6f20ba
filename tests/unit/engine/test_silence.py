"""Orders of which nothing is heard: told once, while everything else goes on as if all were well."""

from __future__ import annotations

from tests.builders import MONDAY, a_signal
from tests.unit.engine.fakes import PROOF
from tests.unit.engine.house import House
from tests.unit.engine.test_retry_run import TUESDAY, at
from tradebot.domain.events import EventName
from tradebot.engine.messages import Job


def silent(house: House) -> list[object]:
    return [event.fields["expected"] for event in house.told(EventName.ORDER_SILENT)]


def test_a_placement_without_an_answer_is_told_after_two_seconds_once() -> None:
    house = House(at=at(MONDAY, 16, 5))
    house.signals(a_signal(trading_day=TUESDAY), day=TUESDAY, settle=False)
    held = list(house.lanes.waiting)
    house.lanes.waiting.clear()

    house.advance(seconds=1.9)
    before = silent(house)
    house.advance(seconds=0.2)
    after = silent(house)
    house.lanes.waiting.extend(held)
    house.settle()
    house.advance(minutes=1)

    assert (before, after) == ([], ["acknowledged"])
    assert silent(house) == ["acknowledged"]
    assert house.the_order().broker_order_id == "1"


def test_an_answer_in_time_is_not_told() -> None:
    house = House(capabilities=PROOF)
    house.signals(a_signal())

    house.advance(minutes=1)

    assert silent(house) == []


def test_an_after_market_order_that_stays_parked_is_told_at_0916_while_cycles_go_well() -> None:
    house = House(at=at(MONDAY, 16, 5))
    house.signals(a_signal(trading_day=TUESDAY), day=TUESDAY)
    house.broker.change("1", status="AMO REQ RECEIVED")
    house.look()
    house.clock.at = at(TUESDAY, 9, 15)
    house.cycle()
    house.job(Job.SILENCE)
    early = silent(house)

    house.clock.at = at(TUESDAY, 9, 16)
    house.job(Job.SILENCE)
    house.job(Job.SILENCE)

    assert (early, silent(house)) == ([], ["released"])


def test_an_order_that_is_open_after_its_session_is_told() -> None:
    house = House()
    house.signals(a_signal())
    house.clock.at = at(MONDAY, 17)

    house.job(Job.SILENCE)

    assert silent(house) == ["final"]


def test_both_looks_are_in_the_plan_of_the_day() -> None:
    house = House()
    planned = [job.at for job in house.jobs.planned if job.name == Job.SILENCE]

    assert at(MONDAY, 9, 16) in planned
    assert len(planned) == 2
