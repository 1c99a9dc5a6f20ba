"""`main.py migrate import`: what stood in the old files stands in the database, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_migrate_command import Operator
from tests.unit.storage.databases import a_postgresql_database
from tradebot.adapters.storage.schema_version import create_database


def a_pending(order_id: str = "251123000001", **changes: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "symbol": "RELIANCE-EQ",
        "ticker": "RELIANCE.NS",
        "qty": 10,
        "order_type": "LIMIT",
        "variety": "AMO",
        "price": 1234.5,
        "placed_at": "2026-11-20T16:05:00",
        "last_status_check": "2026-11-20T16:20:00",
        "status": "PENDING",
        "rejection_reason": None,
        "check_count": 3,
        "executed_qty": 0,
    } | changes


def a_failed(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "SBIN",
        "close": 812.35,
        "qty": 5,
        "reason": "insufficient_balance - shortfall: Rs 12,345",
        "first_failed_at": "2026-11-20T16:05:00+05:30",
        "retry_count": 2,
    } | changes


@pytest.fixture(params=["sqlite", "postgresql"])
def operator(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Operator]:
    """At a home with a database of today."""
    (tmp_path / "state").mkdir()
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'state' / 'tradebot.db'}"
        create_database(url).dispose()
        monkeypatch.setenv("TRADEBOT_DATABASE_URL", url)
        yield Operator(tmp_path, url, capsys)
        return
    with a_postgresql_database() as url:
        create_database(url).dispose()
        monkeypatch.setenv("TRADEBOT_DATABASE_URL", url)
        yield Operator(tmp_path, url, capsys)


def pending_file(operator: Operator, *entries: object) -> Path:
    path = operator.home / "state" / "pending_orders.json"
    path.write_text(json.dumps({"orders": entries}), encoding="utf-8")
    return path


def test_each_status_of_the_old_file_has_its_own_here(operator: Operator) -> None:
    pending_file(
        operator,
        a_pending("1"),
        a_pending("2", status="open"),
        a_pending("3", status="EXECUTED", executed_qty=10),
        a_pending("4", status="EXECUTED", side="SELL"),
        a_pending("5", status="REJECTED", rejection_reason="RMS: margin"),
        a_pending("6", status="CANCELLED"),
    )

    assert operator.types("migrate", "import") == 0

    assert "total 6, imported 6, skipped 0, errors 0" in operator.said
    rows = operator.sql("SELECT broker_order_id, status, side, reason, symbol FROM orders ORDER BY broker_order_id")
    assert rows == [
        ("1", "pending", "buy", "Order placed - waiting for market open", "RELIANCE"),
        ("2", "pending", "buy", "Order placed - waiting for market open", "RELIANCE"),
        ("3", "ongoing", "buy", "Order executed", "RELIANCE"),
        ("4", "closed", "sell", "Order executed", "RELIANCE"),
        ("5", "failed", "buy", "RMS: margin", "RELIANCE"),
        ("6", "cancelled", "buy", "Cancelled", "RELIANCE"),
    ]
    assert operator.sql("SELECT quantity FROM positions") == [(10,)]
    assert operator.sql("SELECT count(*) FROM order_events WHERE source = 'import'") == [(6,)]
    assert operator.types("migrate", "validate") == 0


def test_a_second_import_changes_nothing(operator: Operator) -> None:
    path = pending_file(operator, a_pending("1"), a_pending("2"))
    history = operator.home / "trades_history.json"
    history.write_text(json.dumps({"trades": [], "failed_orders": [a_failed()]}), encoding="utf-8")
    words = ("migrate", "import", "--pending", str(path), "--history", str(history))
    assert operator.types(*words) == 0
    before = operator.sql("SELECT * FROM orders ORDER BY id")

    assert operator.types(*words) == 0

    assert "pending_orders.json: total 2, imported 0, skipped 2, errors 0" in operator.said
    assert "trades_history.json: total 1, imported 0, skipped 1, errors 0" in operator.said
    assert operator.sql("SELECT * FROM orders ORDER BY id") == before


def test_a_failed_order_of_the_history_can_be_retried_here(operator: Operator) -> None:
    history = operator.home / "trades_history.json"
    history.write_text(json.dumps({"failed_orders": [a_failed()]}), encoding="utf-8")

    assert operator.types("migrate", "import", "--history", str(history)) == 0

    (row,) = operator.sql("SELECT symbol, status, reason, retry_count, quantity, first_failed_at FROM orders")
    assert row[:5] == ("SBIN", "failed", "insufficient_balance - shortfall: Rs 12,345", 2, 5)
    assert str(row[5])[:13].replace("T", " ") == "2026-11-20 10"
    assert operator.sql("SELECT count(*) FROM attempts") == [(0,)]


def test_wrong_entries_are_named_and_the_others_are_imported(operator: Operator) -> None:
    pending_file(operator, a_pending("1", qty=0), a_pending("2"), "text", a_pending("4", status="LOST"), {})

    assert operator.types("migrate", "import") == 78

    assert "total 5, imported 1, skipped 0, errors 4" in operator.said
    assert "entry 1: order" in operator.said and "quantity is 0" in operator.said
    assert "entry 3: is no object" in operator.said
    assert "entry 4: unknown status 'LOST'" in operator.said
    assert "entry 5: order_id is missing" in operator.said
    assert operator.sql("SELECT broker_order_id FROM orders") == [("2",)]


def test_the_file_and_the_database_are_copied_before(operator: Operator) -> None:
    path = pending_file(operator, a_pending("1"))
    operator.types("migrate", "import")
    pending_file(operator, a_pending("1"), a_pending("2"))

    operator.types("migrate", "import")

    copies = [name for name in operator.files() if name.startswith(f"{path.name}.backup_")]
    assert len(copies) == 2
    assert len([name for name in operator.files() if "backup_" in name and name not in copies]) == 1
    assert "the database to None" not in operator.said


@pytest.mark.parametrize("text", ["", "[]", '{"orders": 5}', "{"])
def test_a_file_that_is_none_is_refused(operator: Operator, text: str) -> None:
    path = operator.home / "state" / "pending_orders.json"
    path.write_text(text, encoding="utf-8")

    assert operator.types("migrate", "import") == 70
    assert str(path) in operator.said
    assert operator.sql("SELECT count(*) FROM orders") == [(0,)]
