"""The kill switch: latched outside of the process, obeyed at the last point before the broker, kept by a restart."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_position, a_quote, a_signal
from tests.unit.engine.house import House
from tradebot.adapters.kill_latch import MemoryLatch
from tradebot.domain.broker_views import Holding
from tradebot.domain.events import EventName
from tradebot.domain.kill import KillMode, Latch
from tradebot.domain.orders import OrderStatus, Side, Variety
from tradebot.domain.stored import Changes
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import KillSwitch

MODES = pytest.mark.parametrize("mode", list(KillMode))


def a_house(**options: Any) -> House:
    house = House(**options)
    house.market.prices["INFY"] = a_quote()
    return house


def killed(house: House, mode: KillMode | None = KillMode.STOP) -> Outcome:
    future = house.answers.expect("kill")
    house.tell(KillSwitch(mode=mode, reason="test", correlation_id="kill"))
    return future.result(timeout=0).outcome


@MODES
def test_a_latched_switch_blocks_entries_whoever_latched_it(mode: KillMode) -> None:
    house = a_house()
    house.latch.latch(Latch(mode=mode, reason="a file"))

    house.signals(a_signal(), variety=Variety.REGULAR)

    assert house.broker.count("place") == 0
    assert [event.fields["block_reason"] for event in house.told(EventName.GUARD_BLOCK)] == ["KILL_SWITCH"]
    assert len(house.told(EventName.KILL_LATCHED)) == 1


def test_what_was_on_its_way_when_the_switch_fell_is_not_sent_and_not_tried_again() -> None:
    house = a_house()
    house.signals(a_signal(), variety=Variety.REGULAR, settle=False)

    house.latch.latch(Latch(mode=KillMode.STOP))
    house.settle()
    house.advance(minutes=5)

    order = house.the_order()
    assert house.broker.count("place") == 0
    assert (order.status, order.reason) == (OrderStatus.FAILED, "Not sent: kill switch (stop)")


def test_in_mode_stop_what_stands_stays() -> None:
    house = a_house()
    house.signals(a_signal(), variety=Variety.REGULAR)

    assert killed(house) is Outcome.DONE

    assert house.the_order().status is OrderStatus.PENDING
    assert house.broker.count("cancel") == 0


def test_cancel_entries_cancels_what_stands_and_leaves_exits_alone() -> None:
    house = a_house(stored=Changes(positions=[a_position(symbol="TCS")]))
    house.signals(a_signal(), variety=Variety.REGULAR)

    killed(house, KillMode.CANCEL_ENTRIES)

    assert house.the_order(Side.BUY).status is OrderStatus.CANCELLED
    assert house.memory.positions["P1"].exit_rule is None  # type: ignore[index]


def test_flatten_sells_what_is_held_at_what_the_market_pays() -> None:
    house = a_house(stored=Changes(positions=[a_position()]))
    house.broker.owned = [a_holding()]

    killed(house, KillMode.FLATTEN)
    house.advance(seconds=1)

    sell = house.the_order(Side.SELL)
    assert sell.metadata["rule"] == "panic"
    assert house.told(EventName.EXIT_PANIC)
    house.broker.fill(str(sell.broker_order_id), 10, "999.5")
    house.look()
    assert not house.the_position().is_open


def test_flatten_also_sells_what_is_bought_by_a_late_fill() -> None:
    house = a_house()
    house.signals(a_signal(), variety=Variety.REGULAR)
    house.broker.troubles["cancel"] = [None]
    killed(house, KillMode.FLATTEN)
    house.broker.fill("1", 10, status="COMPLETE")
    house.broker.owned = [a_holding()]
    house.look()

    house.cycle()

    assert house.the_order(Side.SELL).metadata["rule"] == "panic"


def test_the_latch_outlives_a_restart_and_the_restart_goes_on_cancelling() -> None:
    house = a_house()
    house.signals(a_signal(), variety=Variety.REGULAR)
    house.latch.latch(Latch(mode=KillMode.CANCEL_ENTRIES))

    house.restart()

    assert house.the_order().status is OrderStatus.CANCELLED
    house.signals(a_signal(2), variety=Variety.REGULAR)
    assert house.broker.count("place") == 1


def test_released_entries_go_on() -> None:
    house = a_house()
    killed(house)

    assert killed(house, None) is Outcome.DONE
    house.signals(a_signal(), variety=Variety.REGULAR)

    assert house.broker.count("place") == 1
    assert len(house.told(EventName.KILL_RELEASED)) == 1


def test_the_same_latch_twice_is_told_once() -> None:
    house = a_house()
    killed(house)
    killed(house)

    assert len(house.told(EventName.KILL_LATCHED)) == 1


def test_a_latch_that_cannot_be_written_is_a_fault_and_says_so() -> None:
    class Full(MemoryLatch):
        def latch(self, latch: Latch) -> None:
            raise OSError(28, "No space left on device")

    house = a_house(latch=Full())

    assert killed(house) is Outcome.FAULT


def a_holding() -> Holding:
    position = a_position()
    return Holding(
        symbol=position.symbol,
        exchange="NSE",
        settled_quantity=10,
        t1_quantity=0,
        today_quantity=0,
        sellable_quantity=10,
        average_price=position.cost / 10,
    )
