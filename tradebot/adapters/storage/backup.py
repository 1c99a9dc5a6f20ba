"""A copy of the whole database, taken and checked before its schema changes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, inspect

from tradebot.adapters.storage.faults import refusal
from tradebot.domain.errors import StateCorrupt

DUMP_TIMEOUT_S = 3_600
_NAMES_PER_SECOND_MAX = 100


def back_up(connection: Connection, folder: Path) -> Path | None:
    """Copies the database of a connection that has begun a transaction and changed nothing in it yet.

    SQLite: `<db>.backup_YYYYmmdd_HHMMSS` beside the database, by SQLite's backup API. PostgreSQL:
    `backup_pre_status_simplification_YYYYmmdd_HHMMSS.dump` in `folder`, by `pg_dump -F c`. The stamp is in IST.
    None where there is nothing to copy: no rows, or a database in memory. Raises StateCorrupt for a copy that
    could not be made or is not whole; then nothing may be changed.
    """
    rows = _row_counts(connection)
    if not any(rows.values()):
        return None
    url = connection.engine.url
    if connection.dialect.name == "sqlite":
        if url.database in (None, "", ":memory:"):
            return None
        return _copy_sqlite(Path(str(url.database)), _stamp(connection), rows)
    return _dump_postgresql(url, folder, _stamp(connection), rows)


def dump_postgresql(url: URL, target: Path) -> None:
    """The whole database in PostgreSQL's own format. Raises StateCorrupt."""
    _run(["pg_dump", "-F", "c", "-f", str(target), "-d", _without_password(url)], url, target)


def restore_postgresql(url: URL, dump: Path) -> None:
    """A dump into an empty database, wholly or not at all. Raises StateCorrupt, and removes the dump."""
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    _run(["pg_restore", *options, "-d", _without_password(url), str(dump)], url, dump)


def _row_counts(connection: Connection) -> dict[str, int]:
    names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
    quote = connection.dialect.identifier_preparer.quote
    return {name: int(connection.exec_driver_sql(f"SELECT count(*) FROM {quote(name)}").scalar_one()) for name in names}


def _stamp(connection: Connection) -> str:
    query = (
        "SELECT strftime('%Y%m%d_%H%M%S', 'now', '+330 minutes')"
        if connection.dialect.name == "sqlite"
        else "SELECT to_char(now() AT TIME ZONE 'Asia/Kolkata', 'YYYYMMDD_HH24MISS')"
    )
    return str(connection.exec_driver_sql(query).scalar_one())


def _copy_sqlite(source: Path, stamp: str, rows: dict[str, int]) -> Path:
    target = free_path(source.with_name(f"{source.name}.backup_{stamp}"))
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(part)) as copy:
            original.backup(copy)
            found = {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in rows}
            verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise refusal(str(source), str(error)) from error
    if verdict != "ok" or found != rows:
        raise _useless(part, f"integrity {verdict}, rows {found} instead of {rows}")
    publish(part, target)
    return target


def _dump_postgresql(url: URL, folder: Path, stamp: str, rows: dict[str, int]) -> Path:
    target = free_path(folder / f"backup_pre_status_simplification_{stamp}.dump")
    part = target.with_name(target.name + ".part")
    folder.mkdir(parents=True, exist_ok=True)
    dump_postgresql(url, part)
    listing = _run(["pg_restore", "--list", str(part)], url, part)
    missing = [name for name, count in rows.items() if count and f" {name} " not in listing]
    if missing or not part.stat().st_size:
        raise _useless(part, f"its list of contents lacks {missing}")
    publish(part, target)
    return target


def _without_password(url: URL) -> str:
    """As PostgreSQL's programs read it, with its options: a password would stand in the list of processes.

    `URL.set(password=None)` leaves the password where it is.
    """
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return bare.difference_update_query(["password"]).render_as_string()


def _run(command: list[str], url: URL, part: Path) -> str:
    environment = dict(os.environ)
    if (password := url.password or url.query.get("password")) is not None:
        environment["PGPASSWORD"] = str(password)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=DUMP_TIMEOUT_S, check=True
        )
    except FileNotFoundError as error:
        raise _useless(part, f"{command[0]} is not installed (PostgreSQL's client programs)") from error
    except subprocess.CalledProcessError as error:
        raise _useless(part, f"{command[0]} ended with {error.returncode}: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise _useless(part, f"{command[0]} took longer than {DUMP_TIMEOUT_S} s") from error
    return done.stdout


def free_path(target: Path) -> Path:
    """The path, or with a number behind it where two backups fall into one second."""
    candidates = [target, *(target.with_name(f"{target.name}_{n}") for n in range(2, _NAMES_PER_SECOND_MAX))]
    return next(path for path in candidates if not path.exists())


def publish(part: Path, target: Path) -> None:
    for path in (part, target.parent):
        if path is not part:
            part.replace(target)
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _useless(part: Path, problem: str) -> StateCorrupt:
    part.unlink(missing_ok=True)
    return StateCorrupt(
        "the backup before the migration", problem, mend="mend that and start the migration again; nothing was changed"
    )
