"""The database of a home for those who only look: without the daemon's other parts, whose import takes longer than
most questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy.exc import DBAPIError

from config.problems import ConfigError
from config.settings import Settings
from tradebot.adapters.masking import masking
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.faults import as_refusal
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.storage.schema_version import check_version
from tradebot.app.configuration import driver_problems
from tradebot.domain.errors import StateCorrupt


@contextmanager
def open_reader(settings: Settings, home: Path) -> Iterator[OrderReader]:
    """The orders of a home, for looking only. Raises StateCorrupt when there is no database that fits the code."""
    with look_at_database(settings, home) as engine:
        yield OrderReader(engine)


@contextmanager
def look_at_database(settings: Settings, home: Path) -> Iterator[DatabaseEngine]:
    """The database of a home, beside whoever trades on it. Raises StateCorrupt when there is none that fits the
    code."""
    if problems := driver_problems(settings):
        raise ConfigError(problems)
    engine = open_engine(settings.run.database_url_in(home))
    try:
        if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
            raise StateCorrupt(
                str(engine.url.database), "is not there", mend="run `python main.py` once, or name the home with --home"
            )
        with unseen(settings.secrets()):
            check_version(engine)
            yield engine
    finally:
        engine.dispose()


@contextmanager
def unseen(secrets: Sequence[str]) -> Iterator[None]:
    """Errors of the database without the password, which a driver may repeat. Raises StateCorrupt."""
    mask = masking(secrets)
    try:
        yield
    except StateCorrupt as error:
        if mask(str(error)) == str(error):
            raise
        raise StateCorrupt(mask(error.place), mask(error.problem), mend=mask(error.mend)) from None
    except DBAPIError as error:
        raise as_refusal("the database", error, mask) from None
