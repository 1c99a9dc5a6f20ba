"""Deaths in the middle of a migration: before each of its statements the files are copied, as a kill would leave them;
the migration is run again on each copy, and must end like the one that nobody interrupted."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from migrations.simplification import OLD_STATUSES
from tests.simulator.disk import seeded
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.migrating import Migrations
from tradebot.adapters.storage.schema_version import REVISIONS

BASELINE = REVISIONS[0]
ORDERS = 40
_PLACED = "2020-11-20 16:05:00"
_NAME = "tradebot.db"
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The folder as it was before the statement of that number."""

    number: int
    statement: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What stands in the database after a migration from the old software that nobody interrupted, and the copies."""

    end: list[str]
    copies: list[Interrupted]


def migrate_once(folder: Path, seed: int, every: int, part: int) -> Migrated:
    """A database of the old software with orders by lot; of the statements those are copied that are `part` more than
    a multiple of `every`."""
    home = folder / "unbroken"
    home.mkdir(parents=True)
    _fill(home, seed)
    copies: list[Interrupted] = []
    numbers = iter(range(1_000_000))

    def keep(statement: str) -> None:
        number = next(numbers)
        if number % every == part:
            copy = folder / str(number)
            shutil.copytree(home, copy)
            copies.append(Interrupted(number=number, statement=statement, folder=copy))

    _upgrade(home, keep)
    return Migrated(end=_dump(home), copies=copies)


def settle(interrupted: Interrupted, end: list[str]) -> list[str]:
    """The same migration again; what differs."""
    try:
        _upgrade(interrupted.folder, lambda _: None)
    except Exception as error:
        return [f"the migration fails when it is run again: {type(error).__name__}: {error}"]
    found = _dump(interrupted.folder)
    shutil.rmtree(interrupted.folder)
    if found == end:
        return []
    return [f"lost order or row in the migration: {line}" for line in sorted(set(end) ^ set(found))[:3]]


def _fill(home: Path, seed: int) -> None:
    engine = open_engine(f"sqlite:///{home / _NAME}", migrating=True)
    Migrations(engine, home, lambda _: None).upgrade(BASELINE)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO orders (user_id, symbol, side, order_type, quantity, price, status, placed_at,"
                " failure_reason, rejection_reason) VALUES ('1', 'SBIN', 'buy', 'LIMIT', :quantity, 812.35, :status,"
                f" '{_PLACED}', :failure, :rejection)"
            ),
            list(_orders(seed)),
        )
    engine.dispose()


def _orders(seed: int) -> Iterator[dict[str, object]]:
    choose = seeded(seed)
    for number in range(ORDERS):
        yield {
            "quantity": 1 + choose(500),
            "status": OLD_STATUSES[number % len(OLD_STATUSES)],
            "failure": ("no funds", None, "x" * 700)[choose(3)],
            "rejection": ("refused", None)[choose(2)],
        }


def _upgrade(home: Path, before_each: Callable[[str], None]) -> None:
    engine = open_engine(f"sqlite:///{home / _NAME}", migrating=True)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def tell(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        before_each(statement)

    try:
        Migrations(engine, home, lambda _: None).upgrade("head")
    finally:
        engine.dispose()


def _dump(home: Path) -> list[str]:
    """Schema and rows; an instant of this very run is none that two runs could share."""
    with closing(sqlite3.connect(home / _NAME)) as connection:
        return [_STAMP.sub(_without_now, line) for line in connection.iterdump()]


def _without_now(stamp: re.Match[str]) -> str:
    return "now" if stamp[0] > "2021" else stamp[0]
