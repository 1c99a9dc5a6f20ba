"""What an operator sees of a database that is locked, cannot be written, is damaged, or is none of ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.integration.test_migrate_command import Operator
from tests.unit.storage.builders import an_order
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import REVISIONS, create_database
from tradebot.domain.stored import Changes

NOBODY = 65_534
READ = ("orders", "list")
WRITE = ("migrate", "down", REVISIONS[-2])


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    """At a home with a few hundred orders."""
    (tmp_path / "state").mkdir()
    url = f"sqlite:///{tmp_path / 'state' / 'tradebot.db'}"
    monkeypatch.setenv("TRADEBOT_DATABASE_URL", url)
    engine = create_database(url)
    SqlOrderStore(engine).save(Changes(orders=[an_order(number) for number in range(300)]))
    engine.dispose()
    return Operator(tmp_path, url, capsys)


def database(operator: Operator) -> Path:
    return operator.home / "state" / "tradebot.db"


@contextmanager
def a_second_writer(operator: Operator, *, exclusive: bool = False) -> Iterator[None]:
    with closing(sqlite3.connect(database(operator), isolation_level=None)) as connection:
        if exclusive:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE orders SET symbol = symbol")
        yield
        connection.execute("ROLLBACK")


def test_beside_a_second_writer_orders_are_read_and_nothing_is_written(operator: Operator) -> None:
    with a_second_writer(operator):
        assert operator.types(*READ) == 0
        assert operator.types(*WRITE) == 73
        assert "is in use by another program (database is locked)" in operator.said

    assert operator.types("migrate", "status") == 0


def test_a_database_that_another_program_keeps_for_itself_is_named_as_in_use(operator: Operator) -> None:
    with a_second_writer(operator, exclusive=True):
        code = operator.types(*READ)

    assert code == 73
    assert "is in use by another program" in operator.said


def _bend_a_page(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'orders'").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : (page - 1) * size + 200] = b"\xff" * 200
    path.write_bytes(content)


def _cut_in_half(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _overwrite(path: Path) -> None:
    path.write_bytes(b"this is no database " * 500)


@pytest.mark.parametrize("damage", [_bend_a_page, _cut_in_half, _overwrite])
@pytest.mark.parametrize("words", [READ, WRITE, ("migrate", "validate"), ("--ui", "off")], ids=" ".join)
def test_a_damaged_database_is_named_with_what_to_do_and_left_alone(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TRADEBOT_MODE", "paper")
    monkeypatch.setenv("TRADEBOT_ENABLE_HTTP_API", "false")
    damage(database(operator))
    before = database(operator).read_bytes()

    assert operator.types(*words) == 70

    assert "is damaged" in operator.said
    assert "put back the whole of state/ from a backup" in operator.said
    assert database(operator).read_bytes() == before


def test_a_database_that_cannot_be_written_is_named(operator: Operator) -> None:
    path = database(operator)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    operator.types("migrate", "status")
    before = path.read_bytes()

    with _as_somebody_else(operator.home):
        code = operator.types(*READ)

    assert code == 73
    assert "cannot be written" in operator.said
    assert path.read_bytes() == before


def test_an_empty_file_is_no_database_of_orders(operator: Operator) -> None:
    database(operator).write_bytes(b"")

    assert operator.types(*READ) == 70
    assert "holds no tables" in operator.said


@contextmanager
def _as_somebody_else(home: Path) -> Iterator[None]:
    """Who may look and not write. For root nothing is forbidden, so that it becomes nobody meanwhile."""
    state = home / "state"
    for path in (state, *state.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    parents = [folder for folder in state.parents if os.geteuid() == 0 and folder.stat().st_uid == 0]
    modes = {folder: folder.stat().st_mode for folder in parents if not folder.stat().st_mode & 0o001}
    for folder in modes:
        folder.chmod(modes[folder] | 0o011)
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)
        for path in (state, *state.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
