"""A stop while the broker hangs: no new work, within its time, and what was under way is written down as uncertain."""

from __future__ import annotations

from threading import Event, Thread

from tests.builders import MONDAY, NOON, a_signal, some_terms
from tests.unit.engine.house import House
from tests.unit.test_live_loop import QuietTimetable
from tradebot.adapters.lanes import ThreadLanes
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.broker_views import Funds, Ticket
from tradebot.domain.orders import AttemptStatus, BrokerOrderId, OrderStatus, RequestState, Variety
from tradebot.engine.messages import Job, JobDue, SignalsReady
from tradebot.runtime.live import STOP_S, LiveLoop

PATIENCE_S = 5 * STOP_S
"""A machine with other things to do is slow; a stop that hangs never ends."""


class Hanging:
    """A broker that takes the order and never says so, until it is let go."""

    def __init__(self, house: House) -> None:
        self.asked, self.let_go = Event(), Event()
        self._place = house.broker.place
        house.broker.place = self.place  # type: ignore[method-assign]

    def place(self, ticket: Ticket) -> BrokerOrderId:
        number = self._place(ticket)
        self.asked.set()
        self.let_go.wait(2 * PATIENCE_S)
        return number


def test_a_stop_with_a_hanging_call_ends_in_time_and_leaves_the_order_uncertain() -> None:
    lanes = ThreadLanes(on_fault=lambda lane, fault: None)
    house = House(lanes=lanes, is_started=False)
    hanging, clock = Hanging(house), RealClock()
    loop = LiveLoop(engine=house.engine, timetable=QuietTimetable(), lanes=lanes, clock=clock, on_beat=lambda: None)
    ended: list[bool] = []
    thread = Thread(target=lambda: ended.append(loop.run()), daemon=True)

    thread.start()
    house.inbox.put(the_signals())
    assert hanging.asked.wait(PATIENCE_S)
    began = clock.monotonic()
    loop.stop()
    thread.join(PATIENCE_S)
    took_s = clock.monotonic() - began

    assert ended == [False]
    assert STOP_S <= took_s < PATIENCE_S
    order = house.the_order()
    assert house.memory.attempts[order.coid].status is AttemptStatus.UNKNOWN
    assert house.memory.requests[f"{order.coid}-P"].state is RequestState.UNKNOWN
    hanging.let_go.set()

    house.broker.place = hanging._place  # type: ignore[method-assign]
    house.restart()

    assert len(house.broker.rows) == 1
    assert house.the_order().status is OrderStatus.PENDING
    assert house.the_order().broker_order_id == "1"


def test_what_comes_in_after_the_stop_is_not_begun() -> None:
    lanes = ThreadLanes(on_fault=lambda lane, fault: None)
    house = House(lanes=lanes, is_started=False)
    loop = LiveLoop(
        engine=house.engine, timetable=QuietTimetable(), lanes=lanes, clock=RealClock(), on_beat=lambda: None
    )
    loop.stop()

    assert loop.run()
    house.put(the_signals())

    assert house.broker.count("place") == 0


def the_signals() -> SignalsReady:
    return SignalsReady(
        job=JobDue(name=Job.AMO_PLACEMENT, at=NOON),
        trading_day=MONDAY,
        variety=Variety.AMO,
        signals=(a_signal(),),
        terms={"INFY": some_terms()},
        funds=Funds(cash=1_000_000, blocked=0),  # type: ignore[arg-type]
        quotes={},
        halted={},
    )
