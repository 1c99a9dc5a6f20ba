"""`main.py ids`: what an id leads to, what led nowhere, and the care of the table."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from sqlalchemy import Engine

from config.loading import load_settings
from tradebot.adapters.storage.lifecycle_care import Count, findings, move_in, stats
from tradebot.adapters.storage.lifecycle_store import LifecycleStore
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.reading import look_at_database
from tradebot.cli.exit_codes import ExitCode
from tradebot.interfaces.text.table import table


def resolve(options: argparse.Namespace) -> int:
    """The order that any id of it leads to, with all the ids that it ever had."""
    with _database(options) as database, closing(LifecycleStore(database)) as store:
        found = store.resolve(options.id, RealClock().now())
        if found is None:
            print(f"tradebot: {options.id} leads to no order; `main.py ids dead` keeps it", file=sys.stderr)
            return ExitCode.USAGE
        print(f"order {found.order_id}: {found.id_type}, {found.status}")
        rows = [
            (entry.id_type, entry.lifecycle_id, entry.status, entry.replaced_by or "", entry.notes)
            for entries in store.history(found.order_id).values()
            for entry in entries
        ]
    print(table(("type", "id", "status", "replaced by", "notes"), rows))
    return ExitCode.OK


def dead(options: argparse.Namespace) -> int:
    """Words of the broker, and questions, that led to no order: the newest first."""
    with _database(options) as database:
        letters = LifecycleStore(database).dead(options.limit)
    rows = [(f"{e.at:%Y-%m-%d %H:%M:%S}", e.named_id, e.reason, e.said, e.detail) for e in letters]
    print(table(("time (UTC)", "id", "reason", "what was said", "about"), rows) if rows else "no dead letters")
    return ExitCode.OK


def check(options: argparse.Namespace) -> int:
    """Name everything that must not be; nothing when all is well."""
    with _database(options) as database:
        found = findings(database)
    print("\n".join(found) if found else "ids: all is well")
    return ExitCode.STATE_CORRUPT if found else ExitCode.OK


def count(options: argparse.Namespace) -> int:
    """How many there are, by type and by day."""
    with _database(options) as database:
        by_type, by_day = stats(database)
    print(table(("type", "ids", "active"), _rows(by_type)))
    print()
    print(table(("day (UTC)", "ids", "active"), _rows(by_day)))
    return ExitCode.OK


def migrate(options: argparse.Namespace) -> int:
    """Give the orders that were there before their ids; a second time changes nothing."""
    with _database(options) as database:
        clock = RealClock()
        began = clock.monotonic()
        moved = move_in(database, clock.now())
        took_s = clock.monotonic() - began
    rate = moved.migrated / took_s if took_s else 0
    print(
        f"total {moved.total}, migrated {moved.migrated}, skipped {moved.skipped}, errors {moved.errors},"
        f" {rate:.0f} a second"
    )
    return ExitCode.STATE_CORRUPT if moved.errors else ExitCode.OK


def _rows(counts: Sequence[Count]) -> list[tuple[str, str, str]]:
    return [(each.name, str(each.ids), str(each.active)) for each in counts]


@contextmanager
def _database(options: argparse.Namespace) -> Iterator[Engine]:
    settings = load_settings(options.config.absolute().parent, os.environ)
    with look_at_database(settings, options.home.absolute()) as database:
        yield database
