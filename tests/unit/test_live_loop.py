"""The loop of real time: whoever watches comes round, whatever the market does."""

from __future__ import annotations

from tests.unit.engine.house import House
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.runtime.live import BEAT_S, LiveLoop

TURNS_IN_A_BEAT = 3


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
