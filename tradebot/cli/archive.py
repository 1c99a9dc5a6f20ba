"""`main.py archive`: what ended years ago leaves the database for a file."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date, datetime, time

from config.loading import load_settings
from tradebot.adapters.storage.archive import archive
from tradebot.adapters.storage.backup import back_up, free_path
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.database import existing_database
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.calendar import IST, ist, ist_date


def move_to_archive(options: argparse.Namespace) -> int:
    """Into `state/archive/orders_<day>.db`, a database with the same tables; a backup is taken before."""
    settings = load_settings(options.config.absolute().parent, os.environ)
    now = RealClock().now()
    try:
        day = _years_ago(now, settings.orders.archive_after_years)
        if options.before:
            day = date.fromisoformat(options.before)
    except ValueError as error:
        print(f"tradebot: --before: {error}", file=sys.stderr)
        return ExitCode.USAGE
    with existing_database(settings, options.home.absolute(), owned=True) as database:
        folder = database.state / "archive"
        folder.mkdir(parents=True, exist_ok=True)
        with database.engine.begin() as connection:
            saved = back_up(connection, database.state)
        target = free_path(folder / f"orders_{now.astimezone(IST):%Y%m%d_%H%M%S}.db")
        moved = archive(database.engine, target, ist(day, time(0, 0)))
    if moved.path is None:
        print(f"nothing ended before {day}; the database is as it was")
        return ExitCode.OK
    print(f"what ended before {day} is in {moved.path}; the database was copied to {saved} before")
    print("\n".join(f"{name}: {rows}" for name, rows in moved.rows.items()))
    return ExitCode.OK


def _years_ago(now: datetime, years: int) -> date:
    today = ist_date(now)
    day = min(today.day, 28) if today.month == 2 else today.day
    return today.replace(year=today.year - years, day=day)
