"""`orders why`: the story from the signal over every attempt to the fill and the sale, and blocked signals too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tests.builders import MONDAY, a_quote, a_signal
from tests.unit.engine.fakes import a_holding
from tests.unit.engine.house import House
from tests.unit.engine.test_retry_run import TUESDAY, a_bar, at
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.orders import DecisionId, Side
from tradebot.engine.commands import PauseEntries
from tradebot.engine.messages import Job
from tradebot.interfaces.text.orders import decision_story, order_story


def why(house: House, order_id: str) -> list[str]:
    reader = OrderReader(house.database.engine)
    story = reader.order(order_id)
    assert story is not None
    (decision,) = reader.decisions(decision_id=story.order.decision_id)
    return order_story(story, decision).splitlines()


def holds_in_order(lines: Sequence[str], *parts: str) -> bool:
    rest = iter(lines)
    return all(any(part in line for line in rest) for part in parts)


def test_a_buy_that_failed_was_retried_filled_and_sold_tells_it_all_in_order() -> None:
    house = House(at=at(MONDAY, 16, 5))
    house.market.days["INFY"] = [a_bar("INFY")]
    house.broker.troubles["place"] = [BrokerRejected("margin exceeded")]
    house.signals(a_signal(trading_day=TUESDAY, metadata={"target": "1050"}), day=TUESDAY)
    house.clock.at = at(TUESDAY, 8)
    house.job(Job.RETRY)
    house.clock.at = at(TUESDAY, 9, 15)
    house.job(Job.OPEN)
    house.clock.at = at(TUESDAY, 9, 20)
    house.broker.fill("1", 10)
    house.broker.owned = [a_holding(10)]
    house.market.prices["INFY"] = a_quote(at=house.clock.at)
    house.cycle()
    house.cycle()
    house.clock.at += timedelta(minutes=5)
    house.broker.fill("2", 10, "1050")
    house.cycle()

    lines = why(house, house.the_order(Side.BUY).id)

    assert lines[0].startswith("INFY buy 10 @ 1000.00 is closed: Position sold")
    assert holds_in_order(
        lines,
        "decided: sent",
        "recorded: pending",
        "attempt 1:",
        "place refused: margin exceeded",
        "refused: pending -> failed, said by broker: Broker rejected: margin exceeded",
        "retried: failed -> pending, said by retry",
        "attempt 2:",
        "place acked",
        "bought: pending -> ongoing, said by the cycle's look",
        "fill booked: 10 @ 1000",
        "sell order",
        "position_sold: ongoing -> closed",
    ), "\n".join(lines)


def test_an_order_that_waits_for_another_one_says_so() -> None:
    house = House()
    house.signals(a_signal())
    house.signals(a_signal(2, quantity=11), settle=False)
    old, new = house.orders()

    lines = why(house, new.id)

    assert f"(waits until order {old.id} is cancelled)" in lines[0]


def test_a_blocked_signal_tells_its_reason_with_figures_beside_the_orders_of_the_symbol() -> None:
    house = House()
    house.signals(a_signal())
    house.tell(PauseEntries(is_paused=True, correlation_id="me"))
    house.signals(a_signal(2, entry_type="reentry"))
    decisions = OrderReader(house.database.engine).decisions(symbol="INFY")
    orders = {house.the_order().id: house.the_order()}

    text = decision_story(decisions, orders)

    assert "signal-2 INFY buy for 2026-11-16: blocked - PAUSED PAUSED.symbol=INFY" in text
    assert f"order {house.the_order().id} is pending" in text
    assert DecisionId("signal-1") in text
