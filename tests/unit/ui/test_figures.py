"""Figures beside the orders: the watchlist, fills and calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.builders import MONDAY, NOON, later
from tests.unit.engine.fakes import FakeClock
from tests.unit.ui.builders import a_busy_view, a_memory, a_view, an_event, the_order
from tests.unit.ui.frames import MOMENT, as_text
from tradebot.adapters.disk import RealDisk
from tradebot.app.rollout_watch import RolloutWatch
from tradebot.domain.events import EventName
from tradebot.domain.orders import BrokerOrderId, BrokerRequest, Order, OrderStatus, RequestKind, RequestState
from tradebot.engine.figures_view import BINS, Vitals, fill_figures
from tradebot.engine.views import Marks
from tradebot.interfaces.ui.browsing import Browsing
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Line, Look


def an_ended_entry(number: int, filled: int, *, minutes: float = 1) -> Order:
    """A buy of ten that has ended, placed at noon and filled so many minutes later."""
    return the_order(
        number,
        status=OrderStatus.ONGOING if filled else OrderStatus.CANCELLED,
        broker_order_id=BrokerOrderId(f"B{number}"),
        trading_day=MONDAY,
        quantity=10,
        execution_qty=filled,
        placed_at=NOON,
        execution_time=later(minutes) if filled else None,
    )


def a_request(number: int, ms: int, **changes: object) -> BrokerRequest:
    request = BrokerRequest(
        id=f"R{number}",
        order_id=the_order(number).id,
        coid=the_order(number).coid,
        kind=RequestKind.PLACE,
        payload={},
        state=RequestState.ACKED,
        prepared_at=NOON,
        answered_at=NOON + timedelta(milliseconds=ms),
    )
    return replace(request, **changes)  # type: ignore[arg-type]


def test_the_watchlist_says_how_far_below_the_high_and_what_is_waited_for() -> None:
    rows = {row.symbol: row for row in a_busy_view().watched}

    assert rows["WIPRO"].waits_for == "blocked: THIN_DEPTH"
    assert rows["INFY"].waits_for == "buy 1,000.00 (1.8%)"
    assert rows["WIPRO"].drop_pct is not None
    assert round(rows["WIPRO"].drop_pct, 2) == Decimal("3.92")


def test_a_listed_symbol_without_a_price_waits_for_a_signal() -> None:
    view = a_view(facts=replace(a_view().facts, watchlist=("M&M",)))

    (row,) = view.watched

    assert (row.symbol, row.last, row.drop_pct, row.waits_for) == ("M&M", None, None, "a signal")


def test_fills_are_counted_by_how_much_of_them_was_filled() -> None:
    orders = [an_ended_entry(1, 10), an_ended_entry(2, 10, minutes=3), an_ended_entry(3, 4), an_ended_entry(4, 0)]

    figures = fill_figures(orders, (), MONDAY)

    assert figures.total == 4
    assert (figures.full_pct, figures.partial_pct, figures.none_pct) == (50, 25, 25)
    assert figures.latency_mean == timedelta(seconds=100)
    assert figures.latency_p95 == timedelta(minutes=3)


def test_only_entries_of_the_day_that_have_ended_count() -> None:
    waiting = the_order(1, status=OrderStatus.PENDING, trading_day=MONDAY, broker_order_id=BrokerOrderId("B1"))
    of_friday = replace(an_ended_entry(2, 10), trading_day=MONDAY - timedelta(days=3))

    assert fill_figures([waiting, of_friday], (), MONDAY).total == 0


def test_every_slippage_lies_in_one_bin() -> None:
    slippages = [Decimal(value) for value in (-50, -10, -1, 0, 4, 5, 14, 15, 400)]

    figures = fill_figures([], slippages, MONDAY)

    assert sum(count for _, count in figures.slippage) == len(slippages)
    assert len(figures.slippage) == len(BINS) + 1
    assert dict(figures.slippage) == {
        "< -10": 1, "-10..-5": 1, "-5..0": 1, "0..5": 2, "5..10": 1, "10..15": 1, ">= 15": 2,
    }  # fmt: skip


def test_the_last_slippages_come_from_what_was_told() -> None:
    told = [an_event(EventName.ENTRY_SLIPPAGE, "INFY", slippage_bps=Decimal("3.5"))]

    assert a_view(events=told).fills.slippage_p50 == Decimal("3.5")


def test_answers_of_orders_are_timed_and_those_that_never_came_are_not() -> None:
    memory = a_memory()
    for number in range(1, 100):
        memory.requests[f"R{number}"] = a_request(number, ms=number)
    memory.requests["lost"] = a_request(100, ms=9_000, state=RequestState.UNKNOWN)

    calls = a_view(memory, vitals=Vitals(calls=7, delayed=2)).calls

    assert (calls.answer_p50, calls.answer_p99) == (timedelta(milliseconds=50), timedelta(milliseconds=99))
    assert (calls.calls, calls.delayed) == (7, 2)


@pytest.mark.parametrize("name", ["CACHE_HIT", "CACHE_STALE", "CACHE_MISS", "RATE_LIMIT_THROTTLE"])
def test_what_is_told_of_calls_is_counted(name: str) -> None:
    calls = a_view(events=[an_event(EventName(name), "INFY")] * 3).calls

    assert calls.hits + calls.stale + calls.misses + calls.throttled == 3


def test_nothing_known_is_shown_as_nothing_known() -> None:
    view = a_view(marks=Marks())

    assert view.fills.full_pct is None
    assert view.calls.answer_p50 is None


def test_the_phase_of_a_rollout_stands_in_the_header_and_none_where_there_is_none() -> None:
    begun, none = a_view(vitals=Vitals(rollout_phase=2)), a_view()

    assert "phase 2 " in text_of(frame(begun, Browsing(), (120, 40), MOMENT)[:1])
    assert "phase" not in text_of(frame(none, Browsing(), (120, 40), MOMENT)[:1])


def text_of(lines: list[Line]) -> str:
    return as_text(lines, Look())


def test_a_rollout_file_that_makes_no_sense_has_no_phase(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    watch = RolloutWatch(tmp_path, RealDisk(durability="process"), FakeClock(NOON), lambda: NOON)
    before = watch.look()
    (tmp_path / "state" / "rollout.json").write_text("[]")
    again = RolloutWatch(tmp_path, RealDisk(durability="process"), FakeClock(NOON), lambda: NOON)

    assert (before, again.look()) == (None, None)
