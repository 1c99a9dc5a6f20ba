"""The committed instant, what an advance tells, the order book's days, and snapshots."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.unit.exchange.builders import (
    ME,
    MON,
    TUE,
    WED,
    a_buy,
    a_tape,
    an_exchange,
    at,
    placed,
    run_to,
    the_order,
)
from tradebot.domain.calendar import CalendarHorizonError
from tradebot.domain.orders import Variety
from tradebot.exchange.rows import STEPS_MAX, Status
from tradebot.exchange.settings import ExchangeSettings

REGULAR: dict[str, Any] = {"variety": Variety.REGULAR}


def test_an_advance_stops_at_the_first_instant_that_changes_an_order() -> None:
    exchange = an_exchange()
    order_id = placed(exchange, a_buy(price="101"))
    updates = exchange.advance_to(at(MON, "15:00"))
    assert [(u.at, u.order.order_id, u.order.status) for u in updates] == [(at(MON, "09:00"), order_id, Status.OPEN)]
    assert exchange.now == at(MON, "09:00")
    assert len(exchange.advance_to(at(MON, "15:00"))) == 1
    assert exchange.now == at(MON, "09:08")
    assert exchange.advance_to(at(MON, "15:00")) == ()
    assert exchange.now == at(MON, "15:00")


def test_an_instant_at_the_limit_belongs_to_the_advance() -> None:
    exchange = an_exchange()
    placed(exchange, a_buy(price="101"))
    assert exchange.advance_to(at(MON, "08:59:59")) == ()
    assert len(exchange.advance_to(at(MON, "09:00"))) == 1


def test_reading_now_or_the_book_moves_nothing() -> None:
    exchange = an_exchange()
    before = exchange.snapshot()
    assert exchange.now == at(date(2025, 1, 3), "18:00")
    exchange.quote("ABC"), exchange.terms(), exchange.order_book(ME)
    assert exchange.snapshot() == before


def test_going_back_is_an_error() -> None:
    exchange = an_exchange()
    with pytest.raises(ValueError, match="cannot go back"):
        exchange.advance_to(exchange.now - timedelta(seconds=1))


def test_an_instant_beyond_the_calendar_is_refused() -> None:
    exchange = an_exchange()
    with pytest.raises(CalendarHorizonError):
        exchange.advance_to(at(date(2025, 2, 3), "10:00"))


def test_an_unknown_account_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        an_exchange().place("nobody", a_buy())


def test_what_a_command_finished_is_told_by_the_next_advance_once() -> None:
    exchange = an_exchange(opening=at(MON, "09:16:30"))
    order_id = placed(exchange, a_buy(price="110", **REGULAR))
    updates = exchange.advance_to(at(MON, "12:00"))
    assert [(u.at, u.order.order_id, u.order.status) for u in updates] == [
        (at(MON, "09:16:30"), order_id, Status.COMPLETE)
    ]
    assert updates[0].trades == tuple(exchange.order_trades(ME, order_id))
    assert exchange.advance_to(at(MON, "12:00")) == ()


def test_a_placement_that_only_waits_is_not_told_but_its_cancellation_is() -> None:
    exchange = an_exchange(opening=at(MON, "09:16:30"))
    order_id = placed(exchange, a_buy(price="99", **REGULAR))
    assert exchange.advance_to(exchange.now) == ()
    exchange.cancel(ME, order_id, Variety.REGULAR)
    assert [u.order.status for u in exchange.advance_to(exchange.now)] == [Status.CANCELLED]


def test_how_far_the_advances_go_at_a_time_changes_nothing() -> None:
    def fills(step: timedelta) -> list[object]:
        exchange = an_exchange()
        order_id = placed(exchange, a_buy(price="99.5", quantity=800))
        while exchange.now < at(MON, "17:45"):
            exchange.advance_to(min(exchange.now + step, at(MON, "17:45")))
        return [exchange.snapshot(), exchange.order_trades(ME, order_id)]

    assert fills(timedelta(seconds=37)) == fills(timedelta(days=30))


def test_paths_are_computed_only_for_orders_that_a_print_can_reach() -> None:
    tape = a_tape()
    exchange = an_exchange(tape)
    placed(exchange, a_buy("FUT", price="210"))
    placed(exchange, a_buy("DEF", price="45"))
    placed(exchange, a_buy(price="99"))
    run_to(exchange, at(WED, "10:00"))
    assert tape.asked == [("ABC", MON)]


def test_finished_orders_leave_the_book_on_the_next_trading_mornings_turn_and_are_still_found() -> None:
    exchange = an_exchange()
    done = placed(exchange, a_buy(price="101"))
    run_to(exchange, at(MON, "16:30"))
    parked = placed(exchange, a_buy(price="90"))
    run_to(exchange, at(TUE, "05:59"))
    assert [row.order_id for row in exchange.order_book(ME)] == [done, parked]
    assert len(exchange.trades(ME)) == 1
    run_to(exchange, at(TUE, "06:00"))
    assert [row.order_id for row in exchange.order_book(ME)] == [parked]
    assert exchange.trades(ME) == []
    assert the_order(exchange, done).status is Status.COMPLETE
    assert len(exchange.order_trades(ME, done)) == 1


def test_the_oldest_dates_of_finished_orders_are_forgotten_at_the_bound() -> None:
    exchange = an_exchange(settings=ExchangeSettings(archive_dates_max=2))
    ids = []
    for day in (MON, TUE, WED):
        ids.append(placed(exchange, a_buy(price="90")))
        run_to(exchange, at(day, "18:00"))
    run_to(exchange, at(date(2025, 1, 9), "06:30"))
    assert [exchange.order(ME, order_id) is not None for order_id in ids] == [False, True, True]


def test_the_history_of_an_order_with_very_many_fills_is_bounded() -> None:
    tape = a_tape()
    tape.session("ABC", MON, ["100"] * 300, quantity=10)
    exchange = an_exchange(tape)
    order_id = placed(exchange, a_buy(price="100", quantity=1000))
    run_to(exchange, at(MON, "15:00"))
    row = the_order(exchange, order_id)
    assert len(exchange.order_trades(ME, order_id)) > STEPS_MAX
    assert len(row.steps) == STEPS_MAX
    assert row.steps[-1].filled_quantity == row.filled_quantity


def test_several_prints_of_one_instant_are_one_commit() -> None:
    tape = a_tape()
    tape.session("ABC", MON, ["100", "99", "99", "99"], quantity=10, every=timedelta(0))
    exchange = an_exchange(tape)
    order_id = placed(exchange, a_buy(price="99", quantity=9))
    run_to(exchange, at(MON, "09:14"))
    updates = exchange.advance_to(at(MON, "15:00"))
    assert len(updates) == 1
    assert len(updates[0].trades) == 3
    assert the_order(exchange, order_id).filled_quantity == sum(t.quantity for t in updates[0].trades)


def test_two_exchanges_restored_from_one_snapshot_stay_equal() -> None:
    first, second = an_exchange(), an_exchange()
    placed(first, a_buy(price="99.5", quantity=800))
    run_to(first, at(MON, "09:19"))
    second.restore(first.snapshot())
    for exchange in (first, second):
        placed(exchange, a_buy(price="99", quantity=5, **REGULAR))
        run_to(exchange, at(TUE, "16:30"))
        placed(exchange, a_buy(price="99"))
    assert first.snapshot() == second.snapshot()


def test_a_restored_exchange_watches_the_orders_of_the_snapshot() -> None:
    first, second = an_exchange(opening=at(MON, "09:16")), an_exchange(opening=at(MON, "09:16"))
    near = placed(first, a_buy(price="99.5", **REGULAR))
    placed(second, a_buy(price="98.5", **REGULAR))
    run_to(second, at(MON, "09:17"))
    second.restore(first.snapshot())
    run_to(second, at(MON, "09:19"))
    assert the_order(second, near).status is Status.COMPLETE


def test_a_snapshot_does_not_change_with_the_exchange() -> None:
    exchange = an_exchange()
    placed(exchange, a_buy(price="101"))
    snapshot = exchange.snapshot()
    run_to(exchange, at(WED, "10:00"))
    exchange.restore(snapshot)
    assert exchange.now == at(date(2025, 1, 3), "18:00")
    assert [row.status for row in exchange.order_book(ME)] == [Status.AMO_REQ_RECEIVED]
    run_to(exchange, at(MON, "09:10"))
    assert [row.status for row in exchange.order_book(ME)] == [Status.COMPLETE]
