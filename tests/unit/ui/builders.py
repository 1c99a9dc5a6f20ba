"""Views for the tests of the screen: made by the engine's own `make_view` from a memory that each test fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

from config.market_rules import Market, load_market
from tests.builders import MONDAY, NOON, an_attempt, an_order, later
from tests.builders import a_position as a_holding
from tradebot.adapters.chance import SeededChance
from tradebot.adapters.kill_latch import MemoryLatch
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.orders import BrokerOrderId, JobRun, Order, OrderId, OrderStatus, PositionId, Side
from tradebot.domain.policy import Policy
from tradebot.domain.positions import Position
from tradebot.engine.ids import OrderIds
from tradebot.engine.messages import Job
from tradebot.engine.setting import Setting
from tradebot.engine.state import Memory
from tradebot.engine.view_feed import ViewFeed
from tradebot.engine.views import DaemonView, Marks, RunFacts, make_view
from tradebot.ports import Capabilities, IdRegistry

FACTS = RunFacts(name="tradebot 0.1", mode="replay", session="sessions/20261116T063000", started_s=0.0)


@cache
def the_market() -> Market:
    return load_market(Path(__file__).parents[3] / "config" / "market")


def a_setting(**policy: Any) -> Setting:
    market = the_market()
    return Setting(
        policy=Policy(**policy),
        calendar=market.calendar,
        amo=market.amo_windows.of("default", "NSE", MONDAY),
        actions=(),
        rules=market.rules,
        capabilities=Capabilities(
            name="paper",
            absence_is_proof=True,
            visibility_delay=timedelta(0),
            tag_length_max=20,
            refuses_duplicate_tag=True,
        ),
        registry=cast(IdRegistry, None),  # a view never asks it
        latch=MemoryLatch(),
        ids=OrderIds(None),
        chance=SeededChance(0),
    )


def a_memory(orders: Sequence[Order] = (), positions: Sequence[Position] = (), **facts: Any) -> Memory:
    memory = Memory(is_reconciled=True)
    for order in orders:
        memory.orders[order.id] = order
        attempt = replace(an_attempt(order), broker_order_id=BrokerOrderId(f"B{order.id}"))
        memory.attempts[attempt.coid] = attempt
    for position in positions:
        memory.positions[position.id] = position
    memory.job_runs[Job.OPEN] = JobRun(
        name=Job.OPEN, planned_for=later(-165), finished_at=later(-164), outcome="2 targets"
    )
    for name, value in facts.items():
        setattr(memory, name, value)
    return memory


def a_view(
    memory: Memory | None = None,
    *,
    now: datetime = NOON,
    events: Sequence[Event] = (),
    facts: RunFacts = FACTS,
    marks: Marks | None = None,
    made_s: float = 100.0,
    **policy: Any,
) -> DaemonView:
    feed = ViewFeed()
    for event in events:
        feed(event)
    return make_view(
        memory or a_memory(),
        a_setting(**policy),
        now=now,
        made_s=made_s,
        facts=facts,
        tail=feed.tail(),
        marks=marks or Marks(),
    )


def the_order(number: int, **changes: Any) -> Order:
    """An order with a number of its own, made so many seconds before noon."""
    order = an_order(
        id=OrderId(str(number)),
        coid=f"A{number:015d}01",
        created_at=NOON - timedelta(seconds=1000 - number),
        updated_at=NOON,
    )
    return replace(order, **changes)


def a_busy_view(orders: int = 40, **changes: Any) -> DaemonView:
    """Orders of every status, two positions (one with a gain, one with a loss), events, blocks, a job that ran."""
    words = list(OrderStatus)
    made = [
        the_order(
            number,
            symbol=("INFY", "TCS", "RELIANCE", "BAJAJ-AUTO")[number % 4],
            status=words[number % 5],
            side=Side.SELL if number % 7 == 0 else Side.BUY,
            execution_qty=10 if words[number % 5] in (OrderStatus.ONGOING, OrderStatus.CLOSED) else 0,
            execution_price=Decimal("999.95") if words[number % 5] is OrderStatus.ONGOING else None,
            reason=f"reason of order {number}, in so many words that a column has to cut it somewhere",
        )
        for number in range(1, orders + 1)
    ]
    held = [
        a_holding(),
        a_holding(id=PositionId("P2"), symbol="TCS", quantity=40, cost=Decimal("152040")),
    ]
    return a_view(
        a_memory(made, held),
        events=some_events(),
        marks=Marks(prices={"INFY": Decimal("1018.05"), "TCS": Decimal("3788.20")}, free=Decimal("390000")),
        facts=replace(FACTS, rate=1000.0, days=(MONDAY, MONDAY + timedelta(days=1))),
        **changes,
    )


def some_events() -> list[Event]:
    return [
        an_event(EventName.ORDER_SENT, "INFY buy 10 @1000.00", minutes=-3, order_id="3"),
        a_block("WIDE_SPREAD", "TCS", minutes=-2),
        a_block("WIDE_SPREAD", "INFY", minutes=-2),
        a_block("THIN_DEPTH", "WIPRO", minutes=-1),
        an_event(EventName.ORDER_REJECTED, "TCS buy 10: margin", minutes=-1, level=Level.WARNING),
        an_event(EventName.ORDER_FILLED, "INFY buy 10 @1000.00: filled", minutes=0, order_id="3"),
    ]


def an_event(name: EventName, message: str, *, minutes: float = 0, level: Level = Level.INFO, **fields: Any) -> Event:
    return Event(name=name, at=later(minutes), message=message, level=level, fields=fields)


def a_block(reason: str, symbol: str, *, minutes: float = 0, is_shadow: bool = False) -> Event:
    return an_event(
        EventName.GUARD_BLOCK,
        f"{symbol} {reason}: spread_bps=14",
        minutes=minutes,
        block_reason=reason,
        symbol=symbol,
        shadow=is_shadow,
    )
