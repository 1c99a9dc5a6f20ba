"""`main.py migrate ...`: what the database's schema is, and how it comes to the one of this code and back."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from config.keys import PASSWORD
from config.loading import load_settings
from tradebot.adapters.storage.copying import copy_database
from tradebot.adapters.storage.migrating import Migrations
from tradebot.adapters.storage.rehearsal import rehearsed
from tradebot.adapters.storage.schema_version import HEAD, WrongSchema, check_version, create_database
from tradebot.adapters.storage.validation import validate
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.database import OpenDatabase, existing_database
from tradebot.app.reading import unseen
from tradebot.cli.exit_codes import ExitCode
from tradebot.cli.migration_text import schema_text, validation_text


def show_status(options: argparse.Namespace) -> int:
    """STATE_CORRUPT when the daemon would refuse this database."""
    with _database(options, owned=False) as database:
        status = database.migrations(print).status()
        print(schema_text(database.name, status, HEAD))
        try:
            check_version(database.engine)
        except WrongSchema as error:
            print(f"{error.problem}. To mend it: {error.mend}")
            return ExitCode.STATE_CORRUPT
    return ExitCode.OK


def up(options: argparse.Namespace) -> int:
    """To a revision, the newest without one; then validated, where it is the newest."""
    with _database(options, owned=not options.rehearse) as database:
        if options.rehearse:
            return _rehearse(database, options.revision)
        return _move_up(database, options.revision)


def down(options: argparse.Namespace) -> int:
    """To an older revision; what the old schema cannot say is counted and printed."""
    with _database(options, owned=True) as database:
        _move(database.migrations(print), "down", options.revision)
    return ExitCode.OK


def show_validation(options: argparse.Namespace) -> int:
    """STATE_CORRUPT when something is wrong."""
    with _database(options, owned=False) as database:
        return _validate(database)


def _move_up(database: OpenDatabase, revision: str) -> int:
    migrations = database.migrations(print)
    _move(migrations, "up", revision)
    if migrations.status().is_current:
        return _validate(database)
    print(f"not validated: the queries are for {HEAD}")
    return ExitCode.OK


def copy_to(options: argparse.Namespace) -> int:
    """Into an empty database elsewhere; the old one stays as it is, and the configuration too."""
    if problem := _unusable(options.url):
        print(f"tradebot: {problem}", file=sys.stderr)
        return ExitCode.USAGE
    with _database(options, owned=True) as database, unseen(()):
        target = create_database(options.url)
        try:
            for table in copy_database(database.engine, target):
                print(f"{table.name}: {table.rows} rows, the same on both sides")
            name = target.url.render_as_string()
        finally:
            target.dispose()
    print(f"everything is in {name}; set TRADEBOT_DATABASE_URL to it in .env, and keep the old one for a while")
    return ExitCode.OK


def _unusable(url: str) -> str:
    if not url.startswith(("postgresql+psycopg://", "sqlite:///")):
        return "the URL begins with postgresql+psycopg:// or sqlite:///"
    if PASSWORD.search(url):
        return "everybody on this machine can see a password on the command line: give it as PGPASSWORD"
    return ""


def _rehearse(database: OpenDatabase, revision: str) -> int:
    """The same on a copy, with how long it takes; the database stays as it is."""
    clock = RealClock()
    folder = database.state / "rehearsal"
    with rehearsed(database.engine, folder) as engine:
        copy = replace(database, engine=engine, state=folder)
        start = clock.monotonic()
        code = _move_up(copy, revision)
        print(f"on a copy, in {clock.monotonic() - start:.1f} s; the database itself was not changed")
        return code


def _move(migrations: Migrations, direction: str, revision: str) -> None:
    before = migrations.status()
    (migrations.upgrade if direction == "up" else migrations.downgrade)(revision)
    after = migrations.status()
    print(f"from {', '.join(before.stamps) or 'no revision'} to {', '.join(after.stamps) or 'no revision'}")
    for table in sorted(before.rows | after.rows):
        was, now = before.rows.get(table), after.rows.get(table)
        if was != now:
            print(f"{table}: {'not there' if was is None else was} -> {'not there' if now is None else now}")


def _validate(database: OpenDatabase) -> int:
    found = validate(database.engine)
    print(validation_text(found))
    wrong = [each.title for each in found if not each.is_ok]
    if wrong:
        print(f"tradebot: the database is not whole: {', '.join(wrong)}", file=sys.stderr)
        return ExitCode.STATE_CORRUPT
    return ExitCode.OK


@contextmanager
def _database(options: argparse.Namespace, *, owned: bool) -> Iterator[OpenDatabase]:
    settings = load_settings(options.config.absolute().parent, os.environ)
    with existing_database(settings, options.home.absolute(), owned=owned) as database:
        yield database
