"""The database by itself, without a daemon: opened for migrations, copies and archives, and for looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from config.problems import ConfigError
from config.settings import Settings
from tradebot.adapters.masking import masking
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.migrating import Migrations
from tradebot.app.books import owned_disk
from tradebot.app.configuration import driver_problems
from tradebot.app.reading import unseen
from tradebot.domain.errors import StateCorrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDatabase:
    """`name` is the URL without its password; `state` the folder for copies."""

    engine: Engine
    name: str
    state: Path
    mask: Callable[[str], str]

    def migrations(self, say: Callable[[str], None]) -> Migrations:
        return Migrations(self.engine, self.state, lambda text: say(self.mask(text)))


@contextmanager
def existing_database(settings: Settings, home: Path, *, owned: bool) -> Iterator[OpenDatabase]:
    """The database of a home as it stands, whatever its schema. `owned`: nobody else runs on the home meanwhile.

    Raises StateCorrupt when it is not there, and AlreadyRunning.
    """
    if problems := driver_problems(settings):
        raise ConfigError(problems)
    with ExitStack() as stack:
        if owned:
            owned_disk(stack, settings, home)
        engine = open_engine(settings.run.database_url_in(home), migrating=True)
        stack.callback(engine.dispose)
        stack.enter_context(unseen(settings.secrets()))
        if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
            raise StateCorrupt(
                str(engine.url.database), "is not there", mend="name the home with --home; a first run makes a new one"
            )
        yield OpenDatabase(
            engine=engine,
            name=engine.url.render_as_string(),
            state=home / "state",
            mask=masking(settings.secrets()),
        )
