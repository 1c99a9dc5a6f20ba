"""What a day costs, in counts and never in times: syncs, commits and questions to the broker, minute by minute.

`python3 tests/test_performance_features.py` runs these tests by itself. What a single order costs beside a thousand
others is counted in tests/unit/test_costs.py.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config.loading import load_settings
from tests.simulator.killing import busy_day, write_market
from tests.simulator.traced import TracedBroker, TracedStore
from tradebot.adapters.disk import Calls, RealDisk
from tradebot.app.daemon import Ports
from tradebot.app.replay import Replay, open_replay
from tradebot.domain.calendar import ist
from tradebot.domain.events import Event, EventName

PLACING = ist(date(2026, 9, 9), time(16, 4)), ist(date(2026, 9, 9), time(16, 6))
TRADING = ist(date(2026, 9, 10), time(9, 30)), ist(date(2026, 9, 10), time(15, 0))
MINUTE = timedelta(minutes=1)
MINUTES = (TRADING[1] - TRADING[0]) // MINUTE
SYNCS_OF_A_PLACEMENT = 3
"""A commit syncs the database's log once."""
QUESTIONS = ("order book", "trades", "order", "order trades", "holdings", "funds", "terms")

Costs = Counter[str]


class Meter:
    """Counts what goes down to the disk, the database and the broker, and what the bus is told. `when_accepted` is how
    far it was when the last acceptance was told, which is after it was durable."""

    def __init__(self) -> None:
        self.counts: Costs = Counter()
        self.when_accepted: Costs = Counter()
        self.disk = RealDisk(durability="power", calls=Calls(sync_data=self._sync, sync_all=self._sync))

    def watch(self, ports: Ports) -> Ports:
        return replace(
            ports, store=TracedStore(ports.store, self._count), broker=TracedBroker(ports.broker, self._count)
        )

    def hear(self, event: Event) -> None:
        self.counts[event.name] += 1
        if event.name is EventName.ORDER_ACCEPTED:
            self.when_accepted = self.counts.copy()

    def _sync(self, descriptor: int) -> None:
        self.counts["sync"] += 1
        os.fsync(descriptor)

    def _count(self, effect: str) -> None:
        """`commit`, and calls by their names: `call place ABC123` is a `place`."""
        match effect.split(" "):
            case ["commit"]:
                self.counts["commit"] += 1
            case ["call", ("place" | "modify" | "cancel") as name, _]:
                self.counts[name] += 1
            case ["call", *words]:
                self.counts[" ".join(words)] += 1
            case _:  # an answer, or the end of a commit: counted at its beginning
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What one minute of continuous trading cost, and how many order events were saved in it."""

    costs: Costs
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """`placing` is the batch of the evening, from its signals until its answers are durable."""

    placing: Costs
    minutes: Sequence[Minute]

    @property
    def quiet(self) -> Sequence[Minute]:
        """Those in which nothing happened to any order, neither in the minute nor just before: a change is looked at
        once more."""
        return [now for before, now in pairwise(self.minutes) if not before.changes and not now.changes]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """A day of about thirty orders, durable to the disk as in live and paper."""
    folder = tmp_path_factory.mktemp("costs")
    data = write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 14))
    environ = {f"TRADEBOT_{name}": value for name, value in busy_day(folder, data).variables.items()}
    settings = load_settings(ROOT, environ, {"mode": "replay", "ui": "off"})
    meter = Meter()
    opened = open_replay(
        settings, home=folder / "home", folder=ROOT, listeners=[meter.hear], disk=meter.disk, wrap=meter.watch
    )
    with opened as replay:
        replay.engine.start()
        replay.loop.run(PLACING[0])
        before = meter.counts.copy()
        replay.loop.run(PLACING[1])
        placing = meter.when_accepted - before
        replay.loop.run(TRADING[0])
        minutes = [_minute(meter, replay, TRADING[0] + number * MINUTE) for number in range(1, MINUTES + 1)]
    return Day(placing=placing, minutes=minutes)


def test_placements_in_one_batch_share_three_syncs(day: Day) -> None:
    """The ids in the registry, the orders with their requests, the answers."""
    assert day.placing[EventName.ORDER_ACCEPTED] == day.placing["place"] > 10
    assert (day.placing["sync"], day.placing["commit"]) == (1, SYNCS_OF_A_PLACEMENT - 1)


def test_placing_asks_no_question_for_each_order(day: Day) -> None:
    asked = {name: day.placing[name] for name in QUESTIONS if day.placing[name]}

    assert all(count <= 2 for count in asked.values()), asked
    assert day.placing["order"] == day.placing["order trades"] == 0


def test_a_quiet_cycle_asks_for_the_order_book_once(day: Day) -> None:
    assert len(day.quiet) > 100
    assert {minute.costs["order book"] for minute in day.quiet} == {1}


def test_a_quiet_cycle_asks_nothing_else_that_grows_with_the_orders(day: Day) -> None:
    asked = [sum(minute.costs[name] for name in QUESTIONS) for minute in day.quiet]

    assert max(asked) <= 2, "the order book, and what is held"


def test_a_quiet_cycle_writes_nothing(day: Day) -> None:
    assert {(minute.costs["commit"], minute.costs["sync"]) for minute in day.quiet} == {(0, 0)}


def test_a_fill_is_booked_without_a_sync_of_the_registry_and_with_a_bounded_number_of_commits(day: Day) -> None:
    with_fills = [minute.costs for minute in day.minutes if minute.costs[EventName.ORDER_FILLED]]

    assert len(with_fills) >= 2
    for costs in with_fills:
        changes = costs[EventName.ORDER_FILLED] + costs["modify"] + costs["cancel"] + costs["place"]
        assert costs["trades"] == 1, "all fills of a moment in one look"
        assert costs["sync"] == (1 if costs["place"] else 0)
        assert costs["commit"] <= 1 + 2 * changes


def _minute(meter: Meter, replay: Replay, until: datetime) -> Minute:
    before, changes = meter.counts.copy(), replay.engine.events_written
    replay.loop.run(until)
    return Minute(costs=meter.counts - before, changes=replay.engine.events_written - changes)


if __name__ == "__main__":
    if pytest.main([__file__, "-q", "-p", "no:cacheprovider"]) != 0:
        raise SystemExit(1)
    print("✓ All performance tests passed!")
