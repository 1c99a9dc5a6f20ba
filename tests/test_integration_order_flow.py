"""One seeded day of the delivered configuration, from signals to closed positions; then, on a market small enough to be
opened often, what a restart does.

`python3 tests/test_integration_order_flow.py` runs these tests by itself.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config.loading import load_settings
from tests.auditor.exchange_view import read_exchange
from tests.simulator.killing import busy_day, write_market
from tests.simulator.traced import TracedStore
from tradebot.app.daemon import Ports
from tradebot.app.replay import Replay, open_replay
from tradebot.domain.calendar import ist
from tradebot.domain.events import Event, EventName
from tradebot.domain.orders import Decision, Order, OrderStatus, Side, Variety
from tradebot.domain.positions import Position
from tradebot.ports import Strategy

OPENS, CLOSES = ist(date(2026, 9, 16), time(9, 0)), ist(date(2026, 9, 16), time(15, 45))
"""The delivered configuration's day."""
SMALL_EVENING, SMALL_MORNING = ist(date(2026, 9, 9), time(17, 0)), ist(date(2026, 9, 10), time(10, 0))
"""In the small market: when all orders are placed, and after the open of the next day."""
SOLD_BY_RULE = {EventName.EXIT_ATR_STOP_HIT, EventName.EXIT_TRAILING_HIT, EventName.EXIT_TIME_STOP}

AsItIs = Callable[[Ports], Ports]


class Died(BaseException):
    """Nothing in the process catches it, as nothing survives a kill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A home and the variables of its settings; each `run` is another process on it."""

    home: Path
    variables: Mapping[str, str]

    @contextmanager
    def run(self, events: list[Event], wrap: AsItIs = lambda ports: ports) -> Iterator[Replay]:
        """What was open is about to be looked up, and then the day goes on."""
        environ = {f"TRADEBOT_{name}": value for name, value in self.variables.items()}
        settings = load_settings(ROOT, environ, {"mode": "replay", "speed": "0", "ui": "off"})
        with open_replay(settings, home=self.home, folder=ROOT, listeners=[events.append], wrap=wrap) as replay:
            replay.engine.start()
            yield replay

    def tags(self) -> list[str]:
        """The client order id of each order that the exchange has ever taken."""
        return [order.tag or "" for order in read_exchange(self.home / "state" / "exchange").orders]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a session left: its events, and its books at the close."""

    events: Sequence[Event]
    orders: Sequence[Order]
    decisions: Sequence[Decision]
    still_open: Sequence[Position]

    def story(self, symbol: str) -> list[EventName]:
        return [event.name for event in self.events if event.fields.get("symbol") == symbol]

    def told(self, name: EventName) -> list[Event]:
        return [event for event in self.events if event.name is name]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """From the evening's signals to the close."""
    events: list[Event] = []
    with Market(home=tmp_path_factory.mktemp("day"), variables={}).run(events) as replay:
        replay.loop.run(CLOSES)
        return Day(
            events=events,
            orders=replay.orders.orders(limit=1000),
            decisions=replay.orders.decisions(limit=1000),
            still_open=replay.orders.open_positions(),
        )


@pytest.fixture
def small(tmp_path: Path) -> Market:
    """A dozen symbols and about fifteen signals."""
    data = write_market(tmp_path / "market.csv", date(2026, 6, 1), date(2026, 9, 14))
    home = tmp_path / "home"
    return Market(home=home, variables=busy_day(home, data).variables)


def test_each_signal_of_the_evening_ends_as_one_decision(day: Day) -> None:
    (received,) = day.told(EventName.SIGNALS_RECEIVED)
    outcomes = Counter(decision.outcome for decision in day.decisions)

    assert received.fields["signals"] == len(day.decisions) == outcomes.total()
    assert received.fields["sent"] == outcomes["sent"]
    assert outcomes["sent"] > 3


def test_what_was_sent_in_the_evening_stood_as_an_after_market_order_until_the_market_took_it(day: Day) -> None:
    bought = [order for order in day.orders if order.side is Side.BUY and order.status is OrderStatus.CLOSED]

    assert len(bought) >= 3
    for order in bought:
        assert order.variety is Variety.AMO
        assert order.placed_at is not None
        assert order.placed_at < OPENS
        assert order.broker_order_id is not None
        filled = _first(day, EventName.ORDER_FILLED, order)
        assert filled.at > OPENS


def test_a_position_goes_all_the_way_in_the_right_order(day: Day) -> None:
    closed = day.told(EventName.POSITION_CLOSED)

    assert len(closed) >= 3
    for event in closed:
        story = day.story(str(event.fields["symbol"]))
        way = [
            EventName.ORDER_INTENT,
            EventName.ORDER_SENT,
            EventName.ORDER_ACCEPTED,
            EventName.POSITION_OPENED,
            EventName.ORDER_INTENT,
            EventName.ORDER_ACCEPTED,
            EventName.POSITION_CLOSED,
        ]
        assert _in_this_order(way, story), story
        assert story.count(EventName.POSITION_OPENED) == 1


def test_some_positions_reach_their_target_and_some_are_sold_by_a_rule(day: Day) -> None:
    ruled = {event.fields["symbol"] for event in day.events if event.name in SOLD_BY_RULE}
    closed = {event.fields["symbol"] for event in day.told(EventName.POSITION_CLOSED)}

    assert closed & ruled
    assert closed - ruled, "a target that rests at the broker fills without a rule"


def test_after_the_close_what_is_held_is_what_was_bought_and_not_sold_and_nothing_waits(day: Day) -> None:
    bought = sum(order.execution_qty for order in day.orders if order.side is Side.BUY)
    sold = sum(order.execution_qty for order in day.orders if order.side is Side.SELL)

    assert bought - sold == sum(position.quantity for position in day.still_open)
    assert all(order.status is not OrderStatus.PENDING for order in day.orders)


def test_an_id_that_was_reserved_before_a_death_is_used_again_and_stands_once(small: Market) -> None:
    reserved: set[str] = set()

    def dies_between_reserving_and_saving(ports: Ports) -> Ports:
        def mark(effect: str) -> None:
            reserved.update(entry.coid for entry in ports.registry.open_entries())
            if effect == "commit" and reserved:
                raise Died

        return replace(ports, store=TracedStore(ports.store, mark))

    with pytest.raises(Died), small.run([], dies_between_reserving_and_saving) as replay:
        replay.loop.run(SMALL_EVENING)
    events: list[Event] = []
    with small.run(events) as replay:
        replay.loop.run(SMALL_EVENING)

    reused = {str(event.fields["coid"]) for event in events if event.name is EventName.COID_REUSED}
    assert len(reserved) > 3
    assert reused == reserved
    assert Counter(small.tags()) == Counter(reserved), "each of them once"


def test_a_signal_that_comes_twice_is_placed_once(small: Market) -> None:
    def asks_each_strategy_twice(ports: Ports) -> Ports:
        twice: list[Strategy] = [strategy for strategy in ports.strategies for _ in range(2)]
        return replace(ports, strategies=twice)

    events: list[Event] = []
    with small.run(events, asks_each_strategy_twice) as replay:
        replay.loop.run(SMALL_EVENING)

    stopped = [event for event in events if event.name is EventName.COID_DUPLICATE]
    tags = small.tags()
    assert len(tags) > 3
    assert sorted(str(event.fields["coid"]) for event in stopped) == sorted(tags)
    assert len(set(tags)) == len(tags)


def test_what_was_filled_while_the_daemon_was_dead_is_booked_before_any_order_is_placed(small: Market) -> None:
    with small.run([]) as replay:
        replay.loop.run(SMALL_EVENING)
        while replay.exchange.now < SMALL_MORNING:
            replay.exchange.advance_to(SMALL_MORNING)
    at_the_exchange = read_exchange(small.home / "state" / "exchange")
    events: list[Event] = []
    with small.run(events) as replay:
        replay.engine.run_pending()
        held = {position.symbol: position.quantity for position in replay.orders.open_positions()}

    names = [event.name for event in events]
    (result,) = (event for event in events if event.name is EventName.RECONCILE_RESULT)
    assert held == {symbol: quantity for (_, symbol), quantity in at_the_exchange.holdings.items() if quantity}
    assert len(held) >= 3
    assert result.fields["applied_fills"] == len(at_the_exchange.trades)
    assert result.fields["errors"] == 0
    assert names.index(EventName.RECONCILE_RESULT) < _index(names, EventName.ORDER_INTENT)


def _first(day: Day, name: EventName, order: Order) -> Event:
    return next(event for event in day.told(name) if event.fields["order_id"] == order.id)


def _in_this_order(wanted: Sequence[EventName], told: Sequence[EventName]) -> bool:
    left = iter(told)
    return all(name in left for name in wanted)


def _index(names: Sequence[EventName], name: EventName) -> int:
    """Where it stands first; behind all where it does not."""
    return names.index(name) if name in names else len(names)


if __name__ == "__main__":
    if pytest.main([__file__, "-q", "-p", "no:cacheprovider"]) != 0:
        raise SystemExit(1)
    print("✓ All integration tests passed!")
