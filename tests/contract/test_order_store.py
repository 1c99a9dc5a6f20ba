"""What every database behind the order store does, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from tests.unit.storage.builders import (
    MONDAY,
    NOON,
    a_command_run,
    a_decision,
    a_fill,
    a_full_order,
    a_job_run,
    a_position,
    a_request,
    a_sell,
    an_attempt,
    an_event,
    an_order,
)
from tests.unit.storage.databases import KINDS, a_database
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.outbox_reader import OutboxReader
from tradebot.domain.errors import SaveFailed
from tradebot.domain.orders import AttemptStatus, BrokerOrderId, Coid, Order, OrderStatus, RequestState
from tradebot.domain.outbox import OutboxKind, OutboxState, outbox_entry
from tradebot.domain.stored import Changes, Stored
from tradebot.ports import OrderStore

FRIDAY = MONDAY - timedelta(days=3)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with a_database(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def store(engine: Engine) -> OrderStore:
    return SqlOrderStore(engine)


def test_an_empty_database_loads_as_nothing(store: OrderStore) -> None:
    assert store.load(MONDAY) == Stored(
        orders=[],
        attempts=[],
        requests=[],
        positions=[],
        fills=[],
        job_runs=[],
        decisions=[],
        command_runs=[],
        batches=[],
        batch_legs=[],
        lifecycle_ids=[],
    )


@pytest.mark.parametrize("order", [an_order(), a_full_order()], ids=["new", "full"])
def test_everything_that_is_saved_loads_as_it_was(store: OrderStore, order: Order) -> None:
    changes = Changes(
        orders=[order],
        attempts=[an_attempt(order)],
        requests=[a_request(order)],
        positions=[a_position()],
        fills=[a_fill(order, is_late=True)],
        events=[an_event(order, from_status=OrderStatus.PENDING)],
        decisions=[a_decision(order_id=order.id)],
        job_runs=[a_job_run()],
        command_runs=[a_command_run()],
    )

    store.save(changes)
    loaded = store.load(MONDAY)

    assert loaded == Stored(
        orders=changes.orders,
        attempts=changes.attempts,
        requests=changes.requests,
        positions=changes.positions,
        fills=changes.fills,
        decisions=changes.decisions,
        job_runs=changes.job_runs,
        command_runs=changes.command_runs,
        batches=[],
        batch_legs=[],
        lifecycle_ids=[],
        sequences={"primary": 1},
        highest_order_id=order.id,
    )


def test_a_row_with_the_same_key_replaces_the_one_before(store: OrderStore) -> None:
    order = an_order()
    store.save(
        Changes(orders=[order], attempts=[an_attempt(order)], requests=[a_request(order)], positions=[a_position()])
    )
    later = replace(order, retry_count=1, broker_order_id=BrokerOrderId("7"))
    attempt = an_attempt(order, status=AttemptStatus.UNKNOWN, looks=2)
    request = a_request(order, state=RequestState.UNKNOWN, detail="timed out", answered_at=NOON)
    position = a_position(quantity=2)

    store.save(Changes(orders=[later], attempts=[attempt], requests=[request], positions=[position]))

    loaded = store.load(MONDAY)
    assert (loaded.orders, loaded.attempts) == ([later], [attempt])
    assert (loaded.requests, loaded.positions) == ([request], [position])


def test_a_fill_and_a_job_run_that_are_there_stay_and_the_last_decision_counts(store: OrderStore) -> None:
    order = an_order()
    first = Changes(orders=[order], fills=[a_fill(order)], decisions=[a_decision()], job_runs=[a_job_run()])
    store.save(first)

    store.save(
        Changes(
            fills=[a_fill(order, quantity=9), a_fill(order, "trade-2", traded_at=NOON + timedelta(seconds=1))],
            decisions=[a_decision(outcome="sent")],
            job_runs=[a_job_run(outcome="again")],
        )
    )

    loaded = store.load(MONDAY)
    assert [(fill.trade_id, fill.quantity) for fill in loaded.fills] == [("trade-1", 4), ("trade-2", 4)]
    assert loaded.job_runs == first.job_runs
    assert [decision.outcome for decision in loaded.decisions] == ["sent"]


def test_a_sequence_is_used_once_and_a_refused_save_leaves_nothing(store: OrderStore) -> None:
    order = an_order()
    store.save(Changes(orders=[order], events=[an_event(order, 1)]))

    with pytest.raises(SaveFailed, match=r"(?i)unique"):
        store.save(Changes(orders=[an_order(2)], events=[an_event(order, 2), an_event(order, 1)]))

    loaded = store.load(MONDAY)
    assert (loaded.orders, loaded.sequences) == ([order], {"primary": 1})


def test_after_a_refused_save_the_next_one_works(store: OrderStore) -> None:
    with pytest.raises(SaveFailed):
        store.save(Changes(orders=[an_order(quantity=0)]))

    store.save(Changes(orders=[an_order()]))

    assert store.load(MONDAY).orders == [an_order()]


def test_two_live_sells_of_one_position_are_refused(store: OrderStore) -> None:
    store.save(Changes(orders=[a_sell(1)]))

    with pytest.raises(SaveFailed, match=r"(?i)unique"):
        store.save(Changes(orders=[a_sell(2)]))

    assert store.load(MONDAY).orders == [a_sell(1)]


@pytest.mark.parametrize(("old", "new"), [(1, 2), (2, 1)])
def test_a_new_sell_takes_the_place_of_one_that_is_cancelled_in_the_same_save(
    store: OrderStore, old: int, new: int
) -> None:
    store.save(Changes(orders=[a_sell(old)]))

    cancelled = a_sell(old, status=OrderStatus.CANCELLED, reason="Parameter update")
    store.save(Changes(orders=[a_sell(new), cancelled]))

    assert {o.id: o.status for o in store.load(MONDAY).orders} == {
        cancelled.id: OrderStatus.CANCELLED,
        a_sell(new).id: OrderStatus.PENDING,
    }


def test_of_two_changes_of_an_order_in_one_save_the_last_one_counts(store: OrderStore) -> None:
    failed = an_order(status=OrderStatus.FAILED, reason="no margin")

    store.save(Changes(orders=[failed, an_order()]))

    assert store.load(MONDAY).orders == [an_order()]


def test_sells_without_a_position_and_buys_stand_beside_each_other(store: OrderStore) -> None:
    orders = [
        a_sell(1, position_id=None),
        a_sell(2, position_id=None),
        an_order(3, position_id="position-1"),
        a_sell(4),
    ]

    store.save(Changes(orders=orders))

    assert store.load(MONDAY).orders == orders


def test_a_client_order_id_belongs_to_one_order(store: OrderStore) -> None:
    store.save(Changes(orders=[an_order(1)]))

    with pytest.raises(SaveFailed, match=r"(?i)unique"):
        store.save(Changes(orders=[an_order(2, coid=an_order(1).coid)]))


@pytest.mark.parametrize("reason", ["", "x" * 513], ids=["empty", "too long"])
def test_a_reason_has_1_to_512_characters(store: OrderStore, reason: str) -> None:
    with pytest.raises(SaveFailed):
        store.save(Changes(orders=[an_order(reason=reason)]))

    store.save(Changes(orders=[an_order(reason="…" * 512)]))


def test_a_row_of_an_order_that_is_not_there_is_refused(store: OrderStore) -> None:
    with pytest.raises(SaveFailed, match=r"(?i)foreign key"):
        store.save(Changes(fills=[a_fill(an_order())]))


def test_a_naive_instant_never_reaches_the_database(store: OrderStore) -> None:
    with pytest.raises(ValueError, match="zone"):
        store.save(Changes(orders=[an_order(1), an_order(2, placed_at=datetime(2026, 11, 23, 9, 15))]))  # noqa: DTZ001

    assert store.load(MONDAY).orders == []


@pytest.mark.parametrize("price", [12.5, Decimal("NaN"), Decimal("Infinity")], ids=str)
def test_money_is_a_finite_decimal(store: OrderStore, price: object) -> None:
    with pytest.raises((TypeError, ValueError), match="money"):
        store.save(Changes(orders=[an_order(price=price)]))

    assert store.load(MONDAY).orders == []


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    cost=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=10**12)
    | st.integers(1, 10**6).map(lambda shares: Decimal(10) / shares),
    at=st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")]),
    ),
)
def test_money_and_instants_come_back_exactly(store: OrderStore, cost: Decimal, at: datetime) -> None:
    store.save(Changes(positions=[a_position(cost=cost, updated_at=at)]))

    (loaded,) = store.load(MONDAY).positions

    assert loaded.cost == cost
    assert (loaded.updated_at, loaded.updated_at.tzinfo) == (at.astimezone(UTC), UTC)


@pytest.mark.parametrize("statement", ["UPDATE order_events SET reason = 'x'", "DELETE FROM order_events"])
def test_an_event_is_never_changed_or_removed(store: OrderStore, engine: Engine, statement: str) -> None:
    order = an_order()
    store.save(Changes(orders=[order], events=[an_event(order)]))

    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_of_earlier_days_what_may_still_change_is_loaded_and_the_rest_is_not(store: OrderStore) -> None:
    statuses = list(OrderStatus)
    orders = [an_order(n, status=status, trading_day=FRIDAY) for n, status in enumerate(statuses, 1)]
    store.save(
        Changes(
            orders=orders,
            attempts=[an_attempt(order, status=AttemptStatus.REJECTED) for order in orders],
            requests=[a_request(order, f"request-{order.id}") for order in orders],
            fills=[a_fill(order, f"trade-{order.id}") for order in orders],
        )
    )

    loaded = store.load(MONDAY)

    alive = [o for o in orders if o.status not in (OrderStatus.CLOSED, OrderStatus.CANCELLED)]
    assert loaded.orders == alive
    for rows in (loaded.attempts, loaded.requests, loaded.fills):
        assert [row.order_id for row in rows] == [order.id for order in alive]
    assert loaded.highest_order_id == orders[-1].id


def test_of_the_days_asked_for_finished_orders_are_loaded_with_their_closed_positions(store: OrderStore) -> None:
    order = a_sell(status=OrderStatus.CLOSED)
    position = a_position("position-1", closed_at=NOON)
    changes = Changes(
        orders=[order],
        attempts=[an_attempt(order, status=AttemptStatus.FILLED)],
        requests=[a_request(order, state=RequestState.ACKED, answered_at=NOON)],
        fills=[a_fill(order)],
        positions=[position, a_position("another", closed_at=NOON)],
    )
    store.save(changes)

    loaded = store.load(MONDAY)

    assert (loaded.orders, loaded.attempts) == (changes.orders, changes.attempts)
    assert (loaded.requests, loaded.fills) == (changes.requests, changes.fills)
    assert loaded.positions == [position]
    assert store.load(MONDAY + timedelta(days=1)).orders == []


@pytest.mark.parametrize(
    ("ids", "highest"),
    [
        (["9", "10", "2"], "10"),
        (["999999999999999999", "1000000000000000000"], "1000000000000000000"),
        (["000000000042", "7"], "000000000042"),
        (["000000000042", "43"], "43"),
    ],
)
def test_the_highest_order_id_is_the_highest_number(store: OrderStore, ids: list[str], highest: str) -> None:
    store.save(Changes(orders=[an_order(number, id=name) for number, name in enumerate(ids)]))

    assert store.load(MONDAY).highest_order_id == highest


@pytest.mark.parametrize("status", [s for s in AttemptStatus if s.is_open])
def test_a_cancelled_order_with_an_open_attempt_is_loaded_with_all_its_attempts(
    store: OrderStore, status: AttemptStatus
) -> None:
    order = an_order(status=OrderStatus.CANCELLED, trading_day=FRIDAY)
    attempts = [an_attempt(order, 1, status=AttemptStatus.REJECTED), an_attempt(order, 2, status=status)]

    store.save(Changes(orders=[order], attempts=attempts))

    loaded = store.load(MONDAY)
    assert (loaded.orders, loaded.attempts) == ([order], attempts)


def test_positions_decisions_and_job_runs_are_loaded_as_far_as_they_matter(store: OrderStore) -> None:
    runs = [a_job_run("sweep", NOON + timedelta(hours=hour)) for hour in range(3)] + [a_job_run("close")]
    store.save(
        Changes(
            positions=[a_position("open"), a_position("closed", closed_at=NOON)],
            decisions=[a_decision("old", trading_day=FRIDAY), a_decision("new")],
            job_runs=runs,
        )
    )

    loaded = store.load(MONDAY)

    assert [position.id for position in loaded.positions] == ["open"]
    assert [decision.id for decision in loaded.decisions] == ["new"]
    assert loaded.job_runs == [runs[3], runs[2]]


def test_each_account_counts_its_own_events(store: OrderStore) -> None:
    mine, theirs = an_order(1), an_order(2, account_id="other")
    store.save(Changes(orders=[mine, theirs], events=[an_event(mine, 1), an_event(mine, 2), an_event(theirs, 7)]))

    assert store.load(MONDAY).sequences == {"primary": 2, "other": 7}


def test_attempts_are_found_by_their_client_order_ids_however_many_are_asked_for(store: OrderStore) -> None:
    order = an_order(1, status=OrderStatus.CLOSED)
    attempts = [an_attempt(order, number, status=AttemptStatus.EXPIRED) for number in range(1, 4)]
    store.save(Changes(orders=[order], attempts=attempts))
    unknown = [Coid(f"Z{number:017d}") for number in range(1_200)]

    found = store.attempts([attempts[2].coid, *unknown, attempts[0].coid])

    assert sorted(attempt.number for attempt in found) == [1, 3]
    assert store.attempts([]) == []


def test_one_attempt_number_of_an_intent_is_used_once(store: OrderStore) -> None:
    order = an_order()
    store.save(Changes(orders=[order], attempts=[an_attempt(order)]))

    with pytest.raises(SaveFailed, match=r"(?i)unique"):
        store.save(Changes(attempts=[an_attempt(order, coid=Coid("Z00000000000000001"))]))


def test_loading_takes_the_same_number_of_queries_for_one_order_and_for_many(store: OrderStore, engine: Engine) -> None:
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *found: asked.append(found[2]))
    counts = []
    for numbers in (range(1, 2), range(2, 40)):
        orders = [an_order(number) for number in numbers]
        store.save(Changes(orders=orders, attempts=[an_attempt(order) for order in orders]))
        asked.clear()
        store.load(MONDAY)
        counts.append(len(asked))

    assert counts[0] == counts[1] <= 15


def test_nothing_to_save_touches_nothing(store: OrderStore) -> None:
    store.save(Changes())

    assert store.load(MONDAY).orders == []


def test_of_the_commands_that_were_done_the_newest_are_loaded(store: OrderStore) -> None:
    runs = [a_command_run(f"cli-{number}", at=NOON + timedelta(seconds=number)) for number in range(1_005)]
    store.save(Changes(command_runs=runs))

    loaded = store.load(MONDAY).command_runs

    assert [run.correlation_id for run in loaded] == [run.correlation_id for run in runs[5:]]


def test_a_command_that_was_done_keeps_its_first_answer(store: OrderStore) -> None:
    store.save(Changes(command_runs=[a_command_run()]))

    store.save(Changes(command_runs=[a_command_run(outcome="conflict")]))

    assert [run.outcome for run in store.load(MONDAY).command_runs] == ["done"]


def test_the_outbox_gives_what_waits_the_critical_first_and_keeps_what_is_settled(
    store: OrderStore, engine: Engine
) -> None:
    reader = OutboxReader(engine)
    entries = [
        outbox_entry(
            OutboxKind.NOTIFICATION,
            target="mail",
            topic="ORDER_REJECTED",
            key=str(number),
            payload="₹ 5…",
            at=NOON + timedelta(seconds=number),
            is_critical=number == 2,
        )
        for number in range(4)
    ]

    store.save(Changes(outbox=entries))
    store.save(Changes(outbox=entries[:1], outbox_marks=[entries[1].delivered(NOON, "sent")]))

    assert reader.waiting(OutboxKind.NOTIFICATION, 10) == [entries[2], entries[0], entries[3]]
    assert reader.waiting(OutboxKind.WEBHOOK, 10) == []
    assert reader.known([entry.id for entry in entries] + ["none"]) == {entry.id for entry in entries}
    assert reader.counts() == {
        (OutboxKind.NOTIFICATION, "mail", OutboxState.WAITING): 3,
        (OutboxKind.NOTIFICATION, "mail", OutboxState.DELIVERED): 1,
    }
