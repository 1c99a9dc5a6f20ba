"""The picture of the daemon: what is in it, what it is bounded by, and what is not claimed."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import MONDAY, NOON, a_position, later
from tests.unit.ui.builders import (
    FACTS,
    a_block,
    a_busy_view,
    a_memory,
    a_setting,
    a_view,
    an_event,
    the_market,
    the_order,
)
from tradebot.adapters.timekeeping.triggers import next_instant
from tradebot.domain.calendar import ist_date
from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import JobRun, OrderStatus, PositionId, Side
from tradebot.domain.policy import FlowFlags
from tradebot.domain.trading_day import Phase
from tradebot.engine.day_plan import plan_day
from tradebot.engine.messages import Job
from tradebot.engine.schedule_view import market_view, schedule
from tradebot.engine.view_feed import (
    ERRORS_MAX,
    EVENTS_MAX,
    OTHER_REASONS,
    REASONS_MAX,
    Sources,
    ViewFeed,
    ViewMaker,
    ViewSlot,
)
from tradebot.engine.views import ROWS_PER_STATUS_MAX, DaemonView, Marks


class SteppedClock:
    """Shows what it is told to."""

    def __init__(self) -> None:
        self.at = NOON
        self.seconds = 50.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds


def test_orders_are_counted_by_status_with_the_oldest_of_each() -> None:
    view = a_view(a_memory([the_order(1), the_order(2), the_order(3, status=OrderStatus.FAILED)]))

    counts = {count.status: (count.count, count.oldest_at) for count in view.counts}

    assert counts[OrderStatus.PENDING] == (2, the_order(1).created_at)
    assert counts[OrderStatus.FAILED] == (1, the_order(3).created_at)
    assert counts[OrderStatus.CLOSED] == (0, None)


def test_rows_are_the_newest_of_each_status_and_the_counts_are_of_all() -> None:
    failed = the_order(1, status=OrderStatus.FAILED)
    view = a_view(a_memory([failed, *(the_order(number) for number in range(2, 202))]))

    pending = [row.order for row in view.orders if row.order.status is OrderStatus.PENDING]

    assert len(pending) == ROWS_PER_STATUS_MAX
    assert [order.id for order in pending[:2]] == ["201", "200"]
    assert view.orders[-1].order == failed
    assert view.counts[0].count == 200


def test_a_failed_order_says_until_when_it_can_be_retried() -> None:
    view = a_view(a_memory([the_order(1, status=OrderStatus.FAILED), the_order(2)]))

    assert [row.retry_until for row in view.orders] == [None, datetime(2026, 11, 17, 10, 0, tzinfo=UTC)]


def test_a_gain_is_that_of_the_shares_still_held_at_the_last_price() -> None:
    position = a_position(quantity=40, cost=Decimal("152040"), symbol="TCS")

    view = a_view(a_memory(positions=[position]), marks=Marks(prices={"TCS": Decimal("3788.20")}))

    assert view.positions[0].gain == Decimal("-512.00")
    assert view.money.open_gain == Decimal("-512.00")
    assert view.money.invested == 152040


def test_nothing_is_claimed_about_a_price_that_is_not_known() -> None:
    known = a_position()
    unknown = a_position(id=PositionId("P2"), symbol="TCS")

    view = a_view(a_memory(positions=[known, unknown]), marks=Marks(prices={"INFY": Decimal(1010)}))

    assert [row.gain for row in view.positions] == [None, Decimal(100)]
    assert view.money.open_gain is None
    assert view.money.free is None


def test_the_day_counts_what_its_own_sells_have_brought() -> None:
    def sell(number: int, gain: str, day: datetime) -> object:
        return the_order(number, side=Side.SELL, execution_time=day, metadata={"realised_pnl": gain})

    view = a_view(a_memory([sell(1, "100.50", NOON), sell(2, "-40", NOON), sell(3, "7", NOON - timedelta(days=1))]))

    assert view.money.realised == Decimal("60.50")


@pytest.mark.parametrize(
    ("at", "phase", "following", "changes_at"),
    [
        ("2026-11-16 12:00", Phase.OPEN, Phase.CLOSING, "2026-11-16 15:15"),
        ("2026-11-16 08:30", Phase.AMO, Phase.CLOSED, "2026-11-16 08:50"),
        ("2026-11-14 12:00", Phase.HOLIDAY, Phase.AMO, "2026-11-16 00:00"),
    ],
)
def test_the_phase_and_its_next_change(at: str, phase: Phase, following: Phase, changes_at: str) -> None:
    found = market_view(an_instant(at), the_market().calendar, a_setting().amo)

    assert (found.phase, found.following) == (phase, following)
    assert found.changes_at == an_instant(changes_at)


@given(minutes=st.integers(0, 60 * 24 * 6))
def test_nothing_changes_before_the_next_boundary(minutes: int) -> None:
    calendar, amo = the_market().calendar, a_setting().amo
    now = NOON + timedelta(minutes=minutes)

    found = market_view(now, calendar, amo)

    assert found.changes_at is not None
    assert calendar.phase(found.changes_at, True, amo) is found.following is not found.phase
    step = (found.changes_at - now) / 20
    assert all(calendar.phase(now + step * part, True, amo) is found.phase for part in range(20))


def test_beyond_the_calendar_there_is_no_phase_and_no_schedule() -> None:
    view = a_view(now=datetime(2031, 1, 1, tzinfo=UTC))

    assert view.market.phase is None
    assert {row.next_at for row in view.schedule} == {None}


@given(minutes=st.integers(0, 60 * 24 * 6), seconds=st.integers(0, 59), every=st.integers(1, 5))
def test_the_schedule_agrees_with_the_scheduler(minutes: int, seconds: int, every: int) -> None:
    now = NOON + timedelta(minutes=minutes, seconds=seconds)
    setting = a_setting()
    setting.policy = replace(setting.policy, times=replace(setting.policy.times, cycle_minutes=every))
    following = setting.calendar.next_trading_day(ist_date(now)).day
    planned = [
        job for day in (ist_date(now), following) for job in plan_day(day, setting.calendar, setting.policy.times)
    ]

    rows = {row.name: row.next_at for row in schedule(now, a_memory(), setting)}

    for name, found in rows.items():
        instants = [next_instant(job, now + timedelta.resolution) for job in planned if job.name == name]
        assert found == min((at for at in instants if at is not None), default=None)


def test_a_job_shows_its_last_run() -> None:
    memory = a_memory()
    memory.job_runs[Job.AMO_PLACEMENT] = JobRun(
        name=Job.AMO_PLACEMENT, planned_for=later(-10), finished_at=later(-9), outcome="3 sent"
    )

    row = next(row for row in a_view(memory).schedule if row.name == Job.AMO_PLACEMENT)

    assert (row.last_at, row.outcome) == (later(-9), "3 sent")


def test_what_stands_is_an_alert() -> None:
    memory = a_memory(entries_stopped="disk full", is_reconciled=False, halted={"TCS": "-50 % overnight"})

    alerts = [(alert.level, alert.text) for alert in a_view(memory).alerts]

    assert [level for level, _ in alerts] == [Level.CRITICAL, Level.WARNING, Level.ERROR]
    assert "disk full" in alerts[0][1]
    assert "TCS halted: -50 % overnight" in alerts[2][1]
    assert a_view(a_memory()).alerts == ()


@pytest.mark.flag("FORCE_UNSAFE_LIVE")
def test_live_trading_without_what_it_needs_is_seen_all_the_time() -> None:
    unsafe = FlowFlags(coids=False, startup_reconcile=False, is_unsafe_live_forced=True)
    live, paper = replace(FACTS, mode="live"), replace(FACTS, mode="paper")

    alerts = a_view(facts=live, flags=unsafe).alerts

    assert [alert.level for alert in alerts] == [Level.CRITICAL] * 2
    assert "ENABLE_COID_MANAGER" in alerts[0].text
    assert a_view(facts=paper, flags=unsafe).alerts == a_view(facts=live).alerts == ()


@pytest.mark.flag("OBSERVE_ONLY")
def test_that_nothing_is_sent_is_seen_all_the_time() -> None:
    assert [alert.level for alert in a_view(flags=FlowFlags(observe_only=True)).alerts] == [Level.WARNING]


def test_a_replay_says_how_far_it_is() -> None:
    facts = replace(FACTS, days=(MONDAY - timedelta(days=3), MONDAY, MONDAY + timedelta(days=1)))

    assert a_view(facts=facts).progress is not None
    assert (a_view(facts=facts).progress.day, a_view(facts=facts).progress.days) == (2, 3)
    assert a_view().progress is None


def test_errors_count_for_five_minutes() -> None:
    events = [
        an_event(EventName.INTERNAL_FAULT, "old", minutes=-6, level=Level.ERROR),
        an_event(EventName.INTERNAL_FAULT, "new", minutes=-4, level=Level.CRITICAL),
        an_event(EventName.ORDER_REJECTED, "a warning", level=Level.WARNING),
    ]

    assert a_view(events=events).errors_recent == 1


def test_a_view_can_be_written_down_and_read_again() -> None:
    view = a_busy_view()

    assert pickle.loads(pickle.dumps(view)) == view


def test_the_feed_is_bounded() -> None:
    feed = ViewFeed()
    for number in range(EVENTS_MAX + 200):
        feed(an_event(EventName.INTERNAL_FAULT, f"{number}", level=Level.ERROR))
        feed(a_block(f"REASON_{number}", "TCS"))

    tail = feed.tail()

    assert len(tail.events) == EVENTS_MAX
    assert len(tail.errors) == ERRORS_MAX
    assert len(tail.blocks) == REASONS_MAX + 1
    assert tail.blocks[0].reason == OTHER_REASONS
    assert tail.told[EventName.GUARD_BLOCK] == sum(block.count for block in tail.blocks)


def test_blocks_are_those_of_the_day_and_not_those_of_shadow_guards() -> None:
    feed = ViewFeed()
    feed(a_block("WIDE_SPREAD", "TCS", minutes=-24 * 60))
    feed(a_block("THIN_DEPTH", "TCS"))
    feed(a_block("THIN_DEPTH", "INFY", is_shadow=True))

    assert [(block.reason, block.count, block.symbol) for block in feed.tail().blocks] == [("THIN_DEPTH", 1, "TCS")]


def test_a_tail_does_not_change_when_more_is_told() -> None:
    feed = ViewFeed()
    feed(a_block("THIN_DEPTH", "TCS"))
    before = feed.tail()

    feed(a_block("THIN_DEPTH", "TCS"))

    assert (len(before.events), before.blocks[0].count, before.told[EventName.GUARD_BLOCK]) == (1, 1, 1)


def test_views_are_made_at_most_twice_a_second_and_the_newest_wins() -> None:
    clock, slot = SteppedClock(), ViewSlot()
    maker = a_maker(clock, slot)

    maker.refresh()
    first = slot.latest
    clock.seconds += 0.4
    maker.refresh()
    second = slot.latest
    clock.seconds += 0.2
    maker.refresh()

    assert first is second
    assert slot.latest is not None
    assert slot.latest is not first
    assert slot.latest.made_s == clock.seconds


def test_the_last_view_of_a_run_is_made_whatever_the_time() -> None:
    slot = ViewSlot()
    maker = a_maker(SteppedClock(), slot)
    maker.refresh()
    first = slot.latest

    maker.refresh_now()

    assert isinstance(slot.latest, DaemonView)
    assert slot.latest is not first


def a_maker(clock: SteppedClock, slot: ViewSlot) -> ViewMaker:
    return ViewMaker(
        memory=a_memory(positions=[a_position()]),
        setting=a_setting(),
        facts=FACTS,
        feed=ViewFeed(),
        slot=slot,
        sources=Sources(marks=lambda symbols: Marks(prices=dict.fromkeys(symbols, Decimal(1)))),
        clock=clock,
        real=clock,
    )


def an_instant(text: str) -> datetime:
    return datetime.strptime(f"{text} +0530", "%Y-%m-%d %H:%M %z").astimezone(UTC)


def test_the_last_cycle_is_told_by_its_event_since_no_run_of_it_is_kept() -> None:
    view = a_view(events=[an_event(EventName.CYCLE, "cycle: 3 orders looked at", minutes=-1)])

    (row,) = [row for row in view.schedule if row.name == "cycle"]

    assert (row.last_at, row.outcome) == (later(-1), "cycle: 3 orders looked at")
