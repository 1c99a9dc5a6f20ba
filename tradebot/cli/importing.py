"""`main.py migrate import`: orders from the files of the older software."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from config.loading import load_settings
from migrations.importing import Imported, Owner, import_history, import_pending
from tradebot.adapters.storage.backup import back_up, free_path
from tradebot.adapters.storage.schema_version import check_version
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.database import existing_database
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.calendar import IST

ReadFile = Callable[[Connection, Path, Owner, datetime], Imported]
PENDING = Path("state") / "pending_orders.json"


def import_files(options: argparse.Namespace) -> int:
    """Can be run again: what is there already is skipped. CONFIGURATION when an entry could not be imported."""
    home, now = options.home.absolute(), RealClock().now()
    settings = load_settings(options.config.absolute().parent, os.environ)
    owner = Owner(user_id=settings.run.user_id, account_id=settings.run.account_id)
    files = _files(options, home)
    if not files:
        print(f"there is no {home / PENDING}; name a file with --pending or --history")
        return ExitCode.CONFIGURATION
    errors = 0
    with existing_database(settings, home, owned=True) as database:
        check_version(database.engine)
        for path, read in files:
            copy = free_path(path.with_name(f"{path.name}.backup_{now.astimezone(IST):%Y%m%d_%H%M%S}"))
            shutil.copy2(path, copy)
            with database.engine.begin() as connection:
                saved = back_up(connection, database.state)
                print(f"{path} was copied to {copy}{'' if saved is None else f', the database to {saved}'}")
                result = read(connection, path, owner, now)
            _tell(path, result)
            errors += len(result.errors)
    return ExitCode.CONFIGURATION if errors else ExitCode.OK


def _files(options: argparse.Namespace, home: Path) -> list[tuple[Path, ReadFile]]:
    named: list[tuple[Path | None, ReadFile]] = [(options.pending, import_pending), (options.history, import_history)]
    found = [(path.absolute(), read) for path, read in named if path is not None]
    if not found and (home / PENDING).exists():
        found = [(home / PENDING, import_pending)]
    return found


def _tell(path: Path, result: Imported) -> None:
    counts = f"total {result.total}, imported {result.imported}, skipped {result.skipped}, errors {len(result.errors)}"
    print("\n".join([f"{path.name}: {counts}", *result.errors]))
