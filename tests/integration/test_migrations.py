"""Every database of the history comes to the schema of today and back, or stays exactly as it was."""

from __future__ import annotations

import itertools
import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from migrations.legacy_rows import NO_REASON
from migrations.simplification import OLD_STATUSES, REASON_COLUMNS, Unmovable
from tests.integration.migrated import PLACED, ROOT, Database, everything
from tests.unit.storage.builders import MONDAY, a_fill, a_full_order, a_sell, an_attempt, an_event, an_order
from tradebot.adapters.storage import tables
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import HEAD, REVISIONS, create_database
from tradebot.domain.errors import SaveFailed
from tradebot.domain.orders import OrderStatus
from tradebot.domain.stored import Changes

BASELINE, FIVE, ONE_REASON = REVISIONS[:3]
LEGACY_ORDERS = int(os.environ.get("TRADEBOT_TEST_LEGACY_ORDERS", "2250"))
"""How many orders go up, down and up again; each set of status and reasons is there from 1,125 on."""


def test_the_code_knows_every_revision_in_its_order() -> None:
    script = ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))

    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == REVISIONS
    assert script.get_heads() == [HEAD]
    named = script.get_revision(FIVE)
    assert Path(named.path).name == "873e86bc5772_order_status_simplification_and_unified_.py"
    assert named.doc == "order_status_simplification_and_unified_reason"


def test_the_migrations_lead_to_the_schema_of_the_code(database: Database) -> None:
    database.upgrade()

    engine = open_engine(database.url)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), tables.whole_schema)
    engine.dispose()
    assert found == []


def test_a_database_made_by_the_code_is_the_same_as_a_migrated_one(sqlite: Database, tmp_path: Path) -> None:
    sqlite.upgrade()
    made = tmp_path / "made.db"

    create_database(f"sqlite:///{made}").dispose()

    assert _schema(made) == _schema(tmp_path / "tradebot.db")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("amo", "pending"),
        ("pending_execution", "pending"),
        ("ongoing", "ongoing"),
        ("sell", "pending"),
        ("closed", "closed"),
        ("failed", "failed"),
        ("retry_pending", "failed"),
        ("rejected", "failed"),
        ("cancelled", "cancelled"),
    ],
)
def test_nine_statuses_become_five_whatever_the_case_of_their_letters(sqlite: Database, old: str, new: str) -> None:
    sqlite.upgrade(BASELINE)
    for word in (old, old.upper(), old.title()):
        sqlite.add(status=word, side="sell" if old == "sell" else "buy")

    sqlite.upgrade(FIVE)

    assert sqlite.rows("SELECT status FROM orders") == [(new,)] * 3
    assert sqlite.rows("SELECT to_status FROM order_events WHERE event = 'status_migrated'")[0] == (new,)


def test_a_status_sell_with_another_side_is_a_sell_and_is_counted(database: Database) -> None:
    database.upgrade(BASELINE)
    database.add(status="sell", side="buy")
    database.add(status="sell", side="sell")

    database.upgrade(FIVE)

    assert database.rows("SELECT side FROM orders") == [("sell",), ("sell",)]
    assert "1 orders with status sell had another side" in database.said.getvalue()
    assert '"side":"buy"' in _plain(database.rows("SELECT figures FROM order_events ORDER BY sequence")[0][0])


def test_one_reason_is_filled_in_the_order_of_the_old_columns(database: Database) -> None:
    database.upgrade(BASELINE)
    database.add(status="failed", failure_reason="a", rejection_reason="b", cancelled_reason="c")
    database.add(status="rejected", failure_reason=" ", rejection_reason="b", cancelled_reason="c")
    database.add(status="cancelled", failure_reason="", cancelled_reason="c")
    database.add(status="amo")

    database.upgrade(FIVE)

    assert database.rows("SELECT reason FROM orders ORDER BY id") == [("a",), ("b",), ("c",), (None,)]
    kept = database.rows("SELECT order_id, reason FROM order_events WHERE event = 'reason_kept' ORDER BY sequence")
    assert kept == [("1", "b"), ("1", "c"), ("2", "c")]


def test_a_long_reason_is_cut_with_an_ellipsis_and_kept_whole_as_an_event(database: Database) -> None:
    long = "x" * 511 + "₹₹"
    database.upgrade(BASELINE)
    database.add(status="failed", failure_reason=long)

    database.upgrade()

    assert database.rows("SELECT reason FROM orders") == [("x" * 511 + "…",)]
    assert (long,) in database.rows("SELECT reason FROM order_events")


def test_an_order_with_failed_order_in_its_metadata_is_failed_with_what_stands_there(database: Database) -> None:
    failure = {"reason": "no money", "first_failed_at": "2026-11-19T16:05:00+05:30", "retry_count": 4}
    database.upgrade(BASELINE)
    database.add(failure_reason="older", order_metadata=json.dumps({"failed_order": failure, "atr": 3}))
    database.add(order_metadata=json.dumps({"failed_order": None}))

    database.upgrade(FIVE)

    (row, other) = database.rows("SELECT status, reason, retry_count, first_failed_at FROM orders ORDER BY id")
    assert row[:3] == ("failed", "no money", 4)
    assert str(row[3]).startswith("2026-11-19 16:05:00")
    assert other[0] == "pending"
    assert ("older",) in database.rows("SELECT reason FROM order_events")
    (kept,) = database.rows("SELECT order_metadata FROM orders WHERE id = 1")[0]
    assert json.loads(_plain(kept)) == {"migrated_failed_order": failure, "atr": 3}


def test_an_unknown_status_stops_the_migration_and_names_the_order(sqlite: Database) -> None:
    sqlite.upgrade(BASELINE)
    sqlite.add()
    sqlite.add(status="halted")
    before = everything(sqlite)

    with pytest.raises(Unmovable, match="order 2: unknown status 'halted'"):
        sqlite.upgrade()

    assert everything(sqlite) == before


def test_a_quantity_that_no_order_can_have_stops_the_migration_and_names_the_order(sqlite: Database) -> None:
    sqlite.upgrade(BASELINE)
    sqlite.add(quantity=0)
    before = everything(sqlite)

    with pytest.raises(Unmovable, match="order 1: quantity is 0"):
        sqlite.upgrade()

    assert everything(sqlite) == before


def test_an_old_order_has_its_place_in_our_columns(database: Database) -> None:
    database.upgrade(BASELINE)
    database.add(
        status="ongoing",
        order_id="AMO-7",
        execution_price=812.3,
        execution_qty=5,
        execution_time="2026-11-20 09:15:01",
        orig_source="signal",
    )

    database.upgrade()

    loaded = _load(database)
    (order,) = loaded.orders
    assert (order.id, order.coid, order.account_id) == ("000000000001", "LEGACY000000000001", "primary")
    assert (str(order.price), str(order.execution_value)) == ("812.35", "4061.5")
    assert order.created_at.isoformat() == "2026-11-20T10:35:00+00:00"
    assert (order.broker_order_id, order.reason) == ("AMO-7", NO_REASON)
    assert order.execution_time is not None
    assert order.execution_time.isoformat() == "2026-11-20T03:45:01+00:00"
    (position,) = loaded.positions
    assert (position.id, position.quantity, str(position.cost)) == ("legacy-000000000001", 5, "4061.5")
    assert (order.position_id, position.opened_by) == (position.id, order.coid)


def test_stamps_without_a_zone_mean_ist_and_others_mean_what_they_say(sqlite: Database) -> None:
    sqlite.upgrade(BASELINE)
    for stamp in ("2026-11-20 16:05:00", "2026-11-20T10:35:00Z", "2026-11-20 16:05:00.000000+05:30"):
        sqlite.add(placed_at=stamp)

    sqlite.upgrade()

    assert sqlite.rows("SELECT placed_at FROM orders") == [("2026-11-20T10:35:00.000000Z",)] * 3


def test_every_status_and_every_set_of_reasons_goes_up_down_and_up_again(database: Database) -> None:
    database.upgrade(BASELINE)
    texts = (None, "", "out of funds", "Broker rejected: RMS", "y" * 600)
    every = itertools.cycle(itertools.product(OLD_STATUSES, *[texts] * 3))
    sets = list(itertools.islice(every, LEGACY_ORDERS))
    failure = json.dumps({"failed_order": {"reason": "told"}})
    database.add_all(
        [
            dict(zip(REASON_COLUMNS, reasons, strict=True))
            | {
                "status": status,
                "side": "sell" if number % 3 == 0 else "buy",
                "first_failed_at": PLACED if number % 2 else None,
                **dict.fromkeys(_STAMPS, f"2026-11-{number % 28 + 1:02} 09:15:{number % 60:02}.{number:06}"),
                "order_metadata": failure if number % 50 == 0 else None,
            }
            for number, (status, *reasons) in enumerate(sets)
        ]
    )

    stamps = ", ".join(_STAMPS)
    before = database.rows(f"SELECT {stamps} FROM orders ORDER BY id")

    database.upgrade()
    first = database.rows("SELECT id, status, side, reason, first_failed_at FROM orders ORDER BY id")
    ours = database.rows(f"SELECT {stamps} FROM orders ORDER BY id")
    assert [[_in_ist(stamp) for stamp in row] for row in ours] == [[_in_ist(stamp) for stamp in row] for row in before]
    kept = _kept_texts(database)
    for number, (old, (order, status, *_)) in enumerate(zip(sets, first, strict=True)):
        assert status == ("failed" if number % 50 == 0 else _FIVE[old[0]])
        lost = {text for text in old[1:] if text} - kept[order]
        assert not lost

    database.downgrade(BASELINE)
    back = database.rows("SELECT status, side, first_failed_at IS NULL FROM orders ORDER BY id")
    assert len(back) == len(first)
    for (_, status, side, reason, failed_at), found in zip(first, back, strict=True):
        assert (str(found[0]), found[1]) == (_old_word(status, side, reason, failed_at), side)
        assert bool(found[2]) == (failed_at is None)
    assert database.rows(f"SELECT {stamps} FROM orders ORDER BY id") == before
    columns = ", ".join(REASON_COLUMNS)
    for (_, *reasons), found in zip(sets, database.rows(f"SELECT {columns} FROM orders ORDER BY id"), strict=True):
        assert {text for text in reasons if text} <= set(found)

    database.upgrade()
    again = database.rows("SELECT id, status, side, reason, first_failed_at FROM orders ORDER BY id")
    expected = [(*row[:1], _FIVE[_old_word(*row[1:])], *row[2:]) for row in first]
    assert [row[:3] + row[4:] for row in again] == [row[:3] + row[4:] for row in expected]


def test_what_does_not_come_back_on_the_way_down_is_counted(database: Database) -> None:
    database.upgrade(BASELINE)
    database.add_all([{"status": word} for word in ("retry_pending", "retry_pending", "pending_execution", "amo")])
    database.add(status="sell", side="buy")
    database.upgrade()

    database.downgrade(BASELINE)

    said = [line for line in database.said.getvalue().splitlines() if line.startswith("does not come back")]
    assert said == [
        "does not come back: 1 orders with side sell, which was buy",
        "does not come back: 1 orders with status amo, which was pending_execution",
        "does not come back: 2 orders with status failed, which was retry_pending",
    ]


def test_orders_of_ours_go_down_and_come_back_as_they_were(database: Database) -> None:
    database.upgrade()
    orders = [
        a_full_order(1),
        a_sell(2, position_id="position-1"),
        an_order(3, status=OrderStatus.FAILED, reason="no money", first_failed_at=MONDAY_NOON),
    ]
    _save(
        database,
        Changes(
            orders=orders,
            events=[an_event(order, number) for number, order in enumerate(orders, 1)],
            attempts=[an_attempt(orders[0], 1, status="filled")],
            fills=[a_fill(orders[0])],
        ),
    )

    database.downgrade(ONE_REASON)
    assert "fills is dropped with 1 rows" in database.said.getvalue()
    database.upgrade()

    assert _load(database).orders == orders
    assert database.rows("SELECT order_id FROM order_events ORDER BY sequence") == [(o.id,) for o in orders]


def test_what_the_old_software_did_meanwhile_counts(database: Database) -> None:
    database.upgrade()
    _save(database, Changes(orders=[an_order(1)]))
    database.downgrade(ONE_REASON)
    database.execute("UPDATE orders SET status = 'cancelled', reason = 'Cancelled'")

    database.upgrade()

    assert database.rows("SELECT id, status, reason, coid FROM orders") == [
        (an_order(1).id, "cancelled", "Cancelled", an_order(1).coid)
    ]


def test_each_step_can_be_run_again(database: Database) -> None:
    database.upgrade(BASELINE)
    database.add(status="rejected", failure_reason="a", rejection_reason="b")
    for revision in (FIVE, ONE_REASON, HEAD):
        database.upgrade(revision)
        before = database.rows("SELECT * FROM orders"), database.rows("SELECT * FROM order_events")
        database.stamp(REVISIONS[REVISIONS.index(revision) - 1])
        database.upgrade(revision)
        assert (database.rows("SELECT * FROM orders"), database.rows("SELECT * FROM order_events")) == before


def test_reasons_written_after_the_first_step_are_kept_by_the_second(database: Database) -> None:
    database.upgrade(BASELINE)
    database.add(status="failed", failure_reason="a")
    database.upgrade(FIVE)
    database.execute("UPDATE orders SET cancelled_reason = 'later'")

    database.upgrade(ONE_REASON)

    assert database.rows("SELECT reason FROM order_events WHERE event = 'reason_kept'") == [("later",)]


def test_the_migrated_database_keeps_its_promises(database: Database) -> None:
    database.upgrade(BASELINE)
    database.add(status="amo")
    database.upgrade()

    with pytest.raises(SaveFailed):
        _save(database, Changes(orders=[an_order(1, reason="")]))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        database.execute("DELETE FROM order_events")


MONDAY_NOON = an_order().created_at
_STAMPS = ("placed_at", "filled_at", "closed_at", "last_retry_attempt", "last_status_check", "execution_time")
_FIVE = {
    "amo": "pending",
    "pending_execution": "pending",
    "sell": "pending",
    "ongoing": "ongoing",
    "closed": "closed",
    "failed": "failed",
    "retry_pending": "failed",
    "rejected": "failed",
    "cancelled": "cancelled",
}


def _old_word(status: str, side: str, reason: str, failed_at: object) -> str:
    """The page's rules for the way down, once more."""
    if reason.startswith("Broker rejected") or reason == "Rejected by broker":
        return "rejected"
    if status == "failed":
        return "failed" if failed_at is None else "retry_pending"
    if status == "pending":
        return {"buy": "amo", "sell": "sell"}[side]
    return status


def _in_ist(stamp: object) -> datetime:
    """An instant of either schema and either database, as the wall clock in India shows it."""
    found = stamp if isinstance(stamp, datetime) else datetime.fromisoformat(str(stamp))
    return found if found.tzinfo is None else found.astimezone(ZoneInfo("Asia/Kolkata")).replace(tzinfo=None)


def _kept_texts(database: Database) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    texts = "SELECT id, reason FROM orders UNION ALL SELECT order_id, reason FROM order_events"
    for order, text in database.rows(texts):
        found.setdefault(order, set()).add(text)
    return found


def _schema(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type || ' ' || name, sql FROM sqlite_master").fetchall()
    return {name: re.sub(r"\s+", " ", sql or "") for name, sql in rows}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _load(database: Database) -> Any:
    store = SqlOrderStore(open_engine(database.url))
    loaded = store.load(MONDAY)
    store.close()
    return loaded


def _save(database: Database, changes: Changes) -> None:
    store = SqlOrderStore(open_engine(database.url))
    try:
        store.save(changes)
    finally:
        store.close()
