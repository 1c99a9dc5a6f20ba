"""The loop of real time: whoever watches comes round, whatever the market does."""

from __future__ import annotations

import gc
import sys
from datetime import datetime

import pytest

from tests.unit.engine.house import House
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.orders import BrokerOrderId
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import OrderPushed
from tradebot.runtime.interpreter import TURN_S
from tradebot.runtime.live import BEAT_S, LiveLoop

TURNS_IN_A_BEAT = 3
RESTLESS_MAX = 2_000


class QuietTimetable:
    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def beat(self) -> float | None:
        return None


def test_with_nothing_to_do_whoever_watches_is_called_several_times_a_second() -> None:
    house, clock, turns = House(is_started=False), RealClock(), list[float]()

    def turn() -> None:
        turns.append(clock.monotonic())
        if turns[-1] - turns[0] >= BEAT_S:
            loop.stop()

    loop = LiveLoop(
        engine=house.engine,
        timetable=QuietTimetable(),
        lanes=house.lanes,
        clock=clock,
        on_beat=lambda: None,
        on_turn=turn,
    )
    is_clean = loop.run()

    assert is_clean
    assert len(turns) > TURNS_IN_A_BEAT


class Restless:
    """Something new comes in with everything that is handled."""

    def __init__(self) -> None:
        self.count = 0
        self.inbox: Inbox | None = None

    def record(self, sequence: int, at: datetime, message: object, *, joins: bool = False) -> None:
        self.count += 1
        if self.inbox is not None and self.count < RESTLESS_MAX:
            self.inbox.put(OrderPushed(broker_order_id=BrokerOrderId("1")))


def test_a_market_that_never_pauses_keeps_nobody_from_a_turn() -> None:
    restless = Restless()
    house, counts = House(is_started=False, recorder=restless), list[int]()
    restless.inbox = house.inbox

    def turn() -> None:
        counts.append(restless.count)
        loop.stop()

    loop = LiveLoop(
        engine=house.engine,
        timetable=QuietTimetable(),
        lanes=house.lanes,
        clock=RealClock(),
        on_beat=lambda: None,
        on_turn=turn,
    )
    house.inbox.put(OrderPushed(broker_order_id=BrokerOrderId("1")))
    loop.run()

    assert 0 < counts[0] < RESTLESS_MAX


def test_while_the_loop_runs_threads_take_short_turns_and_what_was_there_is_not_collected() -> None:
    house, before_s, seen = House(is_started=False), sys.getswitchinterval(), list[tuple[int, float]]()

    def turn() -> None:
        seen.append((gc.get_freeze_count(), sys.getswitchinterval()))
        loop.stop()

    loop = LiveLoop(
        engine=house.engine,
        timetable=QuietTimetable(),
        lanes=house.lanes,
        clock=RealClock(),
        on_beat=lambda: None,
        on_turn=turn,
    )
    loop.run()

    frozen, turn_s = seen[0]
    assert frozen > 0
    assert turn_s == pytest.approx(TURN_S)
    assert (gc.get_freeze_count(), sys.getswitchinterval()) == (0, before_s)
