"""What Alembic runs around every migration: one transaction for all steps, and a backup before the first.

With the drivers' own transactions SQLite kept what a failed migration had made: the connection begins and ends
the transaction itself, with the write lock from the start.
"""

from __future__ import annotations

import os
from pathlib import Path

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

from tradebot.adapters.storage import tables
from tradebot.adapters.storage.backup import back_up
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.schema_version import DEFAULT_URL, OLDER_REVISION, mend_older

# PostgreSQL: one migration at a time; the number means nothing.
_LOCK = 4_120_977


def migrate() -> None:
    if context.is_offline_mode():
        raise CommandError("the migrations move rows, so they need a database: --sql is not possible")
    engine = _engine()
    try:
        with engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=tables.whole_schema,
                render_as_batch=True,
                transactional_ddl=True,
                compare_type=True,
            )
            with context.begin_transaction():
                _migrate(connection)
    finally:
        if engine is not context.config.attributes.get("engine"):
            engine.dispose()


def _engine() -> Engine:
    """The engine that the caller gave, else one for `-x url=...`, TRADEBOT_DATABASE_URL or the default."""
    given = context.config.attributes.get("engine")
    if given is not None:
        assert isinstance(given, Engine)
        return given
    named = context.get_x_argument(as_dictionary=True).get("url")
    return open_engine(str(named or os.environ.get("TRADEBOT_DATABASE_URL") or DEFAULT_URL), migrating=True)


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    heads = context.get_context().get_current_heads()
    if OLDER_REVISION not in heads and _leads_elsewhere(heads):
        _say_where(back_up(connection, _backup_folder()))
    try:
        context.run_migrations()
    except CommandError as error:
        if OLDER_REVISION not in heads:
            raise
        raise CommandError(f"the database stands at {OLDER_REVISION}. {mend_older()}") from error
    _check_references(connection)


def _leads_elsewhere(heads: tuple[str, ...]) -> bool:
    """Whether the command moves the database to another revision; True as well where that cannot be told."""
    try:
        wanted = context.get_revision_argument()
    except KeyError:
        return False
    except CommandError:
        return True
    return heads != ((wanted,) if isinstance(wanted, str) else tuple(wanted or ()))


def _backup_folder() -> Path:
    named = context.get_x_argument(as_dictionary=True).get("backup_dir")
    return Path(str(named)) if named else Path("state")


def _say_where(backup: Path | None) -> None:
    if backup is not None:
        context.config.print_stdout("%s", f"the database was copied to {backup}")


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    if broken:
        raise CommandError(f"rows refer to others that are not there: {broken}; nothing was changed")


migrate()
