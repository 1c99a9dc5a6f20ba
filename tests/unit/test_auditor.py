"""The auditor: an honest home gives no finding, and each lie planted in it gives exactly the findings it should."""

from __future__ import annotations

import ast
import json
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.auditor.audit import CHECKS, audit, audit_books
from tests.auditor.database_view import DatabaseView, read_database
from tests.auditor.evidence import Evidence, gather
from tests.auditor.exchange_view import read_exchange
from tests.auditor.findings import Kind
from tests.auditor.hand_written import NOW, Row, fill_database, journal_bytes, snapshot_bytes
from tests.auditor.lies import (
    LIES,
    Honest,
    Lie,
    a_forgotten_fill,
    a_second_order_with_a_tag,
    an_acceptance_that_never_was,
    an_order_without_a_registry_entry,
)
from tests.auditor.log_view import LogView, read_log
from tests.auditor.registry_view import RegistryView, read_registry
from tests.auditor.stream_view import read_stream

AUDITOR = Path(__file__).parents[1] / "auditor"


def test_an_honest_home_gives_no_finding_and_everything_is_checked(tmp_path: Path) -> None:
    home = Honest()
    home.listen()

    report = home.audited(tmp_path)

    assert report.findings == ()
    assert report.ok
    assert report.not_checked == ()
    assert report.counts["orders at the exchange"] == 12
    assert report.counts["fills"] == 7


@pytest.mark.parametrize(("lie", "kinds"), LIES, ids=[lie.__name__ for lie, _ in LIES])
def test_a_lie_is_found_and_nothing_else(lie: Lie, kinds: set[Kind], tmp_path: Path) -> None:
    home = Honest()
    lie(home)

    report = home.audited(tmp_path)

    assert report.kinds == kinds, report
    assert not report.ok


def test_every_check_finds_a_lie(tmp_path: Path) -> None:
    finding: set[str] = set()
    for number, (lie, _) in enumerate(LIES):
        home = Honest()
        lie(home)
        evidence = the_evidence(home.write(tmp_path / str(number)))
        finding |= {check.__name__ for check in CHECKS if list(check(evidence))}

    assert finding == {check.__name__ for check in CHECKS}


def test_after_a_crash_the_registry_may_lack_the_last_answers(tmp_path: Path) -> None:
    home = Honest()
    home.entry(home.sold).update(status="pending", broker_order_id=None, filled_qty=0)

    assert home.audited(tmp_path / "killed", stopped_cleanly=False).ok
    assert home.audited(tmp_path / "stopped").kinds == {Kind.REGISTRY_DISAGREES}


@pytest.mark.parametrize(
    "ahead",
    [
        {"status": "filled"},
        {"status": "cancelled"},
        {"updated": NOW + timedelta(days=30), "status": "unknown"},
        {"filled_qty": 7},
        {"broker_order_id": "1"},
    ],
    ids=lambda ahead: "-".join(ahead),
)
def test_not_even_after_a_crash_the_registry_is_ahead_of_the_database(ahead: Row, tmp_path: Path) -> None:
    home = Honest()
    home.entry(home.standing).update(ahead)

    assert home.audited(tmp_path, stopped_cleanly=False).kinds == {Kind.REGISTRY_DISAGREES}


def test_a_late_fill_after_a_cancellation_is_honest(tmp_path: Path) -> None:
    home = Honest()
    late = home.place("LATE", 10)
    home.end(late, "CANCELLED", event="cancelled", status="cancelled")
    home.trade(late, 10, "20")
    home.at_exchange(late)["status"] = "COMPLETE"
    home.attempt(late)["status"] = home.entry(late)["status"] = "filled"
    home.change(late, "late_bought", "ongoing")

    assert home.audited(tmp_path).findings == ()


def test_a_sell_that_was_filled_in_part_is_cancelled(tmp_path: Path) -> None:
    home = Honest()
    sell = home.place("HALF", 2, side="sell", position_id=home.orders[home.half]["position_id"])
    home.partly(sell, 1, "41")
    home.end(sell, "CANCELLED", event="cancelled", status="cancelled")

    assert home.audited(tmp_path).findings == ()


def test_after_a_split_positions_are_compared_with_the_holdings(tmp_path: Path) -> None:
    home = Honest()
    home.holdings["HALF"] = 3
    home.cash += Decimal("0.20")
    home.position(home.half).update(quantity=3, bought_quantity=4, sold_quantity=1)
    home.listen()

    report = home.audited(tmp_path / "adjusted")
    assert report.findings == ()
    assert report.not_checked == ("profit of primary HALF: a split or a bonus issue changed it",)

    home.position(home.half).update(quantity=2)
    assert home.audited(tmp_path / "forgotten").kinds == {Kind.WRONG_HOLDING}


def test_an_adjustment_that_the_exchange_did_not_make_is_found(tmp_path: Path) -> None:
    home = Honest()
    home.position(home.half).update(quantity=4, bought_quantity=6, sold_quantity=2)

    assert home.audited(tmp_path).kinds == {Kind.WRONG_POSITION, Kind.WRONG_HOLDING}


def test_a_split_that_pays_out_never_costs_cash(tmp_path: Path) -> None:
    home = Honest()
    home.holdings["HALF"] = 3
    home.position(home.half).update(quantity=3, bought_quantity=4, sold_quantity=1)
    home.cash -= Decimal("0.01")

    assert home.audited(tmp_path).kinds == {Kind.WRONG_CASH}


def test_a_split_holding_that_others_trade_in_is_said_not_to_be_checked(tmp_path: Path) -> None:
    home = Honest()
    home.untagged("HALF", 5, "40")
    home.holdings["HALF"] = 14

    assert "holding primary HALF: split, and traded by others too" in home.audited(tmp_path).not_checked


def test_a_linked_order_without_a_tag_is_ours(tmp_path: Path) -> None:
    home = Honest()
    home.at_exchange(home.held)["tag"] = None

    assert home.audited(tmp_path).findings == ()


def test_a_log_that_may_lack_lines_is_no_evidence(tmp_path: Path) -> None:
    home = Honest()
    home.log.clear()
    folder = home.write(tmp_path / "home")

    assert audit(folder).findings == ()
    assert audit(folder).not_checked == ("the log: it may lack lines", "the stream: nobody listened")


def test_views_in_memory_are_audited_alike(tmp_path: Path) -> None:
    home = Honest()
    an_order_without_a_registry_entry(home)
    exchange = read_exchange(home.write(tmp_path / "home") / "exchange")
    snapshot, checksum = snapshot_bytes(list(home.registry.values()))
    registry = RegistryView.from_bytes(snapshot, journal_bytes(1, checksum, []))
    with closing(sqlite3.connect(":memory:")) as connection:
        fill_database(connection, home)
        views = [DatabaseView.from_connection(connection), DatabaseView.from_image(connection.serialize())]
    log = LogView.from_lines(json.dumps(line) for line in home.log)

    assert views[0] == views[1]
    for database in views:
        assert audit_books(exchange, registry, database, log).kinds == {Kind.UNREGISTERED_ORDER}


def test_the_report_is_a_table_that_begins_with_the_verdict(tmp_path: Path) -> None:
    home = Honest()
    assert str(home.audited(tmp_path / "honest")).startswith("0 duplicates, 0 lost, 0 invented: nothing is wrong\n")

    a_second_order_with_a_tag(home)
    a_forgotten_fill(home)
    an_acceptance_that_never_was(home)
    lines = str(home.audited(tmp_path / "lying")).splitlines()
    assert lines[0].startswith("1 duplicates, 1 lost, 1 invented: ")
    assert any(line.split() == ["fills", "6"] for line in lines)
    assert any(line.startswith("  ! duplicate order: A") for line in lines)


def test_the_auditor_shares_no_code_with_tradebot() -> None:
    imported = set()
    for path in [path for path in AUDITOR.glob("*.py") if not path.name.startswith("test_")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")

    own = {name for name in imported if name.startswith("tests.auditor")}
    assert {name.split(".")[0] for name in imported - own} <= sys.stdlib_module_names


def the_evidence(home: Path) -> Evidence:
    return gather(
        read_exchange(home / "exchange"),
        read_registry(home / "state"),
        read_database(home / "state/tradebot.db"),
        read_log(home / "logs"),
        read_stream(home / "stream.jsonl", is_to_the_end=True),
        stopped_cleanly=True,
    )
