"""Lanes: one thing at a time in each, several side by side, bounds that speak up, and a seeded order."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Queue
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.adapters.lanes import (
    DiedAtHandOver,
    InlineLanes,
    LaneFull,
    LanesClosed,
    SeededLanes,
    ThreadLanes,
)
from tradebot.domain.errors import BrokerUnavailable

DEADLINE_S = 10.0


class Faults:
    """Takes the exceptions that escape from work."""

    def __init__(self) -> None:
        self.queue: Queue[tuple[str, BaseException]] = Queue()

    def __call__(self, lane: str, fault: BaseException) -> None:
        self.queue.put((lane, fault))


class Gate:
    """Work that says that it has begun, and ends when it is let go."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> None:
        self.began.set()
        assert self.go.wait(DEADLINE_S)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def make_lanes(faults: Faults) -> Iterator[Callable[..., ThreadLanes]]:
    made: list[ThreadLanes] = []

    def make(**settings: Any) -> ThreadLanes:
        made.append(ThreadLanes(on_fault=faults, **settings))
        return made[-1]

    yield make
    for lanes in made:
        lanes.close(DEADLINE_S)
    assert faults.queue.empty()


def fail() -> None:
    raise RuntimeError("broken")


def work_that(queue: Queue[object], value: object) -> Callable[[], None]:
    return lambda: queue.put(value)


def test_inline_work_is_done_when_the_hand_over_returns() -> None:
    done: list[str] = []
    InlineLanes().hand_over("A", lambda: done.append("work"))

    assert done == ["work"]


def test_what_inline_work_raises_goes_to_the_caller() -> None:
    with pytest.raises(RuntimeError, match="broken"):
        InlineLanes().hand_over("A", fail)


def test_inline_lanes_take_nothing_after_their_close() -> None:
    lanes = InlineLanes()

    assert lanes.close(0)
    with pytest.raises(LanesClosed):
        lanes.hand_over("A", fail)


def test_a_lane_keeps_its_order(make_lanes: Callable[..., ThreadLanes]) -> None:
    lanes, done = make_lanes(threads_max=4), Queue[object]()
    for number in range(50):
        lanes.hand_over("A", work_that(done, number))

    assert [done.get(timeout=DEADLINE_S) for _ in range(50)] == list(range(50))


def test_a_lane_does_one_thing_at_a_time_and_others_go_on_beside_it(make_lanes: Callable[..., ThreadLanes]) -> None:
    lanes, first, second, other = make_lanes(threads_max=4), Gate(), Gate(), Gate()
    lanes.hand_over("A", first)
    lanes.hand_over("A", second)
    assert first.began.wait(DEADLINE_S)
    lanes.hand_over("B", other)
    assert other.began.wait(DEADLINE_S)

    assert not second.began.is_set()

    first.go.set()
    assert second.began.wait(DEADLINE_S)
    second.go.set()
    other.go.set()


def test_there_are_at_most_so_many_threads(make_lanes: Callable[..., ThreadLanes]) -> None:
    lanes, gates = make_lanes(threads_max=2), [Gate() for _ in range(3)]
    for number, gate in enumerate(gates):
        lanes.hand_over(f"lane{number}", gate)
    assert gates[0].began.wait(DEADLINE_S)
    assert gates[1].began.wait(DEADLINE_S)

    assert not gates[2].began.is_set()

    gates[0].go.set()
    assert gates[2].began.wait(DEADLINE_S)
    for gate in gates:
        gate.go.set()


def test_lanes_take_turns(make_lanes: Callable[..., ThreadLanes]) -> None:
    lanes, gate, done = make_lanes(threads_max=1), Gate(), Queue[object]()
    lanes.hand_over("A", gate)
    for name in ("A1", "A2", "B1", "C1", "B2"):
        lanes.hand_over(name[0], work_that(done, name))
    gate.go.set()

    assert [done.get(timeout=DEADLINE_S) for _ in range(5)] == ["B1", "C1", "A1", "B2", "A2"]


def test_a_thread_has_the_name_of_the_lane_that_it_serves(make_lanes: Callable[..., ThreadLanes]) -> None:
    lanes, names = make_lanes(), Queue[object]()
    lanes.hand_over("RELIANCE", lambda: names.put(threading.current_thread().name))

    assert names.get(timeout=DEADLINE_S) == "lane RELIANCE"


def test_a_fault_is_told_with_its_lane_and_the_lane_goes_on(faults: Faults) -> None:
    lanes, done = ThreadLanes(on_fault=faults, threads_max=1), Queue[object]()
    lanes.hand_over("A", fail)
    lanes.hand_over("A", work_that(done, "next"))

    lane, fault = faults.queue.get(timeout=DEADLINE_S)
    assert (lane, str(fault)) == ("A", "broken")
    assert done.get(timeout=DEADLINE_S) == "next"
    assert lanes.close(DEADLINE_S)


def test_even_a_system_exit_in_work_does_not_end_the_lane(faults: Faults) -> None:
    lanes, done = ThreadLanes(on_fault=faults, threads_max=1), Queue[object]()
    lanes.hand_over("A", sys.exit)
    lanes.hand_over("B", work_that(done, "next"))

    assert isinstance(faults.queue.get(timeout=DEADLINE_S)[1], SystemExit)
    assert done.get(timeout=DEADLINE_S) == "next"
    assert lanes.close(DEADLINE_S)


def test_a_lane_goes_on_when_nobody_takes_its_fault() -> None:
    def refuse(lane: str, fault: BaseException) -> None:
        raise RuntimeError("not mine")

    lanes, done = ThreadLanes(on_fault=refuse, threads_max=1), Queue[object]()
    lanes.hand_over("A", fail)
    lanes.hand_over("A", work_that(done, "next"))

    assert done.get(timeout=DEADLINE_S) == "next"
    assert lanes.close(DEADLINE_S)


def test_a_full_lane_refuses_and_others_still_take(make_lanes: Callable[..., ThreadLanes]) -> None:
    lanes, gate, done = make_lanes(waiting_per_lane=2), Gate(), Queue[object]()
    lanes.hand_over("A", gate)
    assert gate.began.wait(DEADLINE_S)
    lanes.hand_over("A", work_that(done, 1))
    lanes.hand_over("A", work_that(done, 2))

    with pytest.raises(LaneFull, match="A: 2 calls"):
        lanes.hand_over("A", work_that(done, 3))

    lanes.hand_over("B", work_that(done, "B"))
    assert done.get(timeout=DEADLINE_S) == "B"
    gate.go.set()
    assert [done.get(timeout=DEADLINE_S) for _ in range(2)] == [1, 2]


def test_all_lanes_together_have_a_bound(make_lanes: Callable[..., ThreadLanes]) -> None:
    lanes, gate = make_lanes(threads_max=1, waiting_max=2), Gate()
    lanes.hand_over("A", gate)
    assert gate.began.wait(DEADLINE_S)
    lanes.hand_over("B", lambda: None)
    lanes.hand_over("C", lambda: None)

    with pytest.raises(LaneFull, match="in all lanes"):
        lanes.hand_over("D", lambda: None)
    gate.go.set()


def no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_work_for_which_there_is_no_thread_is_refused_and_never_runs(faults: Faults) -> None:
    starts, done = [no_thread, threading.Thread.start], Queue[object]()
    lanes = ThreadLanes(on_fault=faults, start=lambda thread: starts.pop(0)(thread))
    with pytest.raises(LaneFull, match="no thread"):
        lanes.hand_over("A", work_that(done, "refused"))

    lanes.hand_over("A", work_that(done, "taken"))

    assert done.get(timeout=DEADLINE_S) == "taken"
    assert lanes.close(DEADLINE_S)
    assert done.empty()


def test_without_a_further_thread_the_ones_there_are_do_the_work(faults: Faults) -> None:
    starts, gate, done = [threading.Thread.start, no_thread], Gate(), Queue[object]()
    lanes = ThreadLanes(on_fault=faults, start=lambda thread: starts.pop(0)(thread))
    lanes.hand_over("A", gate)
    assert gate.began.wait(DEADLINE_S)
    lanes.hand_over("B", work_that(done, "B"))
    gate.go.set()

    assert done.get(timeout=DEADLINE_S) == "B"
    assert lanes.close(DEADLINE_S)


def test_a_refused_hand_over_means_certainly_not_sent() -> None:
    assert issubclass(LaneFull, BrokerUnavailable)
    assert issubclass(LanesClosed, BrokerUnavailable)


def test_a_close_waits_for_what_is_in_flight_and_drops_what_has_not_begun(faults: Faults) -> None:
    lanes, gate, done = ThreadLanes(on_fault=faults, threads_max=1), Gate(), Queue[object]()
    lanes.hand_over("A", gate)
    lanes.hand_over("A", work_that(done, "A"))
    lanes.hand_over("B", work_that(done, "B"))
    assert gate.began.wait(DEADLINE_S)

    assert not lanes.close(0)
    gate.go.set()
    assert lanes.close(DEADLINE_S)

    assert done.empty()
    with pytest.raises(LanesClosed):
        lanes.hand_over("A", work_that(done, "late"))


def test_threads_that_are_started_ahead_do_all_the_work(faults: Faults) -> None:
    """Where memory is short no thread can be started later, and to try may hang."""
    started: list[threading.Thread] = []

    def start(thread: threading.Thread) -> None:
        started.append(thread)
        thread.start()

    lanes, done = ThreadLanes(on_fault=faults, threads_max=3, threads_ahead=3, start=start), Queue[object]()
    for number in range(30):
        lanes.hand_over(f"S{number}", lambda number=number: done.put(number))  # type: ignore[misc]

    assert sorted(done.get(timeout=DEADLINE_S) for _ in range(30)) == list(range(30))
    assert len(started) == 3
    assert lanes.close(DEADLINE_S)


def test_a_close_ends_the_threads(faults: Faults) -> None:
    before = set(threading.enumerate())
    lanes, done = ThreadLanes(on_fault=faults), Queue[object]()
    for name in "ABC":
        lanes.hand_over(name, work_that(done, name))
        done.get(timeout=DEADLINE_S)
    lanes.close(DEADLINE_S)

    for thread in set(threading.enumerate()) - before:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def test_closing_lanes_that_were_never_used_takes_no_time(faults: Faults) -> None:
    assert ThreadLanes(on_fault=faults).close(0)


names = st.lists(st.sampled_from("ABCD"), max_size=20)


def run_seeded(seed: int, lanes_of_work: Sequence[str]) -> list[tuple[str, int]]:
    lanes, ran = SeededLanes(seed), list[tuple[str, int]]()
    for number, lane in enumerate(lanes_of_work):
        lanes.hand_over(lane, lambda lane=lane, number=number: ran.append((lane, number)))  # type: ignore[misc]
    assert lanes.run_all() == len(lanes_of_work)
    return ran


@given(seed=st.integers(), handed_over=names)
def test_a_seeded_order_keeps_the_order_of_each_lane(seed: int, handed_over: list[str]) -> None:
    ran = run_seeded(seed, handed_over)

    assert sorted(number for _, number in ran) == list(range(len(handed_over)))
    for lane in "ABCD":
        numbers = [number for name, number in ran if name == lane]
        assert numbers == sorted(numbers)


@given(seed=st.integers(), handed_over=names)
def test_the_same_seed_gives_the_same_order(seed: int, handed_over: list[str]) -> None:
    assert run_seeded(seed, handed_over) == run_seeded(seed, handed_over)


def test_every_order_across_lanes_comes_up() -> None:
    orders = {tuple(lane for lane, _ in run_seeded(seed, "ABC")) for seed in range(100)}

    assert len(orders) == 6


def test_seeded_work_runs_one_by_one_and_may_hand_over_more() -> None:
    lanes, ran = SeededLanes(1), list[str]()
    lanes.hand_over("A", lambda: lanes.hand_over("B", lambda: ran.append("B")))

    assert lanes.run_one()
    assert (lanes.waiting, ran) == (1, [])
    assert lanes.run_one()
    assert not lanes.run_one()
    assert ran == ["B"]


def test_a_death_at_the_hand_over_loses_that_work_and_all_that_waits() -> None:
    lanes, ran = SeededLanes(1, dies_at_hand_over=1), list[str]()
    lanes.hand_over("A", lambda: ran.append("A"))

    with pytest.raises(DiedAtHandOver):
        lanes.hand_over("B", lambda: ran.append("B"))

    assert (lanes.waiting, ran) == (0, [])
    with pytest.raises(DiedAtHandOver):
        lanes.run_all()
    with pytest.raises(DiedAtHandOver):
        lanes.hand_over("C", lambda: ran.append("C"))


def test_no_handler_of_exceptions_survives_the_death() -> None:
    assert not issubclass(DiedAtHandOver, Exception)


def test_seeded_lanes_have_a_bound_and_an_end() -> None:
    lanes = SeededLanes(1, waiting_max=1)
    lanes.hand_over("A", fail)
    with pytest.raises(LaneFull):
        lanes.hand_over("A", fail)

    assert lanes.close(0)
    assert lanes.run_all() == 0
    with pytest.raises(LanesClosed):
        lanes.hand_over("A", fail)
