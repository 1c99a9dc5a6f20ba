"""The migrations as our own commands run them: what Alembic would do, with every refusal as one of our errors."""

from __future__ import annotations

import io
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import DBAPIError

from tradebot.adapters.storage.database import for_reading
from tradebot.adapters.storage.faults import as_refusal
from tradebot.adapters.storage.schema_version import HEAD, REVISIONS
from tradebot.domain.errors import StateCorrupt

ALEMBIC_INI = Path(__file__).resolve().parents[3] / "alembic.ini"


class MigrationRefused(StateCorrupt):
    """The migration stopped; the database is as it was before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One step of the history, oldest first in a list."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """`stamps` is where the database says it stands; `pending` what leads from there to the code."""

    stamps: tuple[str, ...]
    pending: tuple[Revision, ...]
    rows: dict[str, int]

    @property
    def is_current(self) -> bool:
        return self.stamps == (HEAD,)


class Migrations:
    """Moves one database to another revision; `say` is told what the migrations say."""

    def __init__(self, engine: Engine, backup_folder: Path, say: Callable[[str], None]) -> None:
        self._engine = engine
        self._backup_folder = backup_folder
        self._say = say

    def status(self) -> SchemaStatus:
        with for_reading(self._engine).begin() as connection:
            stamps = MigrationContext.configure(connection).get_current_heads()
            quote = connection.dialect.identifier_preparer.quote
            rows = {
                name: int(connection.exec_driver_sql(f"SELECT count(*) FROM {quote(name)}").scalar_one())
                for name in sorted(inspect(connection).get_table_names())
                if name != "alembic_version"
            }
        return SchemaStatus(stamps=tuple(stamps), pending=_pending(stamps), rows=rows)

    def upgrade(self, revision: str) -> None:
        """Raises MigrationRefused or DiskRefused; then nothing was changed."""
        with self._refusals():
            command.upgrade(self._config(), revision)

    def downgrade(self, revision: str) -> None:
        """Raises MigrationRefused or DiskRefused; then nothing was changed."""
        with self._refusals():
            command.downgrade(self._config(), revision)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        place = self._engine.url.render_as_string()
        try:
            yield
        except CommandError as error:
            raise MigrationRefused(place, str(error), mend="see docs/migrations.md; nothing was changed") from error
        except DBAPIError as error:
            raise as_refusal(place, error) from error
        except StateCorrupt:
            raise
        except Exception as error:
            if type(error).__name__ != "Unmovable":  # known to `migrations/` alone, which stands outside
                raise
            raise MigrationRefused(place, str(error), mend="correct the row, and start it again") from error

    def _config(self) -> Config:
        options = Namespace(x=[f"backup_dir={self._backup_folder}"])
        config = Config(ALEMBIC_INI, stdout=_Lines(self._say), cmd_opts=options)
        config.attributes["engine"] = self._engine
        return config


class _Lines(io.StringIO):
    """A stream that hands on each line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = say

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if line:
                self._tell(line)
        return len(text)


def _pending(stamps: tuple[str, ...]) -> tuple[Revision, ...]:
    """What is still to come; empty for a database that stands at no revision of ours."""
    if stamps and stamps[0] not in REVISIONS:
        return ()
    script = ScriptDirectory.from_config(Config(ALEMBIC_INI))
    missing = REVISIONS[REVISIONS.index(stamps[0]) + 1 :] if stamps else REVISIONS
    found = [script.get_revision(revision) for revision in missing]
    return tuple(Revision(id=each.revision, title=each.doc) for each in found)
