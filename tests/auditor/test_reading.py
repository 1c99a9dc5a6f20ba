"""The auditor reads files as they are documented: also half written, folded and damaged ones, and changes none."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.auditor.audit import audit
from tests.auditor.database_view import DatabaseView
from tests.auditor.exchange_view import read_exchange
from tests.auditor.findings import Kind, Unreadable
from tests.auditor.hand_written import ACCOUNT, OPENING, Row, fill_database, journal_bytes, snapshot_bytes
from tests.auditor.lies import Honest
from tests.auditor.registry_view import RegistryView


def test_books_that_ended_a_day_are_read_from_all_their_files(tmp_path: Path) -> None:
    home = Honest()
    fresh = home.write(tmp_path / "fresh")
    folded = home.write(tmp_path / "folded")
    fold_books(folded / "exchange")

    assert audit(fresh).counts == audit(folded).counts
    assert audit(folded, opening_cash={ACCOUNT: OPENING}).findings == ()
    assert audit(folded, opening_cash={ACCOUNT: OPENING + 1}).kinds == {Kind.WRONG_CASH}
    assert "cash of primary: what it began with is not known" in audit(folded).not_checked


def test_books_inside_of_the_state_folder_are_found_and_two_sets_of_books_are_not_chosen_from(tmp_path: Path) -> None:
    home = Honest().write(tmp_path / "home")
    shutil.move(home / "exchange", home / "state" / "exchange")
    assert audit(home).ok

    (home / "exchange").mkdir()
    assert audit(home).kinds == {Kind.DAMAGED_FILE}


def test_what_a_dying_exchange_left_half_written_does_not_count(tmp_path: Path) -> None:
    home = Honest().write(tmp_path / "home")
    fold_books(home / "exchange")
    before = read_exchange(home / "exchange")
    with (home / "exchange/journal-000001.jsonl").open("a") as journal:
        journal.write('{"t":"2026-11-20T10:00:00+00:00","trades":[{"order_id":"261')
    with (home / "exchange/history.jsonl").open("a") as history:
        history.write('{"order":')

    assert read_exchange(home / "exchange") == before


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("exchange/snapshot.json", lambda data: data.replace(b'"version": 1', b'"version": 2')),
        ("exchange/snapshot.json", lambda data: data.replace(b'"history_bytes": 0', b'"history_bytes": 9')),
        ("exchange/journal-000000.jsonl", lambda data: data[:40] + b"\n" + data[40:]),
        ("state/coid_registry.json", lambda data: data.replace(b'"leg":0', b'"leg":1', 1)),
        ("state/coid_registry.json", lambda data: data.replace(b'"format":1', b'"format":2')),
        ("state/coid_registry.journal", lambda data: data.replace(b'"leg":0', b'"leg":1', 1)),
        ("state/coid_registry.journal", lambda data: b"".join(data.splitlines(keepends=True)[::2])),
        ("state/coid_registry.journal", lambda data: b""),
        ("state/tradebot.db", lambda data: data[:4096]),
        ("logs/bot_log_2.jsonl", lambda data: data[:-5]),
    ],
)
def test_a_damaged_file_is_a_finding(name: str, damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    home = Honest().write(tmp_path / "home")
    data = (home / name).read_bytes()
    (home / name).write_bytes(damage(data))

    assert (home / name).read_bytes() != data
    assert audit(home, log_is_complete=True).kinds == {Kind.DAMAGED_FILE}


@pytest.mark.parametrize("name", ["exchange/snapshot.json", "state/coid_registry.journal", "state/tradebot.db"])
def test_a_missing_file_is_a_finding(name: str, tmp_path: Path) -> None:
    home = Honest().write(tmp_path / "home")
    (home / name).unlink()

    assert audit(home).kinds == {Kind.DAMAGED_FILE}


def test_only_the_last_line_of_the_registry_journal_may_be_torn() -> None:
    entries = list(Honest().registry.values())[:3]
    snapshot, checksum = snapshot_bytes([])
    journal = journal_bytes(1, checksum, entries)
    last = journal.rindex(b"\n", 0, -1) + 1

    for size in range(last, len(journal)):
        assert len(RegistryView.from_bytes(snapshot, journal[:size]).entries) == 2
    assert len(RegistryView.from_bytes(snapshot, journal[: last + 9] + b"x" + journal[last + 10 :]).entries) == 2
    assert len(RegistryView.from_bytes(snapshot, journal).entries) == 3


def test_a_registry_journal_of_the_generation_before_is_in_the_snapshot_already() -> None:
    entries = list(Honest().registry.values())[:2]
    _, checksum = snapshot_bytes([])
    old = journal_bytes(1, checksum, [entries[0] | {"status": "unknown"}])
    snapshot, folded = snapshot_bytes(entries, generation=2)

    assert RegistryView.from_bytes(snapshot, old).entries[entries[0]["coid"]].status == entries[0]["status"]
    with pytest.raises(Unreadable, match="another snapshot"):
        RegistryView.from_bytes(snapshot, journal_bytes(3, folded, []))


def test_a_registry_that_was_never_made_is_empty_but_a_journal_alone_is_a_loss() -> None:
    _, checksum = snapshot_bytes([])
    entry = next(iter(Honest().registry.values()))

    assert RegistryView.from_bytes(None, None).entries == {}
    assert RegistryView.from_bytes(None, journal_bytes(1, checksum, [])).entries == {}
    with pytest.raises(Unreadable):
        RegistryView.from_bytes(None, journal_bytes(1, checksum, [entry]))


def test_money_that_is_not_text_is_refused() -> None:
    home = Honest()
    home.orders[home.held]["execution_value"] = 250.0

    with closing(sqlite3.connect(":memory:")) as connection:
        fill_database(connection, home)
        with pytest.raises(Unreadable, match=r"250\.0 is not exact"):
            DatabaseView.from_connection(connection)


def test_a_database_is_read_with_its_write_ahead_log_and_left_as_it_was(tmp_path: Path) -> None:
    home = Honest().write(tmp_path / "home")
    path = home / "state/tradebot.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE orders SET reason = ''")
        connection.commit()
        before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
        report = audit(home)
        after = {file.name: file.read_bytes() for file in path.parent.iterdir()}

    assert report.kinds == {Kind.MISSING_REASON}
    assert "tradebot.db-wal" in before
    assert after == before


def fold_books(folder: Path) -> None:
    """As an exchange does at a day's end: finished orders to the history, the rest to the snapshot, a new journal."""
    orders: dict[str, Row] = {}
    trades: list[Row] = []
    state: Row = {"orders": [], "trades": [], "margins": [], "holdings": []}
    for line in map(json.loads, (folder / "journal-000000.jsonl").read_text().splitlines()):
        orders |= {row["order_id"]: row for row in line.get("orders", ())}
        trades += line.get("trades", [])
        for name in ("margins", "holdings"):
            state[name] += line.get(name, [])
    history = ""
    for order_id, row in orders.items():
        its_trades = [trade for trade in trades if trade["order_id"] == order_id]
        if row["status"] == "OPEN":
            state["orders"].append(row)
            state["trades"] += its_trades
        else:
            history += json.dumps({"order": row, "trades": its_trades}) + "\n"
    head = {"version": 1, "seed": 7, "generation": 1, "history_bytes": len(history.encode())}
    (folder / "history.jsonl").write_text(history)
    (folder / "snapshot.json").write_text(json.dumps(head | {"state": state}))
    (folder / "journal-000000.jsonl").unlink()
    (folder / "journal-000001.jsonl").write_text("")
