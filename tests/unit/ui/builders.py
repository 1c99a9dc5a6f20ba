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
from tradebot.domain.kill import KillMode, Latch
from tradebot.domain.lifecycle_ids import IdStatus, IdType, LifecycleId
from tradebot.domain.orders import (
    BrokerOrderId,
    Decision,
    DecisionId,
    JobRun,
    Order,
    OrderId,
    OrderStatus,
    PositionId,
    Side,
)
from tradebot.domain.policy import Policy
from tradebot.domain.positions import Position
from tradebot.domain.rollout import Figures
from tradebot.engine.figures_view import RolloutStanding, Vitals
from tradebot.engine.ids import OrderIds
from tradebot.engine.memory import Memory
from tradebot.engine.messages import Job
from tradebot.engine.setting import Setting
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
    vitals: Vitals | None = None,
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
        vitals=vitals or Vitals(),
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
    memory = a_memory(made, held)
    for decision in some_decisions(made):
        memory.decisions[decision.id] = decision
    for entry in some_ids(made[-3]):
        memory.lifecycle_ids[entry.lifecycle_id] = entry
    return a_view(
        memory,
        events=some_events(),
        marks=Marks(
            prices={"INFY": Decimal("1018.05"), "TCS": Decimal("3788.20"), "WIPRO": Decimal("241.15")},
            highs={"INFY": Decimal("1022.40"), "TCS": Decimal("3840.00"), "WIPRO": Decimal("251.00")},
            free=Decimal("390000"),
        ),
        vitals=Vitals(
            memory_mb=Decimal("112.4"),
            cpu_pct=Decimal("2.1"),
            disk_pct=Decimal(61),
            calls=1_240,
            delayed=12,
            orders_in_second=3,
            orders_per_second=10,
            joined=4,
            rollout_phase=2,
            rollout=a_rollout(),
        ),
        facts=replace(FACTS, rate=1000.0, days=(MONDAY, MONDAY + timedelta(days=1))),
        **changes,
    )


def a_rollout() -> RolloutStanding:
    """A day into phase 2: more is filled than before, and at a better price."""
    before = Figures(
        since=later(-60 * 72),
        until=later(-60 * 24),
        entries_finished=40,
        entries_filled=36,
        slippage_bps=Decimal("9.10"),
    )
    figures = replace(before, since=later(-60 * 24), until=NOON, entries_filled=38, slippage_bps=Decimal("7.25"))
    return RolloutStanding(phase=2, since=figures.since, figures=figures, before=before)


def some_ids(order: Order) -> list[LifecycleId]:
    """The order's own, and a change of its price that was replaced by another one."""
    made: dict[str, Any] = {"order_id": order.id, "created_at": later(-2), "updated_at": later(-1)}
    return [
        LifecycleId(id_type=IdType.ORDER, lifecycle_id=str(order.id), **made),
        LifecycleId(
            id_type=IdType.MODIFY,
            lifecycle_id="MOD358479864791040000",
            status=IdStatus.CANCELLED,
            replaced_by="MOD358479864791040001",
            notes="price 998.40",
            **made,
        ),
        LifecycleId(id_type=IdType.MODIFY, lifecycle_id="MOD358479864791040001", notes="price 999.20", **made),
    ]


def some_decisions(orders: Sequence[Order]) -> list[Decision]:
    """One that was blocked, one whose order waits, and an older one that all the others came from."""
    waiting = next(order for order in orders if order.status is OrderStatus.PENDING and order.symbol == "INFY")
    blocked = Decision(
        id=DecisionId("D1"),
        account_id="primary",
        symbol="WIPRO",
        side=Side.BUY,
        trading_day=MONDAY,
        outcome="blocked",
        reason="THIN_DEPTH",
        figures={},
        order_id=None,
        at=later(-1),
        correlation_id="signal:D1",
    )
    sent = replace(blocked, id=DecisionId("D2"), symbol="INFY", outcome="sent", reason="", order_id=waiting.id)
    figures = {"spread_bps": "6.91", "depth_notional": "412000.00", "slippage_bps": "1.20"}
    before = replace(sent, id=DecisionId("signal-1"), trading_day=MONDAY - timedelta(days=3), figures=figures)
    return [blocked, sent, before]


def a_quiet_view() -> DaemonView:
    """A day on which nothing has happened yet."""
    return a_view(marks=Marks(free=Decimal("1000000")))


def an_outage() -> DaemonView:
    """The broker does not answer, nothing can be saved, and one symbol is in doubt."""
    errors = [
        an_event(
            EventName.BROKER_UNREACHABLE,
            "LookAtBook: BrokerUnavailable: connection refused",
            minutes=-number,
            level=Level.ERROR,
        )
        for number in range(4, 0, -1)
    ]
    uncertain = an_event(
        EventName.ORDER_UNCERTAIN, "INFY buy 10 @1000.00: not found at the broker", level=Level.CRITICAL
    )
    memory = a_memory([the_order(1), the_order(2, symbol="TCS")], entries_stopped="the last change could not be saved")
    memory.is_reconciled, memory.unreachable_since = False, later(-4)
    return a_view(memory, events=[*errors, uncertain])


def a_killed_view() -> DaemonView:
    """The kill switch is on, one order was cancelled by it, and a position is left."""
    cancelled = the_order(1, status=OrderStatus.CANCELLED, reason="Manual: kill switch")
    memory = a_memory([cancelled], [a_holding()])
    memory.latch = Latch(mode=KillMode.CANCEL_ENTRIES, reason="from the dashboard", at=later(-5))
    told = an_event(EventName.KILL_LATCHED, "kill switch: cancel_entries; from the dashboard", level=Level.CRITICAL)
    return a_view(memory, events=[told], marks=Marks(prices={"INFY": Decimal("990")}, free=Decimal("500000")))


def some_events() -> list[Event]:
    return [
        an_event(EventName.ORDER_SENT, "INFY buy 10 @1000.00", minutes=-3, order_id="3"),
        a_block("WIDE_SPREAD", "TCS", minutes=-2),
        a_block("WIDE_SPREAD", "INFY", minutes=-2),
        a_block("THIN_DEPTH", "WIPRO", minutes=-1),
        an_event(EventName.ORDER_REJECTED, "TCS buy 10: margin", minutes=-1, level=Level.WARNING),
        an_event(EventName.ORDER_FILLED, "INFY buy 10 @1000.00: filled", minutes=0, order_id="3"),
        *(
            an_event(EventName.CACHE_HIT, "INFY: remembered", minutes=0, level=Level.DEBUG, symbol="INFY")
            for _ in range(30)
        ),
        *(
            an_event(EventName.CACHE_MISS, "INFY: fetched", minutes=0, level=Level.DEBUG, symbol="INFY")
            for _ in range(10)
        ),
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
